// What the guest left for (api.rst, chapter 5, exit_reason).
#include "vcpu.h"

#include <backplane/draft/address_space.h>
#include <backplane/guest_health.h>
#include <backplane/text.h>

#include <cstring>

namespace backplane::kvm {

namespace {

bool is_access_size(unsigned size) { return size == 1 || size == 2 || size == 4 || size == 8; }

std::uint64_t load(AddressSpace& space, std::uint64_t address, unsigned size, std::uint32_t cpu) {
    Access access{.cpu = cpu};
    const std::uint64_t value = space.load(GuestAddress(address), size, access);
    return access.failed ? ~std::uint64_t{0} : value;  // a bus that nobody drives
}

void store(AddressSpace& space, std::uint64_t address, std::uint64_t value, unsigned size,
           std::uint32_t cpu) {
    Access access{.cpu = cpu};
    space.store(GuestAddress(address), value, size, access);
}

}  // namespace

void Vcpu::handle_exit() {
    // The local APIC has to hear of it before any device acts on it.
    if (!vm_.local_apics_in_kernel() && (run_->cr8 != task_priority_ || run_->apic_base != apic_base_))
        tell_local_apic();
    switch (run_->exit_reason) {
    case KVM_EXIT_IO: return port_io();
    case KVM_EXIT_MMIO: return memory_io();
    case KVM_EXIT_HLT: return halt();
    case KVM_EXIT_DEBUG: return debug_exit();
    case KVM_EXIT_IRQ_WINDOW_OPEN:
    case KVM_EXIT_INTR:
    case KVM_EXIT_SET_TPR: return;
    case KVM_EXIT_IOAPIC_EOI: return end_of_interrupt();
    case KVM_EXIT_X86_RDMSR: return unknown_msr("reads");
    case KVM_EXIT_X86_WRMSR: return unknown_msr("writes");
    case KVM_EXIT_DIRTY_RING_FULL: return ring_full();
    case KVM_EXIT_SHUTDOWN: state_.activity = x86::Activity::Shutdown; return processor_.shut_down();
    case KVM_EXIT_FAIL_ENTRY:
        return fail("KVM: entry failed, hardware error 0x" +
                    hex(run_->fail_entry.hardware_entry_failure_reason) + " on CPU " +
                    std::to_string(cpu_.index()));
    case KVM_EXIT_INTERNAL_ERROR: return internal_error();
    case KVM_EXIT_SYSTEM_EVENT: return system_event();
    case KVM_EXIT_HYPERV: return hyperv_exit();
    default:
        return fail("KVM: unexpected exit " + std::to_string(run_->exit_reason) + " (hardware reason 0x" +
                    hex(run_->hw.hardware_exit_reason) + ") on CPU " + std::to_string(cpu_.index()));
    }
}

void Vcpu::port_io() {
    unfinished_ = true;
    AddressSpace& ports = vm_.context().io_ports();
    const auto& io = run_->io;
    auto* data = reinterpret_cast<std::uint8_t*>(run_) + io.data_offset;
    for (std::uint32_t i = 0; i < io.count; ++i, data += io.size) {
        std::uint64_t value = 0;
        if (io.direction == KVM_EXIT_IO_IN) {
            value = load(ports, io.port, io.size, cpu_.index());
            std::memcpy(data, &value, io.size);
        } else {
            std::memcpy(&value, data, io.size);
            store(ports, io.port, value, io.size, cpu_.index());
        }
    }
}

void Vcpu::memory_io() {
    unfinished_ = true;
    const bool managing = (run_->flags & KVM_RUN_X86_SMM) != 0 && cpu_.address_space_count() > 1;
    AddressSpace& memory = cpu_.address_space(managing ? 1 : 0);
    auto& mmio = run_->mmio;
    const unsigned size = mmio.len;
    std::uint64_t value = 0;
    if (is_access_size(size) && mmio.is_write) {
        std::memcpy(&value, mmio.data, size);
        store(memory, mmio.phys_addr, value, size, cpu_.index());
    } else if (is_access_size(size)) {
        value = load(memory, mmio.phys_addr, size, cpu_.index());
        std::memcpy(mmio.data, &value, size);
    } else {
        // Part of an access that crosses a page.
        for (unsigned i = 0; i < size; ++i)
            if (mmio.is_write) store(memory, mmio.phys_addr + i, mmio.data[i], 1, cpu_.index());
            else mmio.data[i] = std::uint8_t(load(memory, mmio.phys_addr + i, 1, cpu_.index()));
    }
    if (mmio.phys_addr - x86::kMessageBase < x86::kMessageSize) local_apic_accessed();
}

/// Without a local APIC in the kernel, the guest waits here.
void Vcpu::halt() {
    state_.wakes_on = wakes_from_halt(run_->if_flag != 0);
    run_state_.halted = 1;
}

/// Neither the kernel nor the processor's state has it: #GP (SDM 2B, RDMSR and WRMSR).
void Vcpu::unknown_msr(const char* what) {
    unfinished_ = true;
    const std::string index = hex(run_->msr.index);
    vm_.context().log().guest_error("MSR 0x" + index, std::string("the guest ") + what + " MSR 0x" + index +
                                                          ", which is not there");
    run_->msr.error = 1;
}

/// The guest changed its synthetic interrupt controller, which the kernel keeps; or it calls for what partitions say to each
/// other, of which there are none (TLFS 3.8, HV_STATUS_INVALID_HYPERCALL_CODE).
void Vcpu::hyperv_exit() {
    constexpr std::uint64_t kInvalidCall = 2;
    unfinished_ = true;
    if (run_->hyperv.type == KVM_EXIT_HYPERV_HCALL) run_->hyperv.u.hcall.result = kInvalidCall;
}

/// A guest that tells of its crash may write more of it yet.
void Vcpu::system_event() {
    auto* health = static_cast<GuestHealth*>(vm_.context().host_interface(GuestHealth::kId));
    if (run_->system_event.type == KVM_SYSTEM_EVENT_CRASH && health) return health->report_panic();
    state_.activity = x86::Activity::Shutdown;
    processor_.shut_down();
}

void Vcpu::ring_full() {
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    const int result = vm_.collect_rings();
    lock.unlock();
    // It would be full for ever.
    if (result < 0)
        fail(std::string("KVM does not let its rings of changed pages be used again: ") +
             std::strerror(-result));
}

/// Of a vector that the machine's I/O APIC sent.
void Vcpu::end_of_interrupt() {
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    vm_.interrupts().end_of_interrupt(run_->eoi.vector);
    lock.unlock();
}

void Vcpu::internal_error() {
    const auto& internal = run_->internal;
    std::string text = "KVM internal error on CPU " + std::to_string(cpu_.index()) + ", suberror " +
                       std::to_string(internal.suberror);
    if (internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
        text += " (an instruction that the kernel does not emulate)";
    for (std::uint32_t i = 0; i < internal.ndata && i < std::size(internal.data); ++i)
        text += (i == 0 ? "; data 0x" : " 0x") + hex(internal.data[i]);
    pull();
    TextBuffer registers;
    cpu_.dump(registers);
    fail(text + "\n" + registers.text());
}

}  // namespace backplane::kvm
