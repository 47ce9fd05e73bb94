// Properties of -machine that are every machine's, whatever its board.
#pragma once

#include <string_view>
#include <vector>

namespace backplane::kernel {

struct MachineSwitch {
    const char* name;
    const char* summary;
    const char* standard;  ///< what holds when nothing is said
};

const std::vector<MachineSwitch>& machine_switches();
/// Null when it is not one of them.
const MachineSwitch* find_machine_switch(std::string_view name);

}  // namespace backplane::kernel
