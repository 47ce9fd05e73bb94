#include "slot_bus.h"

#include <string>

namespace backplane::hotplug {

bool SlotBusPart::attach(Object& device, Errors& errors) {
    if (owner_) return owner_->take(device, errors);
    errors.fail("bus '" + std::string(object_.name().view()) + "' has no slots on this machine");
    return false;
}

void SlotBusPart::detach(Object& device) {
    if (owner_) owner_->gone(device);
}

}  // namespace backplane::hotplug
