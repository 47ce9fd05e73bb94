// The guest's sleep: who asks for it, what wakes it, who hears of it.
#include "tests/kernel/machine/machine_bench.h"

#include <backplane/sleep.h>

namespace backplane::kernel {
namespace {

/// A device through which a guest sleeps.
class TestControl final : public DeviceBase, public SleepControl, public SleepListener {
  public:
    explicit TestControl(Object& object)
        : sleep_(*static_cast<MachineSleep*>(device_context(object).host_interface(MachineSleep::kId))) {
        heard.clear();
        clock_on = false;
    }
    void reset(ResetPhase phase) override {
        if (phase == ResetPhase::Enter) heard.push_back(sleep_.waking() ? "reset to wake" : "reset");
    }
    bool can_sleep() const override { return true; }
    bool wakes_on(WakeCause) const override { return clock_on; }
    void woke(WakeCause cause) override { heard.push_back("woke " + std::to_string(unsigned(cause))); }
    void falls_asleep() override { heard.push_back("asleep"); }
    static inline std::vector<std::string> heard;
    static inline bool clock_on = false;

  private:
    MachineSleep& sleep_;
};
constexpr InterfaceInfo kInterfaces[] = {offers<TestControl, Device>(), offers<TestControl, SleepControl>(),
                                         offers<TestControl, SleepListener>()};
constexpr TypeInfo kType = device_type<TestControl>({.name = "test-sleep", .interfaces = kInterfaces});

using Words = std::vector<std::string>;

class SleepTest : public MachineTest {
  protected:
    void start() {
        catalog.types().register_type(kType, errors);
        script.build = [](BoardContext& context, Errors& reason) {
            Object* control = context.create("test-sleep", "sleep", reason);
            return control && context.realize(*control, reason);
        };
        ASSERT_TRUE(build()) << errors.text();
        machine.start();
        TestControl::heard.clear();
        recorder.events.clear();
    }
    RunControl& run() { return machine.parts().run; }
    void fall_asleep() {
        run().request_sleep();
        run_ready();
        ASSERT_EQ(machine.run_state(), RunState::Suspended);
    }
};

TEST_F(SleepTest, WithoutADeviceForItThereIsNone) {
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_FALSE(run().can_sleep());
}

TEST_F(SleepTest, WakingIsAResetThatSaysSo) {
    start();
    EXPECT_TRUE(run().can_sleep());
    fall_asleep();
    run().request_wake(WakeCause::PowerButton);
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Running);
    EXPECT_EQ(TestControl::heard, (Words{"asleep", "reset to wake", "woke 1"}));
    EXPECT_EQ(recorder.events, (Words{"SUSPEND {}", "WAKEUP {}"}));
    machine.reset();
    EXPECT_EQ(TestControl::heard.back(), "reset");
}

TEST_F(SleepTest, NothingWakesWhoIsAwake) {
    start();
    run().request_wake(WakeCause::Other);
    run_ready();
    fall_asleep();
    EXPECT_EQ(recorder.events, (Words{"SUSPEND {}"})) << "and nothing of it is left for later";
}

TEST_F(SleepTest, WhatComesWhileItIsFallingAsleepWakesIt) {
    start();
    run().request_sleep();
    run().request_wake(WakeCause::Other);
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Running);
    EXPECT_EQ(recorder.events, (Words{"SUSPEND {}", "WAKEUP {}"}));
}

TEST_F(SleepTest, AnAlarmWakesItWhereTheGuestSaysSo) {
    start();
    fall_asleep();
    run().request_wake(WakeCause::Clock);
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Suspended);
    TestControl::clock_on = true;
    run().request_wake(WakeCause::Clock);
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Running);
}

TEST_F(SleepTest, ItsClockGoesOn) {
    start();
    fall_asleep();
    EXPECT_TRUE(machine.loop().virtual_clock().running());
    machine.stop();
    EXPECT_FALSE(machine.loop().virtual_clock().running());
}

TEST_F(SleepTest, OneThatIsStoppedMeanwhileSleepsAsSoonAsItGoesOn) {
    start();
    run().request_sleep();
    machine.stop();
    run_ready();
    EXPECT_EQ(machine.run_state(), RunState::Paused);
    machine.start();
    EXPECT_EQ(machine.run_state(), RunState::Suspended);
}

}  // namespace
}  // namespace backplane::kernel
