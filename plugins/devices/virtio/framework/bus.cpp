#include "bus.h"

#include <string>

namespace backplane::virtio {

bool VirtioBus::attach(Object& device, Errors& errors) {
    const std::string what = "'" + std::string(device.type_name().view()) + "' on bus '" +
                             std::string(object_.name().view()) + "'";
    if (device_) {
        errors.fail("cannot plug " + what + ": '" + std::string(device_->type_name().view()) +
                    "' is there already, and it has room for one device");
        return false;
    }
    backend_ = query<VirtioBackend>(device);
    if (!backend_ || !transport_) {
        errors.fail("cannot plug " + what + ": it is not a virtio device");
        backend_ = nullptr;
        return false;
    }
    device_ = &device;
    backend_->set_transport(transport_);
    return true;
}

void VirtioBus::detach(Object& device) {
    if (device_ != &device) return;
    backend_->set_transport(nullptr);
    backend_ = nullptr;
    device_ = nullptr;
}

bool VirtioBus::request_unplug(Object& device, Errors& errors) {
    errors.fail("'" + std::string(device.type_name().view()) + "' cannot be unplugged: bus '" +
                std::string(object_.name().view()) + "' has no hot-plug");
    return false;
}

}  // namespace backplane::virtio
