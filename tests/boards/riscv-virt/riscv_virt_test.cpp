// The map, the registers at reset and the wires of the RISC-V virt board, as its software finds them.
#include "virt.h"

#include <backplane/draft/riscv/hart.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kPlic = 0xc000000;
constexpr std::uint64_t kUart = 0x10000000;

struct MapEntry {
    std::uint64_t start;
    std::uint64_t end;  ///< the last byte
};

TEST(RiscvVirtMap, WhatAnswersIsWhereItShouldBe) {
    BoardBench board(virt());
    const MapEntry expected[] = {
        {0x1000, 0xffff},           {0x100000, 0x100fff},     {0x101000, 0x101023},
        {0x2000000, 0x2003fff},     {0x2004000, 0x200bfff},   {0x3000000, 0x300ffff},
        {0xc000000, 0xc5fffff},     {0x10000000, 0x10000007}, {0x10001000, 0x100011ff},
        {0x10002000, 0x100021ff},   {0x10003000, 0x100031ff}, {0x10004000, 0x100041ff},
        {0x10005000, 0x100051ff},   {0x10006000, 0x100061ff}, {0x10007000, 0x100071ff},
        {0x10008000, 0x100081ff},   {0x10100000, 0x10100007}, {0x10100008, 0x10100009},
        {0x10100010, 0x10100017},   {0x20000000, 0x21ffffff}, {0x22000000, 0x23ffffff},
        {0x30000000, 0x3fffffff},   {0x40000000, 0x7fffffff}, {0x80000000, 0x87ffffff},
        {0x400000000, 0x7ffffffff},
    };
    // Neighbouring ranges of one device count as one.
    const auto view = board.machine().system_memory().view();
    std::vector<MapEntry> found;
    for (const FlatRange& range : view->ranges) {
        const std::uint64_t end = range.start + (range.size - 1);
        const bool continues =
            !found.empty() && found.back().end + 1 == range.start &&
            std::none_of(std::begin(expected), std::end(expected),
                         [&](const MapEntry& entry) { return entry.start == range.start; });
        if (continues) found.back().end = end;
        else found.push_back({range.start, end});
    }
    ASSERT_EQ(found.size(), std::size(expected));
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].start, expected[i].start) << std::hex << expected[i].start;
        EXPECT_EQ(found[i].end, expected[i].end) << std::hex << expected[i].start;
    }
}

TEST(RiscvVirtMap, TheHighWindowMovesAboveMuchMemory) {
    BoardOptions options = virt();
    options.ram_size = std::uint64_t{15} << 30;
    BoardBench board(options);
    const auto view = board.machine().system_memory().view();
    EXPECT_EQ(view->ranges.back().start, 0x800000000u);
}

TEST(RiscvVirtReset, Mrom) {
    BoardBench board(virt());
    const std::uint32_t expected[] = {0x00000297, 0x02828613, 0xf1402573, 0x0202b583, 0x0182b283, 0x00028067,
                                      0x80000000, 0,          0x87e00000, 0,          0x4942534f, 0,
                                      2,          0,          0,          0,          1,          0,
                                      0,          0,          0,          0,          0,          0};
    for (std::size_t i = 0; i < std::size(expected); ++i)
        EXPECT_EQ(board.load(0x1000 + 4 * i, 4), expected[i]) << i;
}

TEST(RiscvVirtReset, Uart) {
    BoardBench board(virt());
    const unsigned expected[] = {0, 0, 1, 0, 8, 0x60, 0xb0, 0};
    for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(board.load(kUart + i, 1), expected[i]) << i;
}

TEST(RiscvVirtReset, VirtioTransports) {
    BoardBench board(virt());
    for (std::uint64_t base = 0x10001000; base <= 0x10008000; base += 0x1000) {
        EXPECT_EQ(board.load(base, 4), 0x74726976u);
        EXPECT_EQ(board.load(base + 4, 4), 1u) << "legacy";
        EXPECT_EQ(board.load(base + 8, 4), 0u) << "nothing is plugged in";
        EXPECT_EQ(board.load(base + 12, 4), 0x554d4551u);
    }
}

