// The counters of an 8253/8254 as the chip beside them sees them that has their gates and reads their outputs (a PC's
// port 61h), where a wire would have to follow every half of a square wave.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by an interval timer. `counter`: 0 to 2. Thread: holding the machine lock.
class IntervalTimer {
  public:
    static constexpr const char* kId = "backplane.interval-timer/1";
    virtual void set_gate(unsigned counter, int level) = 0;
    virtual int gate(unsigned counter) const = 0;
    /// The level of OUT at this moment.
    virtual int output(unsigned counter) const = 0;

  protected:
    ~IntervalTimer() = default;
};

}  // namespace backplane
