// Control transfers (SDM 1, chapter 6; SDM 3A 5.8; for SYSCALL and SYSRET, APM 3).
#include "breakpoints.h"
#include "executor.h"

namespace backplane::x86 {

namespace {

constexpr unsigned kCallGate16 = 4, kTaskGate = 5, kCallGate32 = 12;
constexpr unsigned kTss16 = 1, kTss32 = 9;

constexpr std::uint64_t mask_of(unsigned size) {
    return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}
constexpr std::uint32_t error_of(std::uint16_t selector) { return selector & 0xfffcu; }

constexpr Segment flat(std::uint16_t selector, std::uint32_t type, unsigned privilege, std::uint32_t more) {
    return {0, 0xffffffff, selector,
            Segment::kPresent | Segment::kNotSystem | type | privilege << Segment::kDplShift |
                Segment::kGranularity | more};
}
constexpr std::uint32_t kCodeType = 0xb, kDataType = 3;

}  // namespace

void Executor::jump_to(std::uint64_t ip) {
    ip &= mask_of(i_.operand_size);
    if (code_64() ? !canonical(ip) : ip > s_.segments[kCs].limit) general_protection();
    next_ = ip;
}

/// LOOPNE, LOOPE, LOOP, JCXZ.
void Executor::jump_count() {
    const unsigned size = i_.address_size;
    const bool zero = s_.rflags & rflags::kZero;
    std::uint64_t count = s_.gpr[kRcx] & mask_of(size);
    if (i_.opcode == 0xe3) {
        if (count == 0) jump_to(next_ + i_.immediate);
        return;
    }
    count = (count - 1) & mask_of(size);
    const bool taken = count != 0 && (i_.opcode == 0xe2 || zero == (i_.opcode == 0xe1));
    if (taken) jump_to(next_ + i_.immediate);
    set_gpr(kRcx, s_.gpr[kRcx] - 1, size);
}

void Executor::call(std::uint64_t target) {
    const std::uint64_t back = next_;
    jump_to(target);
    push(back, i_.operand_size);
}

void Executor::near_return() {
    Stack all = stack();
    const std::uint64_t ip = pop(all, i_.operand_size);
    jump_to(ip);
    if (i_.opcode == 0xc2)
        all.pointer = (all.pointer & ~all.mask) | ((all.pointer + i_.immediate) & all.mask);
    commit(all);
}

void Executor::check_code_offset(const Descriptor& code, std::uint64_t offset) const {
    const Segment segment = code.segment(0);
    const bool wide = long_mode() && (segment.attributes & Segment::kLong);
    if (wide ? !canonical(offset) : (offset & 0xffffffff) > segment.limit) general_protection();
}

void Executor::far_from_memory(bool is_call) {
    const unsigned size = i_.operand_size;
    const std::uint64_t address = memory_linear(size + 2, false);
    const std::uint64_t offset = load_linear(address, size, data_mode());
    far_transfer(std::uint16_t(load_linear(address + size, 2, data_mode())), offset, is_call);
}

void Executor::far_transfer(std::uint16_t selector, std::uint64_t offset, bool is_call) {
    const unsigned size = i_.operand_size;
    if (!segmented()) {
        if (offset > s_.segments[kCs].limit) general_protection();
        if (is_call) {
            Stack all = stack();
            push(all, s_.segments[kCs].selector, size);
            push(all, next_, size);
            commit(all);
        }
        set_real_segment(kCs, selector);
        next_ = offset;
        return;
    }
    if ((selector & 0xfffc) == 0) general_protection();
    Descriptor d = read_descriptor(selector);
    const unsigned cpl = privilege(), rpl = selector & 3;
    const std::uint32_t error = error_of(selector);
    if (d.system()) {
        if (d.dpl() < cpl || d.dpl() < rpl) general_protection(error);
        if (long_mode()) {
            if (d.type() != kCallGate32) general_protection(error);
            d = read_descriptor(selector, Vector::GeneralProtection, true);
        }
        return gate_transfer(selector, d, is_call);
    }
    if (!d.code()) general_protection(error);
    if (d.conforming() ? d.dpl() > cpl : rpl > cpl || d.dpl() != cpl) general_protection(error);
    if (!d.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
    if (long_mode() && (d.low >> 53 & 3) == 3) general_protection(error);  // L and D
    check_code_offset(d, offset);
    enter_code(selector, d, offset, size, is_call);
}

/// At the same privilege, on the same stack.
void Executor::enter_code(std::uint16_t selector, Descriptor& code, std::uint64_t offset, unsigned size,
                          bool is_call) {
    const unsigned cpl = privilege();
    if (is_call) {
        Stack all = stack();
        push(all, s_.segments[kCs].selector, size);
        push(all, next_, size);
        load_code(selector, code, cpl);
        commit(all);
    } else {
        load_code(selector, code, cpl);
    }
    next_ = offset;
}

/// Through a call gate, a task gate or into a task.
void Executor::gate_transfer(std::uint16_t selector, const Descriptor& gate, bool is_call) {
    const std::uint32_t error = error_of(selector);
    const unsigned type = gate.type();
    if (type == kTaskGate || type == kTss16 || type == kTss32) {
        if (!gate.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
        const auto task = type == kTaskGate ? std::uint16_t(gate.low >> 16) : selector;
        const Descriptor d = type == kTaskGate ? read_descriptor(task) : gate;
        return task_switch(task, d, is_call ? 1 : 0, false, 0);
    }
    if (type != kCallGate16 && type != kCallGate32) general_protection(error);
    if (!gate.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
    const unsigned size = long_mode() ? 8 : type == kCallGate32 ? 4 : 2;
    const auto target = std::uint16_t(gate.low >> 16);
    std::uint64_t offset = gate.low & 0xffff;
    if (size >= 4) offset |= gate.low >> 32 & 0xffff0000;
    if (size == 8) offset |= gate.high << 32;
    if ((target & 0xfffc) == 0) general_protection();
    Descriptor code = read_descriptor(target);
    const unsigned cpl = privilege();
    const std::uint32_t code_error = error_of(target);
    if (!code.code() || code.dpl() > cpl) general_protection(code_error);
    if (long_mode() && (code.low >> 53 & 3) != 1) general_protection(code_error);
    if (!code.present()) throw GuestFault{Vector::SegmentNotPresent, true, code_error};
    check_code_offset(code, offset);
    if (is_call && !code.conforming() && code.dpl() < cpl)
        return inner_call(target, code, offset, size, gate.low >> 32 & 31);
    if (!is_call && !code.conforming() && code.dpl() != cpl) general_protection(code_error);
    enter_code(target, code, offset, size, is_call);
}

/// To more privilege, on the stack that the task has for it (SDM 3A 5.8.5).
void Executor::inner_call(std::uint16_t selector, Descriptor& code, std::uint64_t offset, unsigned size,
                          unsigned parameters) {
    const unsigned inner = code.dpl();
    std::uint16_t stack_selector = 0;
    const std::uint64_t sp = stack_of(inner, stack_selector);
    const Segment old = s_.segments[kSs];
    Stack outer = stack();
    std::uint64_t values[32] = {};
    if (size != 8)
        for (unsigned n = 0; n < parameters; ++n) values[n] = pop(outer, size);
    try {
        if (size == 8) set_null_stack(inner);
        else load_stack_segment(stack_selector, inner, Vector::InvalidTss);
        const bool big = s_.segments[kSs].attributes & Segment::kBig;
        Stack all{sp,
                  size == 8 ? ~std::uint64_t{0}
                  : big     ? 0xffffffff
                            : 0xffff,
                  s_.segments[kSs].base, system_mode(), false};
        push(all, old.selector, size);
        push(all, s_.gpr[kRsp], size);
        if (size != 8)
            for (unsigned n = parameters; n-- > 0;) push(all, values[n], size);
        push(all, s_.segments[kCs].selector, size);
        push(all, next_, size);
        load_code(selector, code, inner);
        commit(all);
    } catch (...) {
        s_.segments[kSs] = old;
        throw;
    }
    next_ = offset;
}

void Executor::far_return() {
    const unsigned size = i_.operand_size;
    Stack all = stack();
    const std::uint64_t ip = pop(all, size);
    const auto selector = std::uint16_t(pop(all, size));
    const unsigned release = i_.opcode == 0xca ? unsigned(i_.immediate) : 0;
    if (segmented()) return return_protected(all, {ip, selector, size, release, false, 0});
    if (ip > s_.segments[kCs].limit) general_protection();
    all.pointer = (all.pointer & ~all.mask) | ((all.pointer + release) & all.mask);
    commit(all);
    set_real_segment(kCs, selector);
    next_ = ip;
}

std::uint64_t Executor::changeable_by_return(unsigned size) const {
    std::uint64_t all = kArithmeticFlags | rflags::kTrap | rflags::kDirection | rflags::kNestedTask;
    if (size != 2) all |= rflags::kResume | rflags::kAlignmentCheck | rflags::kId;
    if (privilege() == 0) all |= 3u << rflags::kIoplShift;
    if (privilege() == 0 && size != 2) all |= rflags::kVirtualInterrupt | rflags::kVirtualInterruptPending;
    if (privilege() <= io_privilege()) all |= rflags::kInterrupt;
    return all;
}

void Executor::interrupt_return_real() {
    const unsigned size = i_.operand_size;
    const bool virtual_flag = virtual_interrupts() && size == 2;
    if (virtual_8086() && io_privilege() != 3 && !virtual_flag) general_protection();
    Stack all = stack();
    const std::uint64_t ip = pop(all, size);
    const auto selector = std::uint16_t(pop(all, size));
    const std::uint64_t flags = pop(all, size);
    if (ip > s_.segments[kCs].limit) general_protection();
    if (virtual_flag) take_virtual_flags(flags);
    std::uint64_t changeable = changeable_by_return(size);
    if (virtual_8086()) changeable &= ~std::uint64_t(3u << rflags::kIoplShift);
    commit(all);
    set_real_segment(kCs, selector);
    if (!virtual_flag) write_flags(flags, changeable);
    next_ = ip;
}

void Executor::interrupt_return() {
    if (!segmented()) {
        interrupt_return_real();
        s_.nmi_blocked = false;
        return;
    }
    const unsigned size = i_.operand_size;
    if (s_.rflags & rflags::kNestedTask) {
        if (long_mode()) general_protection();
        const auto back = std::uint16_t(load_linear(s_.task.base, 2, system_mode()));
        if (back & 4) throw GuestFault{Vector::InvalidTss, true, error_of(back)};
        task_switch(back, read_descriptor(back, Vector::InvalidTss), 2, false, 0);
        s_.nmi_blocked = false;
        return;
    }
    Stack all = stack();
    const std::uint64_t ip = pop(all, size);
    const auto selector = std::uint16_t(pop(all, size));
    const std::uint64_t flags = pop(all, size);
    if (!long_mode() && size == 4 && (flags & rflags::kVirtual8086) && privilege() == 0)
        return_to_8086(all, ip, selector, flags);
    else return_protected(all, {ip, selector, size, 0, true, flags});
    s_.nmi_blocked = false;
}

/// SDM 2B, RET and IRET: to the same privilege or to less.
void Executor::return_protected(Stack& all, const Return& to) {
    const unsigned cpl = privilege(), rpl = to.selector & 3;
    const std::uint32_t error = error_of(to.selector);
    if ((to.selector & 0xfffc) == 0) general_protection();
    Descriptor code = read_descriptor(to.selector);
    if (!code.code() || rpl < cpl || (code.conforming() ? code.dpl() > rpl : code.dpl() != rpl))
        general_protection(error);
    if (!code.present()) throw GuestFault{Vector::SegmentNotPresent, true, error};
    if (long_mode() && (code.low >> 53 & 3) == 3) general_protection(error);
    check_code_offset(code, to.ip);
    const std::uint64_t changeable = to.interrupt ? changeable_by_return(to.size) : 0;
    const auto release = [&](std::uint64_t mask) {
        all.pointer = (all.pointer & ~mask) | ((all.pointer + to.release) & mask);
    };
    release(all.mask);
    const bool from_64 = code_64();
    if (rpl == cpl && !(to.interrupt && from_64)) {
        load_code(to.selector, code, cpl);
        commit(all);
    } else {
        const std::uint64_t sp = pop(all, to.size);
        const auto stack_selector = std::uint16_t(pop(all, to.size));
        const Segment old = s_.segments[kSs];
        const bool to_64 = long_mode() && (code.low >> 53 & 1);
        if ((stack_selector & 0xfffc) == 0 && to_64 && rpl != 3) {
            set_null_stack(rpl);
            s_.segments[kSs].selector = stack_selector;
        } else {
            load_stack_segment(stack_selector, rpl, Vector::GeneralProtection);
        }
        try {
            load_code(to.selector, code, rpl);
        } catch (...) {
            s_.segments[kSs] = old;
            throw;
        }
        const std::uint64_t mask = stack_mask();
        s_.gpr[kRsp] = to_64 ? sp : (s_.gpr[kRsp] & ~mask) | (sp & mask);
        if (to.release) s_.gpr[kRsp] = (s_.gpr[kRsp] & ~mask) | ((s_.gpr[kRsp] + to.release) & mask);
        if (rpl != cpl) drop_outer_segments(rpl);
    }
    if (to.interrupt) write_flags(to.flags, changeable);
    next_ = code_64() ? to.ip : to.ip & 0xffffffff;
}

/// SDM 3B 21.2.3.
void Executor::return_to_8086(Stack& all, std::uint64_t ip, std::uint16_t selector, std::uint64_t flags) {
    std::uint64_t values[6];
    for (std::uint64_t& value : values) value = pop(all, 4);
    constexpr std::uint64_t kChangeable =
        kArithmeticFlags | rflags::kTrap | rflags::kInterrupt | rflags::kDirection |
        3u << rflags::kIoplShift | rflags::kNestedTask | rflags::kResume | rflags::kVirtual8086 |
        rflags::kAlignmentCheck | rflags::kId | rflags::kVirtualInterrupt | rflags::kVirtualInterruptPending;
    write_flags(flags, kChangeable);
    set_real_segment(kCs, selector);
    s_.gpr[kRsp] = std::uint32_t(values[0]);
    constexpr unsigned kOrder[] = {kSs, kEs, kDs, kFs, kGs};
    for (unsigned n = 0; n < 5; ++n) set_real_segment(kOrder[n], std::uint16_t(values[n + 1]));
    next_ = ip & 0xffff;
}

void Executor::software_interrupt(std::uint8_t vector, bool short_form) {
    if (virtual_8086() && !short_form && virtual_interrupt(vector)) return;
    deliver(vector, Event::Software, false, 0, next_);
    next_ = instruction_pointer(s_);
}

// ---- fast system calls

void Executor::system_call() {
    if (!(s_.efer & efer::kSce) || !segmented()) undefined_opcode();
    const auto selector = std::uint16_t(s_.msrs.star >> 32 & 0xfffc);
    s_.gpr[kRcx] = next_;
    if (long_mode()) {
        s_.gpr[11] = s_.rflags & ~rflags::kResume;
        const bool from_64 = code_64();
        s_.segments[kCs] = flat(selector, kCodeType, 0, Segment::kLong);
        next_ = from_64 ? s_.msrs.lstar : s_.msrs.cstar;
        s_.rflags &= ~(s_.msrs.sfmask | rflags::kResume);
        s_.rflags |= rflags::kOne;
    } else {
        s_.segments[kCs] = flat(selector, kCodeType, 0, Segment::kBig);
        next_ = std::uint32_t(s_.msrs.star);
        s_.rflags &= ~(rflags::kVirtual8086 | rflags::kInterrupt | rflags::kResume);
    }
    s_.segments[kSs] = flat(std::uint16_t(selector + 8), kDataType, 0, Segment::kBig);
}

void Executor::system_return() {
    if (!(s_.efer & efer::kSce) || !segmented()) undefined_opcode();
    require_kernel();
    const auto selector = std::uint16_t(s_.msrs.star >> 48);
    const bool to_64 = i_.operand_size == 8;
    const std::uint64_t before = s_.rflags;
    std::uint64_t ip = s_.gpr[kRcx];
    if (to_64 && !canonical(ip)) general_protection();
    if (!to_64) ip &= 0xffffffff;
    if (long_mode()) {
        constexpr std::uint64_t kKept = rflags::kResume | rflags::kVirtual8086;
        s_.rflags = (s_.gpr[11] & 0x3f7fd5 & ~kKept) | rflags::kOne;
    } else {
        s_.rflags |= rflags::kInterrupt;
    }
    s_.segments[kCs] = flat(std::uint16_t((to_64 ? selector + 16 : selector) | 3), kCodeType, 3,
                            to_64 ? Segment::kLong : Segment::kBig);
    s_.segments[kSs] = flat(std::uint16_t((selector + 8) | 3), kDataType, 3, Segment::kBig);
    next_ = ip;
    // A TF that it brings has its exception behind SYSRET itself.
    if (!(before & rflags::kTrap) && (s_.rflags & rflags::kTrap)) {
        cpu_.traps |= debug::kSingleStep;
        post_trap();
    }
}

void Executor::sys_enter() {
    if (!segmented() || (s_.msrs.sysenter_cs & 0xfffc) == 0) general_protection();
    const auto selector = std::uint16_t(s_.msrs.sysenter_cs & 0xfffc);
    s_.rflags &= ~(rflags::kVirtual8086 | rflags::kInterrupt | rflags::kResume);
    s_.segments[kCs] = flat(selector, kCodeType, 0, long_mode() ? Segment::kLong : Segment::kBig);
    s_.segments[kSs] = flat(std::uint16_t(selector + 8), kDataType, 0, Segment::kBig);
    s_.gpr[kRsp] = long_mode() ? s_.msrs.sysenter_esp : std::uint32_t(s_.msrs.sysenter_esp);
    next_ = long_mode() ? s_.msrs.sysenter_eip : std::uint32_t(s_.msrs.sysenter_eip);
}

void Executor::sys_exit() {
    if (!segmented() || (s_.msrs.sysenter_cs & 0xfffc) == 0) general_protection();
    require_kernel();
    const auto base = std::uint16_t(s_.msrs.sysenter_cs & 0xfffc);
    const bool to_64 = i_.operand_size == 8;
    if (to_64 && (!canonical(s_.gpr[kRcx]) || !canonical(s_.gpr[kRdx]))) general_protection();
    const auto selector = std::uint16_t((base + (to_64 ? 32 : 16)) | 3);
    s_.segments[kCs] = flat(selector, kCodeType, 3, to_64 ? Segment::kLong : Segment::kBig);
    s_.segments[kSs] = flat(std::uint16_t(selector + 8), kDataType, 3, Segment::kBig);
    s_.gpr[kRsp] = to_64 ? s_.gpr[kRcx] : std::uint32_t(s_.gpr[kRcx]);
    next_ = to_64 ? s_.gpr[kRdx] : std::uint32_t(s_.gpr[kRdx]);
}

}  // namespace backplane::x86
