// What this program is, and whose command line and protocols it speaks: scripts ask for a version of those.
#pragma once

#include <string>

namespace backplane::kernel {

/// The release of QEMU whose options, commands and machines are meant.
struct SpokenVersion {
    unsigned major, minor, micro;
};
inline constexpr SpokenVersion kSpokenVersion{11, 1, 3};

/// "backplane 0.1.0"
std::string program_version();
/// One line that scripts which look for the other program's version understand, and that says which this is.
std::string version_line();

}  // namespace backplane::kernel
