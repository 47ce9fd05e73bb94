// Somebody else's device on a board with a platform bus, by -device alone.
#include "boards/board_bench.h"
#include "kernel/event/loop.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace backplane {
namespace {

using kernel::Instance;
using kernel::PropertyList;
using testing::BoardBench;
using testing::BoardOptions;
using testing::refusal;

constexpr std::uint64_t kWindow = 0x400'0000;
constexpr unsigned kSum = 0, kLimit = 4, kStatus = 8;
/// The PLIC's pending bits of sources 64 and on, which are the bus's lines.
constexpr std::uint64_t kPending = 0xc00'1008;

class PlatformBus : public ::testing::Test {
  protected:
    PlatformBus() {
        static const std::string plugins = std::getenv("BACKPLANE_PLUGIN_PATH");
        setenv("BACKPLANE_PLUGIN_PATH", (std::string(ACME) + ":" + plugins).c_str(), 1);
    }
    static BoardOptions virt(std::vector<std::pair<std::string, PropertyList>> devices) {
        return {.machine = "riscv-virt-machine", .cpu = "rv64-riscv-cpu", .devices = std::move(devices)};
    }
    static std::string refused(std::vector<std::pair<std::string, PropertyList>> devices) {
        return refusal(virt(std::move(devices)));
    }
};

TEST_F(PlatformBus, ADeviceIsPlacedWhereThereIsRoom) {
    BoardBench board(virt({{"acme-accum", {{"step", "5"}}}, {"acme-accum", {}}}));
    board.store(kWindow + kSum, 2, 4);
    EXPECT_EQ(board.load(kWindow + kSum, 4), 10u);
    board.store(kWindow + 0x1000 + kSum, 2, 4);
    EXPECT_EQ(board.load(kWindow + 0x1000 + kSum, 4), 2u);
    board.load(kWindow + 0x2000, 4);
    EXPECT_TRUE(board.failed());
}

TEST_F(PlatformBus, ADevicesOutputIsTheNextFreeLine) {
    BoardBench board(virt({{"acme-accum", {{"irq", "0"}}}, {"acme-accum", {}}}));
    const std::lock_guard guard(board.machine().lock());
    board.store(kWindow + 0x1000 + kLimit, 1, 4);
    board.store(kWindow + 0x1000 + kSum, 2, 4);
    EXPECT_EQ(board.load(kPending, 4), 2u);
    EXPECT_EQ(board.load(kWindow + 0x1000 + kStatus, 4), 1u);
}

TEST_F(PlatformBus, APlaceMayBeAskedFor) {
    BoardBench board(virt({{"acme-accum", {{"addr", "0x3000"}, {"irq", "5"}}}}));
    board.load(kWindow, 4);
    EXPECT_TRUE(board.failed());
    board.store(kWindow + 0x3000 + kLimit, 1, 4);
    board.store(kWindow + 0x3000 + kSum, 2, 4);
    EXPECT_EQ(board.load(kPending, 4), 1u << 5);
    EXPECT_NE(board.machine().info_qtree().find("mmio 0x4003000-0x400303f, irq 5"), std::string::npos);
}

TEST_F(PlatformBus, APlaceThatCannotBeIsRefusedWithBothNames) {
    const std::string first = "'device[0]' (acme-accum)";
    const std::string second = "'device[1]' (acme-accum)";
    EXPECT_EQ(refused({{"acme-accum", {}}, {"acme-accum", {{"addr", "0"}}}}),
              second + ", region 'acme-accum' of 0x40 bytes: addr=0x0 is where " + first + " is");
    EXPECT_EQ(refused({{"acme-accum", {}}, {"acme-accum", {{"irq", "0"}}}}),
              second + ": irq=0 is the line of " + first);
    EXPECT_EQ(
        refused({{"acme-accum", {{"addr", "0x2000000"}}}}),
        first +
            ", region 'acme-accum' of 0x40 bytes: addr=0x2000000 is outside of the platform bus's window of "
            "0x2000000 bytes");
    EXPECT_EQ(refused({{"acme-accum", {{"addr", "0x10"}}}}),
              "addr=0x10: not a multiple of 0x1000, and devices do not share a page");
    EXPECT_EQ(refused({{"acme-accum", {{"addr", "home"}}}}),
              "addr=home: not a number; write it as 4096 or 0x1000");
    EXPECT_EQ(refused({{"acme-accum", {{"irq", "32"}}}}), "irq=32: the platform bus has lines 0 to 31");
    EXPECT_EQ(refused({{"acme-accum", {{"sep", "1"}}}}),
              "Property 'acme-accum.sep' not found; did you mean 'step'?");
}

TEST_F(PlatformBus, ADeviceMayComeAndGo) {
    BoardBench board(virt({}));
    kernel::Machine& machine = board.machine();
    struct Deletions final : kernel::EventListener {
        void machine_event(std::string_view name, std::string_view data) override {
            if (name == "DEVICE_DELETED") seen = data;
        }
        std::string seen;
    } deletions;
    machine.add_event_listener(deletions);
    ErrorText errors;
    ASSERT_NE(machine.add_device("acme-accum", "x", "", {{"step", "5"}}, errors), nullptr) << errors.text();
    board.store(kWindow + kSum, 2, 4);
    EXPECT_EQ(board.load(kWindow + kSum, 4), 10u);
    ASSERT_TRUE(machine.remove_device("x", errors)) << errors.text();
    machine.loop().run_ready();
    EXPECT_NE(deletions.seen.find(R"("device":"x")"), std::string::npos) << deletions.seen;
    board.load(kWindow, 4);
    EXPECT_TRUE(board.failed());
    EXPECT_NE(machine.add_device("acme-accum", "x", "", {{"addr", "0"}, {"irq", "0"}}, errors), nullptr)
        << errors.text();
    machine.remove_event_listener(deletions);
}

TEST_F(PlatformBus, AnAttemptLeavesNothingBehind) {
    BoardBench board(virt({}));
    ErrorText errors, unused;
    ASSERT_EQ(board.machine().add_device("acme-accum", "x", "", {{"addr", "0x1000"}, {"irq", "99"}}, unused),
              nullptr);
    ASSERT_NE(board.machine().add_device("acme-accum", "x", "", {}, errors), nullptr) << errors.text();
    board.store(kWindow + kSum, 2, 4);
    EXPECT_EQ(board.load(kWindow + kSum, 4), 2u);
}

TEST_F(PlatformBus, TheDeviceTreeHasItsNode) {
    const std::string path = ::testing::TempDir() + "platform_bus_test.dtb";
    BoardOptions options = virt({{"acme-accum", {{"step", "5"}, {"addr", "0x3000"}, {"irq", "7"}}}});
    options.properties = {{"dumpdtb", path}};
    BoardBench board(options);
    std::ifstream file(path, std::ios::binary);
    const std::string tree{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    const int node = fdt_path_offset(tree.data(), "/platform-bus@4000000/accumulator@3000");
    ASSERT_GE(node, 0);
    EXPECT_EQ(fdt_node_check_compatible(tree.data(), node, "acme,accum"), 0);
    EXPECT_EQ(fdt_node_check_compatible(tree.data(), node, "google,goldfish-rtc"), 0);
    const auto cells = [&](const char* name) {
        int size = 0;
        const auto* data = static_cast<const fdt32_t*>(fdt_getprop(tree.data(), node, name, &size));
        std::vector<std::uint32_t> all;
        for (int i = 0; i < size / 4; ++i) all.push_back(fdt32_ld(data + i));
        return all;
    };
    EXPECT_EQ(cells("reg"), (std::vector<std::uint32_t>{0x3000, 0x40}));
    EXPECT_EQ(cells("interrupts"), (std::vector<std::uint32_t>{64 + 7}));
    EXPECT_EQ(cells("acme,step"), (std::vector<std::uint32_t>{5}));
}

}  // namespace
}  // namespace backplane
