// Files of the host that users name: a path, or a descriptor that the program was given.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The host interface "backplane.host-files/1". Thread: main, or holding the machine lock.
class HostFiles {
  public:
    static constexpr const char* kId = "backplane.host-files/1";
    /// open(2), the descriptor being closed on exec. "/dev/fdset/N" is a descriptor of set N (add-fd, -add-fd) that was
    /// opened for what `flags` ask (O_RDONLY …): a duplicate, which is the caller's. -1, a reason, and errno.
    virtual int open_file(Str path, int flags, unsigned mode, Errors& errors) = 0;

  protected:
    ~HostFiles() = default;
};

}  // namespace backplane
