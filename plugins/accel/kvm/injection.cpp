// How what chips ask of a processor gets into the guest, while they (or the 8259s alone) are devices of the machine and not
// the kernel's.
//
// Follows api.rst: KVM_INTERRUPT, KVM_NMI, KVM_SMI, and request_interrupt_window, ready_for_interrupt_injection, if_flag and
// cr8 of struct kvm_run.
#include "vcpu.h"

#include <cstring>

namespace backplane::kvm {

/// All but INTR: at the next instruction boundary.
void Vcpu::take_requests() {
    namespace request_bit = x86::request;
    constexpr std::uint32_t kHandled =
        request_bit::kNmi | request_bit::kSmi | request_bit::kInit | request_bit::kStartUp;
    const std::uint32_t requests = state_.requests.load();
    if (run_state_.halted.load(std::memory_order_relaxed) && cpu_.has_work()) run_state_.halted = 0;
    if (!(requests & kHandled)) return;
    if (requests & (request_bit::kInit | request_bit::kStartUp)) {
        pull();
        MachineLock& lock = vm_.context().lock();
        lock.lock();
        if (requests & request_bit::kInit) processor_.take_init();
        if (requests & request_bit::kStartUp) processor_.take_start_up();
        lock.unlock();
        changed_ = true;
    }
    if (requests & request_bit::kNmi && state_.activity == x86::Activity::Running) {
        push();
        state_.requests.fetch_and(~request_bit::kNmi);
        const int result = nmi_is_let_through() ? request(fd_, KVM_NMI) : 0;
        if (result < 0) vm_.refusals().say("an NMI", -result);
    }
    if (requests & request_bit::kSmi) {
        push();
        state_.requests.fetch_and(~request_bit::kSmi);
        if (const int result = request(fd_, KVM_SMI); result < 0)
            vm_.refusals().say("system management interrupts", -result);
    }
}

/// One of LINT1 (which the kernel's local APIC does not know) is, where the pin's entry lets it (SDM 3A 11.5.1; api.rst,
/// KVM_NMI); others are.
bool Vcpu::nmi_is_let_through() {
    LapicPage* page = vm_.lapic(cpu_.index());
    if (!page || !page->take_lint1()) return true;
    kvm_lapic_state registers{};
    if (request(fd_, KVM_GET_LAPIC, &registers) < 0) return true;
    constexpr unsigned kLint1 = 0x360;
    constexpr std::uint32_t kMasked = 1u << 16, kMode = 7u << 8, kNmi = 4u << 8;
    std::uint32_t entry = 0;
    std::memcpy(&entry, registers.regs + kLint1, sizeof entry);
    return (entry & (kMasked | kMode)) == kNmi;
}

/// INTR, when the guest takes interrupts; else the kernel is asked to come back when it does.
void Vcpu::inject() {
    if (vm_.options().irqchip == Irqchip::On) return;
    run_->request_interrupt_window = 0;
    if (!(state_.requests.load() & x86::request::kInterrupt)) return;
    if (run_->ready_for_interrupt_injection && run_->if_flag) {
        MachineLock& lock = vm_.context().lock();
        lock.lock();
        const int vector = processor_.acknowledge_interrupt();
        lock.unlock();
        if (vector >= 0) {
            const kvm_interrupt interrupt{std::uint32_t(vector)};
            const int result = request(fd_, KVM_INTERRUPT, &interrupt);
            if (result < 0)
                return fail(std::string("KVM does not take an interrupt: ") + std::strerror(-result));
            if (vm_.local_apics_in_kernel()) handed_ = vector;
            run_->ready_for_interrupt_injection = 0;
        }
    }
    if (state_.requests.load() & x86::request::kInterrupt) run_->request_interrupt_window = 1;
}

void Vcpu::write_task_priority() { run_->cr8 = task_priority_; }

/// CR8 and IA32_APIC_BASE, which the guest may have written without an exit.
void Vcpu::tell_local_apic() {
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    task_priority_ = std::uint8_t(run_->cr8);
    apic_base_ = run_->apic_base;
    if (x86::LocalApic* apic = processor_.local_apic()) {
        apic->set_task_priority(task_priority_);
        if (apic->base() != apic_base_) apic->set_base(apic_base_);
    }
    lock.unlock();
}

void Vcpu::local_apic_accessed() {
    read_task_priority();
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    processor_.local_apic_written();
    lock.unlock();
}

/// As the local APIC has it, which this CPU alone changes while it runs.
void Vcpu::read_task_priority() {
    if (vm_.local_apics_in_kernel()) return;
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    if (const x86::LocalApic* apic = processor_.local_apic()) task_priority_ = apic->task_priority();
    lock.unlock();
}

}  // namespace backplane::kvm
