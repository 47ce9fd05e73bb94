// Interrupts and exceptions on their way to their handlers (SDM 3A, chapter 6).
#include "breakpoints.h"
#include "executor.h"

#include <backplane/draft/address_space.h>
#include <backplane/log.h>

namespace backplane::x86 {

namespace {

constexpr unsigned kTaskGate = 5, kInterruptGate16 = 6, kInterruptGate32 = 14;
constexpr std::uint32_t kExternal = 1, kIdtError = 2;

enum class Class : std::uint8_t { Benign, Contributory, PageFault };

/// SDM 3A, table 6-4.
Class class_of(Vector vector) {
    switch (vector) {
    case Vector::DivideError:
    case Vector::InvalidTss:
    case Vector::SegmentNotPresent:
    case Vector::StackFault:
    case Vector::GeneralProtection: return Class::Contributory;
    case Vector::PageFault: return Class::PageFault;
    default: return Class::Benign;
    }
}

std::uint32_t external(Executor::Event event) { return event == Executor::Event::Software ? 0 : kExternal; }

}  // namespace

void Executor::raise(GuestFault fault) {
    const bool outer = cpu_.in_helper;
    cpu_.in_helper = true;
    cpu_.fault_recorded = cpu_.bus_fault = false;
    for (;;) {
        try {
            if (fault.vector == Vector::DoubleFault) s_.interrupt_shadow = false;
            deliver(std::uint8_t(fault.vector), Event::Exception, fault.has_error, fault.error,
                    instruction_pointer(s_));
            if (cpu_.traps) post_trap();
            break;
        } catch (const GuestFault& next) {
            if (fault.vector == Vector::DoubleFault) {
                shut_down("the guest's processor shut down after a triple fault");
                break;
            }
            const Class first = class_of(fault.vector), second = class_of(next.vector);
            const bool doubled = (first == Class::Contributory && second == Class::Contributory) ||
                                 (first == Class::PageFault && second != Class::Benign);
            fault = doubled ? GuestFault{Vector::DoubleFault, true, 0} : next;
        } catch (const Abandoned&) {
            break;
        }
    }
    cpu_.in_helper = outer;
}

void Executor::shut_down(const char* why) {
    s_.activity = Activity::Shutdown;
    s_.wakes_on = 0;
    s_.run.halted.store(1, std::memory_order_release);
    vcpu_.log().guest_error("shutdown", why);
    cpu_.processor->shut_down();
}

void Executor::deliver(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                       std::uint64_t return_ip) {
    if (vector == std::uint8_t(Vector::Debug) && event == Event::Exception) {
        s_.dr7 &= ~debug::kGeneralDetect;
        s_.msrs.debug_ctl &= ~(debug::kLastBranches | debug::kBranchSteps);
    }
    if (!protected_mode()) deliver_real(vector, return_ip);
    else if (long_mode()) deliver_long(vector, event, has_error, error, return_ip);
    else deliver_protected(vector, event, has_error, error, return_ip);
}

/// SDM 3B 21.1.4.
void Executor::deliver_real(std::uint8_t vector, std::uint64_t return_ip) {
    if (vector * 4u + 3 > s_.idt.limit) general_protection(vector * 8u + kIdtError);
    const std::uint64_t target = load_linear(s_.idt.base + vector * 4u, 4, system_mode());
    Stack all = stack();
    push(all, s_.rflags, 2);
    push(all, s_.segments[kCs].selector, 2);
    push(all, return_ip, 2);
    commit(all);
    s_.rflags &= ~(rflags::kInterrupt | rflags::kTrap | rflags::kAlignmentCheck | rflags::kResume);
    set_real_segment(kCs, std::uint16_t(target >> 16));
    set_instruction_pointer(s_, target & 0xffff);
}

void Executor::check_gate(std::uint8_t vector, Event event, unsigned type, unsigned dpl, bool present) const {
    const std::uint32_t error = vector * 8u + kIdtError + external(event);
    const bool interrupt = (type & 7) == 6 || (type & 7) == 7;
    const bool right = long_mode() ? interrupt && (type & 8) : interrupt || type == kTaskGate;
    if (!right || (event == Event::Software && dpl < privilege())) general_protection(error);
    if (!present) throw GuestFault{Vector::SegmentNotPresent, true, error};
}

void Executor::deliver_long(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                            std::uint64_t return_ip) {
    if (vector * 16u + 15 > s_.idt.limit) general_protection(vector * 8u + kIdtError + external(event));
    const std::uint64_t at = s_.idt.base + vector * 16u;
    Descriptor gate{.low = load_linear(at, 8, system_mode()), .high = load_linear(at + 8, 8, system_mode())};
    check_gate(vector, event, gate.system() ? gate.type() : 0, gate.dpl(), gate.present());
    const auto selector = std::uint16_t(gate.low >> 16);
    const std::uint64_t offset = (gate.low & 0xffff) | (gate.low >> 32 & 0xffff0000) | gate.high << 32;
    if ((selector & 0xfffc) == 0) general_protection(external(event));
    Descriptor code = read_descriptor(selector);
    const unsigned cpl = privilege(), inner = code.conforming() ? cpl : code.dpl();
    const std::uint32_t code_error = (selector & 0xfffcu) + external(event);
    if (!code.code() || code.dpl() > cpl || (code.low >> 53 & 3) != 1) general_protection(code_error);
    if (!code.present()) throw GuestFault{Vector::SegmentNotPresent, true, code_error};
    const unsigned ist = unsigned(gate.low >> 32 & 7);
    std::uint64_t sp = s_.gpr[kRsp];
    std::uint16_t unused = 0;
    if (ist) sp = stack_of(3 + ist, unused);  // they follow RSP0–2 and a reserved one
    else if (inner < cpl) sp = stack_of(inner, unused);
    sp &= ~std::uint64_t{15};
    if (!canonical(sp - 1)) throw GuestFault{Vector::StackFault, true, external(event)};
    const Segment old_stack = s_.segments[kSs];
    Stack all{sp, ~std::uint64_t{0}, 0, inner == 3 ? std::uint8_t(kUser) : system_mode(), false};
    const bool fault = event == Event::Exception && vector != std::uint8_t(Vector::Debug);
    push(all, old_stack.selector, 8);
    push(all, s_.gpr[kRsp], 8);
    push(all, s_.rflags | (fault ? rflags::kResume : 0), 8);
    push(all, s_.segments[kCs].selector, 8);
    push(all, return_ip, 8);
    if (has_error) push(all, error, 8);
    load_code(selector, code, inner);
    if (inner < cpl) set_null_stack(inner);
    commit(all);
    s_.rflags &= ~(rflags::kTrap | rflags::kNestedTask | rflags::kResume | rflags::kVirtual8086);
    if (gate.type() == kInterruptGate32) s_.rflags &= ~rflags::kInterrupt;
    set_instruction_pointer(s_, offset);
}

void Executor::deliver_protected(std::uint8_t vector, Event event, bool has_error, std::uint32_t error,
                                 std::uint64_t return_ip) {
    if (vector * 8u + 7 > s_.idt.limit) general_protection(vector * 8u + kIdtError + external(event));
    const Descriptor gate{.low = load_linear(s_.idt.base + vector * 8u, 8, system_mode())};
    check_gate(vector, event, gate.system() ? gate.type() : 0, gate.dpl(), gate.present());
    const auto selector = std::uint16_t(gate.low >> 16);
    if (gate.type() == kTaskGate) {
        set_instruction_pointer(s_, return_ip);
        next_ = return_ip;
        task_switch(selector, read_descriptor(selector), 1, has_error, error);
        set_instruction_pointer(s_, next_);
        return;
    }
    const unsigned size = gate.type() & 8 ? 4 : 2;
    const std::uint64_t offset = (gate.low & 0xffff) | (size == 4 ? gate.low >> 32 & 0xffff0000 : 0);
    if ((selector & 0xfffc) == 0) general_protection(external(event));
    Descriptor code = read_descriptor(selector);
    const bool from_8086 = virtual_8086();
    const unsigned cpl = privilege(), inner = code.conforming() ? cpl : code.dpl();
    const std::uint32_t code_error = (selector & 0xfffcu) + external(event);
    if (!code.code() || code.dpl() > cpl || (from_8086 && inner != 0)) general_protection(code_error);
    if (!code.present()) throw GuestFault{Vector::SegmentNotPresent, true, code_error};
    check_code_offset(code, offset);
    const Segment old_stack = s_.segments[kSs];
    const std::uint64_t old_flags = s_.rflags;
    try {
        Stack all = stack();
        if (inner < cpl) {
            std::uint16_t stack_selector = 0;
            const std::uint64_t sp = stack_of(inner, stack_selector);
            load_stack_segment(stack_selector, inner, Vector::InvalidTss);
            const bool big = s_.segments[kSs].attributes & Segment::kBig;
            all = {sp, big ? 0xffffffff : 0xffffu, s_.segments[kSs].base, system_mode(), false};
            if (from_8086)
                for (const unsigned name : {kGs, kFs, kDs, kEs}) push(all, s_.segments[name].selector, size);
            push(all, old_stack.selector, size);
            push(all, s_.gpr[kRsp], size);
        }
        const bool fault = event == Event::Exception && vector != std::uint8_t(Vector::Debug);
        push(all, old_flags | (fault ? rflags::kResume : 0), size);
        push(all, s_.segments[kCs].selector, size);
        push(all, return_ip, size);
        if (has_error) push(all, error, size);
        s_.rflags &= ~rflags::kVirtual8086;
        load_code(selector, code, inner);
        if (inner < cpl) s_.gpr[kRsp] = all.pointer & (all.mask == 0xffff ? 0xffffffff : all.mask);
        else commit(all);
    } catch (...) {
        s_.segments[kSs] = old_stack;
        s_.rflags = old_flags;
        throw;
    }
    if (from_8086)
        for (const unsigned name : {kGs, kFs, kDs, kEs}) s_.segments[name] = {0, 0, 0, Segment::kUnusable};
    s_.rflags &= ~(rflags::kTrap | rflags::kNestedTask | rflags::kResume | rflags::kVirtual8086);
    if ((gate.type() & 7) == kInterruptGate16) s_.rflags &= ~rflags::kInterrupt;
    set_instruction_pointer(s_, offset);
}

// ---- between two instructions

void Executor::deliver_now(std::uint8_t vector, Event event) {
    try {
        deliver(vector, event, false, 0, instruction_pointer(s_));
        if (cpu_.traps) post_trap();
    } catch (const GuestFault& fault) {
        raise(fault);
    } catch (const Abandoned&) {}
}

bool Executor::take_pending_events() {
    if (s_.exception_pending) {
        s_.exception_pending = false;
        raise({Vector(s_.exception_vector), s_.exception_has_error, s_.exception_error});
        return true;
    }
    if (s_.interrupt_injected) {
        s_.interrupt_injected = false;
        deliver_now(s_.interrupt_vector, s_.interrupt_soft ? Event::Software : Event::External);
        return true;
    }
    return false;
}

bool Executor::take_requests() {
    bool changed = false;
    MachineLock& lock = vcpu_.lock();
    if (cpu_.apic_touched) {
        cpu_.apic_touched = false;
        lock.lock();
        cpu_.processor->local_apic_written();
        lock.unlock();
    }
    if (const bool a20 = cpu_.processor->a20(); a20 != cpu_.a20) {
        cpu_.a20 = a20;
        vcpu_.flush_tlb();
        changed = true;
    }
    const std::uint32_t requests = s_.requests.load();
    if (!s_.smm && (requests & (request::kInit | request::kStartUp))) {
        lock.lock();
        if (requests & request::kInit) cpu_.processor->take_init();
        if (requests & request::kStartUp) cpu_.processor->take_start_up();
        lock.unlock();
        vcpu_.flush_tlb();
        changed = true;
    }
    if (s_.activity != Activity::Running) return changed;
    const bool at_line = std::exchange(cpu_.at_line, false);  // an SMI ends MWAIT
    const bool was_halted = s_.wakes_on.exchange(0) != 0 && !at_line;
    cpu_.in_helper = true;
    cpu_.fault_recorded = cpu_.bus_fault = false;
    changed |= take_pending_events();
    if ((requests & request::kSmi) && !s_.smm && !s_.interrupt_shadow) {
        s_.requests.fetch_and(~request::kSmi);
        if (cpu_.management) {
            enter_management(was_halted);
            changed = true;
        }
    }
    std::uint8_t vector = 0;
    bool taken = false;
    if ((s_.requests.load() & request::kNmi) && !s_.nmi_blocked && !s_.interrupt_shadow) {
        s_.requests.fetch_and(~request::kNmi);
        s_.nmi_blocked = true;
        vector = std::uint8_t(Vector::Nmi);
        taken = true;
    } else if ((s_.requests.load() & request::kInterrupt) && (s_.rflags & rflags::kInterrupt) &&
               !s_.interrupt_shadow) {
        lock.lock();
        const int found = cpu_.processor->acknowledge_interrupt();
        lock.unlock();
        taken = found >= 0;
        vector = std::uint8_t(found);
    }
    if (taken) {
        deliver_now(vector, Event::External);
        changed = true;
    }
    cpu_.in_helper = false;
    return changed;
}

}  // namespace backplane::x86
