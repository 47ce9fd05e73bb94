// The virtual clock, its timers, and the guest's date.
#include "kernel/event/clock.h"
#include "kernel/event/wall_clock.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <random>

namespace backplane::test {
namespace {

using kernel::RtcOptions;
using kernel::VirtualClock;

struct FakeTime final : kernel::HostTime {
    std::uint64_t monotonic_ns() const override { return monotonic; }
    std::int64_t realtime_ns() const override { return realtime; }
    std::int64_t utc_offset_seconds(std::int64_t) const override { return 7200; }
    std::uint64_t monotonic = 5'000;
    std::int64_t realtime = 1'000'000;
};

struct Expiry final : TimerHandler {
    void timer_expired() override {
        if (action) action();
    }
    std::function<void()> action;
};

struct ClockTest : ::testing::Test {
    FakeTime time;
    kernel::Callee anybody{"a test"};
    VirtualClock clock{time, nullptr, anybody};
    std::vector<std::string> fired;

    Timer& timer(const std::string& name) {
        Expiry& handler = handlers.emplace_back();
        handler.action = [this, name] { fired.push_back(name + "@" + std::to_string(clock.now_ns())); };
        timers.push_back(clock.create_timer(handler));
        return *timers.back();
    }
    ~ClockTest() override {
        for (Timer* each : timers) each->release();
    }
    std::deque<Expiry> handlers;
    std::vector<Timer*> timers;
};

TEST_F(ClockTest, StartsAtZeroAndStandsStillUntilStarted) {
    time.monotonic += 100;
    EXPECT_EQ(clock.now_ns(), 0u);
}

TEST_F(ClockTest, RunsOnlyWhileTheMachineRuns) {
    clock.start();
    time.monotonic += 100;
    EXPECT_EQ(clock.now_ns(), 100u);
    clock.stop();
    time.monotonic += 1000;
    EXPECT_EQ(clock.now_ns(), 100u);
    clock.start();
    time.monotonic += 1;
    EXPECT_EQ(clock.now_ns(), 101u);
}

TEST_F(ClockTest, ATimerFiresOnceWhenItsDeadlineIsReached) {
    timer("a").arm(50);
    clock.start();
    time.monotonic += 49;
    clock.run_due();
    EXPECT_TRUE(fired.empty());
    time.monotonic += 1;
    clock.run_due();
    clock.run_due();
    EXPECT_EQ(fired, std::vector<std::string>{"a@50"});
    EXPECT_FALSE(timers[0]->armed());
    EXPECT_EQ(timers[0]->deadline(), ~std::uint64_t(0));
}

TEST_F(ClockTest, ATimerDoesNotFireWhileTheClockIsStopped) {
    timer("a").arm(0);
    clock.run_due();
    EXPECT_TRUE(fired.empty());
    EXPECT_EQ(clock.host_deadline(), ~std::uint64_t(0));
    clock.start();
    clock.run_due();
    EXPECT_EQ(fired.size(), 1u);
}

TEST_F(ClockTest, ArmingAgainReplacesTheDeadline) {
    timer("a").arm(50);
    timers[0]->arm(20);
    EXPECT_EQ(timers[0]->deadline(), 20u);
    EXPECT_EQ(clock.next_deadline(), 20u);
    timers[0]->cancel();
    EXPECT_EQ(clock.next_deadline(), ~std::uint64_t(0));
}

TEST_F(ClockTest, SteppingRunsTimersInOrderEachAtItsOwnTime) {
    clock.set_manual(true);
    timer("late").arm(30);
    timer("early").arm(10);
    timer("same").arm(30);
    timer("beyond").arm(31);
    clock.step_to(30);
    EXPECT_EQ(fired, (std::vector<std::string>{"early@10", "late@30", "same@30"}));
    EXPECT_EQ(clock.now_ns(), 30u);
}

TEST_F(ClockTest, SteppingRunsWhatIsArmedOnTheWay) {
    clock.set_manual(true);
    Timer& periodic = timer("tick");
    handlers[0].action = [&] {
        fired.push_back(std::to_string(clock.now_ns()));
        periodic.arm(clock.now_ns() + 10);
    };
    periodic.arm(10);
    clock.step_to(35);
    EXPECT_EQ(fired, (std::vector<std::string>{"10", "20", "30"}));
    EXPECT_EQ(clock.now_ns(), 35u);
}

TEST_F(ClockTest, AManualClockIgnoresTheHosts) {
    clock.set_manual(true);
    clock.start();
    timer("a").arm(5);
    time.monotonic += 100;
    clock.run_due();
    EXPECT_EQ(clock.now_ns(), 0u);
    EXPECT_TRUE(fired.empty());
}

TEST_F(ClockTest, NeverGoesBack) {
    clock.set_manual(true);
    clock.step_to(100);
    clock.step_to(50);
    EXPECT_EQ(clock.now_ns(), 100u);
}

TEST_F(ClockTest, ATimerThatIsAlwaysLateDoesNotHoldTheLoop) {
    clock.start();
    Timer& greedy = timer("greedy");
    unsigned count = 0;
    handlers[0].action = [&] {
        ++count;
        greedy.arm(0);
    };
    greedy.arm(0);
    clock.run_due();
    EXPECT_EQ(count, 1u);
    clock.step_to(clock.now_ns() + 2);
    EXPECT_LT(count, 100'000u) << "nor a step";
    EXPECT_GE(clock.now_ns(), 2u);
}

TEST_F(ClockTest, ATimerThatIsAlwaysLateStarvesNoOther) {
    Timer& greedy = timer("greedy");
    handlers[0].action = [&] { greedy.arm(0); };
    greedy.arm(0);
    timer("other").arm(5);
    clock.start();
    time.monotonic += 10;
    clock.run_due();
    EXPECT_EQ(fired, std::vector<std::string>{"other@10"});
    EXPECT_EQ(clock.next_deadline(), 0u);
}

TEST_F(ClockTest, ATimerThatIsAlwaysLateStarvesNoOtherInAStep) {
    clock.set_manual(true);
    Timer& greedy = timer("greedy");
    handlers[0].action = [&] { greedy.arm(0); };
    greedy.arm(0);
    timer("other").arm(1'000'000'000);
    clock.step_to(2'000'000'000);
    EXPECT_EQ(fired, std::vector<std::string>{"other@1000000000"});
    EXPECT_EQ(clock.now_ns(), 2'000'000'000u);
}

TEST_F(ClockTest, AHandlerMayMoveWhatIsDueAfterIt) {
    clock.start();
    timer("first").arm(0);
    Timer& second = timer("second");
    second.arm(0);
    handlers[0].action = [&] { second.arm(100); };
    clock.run_due();
    EXPECT_TRUE(fired.empty());
    EXPECT_EQ(second.deadline(), 100u);
    EXPECT_EQ(clock.next_deadline(), 100u);
}

TEST_F(ClockTest, AHandlerMayReleaseItsOwnTimer) {
    clock.start();
    Expiry handler;
    Timer* own = clock.create_timer(handler);
    handler.action = [&] { own->release(); };
    own->arm(0);
    clock.run_due();
    EXPECT_EQ(clock.next_deadline(), ~std::uint64_t(0));
}

TEST_F(ClockTest, AHandlerMayCancelAnother) {
    clock.set_manual(true);
    timer("first").arm(1);
    Timer& second = timer("second");
    second.arm(1);
    handlers[0].action = [&] { second.cancel(); };
    clock.step_to(10);
    EXPECT_TRUE(fired.empty());
}

TEST_F(ClockTest, SaysWhenTheHostShouldLookAgain) {
    timer("a").arm(300);
    clock.start();
    EXPECT_EQ(clock.host_deadline(), 5'300u);
    timers[0]->arm(~std::uint64_t(0) - 1);
    EXPECT_EQ(clock.host_deadline(), ~std::uint64_t(0)) << "no overflow";
}

struct Watcher final : kernel::DeadlineWatcher {
    void deadline_moved() override { ++moves; }
    int moves = 0;
};

TEST(TimerQueueTest, TellsWhenTheFirstDeadlineBecomesEarlier) {
    Watcher watcher;
    kernel::Callee anybody{"a test"};
    kernel::TimerQueue queue(&watcher);
    Expiry handler;
    kernel::QueuedTimer* a = queue.create(handler, anybody);
    kernel::QueuedTimer* b = queue.create(handler, anybody);
    a->arm(100);
    EXPECT_EQ(watcher.moves, 1);
    b->arm(200);
    EXPECT_EQ(watcher.moves, 1);
    b->arm(50);
    EXPECT_EQ(watcher.moves, 2);
    a->release();
    b->release();
}

TEST(TimerQueueTest, AgreesWithASortedListWhateverIsArmedAndCancelled) {
    std::mt19937 random(7);
    kernel::Callee anybody{"a test"};
    kernel::TimerQueue queue(nullptr);
    struct Named final : TimerHandler {
        void timer_expired() override { log->push_back(index); }
        std::vector<std::size_t>* log = nullptr;
        std::size_t index = 0;
    };
    std::vector<std::size_t> log;
    std::vector<Named> handlers(50);
    std::vector<kernel::QueuedTimer*> timers;
    for (std::size_t index = 0; index < handlers.size(); ++index) {
        handlers[index].log = &log;
        handlers[index].index = index;
        timers.push_back(queue.create(handlers[index], anybody));
    }
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> expected;
    std::uint64_t sequence = 0;
    for (int round = 0; round < 5000; ++round) {
        const std::size_t index = random() % timers.size();
        std::erase_if(expected, [&](const auto& entry) { return entry.second == index; });
        if (random() % 4 == 0) {
            timers[index]->cancel();
        } else {
            const std::uint64_t deadline = random() % 100;
            timers[index]->arm(deadline);
            expected[{deadline, ++sequence}] = index;
        }
        if (random() % 16 == 0) {
            const std::uint64_t now = random() % 100;
            log.clear();
            queue.run_due(now);
            std::vector<std::size_t> due;
            while (!expected.empty() && expected.begin()->first.first <= now) {
                due.push_back(expected.begin()->second);
                expected.erase(expected.begin());
            }
            ASSERT_EQ(log, due);
        }
        ASSERT_EQ(queue.next_deadline(),
                  expected.empty() ? ~std::uint64_t(0) : expected.begin()->first.first);
    }
    for (kernel::QueuedTimer* timer : timers) timer->release();
}

struct RtcTest : ClockTest {
    kernel::RtcClock rtc{time, clock};
};

TEST_F(RtcTest, ShowsUtcAndGoesOnWhileTheMachineIsStopped) {
    EXPECT_EQ(rtc.now_ns(), 1'000'000);
    time.realtime += 500;
    EXPECT_EQ(rtc.now_ns(), 1'000'500);
}

TEST_F(RtcTest, ShowsLocalTime) {
    rtc.set({.base = RtcOptions::Base::LocalTime});
    EXPECT_EQ(rtc.now_ns(), 1'000'000 + 7'200'000'000'000);
}

TEST_F(RtcTest, StartsFromADateAndRuns) {
    rtc.set({.base = RtcOptions::Base::Date, .date_ns = 777});
    EXPECT_EQ(rtc.now_ns(), 777);
    time.realtime += 10;
    EXPECT_EQ(rtc.now_ns(), 787);
}

TEST_F(RtcTest, FollowsTheVirtualClockOnRequest) {
    rtc.set({.base = RtcOptions::Base::Date, .date_ns = 777, .virtual_clock = true});
    time.realtime += 1000;
    EXPECT_EQ(rtc.now_ns(), 777);
    clock.step_to(100);
    EXPECT_EQ(rtc.now_ns(), 877);
    EXPECT_EQ(rtc.deadline_for(900), 123u);
}

TEST_F(RtcTest, TellsWhenADateIsReachedInVirtualTime) {
    clock.step_to(5000);
    EXPECT_EQ(rtc.deadline_for(1'000'250), 5250u);
    EXPECT_EQ(rtc.deadline_for(999'000), 4000u) << "a date that has passed is past on the clock as well";
    EXPECT_EQ(rtc.deadline_for(-1'000'000), 0u);
    EXPECT_GT(rtc.deadline_for(std::numeric_limits<std::int64_t>::max()), std::uint64_t(1) << 62);
    rtc.deadline_for(std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace backplane::test
