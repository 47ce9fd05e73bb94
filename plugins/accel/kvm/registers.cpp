// Follows the kernel's api.rst: KVM_GET_REGS, KVM_GET_SREGS(2), KVM_GET_XSAVE(2), KVM_GET_XCRS, KVM_GET_DEBUGREGS,
// KVM_GET_VCPU_EVENTS, KVM_GET_MP_STATE and their counterparts.
#include "registers.h"

#include <algorithm>
#include <cstring>

namespace backplane::kvm {

namespace {

using x86::Segment;

std::string refused(const char* what, int error) { return std::string(what) + ": " + std::strerror(-error); }

Segment from_kernel(const kvm_segment& from) {
    Segment to{from.base, from.limit, from.selector, 0};
    to.attributes = (from.type & Segment::kType) | std::uint32_t(from.s & 1) << 4 |
                    std::uint32_t(from.dpl & 3) << Segment::kDplShift | std::uint32_t(from.present & 1) << 7 |
                    std::uint32_t(from.avl & 1) << 12 | std::uint32_t(from.l & 1) << 13 |
                    std::uint32_t(from.db & 1) << 14 | std::uint32_t(from.g & 1) << 15 |
                    (from.unusable ? Segment::kUnusable : 0);
    return to;
}

kvm_segment to_kernel(const Segment& from) {
    const std::uint32_t a = from.attributes;
    kvm_segment to{};
    to.base = from.base;
    to.limit = from.limit;
    to.selector = from.selector;
    to.type = a & Segment::kType;
    to.s = a >> 4 & 1;
    to.dpl = a >> Segment::kDplShift & 3;
    to.present = a >> 7 & 1;
    to.avl = a >> 12 & 1;
    to.l = a >> 13 & 1;
    to.db = a >> 14 & 1;
    to.g = a >> 15 & 1;
    to.unusable = a & Segment::kUnusable ? 1 : 0;
    return to;
}

/// Where X86State's general registers are in kvm_regs.
constexpr __u64 kvm_regs::*kGprs[] = {&kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx,
                                      &kvm_regs::rsp, &kvm_regs::rbp, &kvm_regs::rsi, &kvm_regs::rdi,
                                      &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
                                      &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};
constexpr kvm_segment kvm_sregs::*kSegments[] = {&kvm_sregs::es, &kvm_sregs::cs, &kvm_sregs::ss,
                                                 &kvm_sregs::ds, &kvm_sregs::fs, &kvm_sregs::gs};

}  // namespace

std::string RegisterSync::get() {
    kvm_regs regs{};
    if (const int result = request(vcpu_, KVM_GET_REGS, &regs); result < 0)
        return refused("KVM_GET_REGS", result);
    for (std::size_t i = 0; i < std::size(kGprs); ++i) state_.gpr[i] = regs.*kGprs[i];
    state_.rflags = regs.rflags;
    if (std::string text = get_special(); !text.empty()) return text;
    set_instruction_pointer(state_, regs.rip);
    if (std::string text = get_floating_point(); !text.empty()) return text;
    kvm_debugregs debug{};
    if (const int result = request(vcpu_, KVM_GET_DEBUGREGS, &debug); result < 0)
        return refused("KVM_GET_DEBUGREGS", result);
    std::copy_n(debug.db, std::size(state_.dr), state_.dr);
    state_.dr6 = debug.dr6;
    state_.dr7 = debug.dr7;
    get_events();
    msrs_.get(vcpu_, state_, vm_.refusals());
    return {};
}

std::string RegisterSync::get_special() {
    kvm_sregs sregs{};
    if (const int result = request(vcpu_, KVM_GET_SREGS, &sregs); result < 0)
        return refused("KVM_GET_SREGS", result);
    for (std::size_t i = 0; i < std::size(kSegments); ++i)
        state_.segments[i] = from_kernel(sregs.*kSegments[i]);
    state_.ldt = from_kernel(sregs.ldt);
    state_.task = from_kernel(sregs.tr);
    state_.gdt = {sregs.gdt.base, sregs.gdt.limit};
    state_.idt = {sregs.idt.base, sregs.idt.limit};
    state_.cr0 = sregs.cr0;
    state_.cr2 = sregs.cr2;
    state_.cr3 = sregs.cr3;
    state_.cr4 = sregs.cr4;
    state_.efer = sregs.efer;
    get_local_apic(sregs.apic_base);
    state_.pdptrs_valid = false;
    kvm_sregs2 more{};
    if (sregs2_ && request(vcpu_, KVM_GET_SREGS2, &more) >= 0 &&
        (more.flags & KVM_SREGS2_FLAGS_PDPTRS_VALID)) {
        state_.pdptrs_valid = true;
        std::copy_n(more.pdptrs, std::size(state_.pdptrs), state_.pdptrs);
    }
    return {};
}

/// The kernel's form is the standard one, whatever the host's processor uses.
std::string RegisterSync::get_floating_point() {
    const bool any_size = vm_.xsave_size() > sizeof(kvm_xsave);
    const int result =
        request(vcpu_, any_size ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, static_cast<const void*>(state_.xsave));
    if (result < 0) return refused("KVM_GET_XSAVE", result);
    kvm_xcrs xcrs{};
    if (const int error = request(vcpu_, KVM_GET_XCRS, &xcrs); error < 0) {
        vm_.refusals().say("to tell XCR0", -error);
        return {};
    }
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(xcrs.nr_xcrs, KVM_MAX_XCRS); ++i)
        if (xcrs.xcrs[i].xcr == 0) state_.xcr0 = xcrs.xcrs[i].value;
    return {};
}

