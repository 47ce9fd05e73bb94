// The date that the guest's real-time clock shows, as `-rtc` asks for it. Not here: driftfix other than none.
#pragma once

#include "kernel/event/clock.h"

namespace backplane::kernel {

/// What the guest's date starts from, and what drives it.
struct RtcOptions {
    enum class Base { Utc, LocalTime, Date } base = Base::Utc;
    std::int64_t date_ns = 0;    ///< Base::Date: ns since 1970
    bool virtual_clock = false;  ///< clock=vm: stands still while the machine does
};

/// now_ns(), deadline_for(): any thread. set(): before the machine runs.
class RtcClock final : public WallClock {
  public:
    RtcClock(const HostTime& time, const VirtualClock& clock) : time_(time), clock_(clock) { set({}); }

    void set(const RtcOptions& options);
    std::int64_t now_ns() const override;
    std::uint64_t deadline_for(std::int64_t wall_ns) const override;

  private:
    const HostTime& time_;
    const VirtualClock& clock_;
    bool virtual_clock_ = false;
    std::int64_t offset_ = 0;  ///< to the host's date, or to the virtual clock
};

}  // namespace backplane::kernel
