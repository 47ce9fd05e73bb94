#include "bus.h"

#include "device.h"
#include "listing.h"

#include <backplane/backend.h>

#include <cinttypes>
#include <cstdio>
#include <string>

namespace backplane::pci {
namespace {

std::string describe(const Object& device) {
    std::string text(device.type_name().view());
    if (!device.id().empty()) text += " '" + std::string(device.id().view()) + "'";
    return text;
}

}  // namespace

int BusPart::free_place() const {
    for (unsigned device = first_free_; device < 32; ++device) {
        bool empty = true;
        for (unsigned function = 0; function < 8; ++function)
            empty = empty && !slots_[device << 3 | function].object;
        if (empty) return int(device << 3);
    }
    return -1;
}

int BusPart::place_of(const Object& device) const {
    for (unsigned place = 0; place < slots_.size(); ++place)
        if (slots_[place].object == &device) return int(place);
    return -1;
}

/// Functions other than 0 exist only beside a function 0 that is marked as one of several (PCI 3.0, 6.2.1).
bool BusPart::check_place(unsigned place, Object& device, const PciDevice& pci, Errors& errors) const {
    const Slot& taken = slots_[place];
    if (taken.object) {
        errors.fail("addr: " + place_text(place) + " on bus '" + std::string(object_.name().view()) +
                    "' is not free for " + describe(device) + ": " + describe(*taken.object) + " is there");
        return false;
    }
    const unsigned first = place & ~7u;
    const Slot& function0 = slots_[first];
    if (place != first && function0.device && !function0.device->multifunction()) {
        errors.fail("addr: " + place_text(place) + " cannot be used by " + describe(device) + ": " +
                    describe(*function0.object) + " at " + place_text(first) +
                    " is a single function (give it multifunction=on)");
        return false;
    }
    if (place != first || pci.multifunction()) return true;
    for (unsigned function = 1; function < 8; ++function)
        if (const Slot& other = slots_[first + function]; other.object) {
            errors.fail("addr: " + describe(device) + " at " + place_text(place) +
                        " needs multifunction=on, because " + describe(*other.object) + " is at " +
                        place_text(first + function));
            return false;
        }
    return true;
}

bool BusPart::attach(Object& device, Errors& errors) {
    auto* pci = query<PciDevice>(device);
    if (!pci) {
        errors.fail(describe(device) + " is not a PCI device");
        return false;
    }
    if (!bridge_) {
        errors.fail("bus '" + std::string(object_.name().view()) + "' has no bridge above it");
        return false;
    }
    int place = pci->wanted_place();
    if (place < 0) place = free_place();
    if (place < 0) {
        errors.fail("bus '" + std::string(object_.name().view()) + "' has no free place for " +
                    describe(device));
        return false;
    }
    if (!check_place(unsigned(place), device, *pci, errors)) return false;
    slots_[unsigned(place)] = {&device, pci, query<PciForwarder>(device)};
    pci->plugged(*this, std::uint8_t(place));
    return true;
}

void BusPart::detach(Object& device) {
    const int place = place_of(device);
    if (place < 0) return;
    for (unsigned pin = 0; pin < 4; ++pin) set_pin(std::uint8_t(place), pin, 0);
    slots_[unsigned(place)] = {};
}

bool BusPart::place(Object& device, Errors&) {
    if (hot_plug_) hot_plug_->device_plugged(unsigned(place_of(device)) >> 3);
    return true;
}

bool BusPart::request_unplug(Object& device, Errors& errors) {
    const unsigned slot = unsigned(place_of(device)) >> 3;
    if (!hot_plug_ || !removable(slot)) {
        errors.fail("bus '" + std::string(object_.name().view()) + "' does not support hotplug" +
                    (hot_plug_ ? " where parts of the board are, or bridges with slots: " : ": ") +
                    describe(device) + " stays");
        return false;
    }
    hot_plug_->unplug_requested(slot);
    return true;
}

/// What the board itself plugged in are children of the bus. A bridge stays whose slots guests know.
bool BusPart::removable(unsigned slot) const {
    for (unsigned function = 0; function < 8; ++function) {
        const Slot& held = slots_[slot << 3 | function];
        if (held.object && held.object->parent() == &object_) return false;
        const auto* behind = held.forwarder ? dynamic_cast<BusPart*>(&held.forwarder->secondary()) : nullptr;
        if (behind && behind->hot_plug_) return false;
    }
    return true;
}

void BusPart::eject(unsigned slot) {
    if (slot > 31 || !removable(slot)) return;
    auto* unplugged =
        static_cast<UnpluggedDevices*>(backend_context(object_).host_interface(UnpluggedDevices::kId));
    for (unsigned function = 0; function < 8; ++function)
        if (Object* device = slots_[slot << 3 | function].object) unplugged->unplugged(*device);
}

void BusPart::address_of(Object& device, TextSink& out) const {
    const auto* function = static_cast<const DevicePart*>(device.part("pci-device"));
    if (place_of(device) < 0 || !function) return;
    const unsigned code = function->config(kClassCode + 1, 2);
    char text[160];
    std::string name(class_name(code));
    if (name.empty()) {
        std::snprintf(text, sizeof text, "Class %04x", code);
        name = text;
    }
    const PciAddress place = function->address();
    const bool subsystem = !function->is_bridge();
    std::snprintf(text, sizeof text, "class %s, addr %02x:%02x.%x, pci id %04x:%04x (sub %04x:%04x)",
                  name.c_str(), place.bus, place.device, place.function, function->config(kVendorId, 2),
                  function->config(kDeviceId, 2), subsystem ? function->config(kSubsystemVendorId, 2) : 0,
                  subsystem ? function->config(kSubsystemId, 2) : 0);
    out.append(text);
    for (unsigned index = 0; index < DevicePart::kBars; ++index) {
        const auto bar = function->bar(index);
        if (!bar) continue;
        // Nowhere is at the end of all addresses, as users know it.
        const std::uint64_t start = bar->address.value_or(~std::uint64_t{0});
        std::snprintf(text, sizeof text, "\nbar %u: %s at 0x%" PRIx64 " [0x%" PRIx64 "]", index,
                      bar->kind == PciBarKind::Io ? "i/o" : "mem", start, start + bar->size - 1);
        out.append(text);
    }
}

/// The bus to which a bridge passes cycles for bus `number` on; null: none does.
PciBus* BusPart::behind(std::uint8_t number) {
    if (number == number_) return nullptr;
    for (const Slot& slot : slots_)
        if (slot.forwarder && slot.forwarder->forwards(number)) return &slot.forwarder->secondary();
    return nullptr;
}

PciDevice* BusPart::at(PciAddress address) {
    if (address.bus != number_) return nullptr;
    return slots_[(address.device & 31u) << 3 | (address.function & 7u)].device;
}

std::uint32_t BusPart::config_read(PciAddress address, unsigned offset, unsigned size, Access& access) {
    if (PciBus* bus = behind(address.bus)) return bus->config_read(address, offset, size, access);
    PciDevice* found = at(address);
    return found ? found->config_read(offset, size, access) : ~0u >> (32 - 8 * size);
}

void BusPart::config_write(PciAddress address, unsigned offset, unsigned size, std::uint32_t value,
                           Access& access) {
    if (PciBus* bus = behind(address.bus)) return bus->config_write(address, offset, size, value, access);
    if (PciDevice* found = at(address)) found->config_write(offset, size, value, access);
}

void BusPart::reset_devices() {
    auto* host = static_cast<DeviceReset*>(backend_context(object_).host_interface(DeviceReset::kId));
    for (const Slot& slot : slots_) {
        if (!slot.object) continue;
        host->reset_device(*slot.object);
        if (slot.forwarder) slot.forwarder->secondary().reset_devices();
    }
}

void BusPart::set_pin(std::uint8_t place, unsigned pin, int level) {
    const std::uint8_t bit = std::uint8_t(1u << pin);
    if (((pins_[place] & bit) != 0) == (level != 0)) return;
    pins_[place] ^= bit;
    const unsigned line = bridge_->interrupt_line(place >> 3, pin) & 255;
    line_users_[line] = std::uint16_t(line_users_[line] + (level ? 1 : -1));
    bridge_->set_interrupt_line(line, line_users_[line] != 0);
}

}  // namespace backplane::pci
