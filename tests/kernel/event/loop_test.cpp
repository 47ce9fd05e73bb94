// The host loop: descriptors, work, timers, signals; always with the lock held, always on its thread.
#include "kernel/event/loop.h"

#include "kernel/event/machine_lock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace backplane::test {
namespace {

using kernel::HostLoop;
using kernel::RecursiveMachineLock;

struct Job final : Work {
    void run() override { action(); }
    std::function<void()> action = [] {};
};

struct Expiry final : TimerHandler {
    void timer_expired() override { action(); }
    std::function<void()> action = [] {};
};

struct Reader final : FdHandler {
    void fd_ready(int fd, bool readable, bool writable) override {
        ++calls;
        if (action) action(fd, readable, writable);
    }
    std::function<void(int, bool, bool)> action;
    int calls = 0;
};

struct LoopTest : ::testing::Test {
    RecursiveMachineLock lock;
    HostLoop loop{lock};
    int pair[2];

    LoopTest() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0); }
    ~LoopTest() override {
        close(pair[0]);
        close(pair[1]);
    }
    FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable) {
        const std::lock_guard guard(lock);
        return loop.watch(fd, handler, readable, writable);
    }
    void release(FdWatch* watch) {
        const std::lock_guard guard(lock);
        watch->release();
    }
    void want(FdWatch* watch, bool readable, bool writable) {
        const std::lock_guard guard(lock);
        watch->want(readable, writable);
    }
};

TEST_F(LoopTest, AWatchIsRefusedWhenTheHostHasNoDescriptorsLeft) {
    // Also: the sanitizers, which need descriptors to look at an object the first time, have seen all of them then.
    Reader reader;
    release(watch(pair[0], reader, true, false));
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(pair[0]);
    close(next);
    rlimit full = before;
    full.rlim_cur = rlim_t(next);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &full), 0);
    FdWatch* refused = watch(pair[0], reader, true, false);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(refused, nullptr);
    FdWatch* later = watch(pair[0], reader, true, false);
    ASSERT_NE(later, nullptr);
    release(later);
}

TEST_F(LoopTest, WorkRunsInTheOrderOfPostingWithTheLockHeld) {
    std::string order;
    Job a, b;
    a.action = [&] { order += lock.held() ? "a" : "?"; };
    b.action = [&] { order += lock.held() ? "b" : "?"; };
    loop.post(a);
    loop.post(b);
    EXPECT_EQ(order, "");
    loop.run_ready();
    EXPECT_EQ(order, "ab");
    EXPECT_FALSE(lock.held());
}

TEST_F(LoopTest, WorkThatIsPostedTwiceRunsOnceAndMayBePostedAgain) {
    int runs = 0;
    Job job;
    job.action = [&] {
        if (++runs == 1) loop.post(job);
    };
    loop.post(job);
    loop.post(job);
    loop.run_ready();
    loop.run_ready();
    EXPECT_EQ(runs, 2);
}

TEST_F(LoopTest, CancelledWorkDoesNotRun) {
    int runs = 0;
    Job first, second;
    second.action = [&] { ++runs; };
    first.action = [&] { loop.cancel(second); };
    loop.post(first);
    loop.post(second);
    loop.run_ready();
    EXPECT_EQ(runs, 0);
}

