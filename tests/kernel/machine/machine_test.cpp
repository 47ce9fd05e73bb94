// A machine with a board of the test's own: building, events, how it ends.
#include "tests/kernel/machine/machine_bench.h"

#include "kernel/machine/board_host.h"

#include <backplane/block.h>
#include <backplane/entropy.h>
#include <backplane/nmi.h>
#include <backplane/power.h>
#include <backplane/property.h>

#include <array>

namespace backplane::kernel {
namespace {

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
/// A device with buttons: power, and the interrupt that cannot be masked.
class TestButton final : public DeviceBase, public PowerButton, public NmiInput {
  public:
    explicit TestButton(Object&) {}
    void press() override { ++presses; }
    void inject_nmi() override { ++nmis; }
    static inline unsigned presses = 0, nmis = 0;
};
constexpr InterfaceInfo kButtonInterfaces[] = {
    offers<TestButton, Device>(), offers<TestButton, PowerButton>(), offers<TestButton, NmiInput>()};
constexpr TypeInfo kButtonType =
    device_type<TestButton>({.name = "test-button", .interfaces = kButtonInterfaces});

class ChipTest : public MachineTest {
  protected:
    /// Why a chip that shows this is refused; empty: it is not.
    std::string refused(const char* type, std::function<void(DeviceContext&)> shows) {
        const std::lock_guard guard(machine.lock());
        chip_shows = std::move(shows);
        ErrorText why;
        Instance* chip = machine.objects().create(type, "", machine.objects().root(), why);
        chip->realize(why);
        machine.objects().destroy(*chip);
        chip_shows = nullptr;
        return why.text();
    }
};

using Events = std::vector<std::string>;

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

TEST_F(ChipTest, ADeviceShowsWhatItsTypeLists) {
    catalog.types().register_type(kChipType, errors);
    const auto refusal = [&](std::function<void(DeviceContext&)> shows) {
        return refused("test-chip", std::move(shows));
    };
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

TEST_F(ChipTest, ADeviceWhoseTypeListsNothingShowsNothing) {
    TypeInfo plain = kChipType;
    plain.name = "plain-chip";
    plain.regions = {};
    plain.wires = {};
    catalog.types().register_type(plain, errors);
    const auto refusal = [&](std::function<void(DeviceContext&)> shows) {
        return refused("plain-chip", std::move(shows));
    };
    EXPECT_EQ(refusal([](DeviceContext&) {}), "");
    EXPECT_EQ(
        refusal([](DeviceContext& chip) { chip.export_region("fifo", chip.memory().container("fifo", 4)); }),
        "type 'plain-chip' shows region 'fifo', which its TypeInfo::regions does not list");
    EXPECT_EQ(refusal([](DeviceContext& chip) { chip.add_outputs("irq", 1); }),
              "type 'plain-chip' has output 'irq', which its TypeInfo::wires does not list");
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

TEST_F(MachineTest, AnNmiGoesToWhatHasAnInputForIt) {
    EXPECT_FALSE(machine.parts().run.inject_nmi());
    catalog.types().register_type(kButtonType, errors);
    script.build = [](BoardContext& context, Errors& sink) {
        Object* button = context.create("test-button", "button", sink);
        return button && context.realize(*button, sink);
    };
    ASSERT_TRUE(build()) << errors.text();
    TestButton::nmis = 0;
    EXPECT_TRUE(machine.parts().run.inject_nmi());
    machine.set_actions({.watchdog = RunActions::Watchdog::InjectNmi});
    machine.parts().run.report_watchdog();
    run_ready();
    EXPECT_EQ(TestButton::nmis, 2u);
    EXPECT_EQ(recorder.events, (Events{R"(WATCHDOG {"action":"inject-nmi"})"}));
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
