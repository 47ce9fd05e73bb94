// The program: from its arguments to its exit status.
#pragma once

#include <string>
#include <vector>

namespace backplane::kernel {

/// Runs what `arguments` ask for: a listing, or a machine until it ends. Started as "qemu-system-ARCHITECTURE" (`name`, a
/// path or not), it has the machines of that architecture alone. The exit status: 0 after a guest's power-off, what a
/// guest's test device asked for, 1 after an error, which stands on stderr in one line.
int run_program(const std::string& name, const std::vector<std::string>& arguments);

}  // namespace backplane::kernel
