// A machine with a board of the test's own: building, events, how it ends.
#include "kernel/machine/machine.h"

#include "kernel/machine/board_host.h"
#include "kernel/machine/log_hub.h"
#include "kernel/machine/machine_parts.h"

#include <backplane/block.h>
#include <backplane/entropy.h>
#include <backplane/power.h>
#include <backplane/property.h>

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>

namespace backplane::kernel {
namespace {

/// What the board of the running test does.
struct Script {
    std::function<bool(BoardContext&, Errors&)> build = [](BoardContext&, Errors&) { return true; };
    std::function<bool(BoardContext&, Errors&)> finish = [](BoardContext&, Errors&) { return true; };
    std::function<void()> reset = [] {};
};
thread_local Script script;

class TestBoard final : public Board {
  public:
    explicit TestBoard(Object&) {}
    bool build(BoardContext& context, Errors& errors) override {
        return context.system_memory().add(context.ram(), Offset(kRamBase), 0, errors) &&
               script.build(context, errors);
    }
    bool finish(BoardContext& context, Errors& errors) override { return script.finish(context, errors); }
    void reset(BoardContext&) override { script.reset(); }

    static constexpr std::uint64_t kRamBase = 0x80000000;
};

constexpr BoardTraits kTraits{};
constexpr InterfaceInfo kBoardInterfaces[] = {offers<TestBoard, Board>()};
constexpr TypeInfo kBoardType{.name = "test-machine",
                              .parent = "machine",
                              .interfaces = kBoardInterfaces,
                              .class_data = &kTraits,
                              .instance_init = make_part<TestBoard>,
                              .instance_finalize = free_part<TestBoard>};

std::vector<std::string>* drains = nullptr;

/// A disk whose requests the host finishes, or never does.
class TestDisk final : public BlockBackend {
  public:
    explicit TestDisk(Object&) {}
    std::uint64_t size() const override { return 0; }
    bool read_only() const override { return false; }
    std::uint32_t logical_block_size() const override { return 512; }
    bool write_cache() const override { return false; }
    void submit(BlockRequest& request) override { request.done(BlockStatus::Ok); }
    void drain() override {}
    bool drain_for(std::uint32_t) override {
        if (drains) drains->emplace_back("drained");
        return !dead_;
    }
    bool claim(Str, BlockObserver*, Errors&) override { return true; }
    void release() override {}
    bool dead_ = false;
};
constexpr PropertyInfo kDiskProperties[] = {property<&TestDisk::dead_>({.name = "dead"})};
constexpr InterfaceInfo kDiskInterfaces[] = {offers<TestDisk, BlockBackend>()};
constexpr TypeInfo kDiskType{.name = "test-disk",
                             .parent = "block-node",
                             .interfaces = kDiskInterfaces,
                             .properties = kDiskProperties,
                             .instance_init = make_part<TestDisk>,
                             .instance_finalize = free_part<TestDisk>};

/// A device that shows what the running test says.
thread_local std::function<void(DeviceContext&)> chip_shows;
class TestChip final : public DeviceBase {
  public:
    explicit TestChip(Object& object) : context_(device_context(object)) {}
    bool realize(Errors&) override {
        chip_shows(context_);
        return true;
    }