TEST(RiscvVirtReset, TheRest) {
    BoardBench board(virt());
    EXPECT_EQ(board.load(0x100000, 4), 0u);
    EXPECT_EQ(board.load(0x200bff8, 8), 0u);
    EXPECT_EQ(board.load(0x2004000, 8), 0u);
    EXPECT_EQ(board.load(0x2000000, 4), 0u);
    for (const std::uint64_t offset : {0x4u, 0x1000u, 0x2000u, 0x200000u, 0x200004u})
        EXPECT_EQ(board.load(kPlic + offset, 4), 0u);
    EXPECT_EQ(board.load(0x20000000, 8), 0u);
    EXPECT_EQ(board.load(0x80000000, 4), 0x00050433u) << "the firmware's first instruction";
    EXPECT_EQ(board.load(0x87e00000, 4), 0xedfe0dd0u) << "a device tree";
    EXPECT_EQ(board.load(0x10100000, 4), 0x554d4551u);
    EXPECT_EQ(board.load(0x30000000, 4), 0x00081b36u) << "the PCI root";
    EXPECT_EQ(board.load(0x40000000, 4), 0xffffffffu);
    EXPECT_FALSE(board.failed());
    EXPECT_EQ(board.load(0x4000000, 4), 0u);
    EXPECT_TRUE(board.failed()) << "the platform bus is empty";
}

TEST(RiscvVirtReset, HartsStartAtTheResetVector) {
    BoardBench board(virt_smp4());
    ASSERT_EQ(board.machine().cpus().size(), 4u);
    for (Cpu* cpu : board.machine().cpus()) EXPECT_EQ(cpu->program_counter(), 0x1000u);
}

TEST(RiscvVirtReset, AResetPutsBootCodeBack) {
    BoardBench board(virt());
    board.store(0x80000000, 0, 8);
    board.store(0x87e00000, 0, 8);
    board.machine().reset();
    EXPECT_EQ(board.load(0x80000000, 4), 0x00050433u);
    EXPECT_EQ(board.load(0x87e00000, 4), 0xedfe0dd0u);
}

class RiscvVirtWires : public ::testing::Test {
  protected:
    std::uint64_t pending(unsigned hart) {
        return static_cast<riscv::HartState*>(board.machine().cpus()[hart]->state())->pending();
    }
    /// Lets a context take a source.
    void enable(unsigned context, unsigned source) {
        board.store(kPlic + 4 * source, 1, 4);
        board.store(kPlic + 0x2000 + 0x80 * context + 4 * (source / 32), 1u << source % 32, 4);
    }
    BoardBench board{virt_smp4({{"aclint", "on"}})};
};

TEST_F(RiscvVirtWires, MachineSoftwareInterrupts) {
    board.store(0x2000000 + 4 * 2, 1, 4);
    EXPECT_EQ(pending(2), 1u << 3);
    EXPECT_EQ(pending(1), 0u);
    board.store(0x2000000 + 4 * 2, 0, 4);
    EXPECT_EQ(pending(2), 0u);
}

TEST_F(RiscvVirtWires, SupervisorSoftwareInterrupts) {
    board.store(0x2f00000 + 4 * 3, 1, 4);
    EXPECT_EQ(pending(3), 1u << 1);
}

TEST_F(RiscvVirtWires, MachineTimerInterrupts) {
    board.store(0x2004000 + 8 * 1, 0, 8);
    EXPECT_EQ(pending(1), 1u << 7);
    EXPECT_EQ(pending(0), 0u);
}

TEST_F(RiscvVirtWires, ExternalInterruptsOfBothLevels) {
    enable(2 * 2, 10);
    enable(2 * 3 + 1, 10);
    board.store(kUart + 1, 2, 1);  // the transmitter is empty
    EXPECT_EQ(pending(2), 1u << 11);
    EXPECT_EQ(pending(3), 1u << 9);
}

TEST_F(RiscvVirtWires, TheClocksAlarmIsSource11) {
    enable(0, 11);
    board.store(0x101010, 1, 4);
    board.store(0x10100c, 0, 4);
    board.store(0x101008, 1, 4);
    EXPECT_EQ(pending(0), 1u << 11);
    EXPECT_EQ(board.load(kPlic + 0x200004, 4), 11u);
}

TEST(RiscvVirtOptions, WithoutAclintThereIsNoSupervisorSoftwareChip) {
    BoardBench board(virt());
    board.store(0x2f00000, 1, 4);
    EXPECT_TRUE(board.failed());
}

TEST(RiscvVirtOptions, AsManyHartsAsItCanHave) {
    BoardOptions options = virt();
    options.topology = {
        .cpus = 512, .max_cpus = 512, .sockets = 1, .clusters = 1, .cores = 512, .threads = 1};
    BoardBench board(options);
    board.store(0x2000000 + 4 * 511, 1, 4);
    EXPECT_EQ(static_cast<riscv::HartState*>(board.machine().cpus()[511]->state())->pending(), 1u << 3);
}

}  // namespace
}  // namespace backplane::testing
