#include "processor_registers.h"

namespace backplane::hotplug {
namespace {

constexpr std::uint64_t kSize = 12, kBitmapSize = 32;
constexpr unsigned kEvent = 2;  // _GPE._E02

enum Register : unsigned { Selector = 0x0, State = 0x4, Command = 0x5, Data = 0x8 };
enum Commands : std::uint8_t { NextWithNews = 0, OstEvent = 1, OstStatus = 2, ArchitectureId = 3, Count };

}  // namespace

ProcessorRegisters::ProcessorRegisters(Object& object) : SlotRegisters(object, kEvent) {}

void ProcessorRegisters::describe_registers(StateTable& state) {
    describe(state, "switched", switched_);
    describe(state, "command", command_);
}

MemoryRegion& ProcessorRegisters::make_ports() {
    return context_.memory().io("acpi-cpu-hotplug", bitmap_ ? kBitmapSize : kSize, *this, {.maximum = 4});
}

std::uint8_t ProcessorRegisters::bitmap(std::uint64_t byte) const {
    std::uint8_t bits = 0;
    for (std::uint32_t i = 0; i < count(); ++i)
        if (const AcpiSlot slot = slot_at(i); slot.device && slot.number / 8 == byte)
            bits |= std::uint8_t(1u << slot.number % 8);
    return bits;
}

std::uint32_t ProcessorRegisters::data(bool upper) const {
    if (command_ == ArchitectureId) return std::uint32_t(there().number >> (upper ? 32 : 0));
    return command_ == NextWithNews && !upper ? selected_ : 0;
}

std::uint64_t ProcessorRegisters::read(Offset offset, unsigned size, Access&) {
    if (!by_slot()) return size == 1 ? bitmap(offset.value) : 0;
    if (!selected()) return 0;
    switch (offset.value) {
    case Selector: return size == 4 ? data(true) : 0;
    case State: return size == 1 ? state_byte() : 0;
    case Data: return size == 4 ? data(false) : 0;
    default: return 0;
    }
}

void ProcessorRegisters::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (access.debug()) return;
    if (!by_slot()) {
        switched_ = offset.value == Selector && size == 4 && value == 0;
        return;
    }
    if (offset.value == Selector && size == 4) selected_ = std::uint32_t(value);
    if (!selected()) return;
    if (offset.value == State && size == 1) control(std::uint8_t(value));
    if (offset.value == Data && size == 4) set_data(std::uint32_t(value));
    if (offset.value != Command || size != 1 || value >= Count) return;
    command_ = std::uint8_t(value);
    if (command_ == NextWithNews) select_next();
}

/// From the selected slot on, and round; where none has news, it stays.
void ProcessorRegisters::select_next() {
    for (std::uint32_t i = 0; i < count(); ++i) {
        const std::uint32_t slot = (selected_ + i) % count();
        if (!slots_[slot].inserting && !slots_[slot].removing) continue;
        selected_ = slot;
        return;
    }
}

void ProcessorRegisters::set_data(std::uint32_t value) {
    if (command_ == OstEvent) selected()->event = value;
    if (command_ == OstStatus) set_status(value);
}

}  // namespace backplane::hotplug
