#include "pci_hot_plug.h"

#include <algorithm>

namespace backplane::piix {
namespace {

enum Register : unsigned { PCIU = 0x00, PCID = 0x04, B0EJ = 0x08, RMV = 0x0c, BNUM = 0x10 };

constexpr unsigned kSlots = 32;
constexpr unsigned kPlaces = 256;
constexpr unsigned kEvent = 1;  // _GPE._E01

}  // namespace

PciHotPlugPorts::PciHotPlugPorts(DeviceContext& context, AcpiRegisters& acpi) {
    for (Slots& each : buses_) each.acpi = &acpi;
    StateTable& state = context.state().group({.name = "pci_hot_plug"});
    describe(state, "PCIU", buses_[0].up);
    describe(state, "PCID", buses_[0].down);
    describe(state, "BNUM", selected_bus_);
    StateTable& behind = context.state().group({.name = "pci_hot_plug_behind",
                                                .first = &buses_[1],
                                                .count = kBuses - 1,
                                                .stride = std::uint32_t(sizeof(Slots)),
                                                .present = has_bridges,
                                                .context = this});
    describe(behind, "PCIU", buses_[1].up);
    describe(behind, "PCID", buses_[1].down);
}

void PciHotPlugPorts::set_root(PciBus& bus, bool comes_and_goes) {
    buses_[0].bus = &bus;
    if (comes_and_goes) bus.set_hot_plug(&buses_[0]);
}

void PciHotPlugPorts::add_buses_behind(Object& machine) {
    std::vector<Bridge> bridges;
    for_each_below(machine, [&](Object& each) {
        auto* forwarder = query<PciForwarder>(each);
        auto* function = forwarder ? query<PciDevice>(each) : nullptr;
        if (function) bridges.push_back({function, forwarder});
    });
    add_behind(*buses_[0].bus, bridges);
}

/// The bridges' own controllers hear of nothing from then on.
void PciHotPlugPorts::add_behind(PciBus& bus, const std::vector<Bridge>& bridges) {
    for (unsigned place = 0; place < kPlaces; ++place) {
        const auto bridge = std::ranges::find(bridges, bus.device(std::uint8_t(place)), &Bridge::function);
        if (bridge == bridges.end() || count_ == kBuses) continue;
        PciBus& behind = bridge->forwarder->secondary();
        buses_[count_].bus = &behind;
        behind.set_hot_plug(&buses_[count_++]);
        add_behind(behind, bridges);
    }
}

int PciHotPlugPorts::number_of(const PciBus& bus) const {
    for (unsigned number = 0; number < count_; ++number)
        if (buses_[number].bus == &bus) return int(number);
    return -1;
}

std::uint64_t PciHotPlugPorts::read(Offset offset, unsigned size, Access& access) {
    if (size != 4) return 0;
    Slots* bus = selected_bus_ < count_ ? &buses_[selected_bus_] : nullptr;
    switch (offset.value) {
    case PCIU: {
        const std::uint32_t value = bus ? bus->up : 0;
        if (bus && !access.debug()) bus->up = 0;  // reading is the acknowledgement
        return value;
    }
    case PCID: return bus ? bus->down : 0;
    case RMV: return bus ? bus->removable() : ~0u;
    case BNUM: return selected_bus_;
    default: return 0;
    }
}

void PciHotPlugPorts::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (size != 4 || access.debug()) return;
    if (offset.value == BNUM) selected_bus_ = std::uint32_t(value);
    if (offset.value == B0EJ && selected_bus_ < count_) buses_[selected_bus_].eject(std::uint32_t(value));
}

// --- the slots of a bus ---

void PciHotPlugPorts::Slots::device_plugged(unsigned slot) {
    up |= 1u << slot;
    acpi->raise_gpe(kEvent);
}

void PciHotPlugPorts::Slots::unplug_requested(unsigned slot) {
    down |= 1u << slot;
    acpi->raise_gpe(kEvent);
}

std::uint32_t PciHotPlugPorts::Slots::removable() const {
    std::uint32_t slots = 0;
    for (unsigned slot = 0; slot < kSlots; ++slot)
        if (!bus || bus->removable(slot)) slots |= 1u << slot;
    return slots;
}

void PciHotPlugPorts::Slots::eject(std::uint32_t slots) {
    for (unsigned slot = 0; slot < kSlots; ++slot)
        if (bus && (slots >> slot & 1)) bus->eject(slot);
    down &= ~slots;
    up &= ~slots;
}

}  // namespace backplane::piix
