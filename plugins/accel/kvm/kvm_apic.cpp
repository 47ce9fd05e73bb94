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
constexpr std::uint32_t kFormatReset = 0xffffffff;
constexpr std::uint32_t kSpuriousReset = 0xff;
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
    context_.export_region("apic-msi", context_.memory().io("kvm-apic-msi", x86::kMessageSize, *this,
                                                            {.implemented_min = 4, .implemented_max = 4}));
    return true;
}

void KvmApicBus::write(Offset offset, std::uint64_t value, unsigned, Access& access) {
    if (!access.debug()) vm_->interrupts().signal(x86::kMessageBase + offset.value, std::uint32_t(value));
}

/// Packed as a device's message is (SDM 3A 11.11).
void KvmApicBus::send(const x86::InterruptMessage& message) {
    constexpr std::uint32_t kAssert = 1u << 14;
    const std::uint64_t address = x86::kMessageBase | std::uint64_t(message.destination & 0xff) << 12 |
                                  std::uint64_t(message.logical) << 2;
    const std::uint32_t data =
        message.vector | message.mode << 8 | kAssert | std::uint32_t(message.level_triggered) << 15;
    vm_->interrupts().signal(address, data);
}

void KvmApicBus::send_to_all(const x86::InterruptMessage& message, const x86::LocalApic*) {
    x86::InterruptMessage all = message;
    all.destination = 0xff;
    all.logical = false;
    send(all);
}

// ---- a local APIC

KvmApic::KvmApic(Object& object) : context_(device_context(object)) {
    context_.add_inputs("lint", 2, lint_inputs_);
    StateTable& timer = context_.state().group({.name = "timer"});
    describe(timer, "initial_count", initial_count_);
    describe(timer, "divide", divide_);
    describe(timer, "started", started_);
    describe(timer, "IA32_TSC_DEADLINE", deadline_);
    StateTable& state = context_.state();
    describe(state, "IA32_APIC_BASE", base_);
    describe(state, "TPR", task_priority_);
    describe(state, "LDR", logical_destination_);
    describe(state, "DFR", destination_format_, kFormatReset);
    describe(state, "SVR", spurious_, kSpuriousReset);
    describe(state, "ESR", error_status_);
    describe(state, "new_errors", new_errors_);
    describe(state, "ICR_low", command_low_);
    describe(state, "ICR_high", command_high_);
    describe(state, "LVT", lvt_, kMasked);
    describe(state, "IRR", requested_);
    describe(state, "ISR", in_service_);
    describe(state, "TMR", level_triggered_);
    describe(state, "lint_levels", lint_levels_, {.reset = false, .maximum = 1});
    describe(state, "ExtINT_message", external_message_);
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

/// LINT0 is the kernel's own 8259's; LINT1 is NMI as far as its entry says so (SDM 3A 11.5.1).
void KvmApic::lint_changed(unsigned pin, int level) {
    lint_levels_[pin] = std::uint8_t(level != 0);
    if (pin == 1 && level) processor_->raise_nmi();
}

std::uint64_t KvmApic::divisor() const {
    const unsigned power = (divide_ & 3) | (divide_ >> 1 & 4);
    return std::uint64_t{1} << ((power + 1) & 7);
}

void KvmApic::to_kernel(kvm_lapic_state& page) const {
    const std::uint32_t id = processor_->apic_id();
    const std::uint64_t passed = context_.clock().now_ns() - started_, step = divisor();
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
    const std::uint64_t ticks = initial_count_ ? passed / step % (std::uint64_t(initial_count_) + 1) : 0;
    write_word(page, kCurrentCount, initial_count_ - std::uint32_t(ticks));
    for (unsigned i = 0; i < kVectors; ++i) write_word(page, kLvtOffsets[i], lvt_[i]);
    for (unsigned i = 0; i < kWords; ++i) {
        write_word(page, kIsr + kStep * i, in_service_[i]);
        write_word(page, kTmr + kStep * i, level_triggered_[i]);
        write_word(page, kIrr + kStep * i, requested_[i]);
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
    for (unsigned i = 0; i < kVectors; ++i) lvt_[i] = read_word(page, kLvtOffsets[i]);
    for (unsigned i = 0; i < kWords; ++i) {
        in_service_[i] = read_word(page, kIsr + kStep * i);
        level_triggered_[i] = read_word(page, kTmr + kStep * i);
        requested_[i] = read_word(page, kIrr + kStep * i);
    }
}

}  // namespace backplane::kvm
