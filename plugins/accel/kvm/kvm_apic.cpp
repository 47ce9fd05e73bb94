#include "kvm_apic.h"

#include <algorithm>
#include <cstring>

namespace backplane::kvm {

namespace {

// SDM 3A, table 11-1: offsets in the page.
enum Place : unsigned {
    kApicId = 0x20,
    kVersion = 0x30,
    kTpr = 0x80,
    kLdr = 0xd0,
    kDfr = 0xe0,
    kSvr = 0xf0,
    kIsr = 0x100,
    kTmr = 0x180,
    kIrr = 0x200,
    kEsr = 0x280,
    kLvtCmci = 0x2f0,
    kIcrLow = 0x300,
    kIcrHigh = 0x310,
    kInitialCount = 0x380,
    kCurrentCount = 0x390,
    kDivide = 0x3e0
};
/// Of the local vector table, in the order of its state.
constexpr unsigned kLvtOffsets[] = {0x320, 0x330, 0x340, 0x350, 0x360, 0x370};
constexpr unsigned kStep = 0x10;

constexpr std::uint32_t kMasked = 1u << 16;
constexpr unsigned kIdShift = 24;
constexpr std::uint32_t kLastVector = 5u << 16;

constexpr std::uint64_t kBootstrap = 1u << 8, kExtended = 1u << 10, kEnabled = 1u << 11;

std::uint32_t read_word(const kvm_lapic_state& page, unsigned offset) {
    std::uint32_t value = 0;
    std::memcpy(&value, page.regs + offset, sizeof value);
    return value;
}
void write_word(kvm_lapic_state& page, unsigned offset, std::uint32_t value) {
    std::memcpy(page.regs + offset, &value, sizeof value);
}

}  // namespace

// ---- the window

bool KvmApicBus::realize(Errors& errors) {
    vm_ = vm_of(context_, errors);
    if (!vm_) return false;
    const IoTraits traits{.implemented_min = 4, .implemented_max = 4, .lock_free = true};
    context_.export_region("apic-msi",
                           context_.memory().io("kvm-apic-msi", x86::kMessageSize, *this, traits));
    return true;
}

void KvmApicBus::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (access.debug()) return;
    InterruptWrite message;
    message.address = x86::kMessageBase + offset.value;
    message.data = std::uint32_t(value);
    vm_->interrupts().send(message);
}

void KvmApicBus::send(const x86::InterruptMessage& message) { vm_->interrupts().send(packed(message)); }

void KvmApicBus::send_to_all(const x86::InterruptMessage& message, const x86::LocalApic*) {
    x86::InterruptMessage all = message;
    all.destination = 0xff;
    all.logical = false;
    send(all);
}

// ---- a local APIC

KvmApic::KvmApic(Object& object) : context_(device_context(object)) {
    context_.add_inputs("lint", 2, lint_inputs_);
    ApicTimerRegisters::describe_registers(context_.state());
    LocalApicRegisters::describe_registers(context_.state());
}

bool KvmApic::realize(Errors& errors) {
    processor_ = processor_object_ ? query<x86::ProcessorControl>(*processor_object_) : nullptr;
    if (!processor_) {
        errors.fail("cpu: set it to an x86 processor");
        return false;
    }
    vm_ = vm_of(context_, errors);
    if (vm_) vm_->set_lapic(processor_->index(), this);
    return vm_ != nullptr;
}

void KvmApic::unrealize() {
    if (vm_) vm_->set_lapic(processor_->index(), nullptr);
    vm_ = nullptr;
}

void KvmApic::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter)
        base_ = x86::kMessageBase | kEnabled | (processor_->bootstrap() ? kBootstrap : 0);
}

/// What is asked of the processor itself: an 8259 that is the machine's has a vector for it, which the vCPU takes when the
/// kernel says that LINT0's entry lets it. All else is between the kernel's chips.
void KvmApic::tell_processor() {
    processor_->set_interrupt(vm_->options().irqchip == Irqchip::Split && lint_levels_[0]);
}

/// LINT1 is NMI as far as its entry says so (SDM 3A 11.5.1), which the vCPU reads.
void KvmApic::lint_changed(unsigned pin, int level) {
    lint_levels_[pin] = std::uint8_t(level != 0);
    if (pin == 0 && vm_) tell_processor();
    if (pin != 1 || !level) return;
    lint1_raised_ = true;
    processor_->raise_nmi();
}

/// As the machine's clock has it.
std::uint32_t KvmApic::current_count() const {
    constexpr std::uint32_t kPeriodic = 1u << 17;
    if (initial_count_ == 0) return 0;
    const std::uint64_t elapsed = (context_.clock().now_ns() - started_) / divisor();
    if (lvt_[chips::LvtTimer] & kPeriodic) return std::uint32_t(initial_count_ - elapsed % initial_count_);
    return elapsed >= initial_count_ ? 0 : std::uint32_t(initial_count_ - elapsed);
}

bool KvmApic::x2apic() const { return (base_ & kExtended) != 0; }

std::uint32_t KvmApic::look(unsigned number) const {
    kvm_lapic_state page{};
    const unsigned offset = number * kStep;
    if (offset + kStep > sizeof page.regs) return 0;
    to_kernel(page);
    return read_word(page, offset);
}

void KvmApic::to_kernel(kvm_lapic_state& page) const {
    const std::uint32_t id = processor_->apic_id();
    write_word(page, kApicId, base_ & kExtended ? id : id << kIdShift);
    write_word(page, kVersion, version_ | kLastVector);
    write_word(page, kTpr, task_priority_);
    write_word(page, kLdr, logical_destination_);
    write_word(page, kDfr, destination_format_);
    write_word(page, kSvr, spurious_);
    write_word(page, kEsr, error_status_);
    write_word(page, kLvtCmci, kMasked);
    write_word(page, kIcrLow, command_low_);
    write_word(page, kIcrHigh, command_high_);
    write_word(page, kInitialCount, initial_count_);
    write_word(page, kDivide, divide_);
    write_word(page, kCurrentCount, current_count());
    for (unsigned i = 0; i < chips::kLvtCount; ++i) write_word(page, kLvtOffsets[i], lvt_[i]);
    for (unsigned i = 0; i < std::size(requested_.words); ++i) {
        write_word(page, kIsr + kStep * i, in_service_.words[i]);
        write_word(page, kTmr + kStep * i, level_triggered_.words[i]);
        write_word(page, kIrr + kStep * i, requested_.words[i]);
    }
}

void KvmApic::from_kernel(const kvm_lapic_state& page) {
    task_priority_ = std::uint8_t(read_word(page, kTpr));
    logical_destination_ = read_word(page, kLdr);
    destination_format_ = read_word(page, kDfr);
    spurious_ = read_word(page, kSvr);
    error_status_ = read_word(page, kEsr);
    command_low_ = read_word(page, kIcrLow);
    command_high_ = read_word(page, kIcrHigh);
    initial_count_ = read_word(page, kInitialCount);
    divide_ = read_word(page, kDivide);
    started_ = context_.clock().now_ns() - (initial_count_ - read_word(page, kCurrentCount)) * divisor();
    for (unsigned i = 0; i < chips::kLvtCount; ++i) lvt_[i] = read_word(page, kLvtOffsets[i]);
    for (unsigned i = 0; i < std::size(requested_.words); ++i) {
        in_service_.words[i] = read_word(page, kIsr + kStep * i);
        level_triggered_.words[i] = read_word(page, kTmr + kStep * i);
        requested_.words[i] = read_word(page, kIrr + kStep * i);
    }
}

}  // namespace backplane::kvm