  private:
    DeviceContext& context_;
};
constexpr RegionInfo kChipRegions[] = {{.name = "registers", .size = 16},
                                       {.name = "buffer", .optional = true}};
constexpr WireInfo kChipWires[] = {{.name = "irq", .count = 2},
                                   {.name = "lanes", .count = 0, .optional = true}};
constexpr TypeInfo kChipType = device_type<TestChip>({.name = "test-chip",
                                                      .interfaces = kDeviceInterfaces<TestChip>,
                                                      .regions = kChipRegions,
                                                      .wires = kChipWires});
/// A device with a power button.
class TestButton final : public DeviceBase, public PowerButton {
  public:
    explicit TestButton(Object&) {}
    void press() override { ++presses; }
    static inline unsigned presses = 0;
};
constexpr InterfaceInfo kButtonInterfaces[] = {offers<TestButton, Device>(),
                                               offers<TestButton, PowerButton>()};
constexpr TypeInfo kButtonType =
    device_type<TestButton>({.name = "test-button", .interfaces = kButtonInterfaces});

struct Recorder final : EventListener {
    void machine_event(std::string_view name, std::string_view data) override {
        events.emplace_back(std::string(name) + " " + std::string(data));
    }
    std::vector<std::string> events;
};

class MachineTest : public ::testing::Test {
  protected:
    MachineTest() {
        script = {};
        catalog.types().register_type(kBoardType, errors);
        machine.add_event_listener(recorder);
        machine.set_ram_size(1 << 20);
        EXPECT_TRUE(machine.set_type("test-machine", errors)) << errors.text();
    }
    ~MachineTest() override { machine.remove_event_listener(recorder); }
    bool build() { return machine.build(errors) && machine.finish(errors); }
    void run_ready() { machine.loop().run_ready(); }
    Catalog catalog;
    LogHub log;
    Recorder recorder;
    Machine machine{catalog, log};
    ErrorText errors;
};

using Events = std::vector<std::string>;

TEST_F(MachineTest, ABoardPutsBytesIntoMemoryWhileItBuilds) {
    const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
    script.build = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("boot code", GuestAddress(TestBoard::kRamBase), bytes, sink) &&
               dma_store(context.dma(), GuestAddress(TestBoard::kRamBase + 8), std::uint32_t(7));
    };
    ASSERT_TRUE(build()) << errors.text();
    Access access;
    EXPECT_EQ(machine.system_memory().load(GuestAddress(TestBoard::kRamBase), 4, access), 0x04030201u);
    EXPECT_EQ(machine.system_memory().load(GuestAddress(TestBoard::kRamBase + 8), 4, access), 7u);
}

TEST_F(MachineTest, ABlobDoesNotWrapAroundTheLastAddress) {
    const std::array<std::uint8_t, 16> bytes{};
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("boot code", GuestAddress(~std::uint64_t(7)), bytes, sink);
    };
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("ends after the last address"), std::string::npos) << errors.text();
}

TEST_F(MachineTest, ABlobThatDoesNotFitIsToldWhatWouldHelp) {
    const std::array<std::uint8_t, 16> bytes{};
    ErrorText above, below;
    script.finish = [&](BoardContext& context, Errors&) {
        return !context.add_blob("a", GuestAddress(TestBoard::kRamBase + (1 << 20) - 8), bytes, above) &&
               !context.add_blob("b", GuestAddress(TestBoard::kRamBase - 8), bytes, below);
    };
    EXPECT_TRUE(build());
    EXPECT_NE(above.text().find("with -m"), std::string::npos) << above.text();
    EXPECT_EQ(below.text().find("with -m"), std::string::npos) << below.text();
}

class SegmentTest : public MachineTest {
  protected:
    static constexpr std::uint64_t kRam = TestBoard::kRamBase;
    std::uint64_t load(std::uint64_t address, unsigned size = 4) {
        Access access;
        return machine.system_memory().load(GuestAddress(address), size, access);
    }
    void store(std::uint64_t address, std::uint64_t value) {
        Access access;
        machine.system_memory().store(GuestAddress(address), value, 4, access);
    }
    const std::array<std::uint8_t, 8> bytes{1, 2, 3, 4, 5, 6, 7, 8};
};

TEST_F(SegmentTest, ZerosBehindItsBytesAreZeroAtEachStart) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_segment("program", GuestAddress(kRam), bytes, 64, sink) &&
               context.add_segment("heap", GuestAddress(kRam + 0x1000), {}, 64, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    for (const std::uint64_t at : {kRam, kRam + 8, kRam + 60, kRam + 0x1000, kRam + 64})
        store(at, 0xdeadbeef);
    machine.reset();
    EXPECT_EQ(load(kRam), 0x04030201u);
    for (const std::uint64_t at : {kRam + 8, kRam + 60, kRam + 0x1000}) EXPECT_EQ(load(at), 0u);
    EXPECT_EQ(load(kRam + 64), 0xdeadbeefu) << "no part of it";
}

