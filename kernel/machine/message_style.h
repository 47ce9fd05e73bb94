// What stands before each message of the program.
#pragma once

#include <string>

namespace backplane::kernel {

struct MessageStyle {
    bool timestamp = false;
    std::string guest_name;  ///< empty: not shown
    /// "2006-01-02T03:04:05.000006Z guest backplane: "
    std::string prefix() const;
};

}  // namespace backplane::kernel
