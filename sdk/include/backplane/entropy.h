// The machine's one source of random bytes.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The host interface "backplane.entropy/1". All that is random in a machine comes from here, so that `-seed` makes a
/// run reproducible and a recorded one can be replayed. Thread: holding the machine lock.
class Entropy {
  public:
    static constexpr const char* kId = "backplane.entropy/1";
    virtual void fill(MutableBytes to) = 0;

  protected:
    ~Entropy() = default;
};

}  // namespace backplane
