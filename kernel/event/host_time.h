// The host's time, as one gate: what a test or a replay puts in its place.
#pragma once

#include <cstdint>

namespace backplane::kernel {

/// Thread: any.
class HostTime {
  public:
    /// ns of a clock that never goes back.
    virtual std::uint64_t monotonic_ns() const = 0;
    /// ns since 1970-01-01 00:00 UTC.
    virtual std::int64_t realtime_ns() const = 0;
    /// Seconds that local time is ahead of UTC at `realtime_ns`.
    virtual std::int64_t utc_offset_seconds(std::int64_t realtime_ns) const = 0;

  protected:
    ~HostTime() = default;
};

/// The operating system's.
const HostTime& system_time();

}  // namespace backplane::kernel
