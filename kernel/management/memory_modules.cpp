#include "kernel/management/memory_modules.h"

#include <backplane/memory_backend.h>

namespace backplane::kernel {

std::vector<PluggedModule> plugged_modules(Machine& machine) {
    std::vector<PluggedModule> modules;
    machine.objects().walk(machine.objects().root(), [&](Instance& instance) {
        const auto* module = instance.realized() ? backplane::query<MemoryModule>(instance) : nullptr;
        if (!module) return;
        const auto& backend = *backplane::query<MemoryBackend>(*module->backend());
        modules.push_back({instance, *module, backend.memory().size});
    });
    return modules;
}

}  // namespace backplane::kernel
