// A machine that is being saved. What its devices are was taken down, and its memory is being written: what came in now
// would be in one of the two and not in the other, so nothing may.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// Thread: the host loop, holding the machine lock.
class StandstillListener {
  public:
    /// It is over: what had to wait may enter.
    virtual void standstill_over() = 0;

  protected:
    ~StandstillListener() = default;
};

/// A host interface. Thread: holding the machine lock.
class Standstill {
  public:
    static constexpr const char* kId = "backplane.standstill/1";
    /// Meanwhile a network backend gives its front no frames, and a device takes no input and does nothing with output
    /// that had to wait. Both go on when they hear that it is over.
    virtual bool now() const = 0;
    /// `owner`: the object whose code the listener is.
    virtual void add_listener(Object& owner, StandstillListener& listener) = 0;
    /// Nothing when it is none.
    virtual void remove_listener(StandstillListener& listener) = 0;

  protected:
    ~Standstill() = default;
};

}  // namespace backplane
