// Command lines as a shell would cut them, for tests of the launcher.
#pragma once

#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/user_error.h"

#include <gtest/gtest.h>

#include <sstream>

namespace backplane::kernel {

inline CommandLine read(const std::string& line) {
    std::istringstream words(line);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    return read_command_line(arguments);
}

inline LaunchPlan plan_of(const std::string& line) { return read(line).plan; }

/// What is wrong with `line`; empty when nothing is.
inline std::string error_of(const std::string& line) {
    try {
        read(line);
        return {};
    } catch (const UserError& error) {
        return error.what();
    }
}

}  // namespace backplane::kernel
