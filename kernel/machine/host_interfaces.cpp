#include "kernel/machine/host_interfaces.h"

#include "kernel/object/instance.h"

namespace backplane::kernel {

HostInterfaces::HostInterfaces(HostLoop& loop, MachineLock& lock, Wiring& wiring)
    : loop_(loop), wiring_(wiring) {
    offer<ManualClock>(*this);
    offer<WireProbe>(*this);
    offer<EventLoop>(loop);
    offer<Lifetime>(loop);
    offer<Clock>(loop.virtual_clock());
    offer<MachineLock>(lock);
}

void* HostInterfaces::find(Str id) const {
    const auto found = offered_.find(id.view());
    return found == offered_.end() ? nullptr : found->second;
}

void HostInterfaces::step_to(std::uint64_t now_ns) { loop_.virtual_clock().step_to(now_ns); }
std::uint64_t HostInterfaces::next_deadline() const { return loop_.virtual_clock().next_deadline(); }

bool HostInterfaces::intercept_inputs(Object& device, Callback callback, void* data, Errors& errors) {
    return wiring_.probe_inputs(static_cast<Instance*>(&device), callback, data, errors);
}
bool HostInterfaces::intercept_outputs(Object& device, Str name, Callback callback, void* data,
                                       Errors& errors) {
    return wiring_.probe_outputs(static_cast<Instance*>(&device), name, callback, data, errors);
}
bool HostInterfaces::set_input(Object& device, Str name, unsigned index, int level, Errors& errors) {
    return wiring_.drive_input(static_cast<Instance*>(&device), name, index, level, errors);
}

}  // namespace backplane::kernel
