// What users want of the ticks of a clock that their guest could not see in time (-rtc driftfix).
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The host interface "backplane.lost-ticks/1", for the chip that guests count time by. Thread: any.
class LostTicks {
  public:
    static constexpr const char* kId = "backplane.lost-ticks/1";
    /// Are they made up for, later and faster? The user's wish beside the chip's own property.
    virtual bool made_up_for() const = 0;

  protected:
    ~LostTicks() = default;
};

}  // namespace backplane
