#include "kernel/machine/debug_host.h"

#include "kernel/machine/machine_parts.h"

#include <algorithm>

namespace backplane::kernel {

DebugHost::DebugHost(MachineParts& machine) : machine_(machine) {
    machine.interfaces.offer<DebugControl>(*this);
}

bool DebugHost::running() const { return machine_.run.goes_on(); }

bool DebugHost::start_machine() {
    if (machine_.processors.attached()) machine_.run.start();
    return running();
}

void DebugHost::stop_machine(bool for_debugger) {
    if (running()) machine_.run.stop(for_debugger ? RunState::Debug : RunState::Paused);
}

Slice<Cpu* const> DebugHost::cpus() const {
    if (!machine_.processors.attached()) return {};
    return {machine_.processors.cpus().data(), machine_.processors.cpus().size()};
}

Accelerator* DebugHost::accelerator() {
    return machine_.processors.attached() ? machine_.processors.accelerator() : nullptr;
}
Object* DebugHost::accelerator_object() { return accelerator() ? &machine_.processors.object() : nullptr; }
void DebugHost::quit_machine() { machine_.run.request_end("host-ui", 0); }

void DebugHost::tell(const std::function<void(RunListener&)>& event) {
    const std::vector<RunListener*> all = listeners_;
    for (RunListener* listener : all)
        if (std::ranges::find(listeners_, listener) != listeners_.end()) event(*listener);
}

}  // namespace backplane::kernel
