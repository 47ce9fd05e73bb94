// What a debugger is told of the machine as XML (GDB manual, appendix G): registers and threads.
#pragma once

#include "debuggee.h"

namespace backplane::gdb {

/// The target description of the CPUs, whose registers have the numbers that Debuggee uses.
std::string target_description(const Debuggee& debuggee);

/// "CPU#0 [running]"
std::string thread_text(const Debuggee& debuggee, std::size_t cpu);

std::string xml_text(std::string_view text);

}  // namespace backplane::gdb
