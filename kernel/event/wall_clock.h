// The date that the guest's real-time clock shows, as `-rtc` asks for it.
#pragma once

#include "kernel/event/clock.h"

#include <backplane/lost_ticks.h>

namespace backplane::kernel {

/// What the guest's date starts from, and what drives it.
struct RtcOptions {
    enum class Base { Utc, LocalTime, Date } base = Base::Utc;
    std::int64_t date_ns = 0;    ///< Base::Date: ns since 1970
    bool virtual_clock = false;  ///< clock=vm: stands still while the machine does
    bool slew = false;           ///< driftfix=slew
};

/// now_ns(), deadline_for(): any thread. set(), restore(): while the machine stands still.
class RtcClock final : public WallClock, public LostTicks {
  public:
    RtcClock(const HostTime& time, const VirtualClock& clock) : time_(time), clock_(clock) { set({}); }

    void set(const RtcOptions& options);
    /// What now_ns() adds to the clock that drives the date.
    std::int64_t offset_ns() const { return offset_; }
    bool on_virtual_clock() const { return virtual_clock_; }
    /// Goes on from a saved machine's, which had these for the two above. Where another clock drives the date here, it
    /// goes on from what it is now. The virtual clock has the saved machine's time already.
    void restore(std::int64_t offset_ns, bool on_virtual_clock);
    std::int64_t now_ns() const override;
    std::uint64_t deadline_for(std::int64_t wall_ns) const override;
    bool made_up_for() const override { return slew_; }

  private:
    const HostTime& time_;
    const VirtualClock& clock_;
    bool virtual_clock_ = false;
    bool slew_ = false;
    std::int64_t offset_ = 0;  ///< to the host's date, or to the virtual clock
};

}  // namespace backplane::kernel
