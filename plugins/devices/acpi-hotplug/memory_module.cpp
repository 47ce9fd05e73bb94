#include "memory_module.h"

#include <backplane/memory.h>

namespace backplane::hotplug {

/// Its board has looked at the backend before.
bool Dimm::realize(Errors& errors) {
    MemoryRegion* memory = context_.memory().ram_of(backend_->id(), *backend_, errors);
    if (!memory) return false;
    context_.export_region("memory", *memory);
    return true;
}

void Dimm::set_place(const MemoryPlace& place) {
    address_ = place.address;
    slot_ = place.slot;
    node_ = place.node;
    hot_plugged_ = place.hot_plugged;
}

}  // namespace backplane::hotplug
