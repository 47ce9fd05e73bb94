// A secret that a user gave (-object secret): a password, a key.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by such an object. Thread: main, or holding the machine lock.
class Secret {
  public:
    static constexpr const char* kId = "backplane.secret/1";
    /// Any bytes; valid as long as the object. To be shown to nobody.
    virtual Bytes secret() const = 0;

  protected:
    ~Secret() = default;
};

}  // namespace backplane
