// The host loop as a backend sees it: file descriptors, deferred work. Devices have no use for this.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Thread: the host loop, with the machine lock held.
class FdHandler {
  public:
    virtual void fd_ready(int fd, bool readable, bool writable) = 0;

  protected:
    ~FdHandler() = default;
};

/// A descriptor under watch. Owner: whoever called watch(); the descriptor stays the caller's and must stay open
/// until release().
class FdWatch {
  public:
    virtual void want(bool readable, bool writable) = 0;
    virtual void release() = 0;

  protected:
    ~FdWatch() = default;
};

class Work {
  public:
    virtual void run() = 0;

  protected:
    ~Work() = default;
};

class Clock;

/// Thread: holding the machine lock, except post(), which any thread may call.
class EventLoop {
  public:
    static constexpr const char* kId = "backplane.event-loop/1";
    /// Null when the host has no descriptors left.
    virtual FdWatch* watch(int fd, FdHandler& handler, bool readable, bool writable) = 0;
    /// Runs `work` once on the loop, with the lock held, in the order of posting. `work` must live until then or
    /// be withdrawn with cancel().
    virtual void post(Work& work) = 0;
    virtual void cancel(Work& work) = 0;
    /// The host's monotonic clock, which runs while the machine is stopped. For backends only.
    virtual Clock& host_clock() = 0;
    /// The host's date, in ns since 1970-01-01 00:00 UTC. For backends, which ask nobody else. Thread: any.
    virtual std::int64_t host_date_ns() const = 0;

  protected:
    ~EventLoop() = default;
};

}  // namespace backplane