TEST_F(SegmentTest, WhatReachesPastMemoryIsLeftOut) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_segment("front", GuestAddress(kRam - 4), bytes, 8, sink) &&
               context.add_segment("end", GuestAddress(kRam + (1 << 20) - 4), bytes, 4096, sink) &&
               context.add_segment("nowhere", GuestAddress(0x1000), bytes, 8, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_EQ(load(kRam), 0x08070605u);
    EXPECT_EQ(load(kRam + (1 << 20) - 4), 0x04030201u);
}

TEST_F(SegmentTest, OtherBytesMayLieOverItsZerosButNotOverItsBytes) {
    script.finish = [&](BoardContext& context, Errors& sink) {
        return context.add_blob("tree", GuestAddress(kRam + 0x800), bytes, sink) &&
               context.add_segment("program", GuestAddress(kRam), bytes, 0x1000, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    machine.reset();
    EXPECT_EQ(load(kRam + 0x800), 0x04030201u);
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    EXPECT_FALSE(host.add_segment("other", GuestAddress(kRam + 4), bytes, 8, errors));
    EXPECT_NE(errors.text().find("overlaps 'program'"), std::string::npos) << errors.text();
}

TEST_F(MachineTest, AFileThatIsTooLongIsRefusedByItsSize) {
    const std::string path = ::testing::TempDir() + "machine_test_sparse";
    std::ofstream(path).put('x');
    std::filesystem::resize_file(path, std::uint64_t{1} << 40);  // reading it would take hours
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    Bytes bytes;
    EXPECT_FALSE(host.read_file(path, false, 64 << 20, bytes, errors));
    EXPECT_NE(errors.text().find("64 MiB"), std::string::npos) << errors.text();
    std::filesystem::remove(path);
}

/// A machine that starts from a file of 4 KiB.
class StartFileTest : public SegmentTest {
  protected:
    StartFileTest() {
        std::ofstream(path) << std::string(4096, 'x');
        script.finish = [this](BoardContext& context, Errors& sink) {
            Bytes file;
            return context.read_file(Str(path), false, 1 << 20, file, sink) &&
                   context.add_blob("all of it", GuestAddress(kRam), file, sink) &&
                   context.add_segment("part", GuestAddress(kRam + 0x1000), {file.data + 8, 16}, 64, sink);
        };
    }
    ~StartFileTest() override { std::filesystem::remove(path); }
    static constexpr std::uint64_t kX = 0x78787878;
    const std::string path = ::testing::TempDir() + "machine_test_start";
};

TEST_F(StartFileTest, AChangedFileChangesNothing) {
    ASSERT_TRUE(build()) << errors.text();
    std::ofstream(path) << "y";
    store(kRam, 1);
    machine.reset();
    EXPECT_EQ(load(kRam), kX);
    EXPECT_EQ(load(kRam + 0x100c), kX);
}

TEST_F(StartFileTest, AMachineThatAwaitsASavedOneReadsItWhenItStartsAgain) {
    machine.parts().run.expect_state();
    ASSERT_TRUE(build()) << errors.text();
    machine.reset();
    EXPECT_EQ(load(kRam), 0u);
    machine.parts().run.arrived(false);
    EXPECT_EQ(load(kRam), 0u);
    store(kRam + 0x1010, 1);
    machine.reset();
    EXPECT_EQ(load(kRam + 0xffc), kX);
    EXPECT_EQ(load(kRam + 0x100c), kX);
    EXPECT_EQ(load(kRam + 0x1010), 0u);
}

TEST_F(StartFileTest, AFileThatWasCutShortMeanwhileStopsTheMachine) {
    machine.parts().run.expect_state();
    ASSERT_TRUE(build()) << errors.text();
    machine.parts().run.arrived(false);
    std::filesystem::resize_file(path, 100);
    machine.reset();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::InternalError);
}

TEST_F(StartFileTest, WhatDoesNotFitIsRefusedThenAsWell) {
    machine.parts().run.expect_state();
    script.finish = [this](BoardContext& context, Errors& sink) {
        Bytes file;
        return context.read_file(Str(path), false, 1 << 20, file, sink) &&
               context.add_blob("all of it", GuestAddress(kRam + (1 << 20) - 8), file, sink);
    };
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("does not fit"), std::string::npos) << errors.text();
}

