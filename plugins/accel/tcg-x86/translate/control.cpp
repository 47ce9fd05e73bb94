// Near transfers of flat code.
#include "translator.h"

#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

using tcg::Cond;
using tcg::Translated;
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

/// A unit with vectors goes on where a branch forward is not taken, so that they stay in registers. Others end: what follows
/// may have a unit of its own, and each costs time to translate.
bool Translator::goes_on_behind_branch() const {
    constexpr std::uint64_t kMostBranches = 6, kPageMask = ~std::uint64_t{4095};
    return unit_.native && unit_.scratch[kVectors] != 0 && unit_.scratch[kBranches] < kMostBranches &&
           !ends_shadow() && target() > unit_.pc && ((target() ^ unit_.pc) & kPageMask) == 0;
}

/// Of the flags in the state.
Translated Translator::conditional() {
    constexpr std::uint64_t kSimple[] = {rflags::kOverflow, rflags::kCarry,
                                         rflags::kZero,     rflags::kCarry | rflags::kZero,
                                         rflags::kSign,     rflags::kParity};
    if (goes_on_behind_branch()) {
        ++unit_.scratch[kBranches];
        const tcg::Label stays = b_.make_label();
        b_.branch_if_status(tcg::StatusCond((i_.opcode & 15) ^ 1), stays);
        go_to(target());
        b_.place(stays);
        return Translated::Next;
    }
    if (unit_.native) {
        const tcg::Label taken = b_.make_label();
        b_.branch_if_status(tcg::StatusCond(i_.opcode & 15), taken);
        go_to(next_pc());
        b_.place(taken);
        go_to(target());
        return Translated::End;
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
    return Translated::End;
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

namespace {
std::optional<Translated> end_if(bool translated) {
    return translated ? std::optional(Translated::End) : std::nullopt;
}
}  // namespace

/// Nothing: the executor is to do it.
std::optional<Translated> Translator::control() {
    if (!flat_ || (i_.operand_size != 8 && i_.operand_size != 4)) return std::nullopt;
    if (i_.is_64bit() && i_.operand_size != 8) return std::nullopt;
    switch (i_.operation()) {
    case Operation::Jump: go_to(target()); return Translated::End;
    case Operation::JumpIf: return conditional();
    case Operation::Call:
    case Operation::CallRm: return end_if(call_near());
    case Operation::Return: return end_if(return_near());
    case Operation::JumpRm: {
        const std::optional<Value> to = indirect_target();
        if (to) b_.goto_value(*to);
        return end_if(to.has_value());
    }
    default: return std::nullopt;
    }
}

}  // namespace backplane::x86
