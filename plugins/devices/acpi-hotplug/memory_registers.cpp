#include "memory_registers.h"

namespace backplane::hotplug {
namespace {

constexpr std::uint64_t kSize = 0x18;
constexpr unsigned kEvent = 3;  // _GPE._E03

enum ReadRegister : unsigned {
    AddressLow = 0x00,
    AddressHigh = 0x04,
    SizeLow = 0x08,
    SizeHigh = 0x0c,
    Node = 0x10
};
enum WriteRegister : unsigned { Selector = 0x00, OstEvent = 0x04, OstStatus = 0x08 };
constexpr unsigned kState = 0x14;

}  // namespace

MemoryRegisters::MemoryRegisters(Object& object) : SlotRegisters(object, kEvent) {}

MemoryRegion& MemoryRegisters::make_ports() {
    return context_.memory().io("acpi-mem-hotplug", kSize, *this, {.maximum = 4, .unaligned = true});
}

std::uint64_t MemoryRegisters::read(Offset offset, unsigned, Access&) {
    if (!selected()) return 0;
    const AcpiSlot slot = there();
    switch (offset.value) {
    case AddressLow: return std::uint32_t(slot.number);
    case AddressHigh: return slot.number >> 32;
    case SizeLow: return std::uint32_t(slot.size);
    case SizeHigh: return slot.size >> 32;
    case Node: return slot.node;
    case kState: return state_byte();
    default: return ~0u;
    }
}

void MemoryRegisters::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (access.debug()) return;
    if (offset.value == Selector) selected_ = std::uint32_t(value);
    if (!selected()) return;
    if (offset.value == OstEvent) selected()->event = std::uint32_t(value);
    if (offset.value == OstStatus) set_status(std::uint32_t(value));
    if (offset.value == kState) control(std::uint8_t(value));
}

}  // namespace backplane::hotplug