TEST_F(MachineTest, AMachineThatAskedForItsEndWhileItWasMadeNeverRuns) {
    script.finish = [&](BoardContext&, Errors&) {
        machine.request_end("host-error", 0);
        return true;
    };
    ASSERT_TRUE(build()) << errors.text();
    machine.start();
    EXPECT_EQ(machine.run_state(), RunState::Prelaunch);
    EXPECT_EQ(machine.run(), 0);
    EXPECT_EQ(
        std::ranges::count_if(recorder.events, [](const std::string& e) { return e.starts_with("RESUME"); }),
        0);
}

TEST_F(MachineTest, AFileThatCannotBeReadIsARefusalThatSaysWhy) {
    const std::string loop = ::testing::TempDir() + "machine_test_loop";
    std::filesystem::remove(loop);
    std::filesystem::create_symlink(loop, loop);
    const std::string text(5000, 'x');
    machine.set_firmware_path({"/nonexistent"});
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    for (const auto& [path, why] : {std::pair<std::string, std::string>{loop, "symbolic links"},
                                    {text, "too long"},
                                    {"/", "it is a directory"},
                                    {"/nonexistent/file", "No such file"}}) {
        ErrorText reason;
        Bytes bytes;
        EXPECT_FALSE(host.read_file(path, true, 1 << 20, bytes, reason));
        EXPECT_NE(reason.text().find(why), std::string::npos) << reason.text();
    }
    std::filesystem::remove(loop);
}

TEST_F(MachineTest, AFirmwareThatIsThereAndUnreadableSaysMoreThanOneThatIsNot) {
    const std::filesystem::path first = ::testing::TempDir() + "machine_test_first";
    std::filesystem::remove_all(first);
    std::filesystem::create_directories(first / "bios.bin");  // not a file
    machine.set_firmware_path({first.string(), "/nonexistent"});
    ASSERT_TRUE(build()) << errors.text();
    auto& host = static_cast<BoardHost&>(*machine.machine_object().host());
    Bytes bytes;
    EXPECT_FALSE(host.read_file("bios.bin", true, 1 << 20, bytes, errors));
    EXPECT_NE(errors.text().find("it is a directory"), std::string::npos) << errors.text();
    std::filesystem::remove_all(first);
}

TEST_F(MachineTest, AGuestsFailureSaysSoAndSetsTheExitStatus) {
    ASSERT_TRUE(build()) << errors.text();
    machine.request_end("guest-panic", 3);
    EXPECT_EQ(machine.run(), 3);
    EXPECT_EQ(recorder.events, (Events{R"(SHUTDOWN {"guest":true,"reason":"guest-panic"})"}));
}

TEST_F(MachineTest, AGuestsEndOnlyPausesWhereThatWasAskedFor) {
    ASSERT_TRUE(build()) << errors.text();
    machine.set_actions({.shutdown = RunActions::Shutdown::Pause});
    machine.request_end("guest-panic", 3);
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Shutdown);
    machine.request_end("host-ui");
    EXPECT_EQ(machine.run(), 0);
    EXPECT_EQ(recorder.events, (Events{R"(SHUTDOWN {"guest":true,"reason":"guest-panic"})",
                                       R"(SHUTDOWN {"guest":false,"reason":"host-ui"})"}));
}

TEST_F(MachineTest, AfterAShutdownItStandsUntilAReset) {
    ASSERT_TRUE(build()) << errors.text();
    machine.set_actions({.shutdown = RunActions::Shutdown::Pause});
    machine.request_end("guest-shutdown");
    run_ready();
    machine.start();
    EXPECT_EQ(machine.run_state(), RunState::Shutdown);
    machine.reset();
    EXPECT_EQ(machine.run_state(), RunState::Prelaunch);
}

