// The host loop: descriptors, deferred work, signals, and the clocks' timers, all on one thread.
//
// Everything that it calls runs with the machine lock held, which is free while the loop waits.
#pragma once

#include "kernel/event/clock.h"
#include "kernel/event/wall_clock.h"

#include <backplane/draft/address_space.h>
#include <backplane/event_loop.h>
#include <backplane/lifetime.h>

#include <atomic>
#include <functional>
#include <memory>

namespace backplane::kernel {

class HostLoop final : public EventLoop, public Lifetime, private DeadlineWatcher {
  public:
    explicit HostLoop(MachineLock& lock, const HostTime& time = system_time());
    HostLoop(const HostLoop&) = delete;
    HostLoop& operator=(const HostLoop&) = delete;
    /// Watches and timers must be released.
    ~HostLoop();

    // --- EventLoop ---
    /// Any descriptor, regular files included (they are always ready). It is non-blocking while it is watched.
    /// Null when the host has no descriptors left.
    FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable) override;
    /// Work that is posted again before it ran, runs once.
    void post(Work& work) override;
    void cancel(Work& work) override;
    HostClock& host_clock() override { return host_clock_; }
    std::int64_t host_date_ns() const override { return host_clock_.date_ns(); }

    // --- the same on behalf of an object, whose code the handlers are ---
    FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable, Callee& callee);
    void post(Work& work, Callee& callee);
    /// The object's code is not called any more: what it still watches or posted is let go. How many those were.
    std::size_t forget(const Callee& callee);
    /// What to do when code throws that no object is known for.
    void on_failure(std::function<void(const std::string& message)> handler) {
        anybody_.on_failure(std::move(handler));
    }

    // --- Lifetime ---
    bool running() const override;
    Outcome wait_for(int fd, bool readable, bool writable) override;
    bool ending() const override { return ending_.load(std::memory_order_relaxed); }
    /// The user wants the program to end: wait_for() waits no longer. Thread: any.
    void begin_end() { ending_.store(true, std::memory_order_relaxed); }

    VirtualClock& virtual_clock() { return virtual_clock_; }
    const VirtualClock& virtual_clock() const { return virtual_clock_; }
    RtcClock& wall_clock() { return wall_clock_; }
    void set_rtc(const RtcOptions& options) { wall_clock_.set(options); }

    /// From now on SIGINT, SIGTERM and SIGHUP call `handler` on the loop instead of ending the process, and
    /// SIGPIPE is ignored. Until the loop is destroyed.
    void handle_signals(std::function<void(int signal)> handler);

    /// Runs until stop(): the exit code. Thread: one, without the machine lock.
    int run();
    /// Ends run(), now or as soon as it is called. Thread: any.
    void stop(int exit_code);
    /// Runs what is ready, without waiting: how many handlers that were. For tests.
    std::size_t run_ready();
    /// Waits up to `limit_ms` for one handler to run; false when none did. For tests.
    bool run_once(unsigned limit_ms);

  private:
    class Implementation;
    void deadline_moved() override;

    Callee anybody_{"the host loop"};
    HostClock host_clock_;
    VirtualClock virtual_clock_;
    RtcClock wall_clock_;
    std::unique_ptr<Implementation> implementation_;
    std::atomic<bool> ending_{false};
};

}  // namespace backplane::kernel
