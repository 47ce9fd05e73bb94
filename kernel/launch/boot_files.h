// The files that a machine starts from: which option named each, and whether they can be read.
#pragma once

#include "kernel/launch/plan.h"

#include <string>
#include <string_view>
#include <utility>

namespace backplane::kernel {

/// The option that gave machine property `name` its value: "-kernel FILE", or "-machine NAME=VALUE".
std::string option_of_property(const LaunchPlan& plan, std::string_view name, std::string_view value);
/// Throws UserError when a file that the machine is to start from cannot be read, or an option needs one that was
/// not given. Firmware is looked for in `firmware_path` too.
void check_boot_files(const LaunchPlan& plan, const std::vector<std::string>& firmware_path);
/// The option that gave the property of which a board says `message` (BoardPropertyErrors), and the message without its
/// name; an empty option when it speaks of something else, or nobody gave it.
std::pair<std::string, std::string> read_board_error(const LaunchPlan& plan, const std::string& message);

}  // namespace backplane::kernel
