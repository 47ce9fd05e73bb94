#include "kvm_ioapic.h"

#include <algorithm>

namespace backplane::kvm {

namespace {

constexpr std::uint64_t kWindowSize = 0x1000;
constexpr unsigned kIdShift = 24;

// 82093AA, 3.1 and 3.2.
enum MemoryRegister : unsigned { IOREGSEL = 0x00, IOWIN = 0x10 };
enum IndexedRegister : unsigned { IOAPICID = 0, IOAPICVER = 1, IOAPICARB = 2, IOREDTBL = 0x10 };

}  // namespace

KvmIoApic::KvmIoApic(Object& object) : ChipBase(object) {
    static_assert(kPins == KVM_IOAPIC_NUM_PINS);
    context_.add_inputs("", kPins, inputs_);
    describe_registers(context_.state());
}

bool KvmIoApic::realize(Errors& errors) {
    if (!enter(errors)) return false;
    context_.export_region("ioapic", context_.memory().io("kvm-ioapic", kWindowSize, *this,
                                                          {.implemented_min = 4, .implemented_max = 4}));
    return true;
}

std::uint64_t KvmIoApic::read(Offset offset, unsigned, Access&) {
    if (offset.value == IOREGSEL) return select_;
    if (offset.value != IOWIN) return 0;
    if (select_ == IOAPICVER) return version_ | (kPins - 1) << 16;
    if (select_ < IOREDTBL) return select_ == IOAPICID || select_ == IOAPICARB ? id_ : 0;
    const unsigned pin = (select_ - IOREDTBL) / 2;
    return pin < kPins ? std::uint32_t(entries_[pin] >> (select_ % 2 ? 32 : 0)) : 0;
}

void KvmIoApic::pin_changed(unsigned pin, int level) {
    const std::uint32_t bit = 1u << pin;
    levels_ = level ? levels_ | bit : levels_ & ~bit;
    if (vm_) vm_->interrupts().set_pin(Interrupts::Chip::IoApic, pin, level);
}

void KvmIoApic::write_chip() {
    kvm_irqchip all{};
    all.chip_id = KVM_IRQCHIP_IOAPIC;
    kvm_ioapic_state& chip = all.chip.ioapic;
    chip.base_address = 0xfec00000;
    chip.ioregsel = select_;
    chip.id = id_ >> kIdShift;
    constexpr std::uint32_t kTimerPin = 1u << 2;
    chip.irr = vm_->interrupts().timer_in_kernel() ? levels_ & ~kTimerPin : levels_;
    for (unsigned pin = 0; pin < kPins; ++pin) chip.redirtbl[pin].bits = entries_[pin];
    vm_->interrupts().set(all);
}

void KvmIoApic::read_chip() {
    kvm_irqchip all{};
    all.chip_id = KVM_IRQCHIP_IOAPIC;
    if (!vm_->interrupts().get(all)) return;
    const kvm_ioapic_state& chip = all.chip.ioapic;
    select_ = std::uint8_t(chip.ioregsel);
    id_ = chip.id << kIdShift;
    for (unsigned pin = 0; pin < kPins; ++pin) entries_[pin] = chip.redirtbl[pin].bits;
}

}  // namespace backplane::kvm
