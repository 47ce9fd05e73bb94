#include "kernel/vocabulary/version.h"

namespace backplane::kernel {

std::string program_version() { return "backplane " BACKPLANE_VERSION; }

std::string version_line() {
    const auto& [major, minor, micro] = kSpokenVersion;
    return "QEMU emulator version " + std::to_string(major) + "." + std::to_string(minor) + "." +
           std::to_string(micro) + " (its command line; the program is " + program_version() + ")\n";
}

}  // namespace backplane::kernel