TEST_F(LoopTest, AnyThreadMayPost) {
    std::thread::id where;
    Job job;
    job.action = [&] {
        where = std::this_thread::get_id();
        loop.stop(7);
    };
    std::thread other([&] { loop.post(job); });
    EXPECT_EQ(loop.run(), 7);
    other.join();
    EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(LoopTest, AStopBeforeTheRunEndsItAtOnce) {
    loop.stop(3);
    EXPECT_EQ(loop.run(), 3);
}

TEST_F(LoopTest, ADescriptorIsReportedWhenItIsReadable) {
    Reader reader;
    FdWatch* watched = watch(pair[0], reader, true, false);
    loop.run_ready();
    EXPECT_EQ(reader.calls, 0);
    reader.action = [&](int fd, bool readable, bool writable) {
        EXPECT_EQ(fd, pair[0]);
        EXPECT_TRUE(readable);
        EXPECT_FALSE(writable);
        EXPECT_TRUE(lock.held());
    };
    ASSERT_EQ(write(pair[1], "x", 1), 1);
    ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_EQ(reader.calls, 1);
    release(watched);
}

TEST_F(LoopTest, WhatWasNotReadIsReportedAgain) {
    Reader reader;
    FdWatch* watched = watch(pair[0], reader, true, false);
    ASSERT_EQ(write(pair[1], "xy", 2), 2);
    for (int round = 0; round < 3; ++round) ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_GE(reader.calls, 2);
    release(watched);
}

TEST_F(LoopTest, NothingIsReportedThatIsNotWanted) {
    Reader reader;
    FdWatch* watched = watch(pair[0], reader, true, false);
    ASSERT_EQ(write(pair[1], "x", 1), 1);
    want(watched, false, false);
    loop.run_ready();
    EXPECT_EQ(reader.calls, 0);
    want(watched, true, false);
    ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_EQ(reader.calls, 1);
    release(watched);
}

TEST_F(LoopTest, ADescriptorIsReportedWhenItIsWritable) {
    Reader reader;
    bool was_writable = false;
    reader.action = [&](int, bool, bool writable) { was_writable |= writable; };
    FdWatch* watched = watch(pair[0], reader, false, true);
    ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_TRUE(was_writable);
    release(watched);
}

TEST_F(LoopTest, AHandlerMayReleaseItsOwnWatch) {
    Reader reader;
    FdWatch* watched = nullptr;
    reader.action = [&](int, bool, bool) { watched->release(); };
    watched = watch(pair[0], reader, true, true);
    ASSERT_EQ(write(pair[1], "x", 1), 1);
    ASSERT_TRUE(loop.run_once(10'000));
    loop.run_ready();
    EXPECT_EQ(reader.calls, 1);
}

TEST_F(LoopTest, TheEndOfAStreamIsReadable) {
    Reader reader;
    FdWatch* watched = watch(pair[0], reader, true, false);
    shutdown(pair[1], SHUT_RDWR);
    ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_EQ(reader.calls, 1);
    release(watched);
}

TEST_F(LoopTest, TwoMayWatchOneDescriptor) {
    Reader reader, writer;
    FdWatch* reads = watch(pair[0], reader, true, false);
    FdWatch* writes = watch(pair[0], writer, false, true);
    writer.action = [&](int, bool, bool) { writes->want(false, false); };
    ASSERT_EQ(write(pair[1], "x", 1), 1);
    ASSERT_TRUE(loop.run_once(10'000));
    ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_GE(reader.calls, 1);
    EXPECT_EQ(writer.calls, 1);
    release(reads);
    release(writes);
}

TEST_F(LoopTest, ARegularFileIsAlwaysReady) {
    char path[] = "/tmp/loop_test.XXXXXX";
    const int file = mkstemp(path);
    unlink(path);
    Reader reader;
    FdWatch* watched = watch(file, reader, true, false);
    for (int round = 0; round < 3; ++round) ASSERT_TRUE(loop.run_once(10'000));
    EXPECT_GE(reader.calls, 1);
    release(watched);
    close(file);
}

TEST_F(LoopTest, ADescriptorIsBlockingAgainAfterItsWatch) {
    Reader reader;
    FdWatch* watched = watch(pair[0], reader, true, false);
    EXPECT_NE(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
    release(watched);
    EXPECT_EQ(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(LoopTest, TimersOfTheHostClockFire) {
    Expiry expiry;
    Timer* timer = loop.host_clock().create_timer(expiry);
    const std::uint64_t deadline = loop.host_clock().now_ns() + 1'000'000;
    std::uint64_t fired_at = 0;
    expiry.action = [&] {
        EXPECT_TRUE(lock.held());
        fired_at = loop.host_clock().now_ns();
        loop.stop(0);
    };
    {
        const std::lock_guard guard(lock);
        timer->arm(deadline);
    }
    loop.run();
    EXPECT_GE(fired_at, deadline);
    timer->release();
}

TEST_F(LoopTest, TimersOfTheVirtualClockFireWhileItRuns) {
    Expiry virtual_expiry, host_expiry;
    bool fired = false;
    virtual_expiry.action = [&] {
        fired = true;
        loop.stop(0);
    };
    host_expiry.action = [&] { loop.stop(0); };
    Timer* virtual_timer = loop.virtual_clock().create_timer(virtual_expiry);
    Timer* host_timer = loop.host_clock().create_timer(host_expiry);
    {
        const std::lock_guard guard(lock);
        virtual_timer->arm(1);
        host_timer->arm(loop.host_clock().now_ns() + 1'000'000);
    }
    loop.run();
    EXPECT_FALSE(fired) << "it stands still";
    {
        const std::lock_guard guard(lock);
        loop.virtual_clock().start();
    }
    loop.run();
    EXPECT_TRUE(fired);
    virtual_timer->release();
    host_timer->release();
}

TEST_F(LoopTest, ATimerArmedInAnotherThreadWakesTheLoop) {
    Expiry expiry;
    expiry.action = [&] { loop.stop(9); };
    Timer* timer = loop.host_clock().create_timer(expiry);
    std::thread vcpu([&] {
        const std::lock_guard guard(lock);
        timer->arm(0);
    });
    EXPECT_EQ(loop.run(), 9);
    vcpu.join();
    timer->release();
}

TEST_F(LoopTest, SignalsArriveOnTheLoop) {
    std::vector<int> got;
    loop.handle_signals([&](int signal) {
        EXPECT_TRUE(lock.held());
        got.push_back(signal);
        if (got.size() == 3) loop.stop(0);
    });
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) raise(signal);
    loop.run();
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, (std::vector<int>{SIGHUP, SIGINT, SIGTERM}));
}

TEST_F(LoopTest, ABrokenPipeIsAnErrorNotTheEnd) {
    loop.handle_signals([](int) {});
    close(pair[1]);
    pair[1] = dup(pair[0]);
    EXPECT_EQ(write(pair[0], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
}

TEST_F(LoopTest, WhoWaitsForADescriptorDoesNotHoldUpTheOthers) {
    const std::lock_guard guard(lock);
    EXPECT_FALSE(loop.running());
    Job sender;
    sender.action = [&] { EXPECT_EQ(write(pair[1], "x", 1), 1); };
    loop.post(sender);
    EXPECT_EQ(loop.wait_for(pair[0], true, false), Lifetime::Outcome::Ready);
}

TEST_F(LoopTest, WaitingEndsWithTheProgram) {
    loop.handle_signals([&](int) { loop.begin_end(); });
    const std::lock_guard guard(lock);
    raise(SIGTERM);
    EXPECT_EQ(loop.wait_for(pair[0], true, false), Lifetime::Outcome::Ending);
    EXPECT_TRUE(loop.ending());
}

TEST_F(LoopTest, NobodyWaitsWhileItRuns) {
    Job job;
    job.action = [&] {
        EXPECT_TRUE(loop.running());
        EXPECT_EQ(loop.wait_for(pair[0], true, false), Lifetime::Outcome::Ending);
        loop.stop(0);
    };
    loop.post(job);
    loop.run();
    EXPECT_FALSE(loop.running());
}

TEST(MachineLockTest, CountsAndKnowsItsThread) {
    RecursiveMachineLock lock;
    EXPECT_FALSE(lock.held());
    lock.lock();
    lock.lock();
    lock.unlock();
    EXPECT_TRUE(lock.held());
    bool held_elsewhere = true;
    std::thread([&] { held_elsewhere = lock.held(); }).join();
    EXPECT_FALSE(held_elsewhere);
    lock.unlock();
    EXPECT_FALSE(lock.held());
}

TEST(MachineLockTest, ExcludesOthers) {
    RecursiveMachineLock lock;
    int count = 0;
    std::vector<std::thread> threads;
    for (int index = 0; index < 4; ++index)
        threads.emplace_back([&] {
            for (int round = 0; round < 20'000; ++round) {
                const std::lock_guard outer(lock);
                const std::lock_guard inner(lock);
                ++count;
            }
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(count, 80'000);
}

TEST(MachineLockTest, OneThatNeverRestsDoesNotStarveAnother) {
    RecursiveMachineLock lock;
    std::atomic<bool> done{false};
    std::thread greedy([&] {
        while (!done) {
            const std::lock_guard guard(lock);
        }
    });
    for (int round = 0; round < 200; ++round) const std::lock_guard guard(lock);
    done = true;
    greedy.join();
}

}  // namespace
}  // namespace backplane::test
