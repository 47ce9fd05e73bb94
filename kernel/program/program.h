// The program: from its arguments to its exit status.
#pragma once

#include <string>
#include <vector>

namespace backplane::kernel {

/// Runs what `arguments` (without the program's name) ask for: a listing, or a machine until it ends. The exit
/// status: 0 after a guest's power-off, what a guest's test device asked for, 1 after an error, which stands on
/// stderr in one line.
int run_program(const std::vector<std::string>& arguments);

}  // namespace backplane::kernel
