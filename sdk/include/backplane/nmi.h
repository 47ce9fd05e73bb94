// The interrupt that a processor cannot mask, as a machine's user asks for it: a button on the board, or a watchdog's last word.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by the device through which such an interrupt comes to a processor. `inject-nmi` and `-action watchdog=inject-nmi`
/// tell all that there are; what is programmed there decides what comes of it. Thread: main, holding the machine lock.
class NmiInput {
  public:
    static constexpr const char* kId = "backplane.nmi-input/1";
    virtual void inject_nmi() = 0;

  protected:
    ~NmiInput() = default;
};

}  // namespace backplane
