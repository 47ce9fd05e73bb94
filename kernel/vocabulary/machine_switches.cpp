#include "kernel/vocabulary/machine_switches.h"

#include <algorithm>

namespace backplane::kernel {

const std::vector<MachineSwitch>& machine_switches() {
    static const std::vector<MachineSwitch> kSwitches{
        {"dump-guest-core", "guest memory is part of a core dump", "on"},
        {"mem-merge", "equal pages of guest memory may be merged (KSM)", "off"},
        // Memory is shared, and streams describe themselves, whatever is said.
        {"aux-ram-share", "other processes may be given ROMs and flashes: they may", "on"},
        {"suppress-vmdesc", "streams have no description apart: they have none", "on"},
    };
    return kSwitches;
}

const MachineSwitch* find_machine_switch(std::string_view name) {
    const auto found = std::ranges::find(machine_switches(), name, &MachineSwitch::name);
    return found == machine_switches().end() ? nullptr : &*found;
}

}  // namespace backplane::kernel