TEST_F(MachineTest, APanicDoesWhatTheUserChose) {
    ASSERT_TRUE(build()) << errors.text();
    machine.set_actions({.panic = RunActions::Panic::None});
    machine.parts().run.report_panic();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Prelaunch);
    machine.set_actions({.panic = RunActions::Panic::Pause});
    machine.parts().run.report_panic();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::GuestPanicked);
    machine.set_actions({.panic = RunActions::Panic::ExitFailure});
    machine.parts().run.report_panic();
    EXPECT_EQ(machine.run(), 1);
    EXPECT_EQ(recorder.events,
              (Events{R"(GUEST_PANICKED {"action":"run"})", R"(GUEST_PANICKED {"action":"pause"})",
                      R"(GUEST_PANICKED {"action":"poweroff"})",
                      R"(SHUTDOWN {"guest":true,"reason":"guest-panic"})"}));
}

TEST_F(MachineTest, AWatchdogThatRanOutDoesWhatTheUserChose) {
    ASSERT_TRUE(build()) << errors.text();
    using Watchdog = RunActions::Watchdog;
    for (const Watchdog choice : {Watchdog::None, Watchdog::Debug, Watchdog::Shutdown, Watchdog::Pause}) {
        machine.set_actions({.watchdog = choice});
        machine.parts().run.report_watchdog();
        run_ready();
    }
    EXPECT_EQ(machine.run_state(), RunState::Watchdog);
    EXPECT_EQ(recorder.events, (Events{R"(WATCHDOG {"action":"none"})", R"(WATCHDOG {"action":"debug"})",
                                       R"(WATCHDOG {"action":"shutdown"})", "POWERDOWN {}",
                                       R"(WATCHDOG {"action":"pause"})"}));
}

TEST_F(MachineTest, AHostsEndBeatsAGuests) {
    ASSERT_TRUE(build()) << errors.text();
    machine.request_end("guest-panic", 3);
    machine.request_end("host-qmp-quit");
    machine.request_end("guest-shutdown", 4);
    EXPECT_EQ(machine.run(), 0);
}

TEST_F(MachineTest, AnInternalErrorIsForGood) {
    ASSERT_TRUE(build()) << errors.text();
    machine.parts().run.request_internal_error("lost");
    run_ready();
    machine.reset();
    machine.stop();
    EXPECT_EQ(machine.run_state(), RunState::InternalError);
}

TEST_F(MachineTest, ABoardThatThrowsOrRefusesInSilenceIsNamed) {
    const std::string who = "the core, type 'test-machine', object '/machine': ";
    script.build = [](BoardContext&, Errors&) -> bool { throw std::runtime_error("no copper"); };
    EXPECT_FALSE(build());
    EXPECT_EQ(errors.text(), who + "Board::build() threw std::runtime_error: no copper");
    errors.clear();
    script.finish = [](BoardContext&, Errors&) { return false; };
    EXPECT_FALSE(machine.finish(errors));
    EXPECT_EQ(errors.text(), who + "Board::finish() refused without a reason");
}

TEST_F(MachineTest, ABoardThatThrowsInAResetStopsTheMachine) {
    ASSERT_TRUE(build()) << errors.text();
    script.reset = [] { throw std::runtime_error("no copper"); };
    ::testing::internal::CaptureStderr();
    machine.reset();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::InternalError);
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("'/machine': Board::reset() threw std::runtime_error: no copper"), std::string::npos)
        << said;
}

TEST_F(MachineTest, ARegionThatADeviceHasNotIsRefusedWithThoseThatItHas) {
    script.build = [](BoardContext& context, Errors& sink) {
        Object* device = context.create("riscv.sifive.test", "finisher", sink);
        return device && context.realize(*device, sink) &&
               context.map(*device, "registers", GuestAddress(0x1000), sink);
    };
    EXPECT_FALSE(build());
    EXPECT_EQ(errors.text(), "'finisher' (riscv.sifive.test) has no region 'registers'; it has 'control'");
}

TEST_F(MachineTest, AWireThatADeviceHasNotIsRefusedWithThoseThatItHas) {
    script.build = [](BoardContext& context, Errors& sink) {
        Object* rtc = context.create("goldfish_rtc", "rtc", sink);
        return rtc && context.realize(*rtc, sink) && context.connect(*rtc, "interrupt", 0, *rtc, "", 0, sink);
    };
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("there is no output 'interrupt' number 0; it has 'irq'"), std::string::npos)
        << errors.text();
}

