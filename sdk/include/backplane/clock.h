// Time as a device gets it: a clock that is handed in, and timers on it.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// What a timer calls. Thread: the host loop, with the machine lock held.
class TimerHandler {
  public:
    virtual void timer_expired() = 0;

  protected:
    ~TimerHandler() = default;
};

/// One deadline on a clock. Owner: whoever called Clock::create_timer(); freed by release().
/// Thread: any that holds the machine lock.
class Timer {
  public:
    /// Calls the handler once when the clock reaches `deadline_ns` (at once when that is past). Replaces an
    /// earlier deadline.
    virtual void arm(std::uint64_t deadline_ns) = 0;
    virtual void cancel() = 0;
    virtual bool armed() const = 0;
    /// The deadline, in ns; ~0 when not armed.
    virtual std::uint64_t deadline() const = 0;
    /// Cancels and frees. The handler is not called again.
    virtual void release() = 0;

  protected:
    ~Timer() = default;
};

/// A monotonic clock in ns. The virtual clock stops with the machine and starts at 0.
class Clock {
  public:
    static constexpr const char* kId = "backplane.clock/1";
    /// Thread: any.
    virtual std::uint64_t now_ns() const = 0;
    virtual Timer* create_timer(TimerHandler& handler) = 0;

  protected:
    ~Clock() = default;
};

/// The date that the guest's real-time clock shows, as `-rtc` asks for it.
class WallClock {
  public:
    static constexpr const char* kId = "backplane.wall-clock/1";
    /// ns since 1970-01-01 00:00 UTC (or local time under `-rtc base=localtime`).
    virtual std::int64_t now_ns() const = 0;
    /// The virtual-clock time at which now_ns() will be `wall_ns`: what an alarm arms its timer with.
    virtual std::uint64_t deadline_for(std::int64_t wall_ns) const = 0;

  protected:
    ~WallClock() = default;
};

/// A timer that calls a member function and frees itself with its owner:
///   OwnedTimer<&Rtc::alarm> timer_{*this}; … timer_.create(context.clock());
template <auto Method>
class OwnedTimer;
template <class Owner, void (Owner::*Method)()>
class OwnedTimer<Method> final : TimerHandler {
  public:
    explicit OwnedTimer(Owner& owner) : owner_(owner) {}
    OwnedTimer(const OwnedTimer&) = delete;
    OwnedTimer& operator=(const OwnedTimer&) = delete;
    ~OwnedTimer() {
        if (timer_) timer_->release();
    }
    void create(Clock& clock) {
        if (!timer_) timer_ = clock.create_timer(*this);
    }
    void arm(std::uint64_t deadline_ns) { timer_->arm(deadline_ns); }
    void cancel() {
        if (timer_) timer_->cancel();
    }
    bool armed() const { return timer_ && timer_->armed(); }
    /// The place of the clock's timer, for describe_timer().
    Timer** handle() { return &timer_; }

  private:
    void timer_expired() override { (owner_.*Method)(); }
    Owner& owner_;
    Timer* timer_ = nullptr;
};

}  // namespace backplane
