// Entropy: bytes from the host, when it has them.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by -object rng-random, rng-builtin. Thread: holding the machine lock.
class RngBackend {
  public:
    static constexpr const char* kId = "backplane.rng/1";
    /// Fills up to `to.size` bytes and says how many there were; 0: try again later.
    virtual std::size_t fill(MutableBytes to) = 0;

  protected:
    ~RngBackend() = default;
};

}  // namespace backplane