TEST_F(MachineTest, ADeviceShowsWhatItsTypeLists) {
    catalog.types().register_type(kChipType, errors);
    const auto refusal = [&](std::function<void(DeviceContext&)> shows) {
        chip_shows = std::move(shows);
        ErrorText why;
        Instance* chip = machine.objects().create("test-chip", "", machine.objects().root(), why);
        chip->realize(why);
        machine.objects().destroy(*chip);
        chip_shows = nullptr;
        return why.text();
    };
    const std::lock_guard guard(machine.lock());
    const auto region = [](DeviceContext& chip, Str name, std::uint64_t size) {
        chip.export_region(name, chip.memory().container(name, size));
    };
    const auto all = [&](DeviceContext& chip) {
        region(chip, "registers", 16);
        chip.add_outputs("irq", 2);
    };
    EXPECT_EQ(refusal(all), "");
    EXPECT_EQ(refusal([&](DeviceContext& chip) {
                  all(chip);
                  region(chip, "buffer", 4096);
                  chip.add_outputs("lanes", 5);
              }),
              "");
    EXPECT_EQ(refusal([&](DeviceContext& chip) { chip.add_outputs("irq", 2); }),
              "type 'test-chip' lists region 'registers', which this device does not show");
    EXPECT_EQ(refusal([&](DeviceContext& chip) { region(chip, "registers", 32); }),
              "type 'test-chip' shows region 'registers' of 32 bytes, and lists it with 16");
    EXPECT_EQ(refusal([&](DeviceContext& chip) {
                  all(chip);
                  region(chip, "fifo", 4);
              }),
              "type 'test-chip' shows region 'fifo', which its TypeInfo::regions does not list");
    EXPECT_EQ(refusal([&](DeviceContext& chip) { region(chip, "registers", 16); }),
              "type 'test-chip' lists output 'irq', which this device does not have");
    EXPECT_EQ(refusal([&](DeviceContext& chip) {
                  region(chip, "registers", 16);
                  chip.add_outputs("irq", 3);
              }),
              "type 'test-chip' has 3 of output 'irq', and lists 2");
    EXPECT_EQ(refusal([&](DeviceContext& chip) {
                  all(chip);
                  chip.add_outputs("drq", 1);
              }),
              "type 'test-chip' has output 'drq', which its TypeInfo::wires does not list");
}

/// As with a page that each CPU's interrupt controller shows to it alone, and with memory of another mode.
TEST_F(MachineTest, EachCpuMayHaveAViewOfItsOwnAndFurtherOnes) {
    machine.set_cpu("rv64-riscv-cpu", {});
    script.build = [](BoardContext& context, Errors& sink) {
        for (const std::uint32_t index : {0u, 1u}) {
            Object* cpu = context.create_cpu(index, sink);
            MemoryRegion& view = context.memory().container("view", 0);
            MemoryRegion* page = context.memory().ram("page", 4096, sink);
            if (!cpu || !page) return false;
            page->bytes()[0] = std::uint8_t(0xa0 + index);
            MemoryRegion& rest = context.memory().alias("rest", context.system_memory(), Offset(0), 0);
            if (!view.add(rest, Offset(0), 0, sink) || !view.add(*page, Offset(0x1000), 1, sink) ||
                !context.set_cpu_memory(*cpu, 0, view, sink) ||
                !context.set_cpu_memory(*cpu, 1, *page, sink) || !context.realize(*cpu, sink))
                return false;
        }
        return true;
    };
    ASSERT_TRUE(machine.build(errors)) << errors.text();
    const auto load = [&](unsigned cpu, std::size_t space, std::uint64_t address) {
        Access access{.cpu = cpu};
        return machine.cpus().at(cpu)->address_space(space).load(GuestAddress(address), 1, access);
    };
    EXPECT_EQ(load(0, 0, 0x1000), 0xa0u);
    EXPECT_EQ(load(1, 0, 0x1000), 0xa1u);
    machine.parts().memory.ram().bytes()[5] = 0x33;
    EXPECT_EQ(load(0, 0, TestBoard::kRamBase + 5), 0x33u) << "the rest is everybody's";
    EXPECT_EQ(load(1, 0, TestBoard::kRamBase + 5), 0x33u);
    ASSERT_EQ(machine.cpus()[1]->address_space_count(), 2u);
    EXPECT_EQ(load(1, 1, 0), 0xa1u);
}

