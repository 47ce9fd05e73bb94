// The host loop and its clocks as one object sees them: what it makes there is known to be its own, is called through
// the barrier, and goes with it.
#pragma once

#include "kernel/event/loop.h"

namespace backplane::kernel {

/// A clock whose timers belong to `callee`.
template <class Time>
class ObjectClock final : public Clock {
  public:
    ObjectClock(Time& clock, Callee& callee) : clock_(clock), callee_(callee) {}
    std::uint64_t now_ns() const override { return clock_.now_ns(); }
    Timer* create_timer(TimerHandler& handler) override { return clock_.timers().create(handler, callee_); }

  private:
    Time& clock_;
    Callee& callee_;
};

class ObjectLoop final : public EventLoop {
  public:
    ObjectLoop(HostLoop& loop, Callee& callee)
        : loop_(loop), callee_(callee), host_clock_(loop.host_clock(), callee) {}
    FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable) override {
        return loop_.watch(fd, handler, readable, writable, callee_);
    }
    void post(Work& work) override { loop_.post(work, callee_); }
    void cancel(Work& work) override { loop_.cancel(work); }
    Clock& host_clock() override { return host_clock_; }
    std::int64_t host_date_ns() const override { return loop_.host_date_ns(); }

  private:
    HostLoop& loop_;
    Callee& callee_;
    ObjectClock<HostClock> host_clock_;
};

/// What one object has of the loop, until it goes.
class ObjectEvents {
  public:
    ObjectEvents(HostLoop& loop, Callee& callee)
        : host_(loop), callee_(callee), loop_(loop, callee), clock_(loop.virtual_clock(), callee) {}
    EventLoop& loop() { return loop_; }
    Clock& clock() { return clock_; }
    /// Nothing of it is called any more: how much there was.
    std::size_t release() { return host_.forget(callee_); }

  private:
    HostLoop& host_;
    Callee& callee_;
    ObjectLoop loop_;
    ObjectClock<VirtualClock> clock_;
};

}  // namespace backplane::kernel
