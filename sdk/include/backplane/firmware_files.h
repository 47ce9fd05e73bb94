// Files that come with firmware: option ROMs, and what else is looked for where firmware is.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// The host interface "backplane.firmware-files/1". Thread: main, or holding the machine lock.
class FirmwareFiles {
  public:
    static constexpr const char* kId = "backplane.firmware-files/1";
    /// Appends the path of the file that `name` means: itself, where there is such a file or where it is an absolute path;
    /// else the first of that name in the firmware search path (-L and the install's). False: there is none.
    virtual bool find_firmware(Str name, TextSink& path) const = 0;

  protected:
    ~FirmwareFiles() = default;
};

}  // namespace backplane
