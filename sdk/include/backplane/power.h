// The machine's power button.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by the device whose button it is: `system_powerdown` presses all that there are. What comes of it is the
/// guest's decision. Thread: main, holding the machine lock.
class PowerButton {
  public:
    static constexpr const char* kId = "backplane.power-button/1";
    virtual void press() = 0;

  protected:
    ~PowerButton() = default;
};

}  // namespace backplane
