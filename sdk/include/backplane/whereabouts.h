// A machine that is saved here and goes on in another process: which of the two has what only one process can have.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// A host interface. Thread: holding the machine lock.
class Whereabouts {
  public:
    static constexpr const char* kId = "backplane.whereabouts/1";
    /// Is the machine in this process? Not before the state that it is to get has come, and not once it was saved, unless
    /// it goes on here all the same.
    virtual bool here() const = 0;

  protected:
    ~Whereabouts() = default;
};

/// Offered by parts of backends that hold what no other process may have meanwhile (an image's locks). A part that is
/// made while the machine is elsewhere leaves it alone. Thread: the host loop, holding the machine lock; the machine
/// stands still.
class Exclusive {
  public:
    static constexpr const char* kId = "backplane.exclusive/1";
    /// The machine comes here. False and the reason when another process still has it: the machine stays stopped.
    /// Called again for what was taken already.
    virtual bool take(Errors& errors) = 0;
    /// The machine leaves: everything is done and written, and another process may take it from now on.
    virtual void let_go() = 0;

  protected:
    ~Exclusive() = default;
};

}  // namespace backplane
