// The clocks of a machine: the virtual one, which stops with it, and the host's, which does not.
#pragma once

#include "kernel/event/host_time.h"
#include "kernel/event/timer_queue.h"

namespace backplane::kernel {

/// ns of the host's monotonic clock.
class HostClock final : public Clock {
  public:
    /// `anybody`: whose timers are that nobody gave a name.
    HostClock(const HostTime& time, DeadlineWatcher* watcher, Callee& anybody)
        : time_(time), timers_(watcher), anybody_(anybody) {}
    std::uint64_t now_ns() const override { return time_.monotonic_ns(); }
    std::int64_t date_ns() const { return time_.realtime_ns(); }
    Timer* create_timer(TimerHandler& handler) override { return timers_.create(handler, anybody_); }
    TimerQueue& timers() { return timers_; }
    std::uint64_t next_deadline() const { return timers_.next_deadline(); }
    void run_due() { timers_.run_due(now_ns()); }

  private:
    const HostTime& time_;
    TimerQueue timers_;
    Callee& anybody_;
};

/// Starts at 0, stopped. Thread: holding the machine lock, but for now_ns() and next_deadline().
class VirtualClock final : public Clock {
  public:
    VirtualClock(const HostTime& time, DeadlineWatcher* watcher, Callee& anybody)
        : time_(time), watcher_(watcher), timers_(watcher), anybody_(anybody) {}

    std::uint64_t now_ns() const override;
    Timer* create_timer(TimerHandler& handler) override { return timers_.create(handler, anybody_); }
    TimerQueue& timers() { return timers_; }

    /// Runs with the host's time from where it stands. Nothing when it runs.
    void start();
    /// Stands still; timers keep their deadlines.
    void stop();
    bool running() const { return running_; }

    /// A manual clock moves by step_to() alone, whether the machine runs or not.
    void set_manual(bool manual);
    bool manual() const { return manual_; }
    /// Moves to `now_ns`, running timers on the way in order of deadline, each at its own time. Never back. Also
    /// moves a stopped clock (a test, a snapshot that is loaded).
    void step_to(std::uint64_t now_ns);

    /// A saved machine's time, which may be an earlier one. Timers keep their deadlines, and none runs. Stopped only.
    void set(std::uint64_t now_ns) { set_time(now_ns, false); }

    /// Virtual ns; ~0: none.
    std::uint64_t next_deadline() const { return timers_.next_deadline(); }
    /// When the host's monotonic clock reaches this, run_due() has something to do; ~0: not by itself.
    std::uint64_t host_deadline() const;
    /// Runs what is due, when the clock runs by itself.
    void run_due();

  private:
    bool moving() const { return running_ && !manual_; }
    void set_time(std::uint64_t now_ns, bool moves);

    const HostTime& time_;
    DeadlineWatcher* watcher_;
    TimerQueue timers_;
    Callee& anybody_;
    bool running_ = false;
    bool manual_ = false;
    /// What now_ns() reads, guarded by an odd/even version: the time when it was set, and the host's time then, or
    /// kStill.
    static constexpr std::uint64_t kStill = ~std::uint64_t(0);
    std::atomic<std::uint32_t> version_{0};
    std::atomic<std::uint64_t> base_{0};
    std::atomic<std::uint64_t> host_base_{kStill};
};

}  // namespace backplane::kernel