void RegisterSync::get_events() {
    kvm_vcpu_events events{};
    if (const int result = request(vcpu_, KVM_GET_VCPU_EVENTS, &events); result < 0)
        return vm_.refusals().say("to tell pending events", -result);
    state_.exception_pending = events.exception.injected || events.exception.pending;
    state_.exception_vector = events.exception.nr;
    state_.exception_has_error = events.exception.has_error_code != 0;
    state_.exception_error = events.exception.error_code;
    state_.interrupt_injected = events.interrupt.injected != 0;
    state_.interrupt_soft = events.interrupt.soft != 0;
    state_.interrupt_vector = events.interrupt.nr;
    state_.interrupt_shadow = events.interrupt.shadow != 0;
    state_.nmi_blocked = events.nmi.masked != 0;
    if (events.nmi.injected || events.nmi.pending) state_.requests.fetch_or(x86::request::kNmi);
    state_.smm = events.smi.smm != 0;
    if (std::uint64_t base = 0; smm_ && get_msr(vcpu_, x86::msr::kSmbase, base))
        state_.smbase = std::uint32_t(base);
    if (events.smi.pending) state_.requests.fetch_or(x86::request::kSmi);
    if (!vm_.local_apics_in_kernel()) return;
    kvm_mp_state activity{};
    if (const int result = request(vcpu_, KVM_GET_MP_STATE, &activity); result < 0)
        return vm_.refusals().say("to tell what a vCPU waits for", -result);
    state_.run.halted = activity.mp_state == KVM_MP_STATE_HALTED;
    state_.wakes_on = state_.run.halted ? wakes_from_halt((state_.rflags & x86::rflags::kInterrupt) != 0) : 0;
    state_.activity =
        activity.mp_state == KVM_MP_STATE_UNINITIALIZED || activity.mp_state == KVM_MP_STATE_INIT_RECEIVED
            ? x86::Activity::WaitForSipi
            : x86::Activity::Running;
}

std::string RegisterSync::set(SyncLevel level) {
    if (std::string text = set_special(); !text.empty()) return text;
    if (std::string text = set_floating_point(); !text.empty()) return text;
    set_local_apic();
    msrs_.set(vcpu_, state_, level == SyncLevel::Everything, vm_.refusals());
    if (std::string text = set_general(); !text.empty()) return text;
    if (std::string text = set_activity(); !text.empty()) return text;
    if (std::string text = set_events(); !text.empty()) return text;
    kvm_debugregs debug{};
    std::copy_n(state_.dr, std::size(state_.dr), debug.db);
    debug.dr6 = state_.dr6;
    debug.dr7 = state_.dr7;
    if (const int result = request(vcpu_, KVM_SET_DEBUGREGS, &debug); result < 0)
        return refused("KVM_SET_DEBUGREGS", result);
    return {};
}

std::uint64_t* RegisterSync::open_general() {
    if (request(vcpu_, KVM_GET_REGS, &open_) < 0) return nullptr;
    for (std::size_t i = 0; i < std::size(kGprs); ++i) state_.gpr[i] = open_.*kGprs[i];
    return state_.gpr;
}

std::string RegisterSync::close_general() {
    for (std::size_t i = 0; i < std::size(kGprs); ++i) open_.*kGprs[i] = state_.gpr[i];
    const int result = request(vcpu_, KVM_SET_REGS, &open_);
    return result < 0 ? refused("KVM_SET_REGS", result) : std::string{};
}

std::string RegisterSync::set_general() {
    kvm_regs regs{};
    for (std::size_t i = 0; i < std::size(kGprs); ++i) regs.*kGprs[i] = state_.gpr[i];
    regs.rip = instruction_pointer(state_);
    regs.rflags = state_.rflags;
    const int result = request(vcpu_, KVM_SET_REGS, &regs);
    return result < 0 ? refused("KVM_SET_REGS", result) : std::string();
}

