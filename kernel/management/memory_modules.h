// The memory modules of a machine that were plugged in.
#pragma once

#include "kernel/machine/machine.h"

#include <backplane/slots.h>

#include <vector>

namespace backplane::kernel {

struct PluggedModule {
    const Instance& instance;
    const MemoryModule& module;
    std::uint64_t size;  ///< bytes
};
/// In the order of the tree. Thread: holding the machine lock, while which they are good.
std::vector<PluggedModule> plugged_modules(Machine& machine);

}  // namespace backplane::kernel
