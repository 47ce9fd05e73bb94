// Near transfers of flat code.
#include "translator.h"

#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

using tcg::Cond;
using tcg::Value;

std::uint64_t Translator::next_pc() const {
    const std::uint64_t pc = unit_.pc + i_.length;
    return i_.is_64bit() ? pc : std::uint32_t(pc);
}

std::uint64_t Translator::target() const {
    const std::uint64_t pc = next_pc() + i_.immediate;
    return i_.is_64bit() ? pc : std::uint32_t(pc);
}

/// Of the same mode. What ends the shadow of STI looks at the interrupts.
void Translator::go_to(std::uint64_t pc) {
    if (!ends_shadow()) return b_.goto_pc(pc);
    b_.store_state(offsetof(X86State, pc), b_.pc_constant(pc), tcg::mem::k64);
    b_.leave(tcg::LeaveKind::Continue);
}

/// Of the flags in the state.
bool Translator::conditional() {
    constexpr std::uint64_t kSimple[] = {rflags::kOverflow, rflags::kCarry,
                                         rflags::kZero,     rflags::kCarry | rflags::kZero,
                                         rflags::kSign,     rflags::kParity};
    if (unit_.native) {
        const tcg::Label taken = b_.make_label();
        b_.branch_if_status(tcg::StatusCond(i_.opcode & 15), taken);
        go_to(next_pc());
        b_.place(taken);
        go_to(target());
        return true;
    }
    const unsigned code = i_.opcode >> 1 & 7;
    Value flags = b_.temp();
    b_.load_state(flags, offsetof(X86State, rflags), tcg::mem::k32);
    std::uint64_t mask = 0;
    if (code < 6) {
        mask = kSimple[code];
    } else {
        // SF ^ OF in the place of OF, and ZF.
        const Value moved = b_.temp(), mixed = b_.temp();
        b_.shl(moved, flags, b_.constant(4));
        b_.xor_(mixed, moved, flags);
        b_.and_(mixed, mixed, b_.constant(rflags::kOverflow));
        if (code == 7) {
            b_.and_(moved, flags, b_.constant(rflags::kZero));
            b_.or_(mixed, mixed, moved);
        }
        flags = mixed;
        mask = rflags::kOverflow | rflags::kZero;
    }
    const tcg::Label taken = b_.make_label();
    b_.branch_if(i_.opcode & 1 ? Cond::TestZero : Cond::TestNonZero, flags, b_.constant(mask), taken);
    go_to(next_pc());
    b_.place(taken);
    go_to(target());
    return true;
}

/// Where ModRM says that it goes.
std::optional<Value> Translator::indirect_target() {
    const Value to = b_.temp();
    if (!i_.has_memory()) {
        b_.mov(to, get_register(i_.rm(), i_.operand_size));
        return to;
    }
    Value at{};
    if (!address(at, true)) return std::nullopt;
    b_.load(to, at, 0, access());
    return to;
}

bool Translator::call_near() {
    std::optional<Value> to;
    if (i_.operation() == Operation::CallRm && !(to = indirect_target())) return false;
    push_value(b_.pc_constant(next_pc()));
    if (to) b_.goto_value(*to, tcg::JumpHint::Call, next_pc());
    else if (ends_shadow()) go_to(target());
    else b_.call_pc(target(), next_pc());
    return true;
}

bool Translator::return_near() {
    const Value to = b_.temp();
    b_.load(to, stack_pointer(), 0, access());
    const std::uint64_t release = i_.opcode == 0xc2 ? i_.immediate : 0;
    if (i_.is_64bit()) {
        move_stack_pointer(int(8 + release));
        b_.goto_value(to, tcg::JumpHint::Return);
        return true;
    }
    const Value sp = b_.temp();
    b_.add(sp, stack_pointer(), b_.constant(i_.operand_size + release));
    set_stack_pointer(sp);
    b_.goto_value(to, tcg::JumpHint::Return);
    return true;
}

bool Translator::control() {
    if (!flat_ || (i_.operand_size != 8 && i_.operand_size != 4)) return false;
    if (i_.is_64bit() && i_.operand_size != 8) return false;
    switch (i_.operation()) {
    case Operation::Jump: go_to(target()); return true;
    case Operation::JumpIf: return conditional();
    case Operation::Call:
    case Operation::CallRm: return call_near();
    case Operation::Return: return return_near();
    case Operation::JumpRm: {
        const std::optional<Value> to = indirect_target();
        if (to) b_.goto_value(*to);
        return to.has_value();
    }
    default: return false;
    }
}

}  // namespace backplane::x86