std::string RegisterSync::set_special() {
    kvm_sregs sregs{};
    // What is not kept here (an interrupt that is being delivered goes with the events).
    if (const int result = request(vcpu_, KVM_GET_SREGS, &sregs); result < 0)
        return refused("KVM_GET_SREGS", result);
    std::memset(sregs.interrupt_bitmap, 0, sizeof sregs.interrupt_bitmap);
    for (std::size_t i = 0; i < std::size(kSegments); ++i)
        sregs.*kSegments[i] = to_kernel(state_.segments[i]);
    sregs.ldt = to_kernel(state_.ldt);
    sregs.tr = to_kernel(state_.task);
    sregs.gdt = {state_.gdt.base, __u16(state_.gdt.limit), {}};
    sregs.idt = {state_.idt.base, __u16(state_.idt.limit), {}};
    sregs.cr0 = state_.cr0;
    sregs.cr2 = state_.cr2;
    sregs.cr3 = state_.cr3;
    sregs.cr4 = state_.cr4;
    sregs.efer = state_.efer;
    if (!vm_.local_apics_in_kernel()) {
        MachineLock& lock = vm_.context().lock();
        lock.lock();
        if (const x86::LocalApic* apic = processor_.local_apic()) sregs.apic_base = apic->base();
        lock.unlock();
    } else if (LapicPage* page = vm_.lapic(index_)) {
        sregs.apic_base = page->base();
    }
    const int result = request(vcpu_, KVM_SET_SREGS, &sregs);
    if (result < 0) return refused("KVM_SET_SREGS", result);
    if (!state_.pdptrs_valid) return {};
    kvm_sregs2 more{};
    if (request(vcpu_, KVM_GET_SREGS2, &more) < 0) return {};
    more.flags |= KVM_SREGS2_FLAGS_PDPTRS_VALID;
    std::copy_n(state_.pdptrs, std::size(state_.pdptrs), more.pdptrs);
    if (const int error = request(vcpu_, KVM_SET_SREGS2, &more); error < 0)
        vm_.refusals().say("page-directory pointers", -error);
    return {};
}

void RegisterSync::get_local_apic(std::uint64_t base) {
    LapicPage* page = vm_.local_apics_in_kernel() ? vm_.lapic(index_) : nullptr;
    if (!page) return;
    kvm_lapic_state registers{};
    if (const int result = request(vcpu_, KVM_GET_LAPIC, &registers); result < 0)
        return vm_.refusals().say("to tell a local APIC's state", -result);
    page->from_kernel(registers);
    page->base() = base;
    if (!get_msr(vcpu_, x86::msr::kTscDeadline, page->deadline())) vm_.refusals().say("IA32_TSC_DEADLINE", 0);
}

/// Behind IA32_APIC_BASE, which says what mode it is in; IA32_TSC_DEADLINE needs the timer's mode.
void RegisterSync::set_local_apic() {
    LapicPage* page = vm_.local_apics_in_kernel() ? vm_.lapic(index_) : nullptr;
    if (!page) return;
    kvm_lapic_state registers{};
    page->to_kernel(registers);
    if (const int result = request(vcpu_, KVM_SET_LAPIC, &registers); result < 0)
        vm_.refusals().say("a local APIC's state", -result);
    if (!set_msr(vcpu_, x86::msr::kTscDeadline, page->deadline())) vm_.refusals().say("IA32_TSC_DEADLINE", 0);
}

std::string RegisterSync::set_floating_point() {
    kvm_xcrs xcrs{};
    xcrs.nr_xcrs = 1;
    xcrs.xcrs[0] = {0, 0, state_.xcr0};
    if (const int result = request(vcpu_, KVM_SET_XCRS, &xcrs); result < 0)
        vm_.refusals().say("XCR0", -result);
    const int result = request(vcpu_, KVM_SET_XSAVE, static_cast<const void*>(state_.xsave));
    return result < 0 ? refused("KVM_SET_XSAVE", result) : std::string();
}

std::string RegisterSync::set_events() {
    if (state_.smm && !smm_) return "it is in system management mode, which this host's KVM does not have";
    kvm_vcpu_events events{};
    events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
    events.exception.injected = state_.exception_pending;
    events.exception.nr = state_.exception_vector;
    events.exception.has_error_code = state_.exception_has_error;
    events.exception.error_code = state_.exception_error;
    events.interrupt.injected = state_.interrupt_injected;
    events.interrupt.nr = state_.interrupt_vector;
    events.interrupt.soft = state_.interrupt_soft;
    events.interrupt.shadow = state_.interrupt_shadow ? KVM_X86_SHADOW_INT_STI : 0;
    events.nmi.masked = state_.nmi_blocked;
    if (smm_) {
        events.flags |= KVM_VCPUEVENT_VALID_SMM;
        events.smi.smm = state_.smm;
        if (!set_msr(vcpu_, x86::msr::kSmbase, state_.smbase))
            vm_.refusals().say("the place of what system management mode saves (SMBASE)", 0);
    }
    const int result = request(vcpu_, KVM_SET_VCPU_EVENTS, &events);
    return result < 0 ? refused("KVM_SET_VCPU_EVENTS", result) : std::string();
}

/// Without local APICs in the kernel, waiting is done here.
std::string RegisterSync::set_activity() {
    if (!vm_.local_apics_in_kernel()) return {};
    kvm_mp_state activity{};
    activity.mp_state = state_.activity == x86::Activity::WaitForSipi ? KVM_MP_STATE_UNINITIALIZED
                        : state_.run.halted                           ? KVM_MP_STATE_HALTED
                                                                      : KVM_MP_STATE_RUNNABLE;
    const int result = request(vcpu_, KVM_SET_MP_STATE, &activity);
    return result < 0 ? refused("KVM_SET_MP_STATE", result) : std::string();
}

}  // namespace backplane::kvm
