#include "pci_hot_plug.h"

namespace backplane::piix {
namespace {

enum Register : unsigned { PCIU = 0x00, PCID = 0x04, B0EJ = 0x08, RMV = 0x0c, BNUM = 0x10 };

constexpr unsigned kSlots = 32;
constexpr unsigned kEvent = 1;  // _GPE._E01

}  // namespace

PciHotPlugPorts::PciHotPlugPorts(DeviceContext& context, AcpiRegisters& acpi) : acpi_(acpi) {
    StateTable& state = context.state().group({.name = "pci_hot_plug"});
    describe(state, "PCIU", up_);
    describe(state, "PCID", down_);
    describe(state, "BNUM", selected_bus_);
}

void PciHotPlugPorts::device_plugged(unsigned slot) {
    up_ |= 1u << slot;
    acpi_.raise_gpe(kEvent);
}

void PciHotPlugPorts::unplug_requested(unsigned slot) {
    down_ |= 1u << slot;
    acpi_.raise_gpe(kEvent);
}

std::uint64_t PciHotPlugPorts::read(Offset offset, unsigned size, Access& access) {
    if (size != 4) return 0;
    const bool root = selected_bus_ == 0;
    switch (offset.value) {
    case PCIU: {
        const std::uint32_t value = root ? up_ : 0;
        if (root && !access.debug()) up_ = 0;  // reading is the acknowledgement
        return value;
    }
    case PCID: return root ? down_ : 0;
    case RMV: return root ? removable() : ~0u;
    case BNUM: return selected_bus_;
    default: return 0;
    }
}

void PciHotPlugPorts::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (size != 4 || access.debug()) return;
    if (offset.value == BNUM) selected_bus_ = std::uint32_t(value);
    if (offset.value == B0EJ && selected_bus_ == 0) eject(std::uint32_t(value));
}

std::uint32_t PciHotPlugPorts::removable() const {
    std::uint32_t slots = 0;
    for (unsigned slot = 0; slot < kSlots; ++slot)
        if (!bus_ || bus_->removable(slot)) slots |= 1u << slot;
    return slots;
}

void PciHotPlugPorts::eject(std::uint32_t slots) {
    for (unsigned slot = 0; slot < kSlots; ++slot)
        if (bus_ && (slots >> slot & 1)) bus_->eject(slot);
    down_ &= ~slots;
    up_ &= ~slots;
}

}  // namespace backplane::piix
