#include "bus.h"

namespace backplane::ide {

bool IdeBusPart::attach(Object& device, Errors& errors) {
    auto* drive = query<Drive>(device);
    if (!drive || !channel_) {
        errors.fail("'" + std::string(device.type_name().view()) + "' is no IDE drive");
        return false;
    }
    unsigned unit = drive->wanted_unit();
    if (unit > 1) unit = units_[0] ? 1 : 0;
    if (units_[unit]) {
        errors.fail("IDE unit " + std::to_string(unit) + " is in use by '" +
                    std::string(units_[unit]->type_name().view()) + "' on bus '" +
                    std::string(object_.name().view()) + "'");
        return false;
    }
    units_[unit] = &device;
    channel_->set_drive(unit, drive);
    return true;
}

void IdeBusPart::detach(Object& device) {
    for (unsigned unit = 0; unit < units_.size(); ++unit) {
        if (units_[unit] != &device) continue;
        units_[unit] = nullptr;
        if (channel_) channel_->set_drive(unit, nullptr);
    }
}

void IdeBusPart::address_of(Object& device, TextSink& out) const {
    for (unsigned unit = 0; unit < units_.size(); ++unit)
        if (units_[unit] == &device) out.append("unit = " + std::to_string(unit));
}

bool IdeBusPart::firmware_path(TextSink& out) const {
    if (!object_.parent() || !firmware_path_of(*object_.parent(), out)) return false;
    out.append("/drive@" + std::to_string(number_));
    return true;
}

}  // namespace backplane::ide
