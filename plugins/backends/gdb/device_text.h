// Where a debugger connects, as -gdb and the monitor's `gdbserver` say it: "tcp::1234", "unix:PATH,server=on,wait=off",
// "chardev:ID", "stdio", "none" …
#pragma once

#include <backplane/abi.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backplane::gdb {

struct DeviceText {
    enum class Kind { None, Existing, New };
    Kind kind = Kind::None;
    std::string name;  ///< Existing: the chardev's id; New: its type, "chardev-socket"
    std::vector<std::pair<std::string, std::string>> properties;  ///< New
};

/// False and a reason.
bool read_device_text(std::string_view text, DeviceText& device, Errors& errors);

}  // namespace backplane::gdb
