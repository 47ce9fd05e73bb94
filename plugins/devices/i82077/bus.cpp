#include "bus.h"

#include <backplane/text.h>

#include <string>

namespace backplane::i82077 {

bool FloppyBusPart::attach(Object& device, Errors& errors) {
    auto* drive = query<FloppyDrive>(device);
    if (!drive || !controller_) {
        errors.fail("'" + std::string(device.type_name().view()) + "' is no floppy drive");
        return false;
    }
    std::uint32_t unit = drive->unit_;
    if (unit == ~0u) unit = units_[0] ? 1 : 0;
    if (unit >= kDrives) {
        errors.fail("unit: a floppy controller has drives 0 and 1, not " + std::to_string(unit));
        return false;
    }
    if (units_[unit]) {
        errors.fail("floppy unit " + std::to_string(unit) + " is in use on bus '" +
                    std::string(object_.name().view()) + "'; give another unit");
        return false;
    }
    units_[unit] = &device;
    drive->set_defaults(controller_->default_type(unit), controller_->fallback());
    controller_->set_drive(unit, drive);
    return true;
}

void FloppyBusPart::detach(Object& device) {
    for (unsigned unit = 0; unit < kDrives; ++unit) {
        if (units_[unit] != &device) continue;
        units_[unit] = nullptr;
        if (controller_) controller_->set_drive(unit, nullptr);
    }
}

void FloppyBusPart::address_of(Object& device, TextSink& out) const {
    for (unsigned unit = 0; unit < kDrives; ++unit)
        if (units_[unit] == &device) out.append("unit = " + std::to_string(unit));
}

bool FloppyBusPart::firmware_path(TextSink& out) const {
    return object_.parent() && firmware_path_of(*object_.parent(), out);
}

}  // namespace backplane::i82077