TEST_F(MachineTest, ACpusAddressSpacesAreNumberedWithoutGaps) {
    machine.set_cpu("rv64-riscv-cpu", {});
    script.build = [](BoardContext& context, Errors& sink) {
        Object* cpu = context.create_cpu(0, sink);
        return cpu && context.set_cpu_memory(*cpu, 2, context.system_memory(), sink);
    };
    EXPECT_FALSE(machine.build(errors));
    EXPECT_EQ(errors.text(),
              "memory of 'cpu0' (rv64-riscv-cpu): address space 2 comes after number 1, which is missing");
}

TEST_F(MachineTest, AStopDrainsTheDisksBeforeItIsTold) {
    catalog.types().register_type(kDiskType, errors);
    ASSERT_NE(machine.create_backend("test-disk", "good", {}, "blockdevs", errors), nullptr) << errors.text();
    ASSERT_NE(machine.create_backend("test-disk", "bad", {{"dead", "on"}}, "blockdevs", errors), nullptr);
    ASSERT_TRUE(build()) << errors.text();
    machine.start();
    recorder.events.clear();
    drains = &recorder.events;
    ::testing::internal::CaptureStderr();
    machine.stop();
    drains = nullptr;
    EXPECT_EQ(recorder.events, (Events{"drained", "drained", "STOP {}"}));
    EXPECT_EQ(
        ::testing::internal::GetCapturedStderr(),
        "backplane: warning: the machine stopped, and block node 'bad' still has requests that the host did not "
        "finish\n");
}

TEST_F(MachineTest, AskingTheGuestToPowerOffPressesItsButton) {
    catalog.types().register_type(kButtonType, errors);
    script.build = [](BoardContext& context, Errors& sink) {
        Object* button = context.create("test-button", "button", sink);
        return button && context.realize(*button, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    TestButton::presses = 0;
    machine.request_powerdown();
    run_ready();
    EXPECT_EQ(TestButton::presses, 1u);
    EXPECT_EQ(recorder.events.back(), "POWERDOWN {}");
}

TEST_F(MachineTest, ASeedMakesRandomBytesThatFollowFromIt) {
    const auto bytes = [&](std::uint64_t seed) {
        auto& entropy = *static_cast<Entropy*>(machine.host_interface(Entropy::kId));
        machine.set_seed(seed);
        std::array<std::uint8_t, 12> all{};
        entropy.fill(all);
        return all;
    };
    EXPECT_EQ(bytes(42), bytes(42));
    EXPECT_NE(bytes(42), bytes(43));
    // The generator is the C++ standard's mt19937_64, on every host: its first numbers for 42.
    EXPECT_EQ(bytes(42)[0], 0xd6);
    EXPECT_EQ(bytes(42)[1], 0xe2);
}

TEST_F(MachineTest, WhatIsMadeWhileItRunsOutlivesTheMachine) {
    ASSERT_TRUE(build()) << errors.text();
    std::vector<std::string> names;
    for (const auto& child : machine.objects().root().children()) names.emplace_back(child->name().view());
    EXPECT_EQ(names.back(), "machine");
    EXPECT_NE(std::ranges::find(names, "chardevs"), names.end());
}

TEST_F(MachineTest, AnAcceleratorsPropertiesAreSetBeforeItIsOpened) {
    ASSERT_TRUE(machine.open_accelerator({{"tcg", {{"tb-size", "16"}}}}, errors)) << errors.text();
    EXPECT_FALSE(machine.objects().find("/machine/accel")->set_property("tb-size", "32", errors));
    EXPECT_NE(errors.text().find("tb-size"), std::string::npos);
}

TEST_F(MachineTest, ReasonsAreEscapedInEvents) {
    ASSERT_TRUE(build()) << errors.text();
    machine.request_end("host-\"ui\"");
    EXPECT_EQ(machine.run(), 0);
    EXPECT_EQ(recorder.events, (Events{R"(SHUTDOWN {"guest":false,"reason":"host-\"ui\""})"}));
}

}  // namespace
}  // namespace backplane::kernel
