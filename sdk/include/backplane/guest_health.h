// How a device says that its guest is not well. What follows is the user's choice (-action, set-action).
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The host interface "backplane.guest-health/1" (DeviceContext::host_interface). Thread: any; what follows happens
/// on the host loop.
class GuestHealth {
  public:
    static constexpr const char* kId = "backplane.guest-health/1";
    /// The guest's kernel says that it cannot go on.
    virtual void report_panic() = 0;
    /// The guest did not serve its watchdog in time.
    virtual void report_watchdog() = 0;

  protected:
    ~GuestHealth() = default;
};

}  // namespace backplane
