// Helper calls, and the fields of the state that are not registers.
#include "emitter.h"

#include <utility>

namespace backplane::tcg::x64 {

namespace {
constexpr int kArguments[] = {kRdi, kRsi, kRdx, kRcx, 8};
}

void Emitter::system(const Op& op) {
    switch (op.opcode) {
    case Opcode::load_state: return load_state(op);
    case Opcode::store_state: return store_state(op);
    case Opcode::call: return call_helper(op);
    case Opcode::insn: return begin_instruction(op);
    default: return;
    }
}

void Emitter::begin_instruction(const Op& op) {
    delta_ = std::uint32_t(block_->instructions[std::size_t(op.imm)].pc - block_->pc);
    if (!std::exchange(helper_stored_, false)) return;
    if (flags_) {
        const std::uint32_t field = jump_unless_zero(hot(&hot_.stale, 4));
        cold(op, &Emitter::cold_stale).from[0] = field;
        return;
    }
    a_.cmp(hot(&hot_.stale, 4), 0);
    cold(op, &Emitter::cold_stale).from[0] = jump(CC::kNE);
}

/// What comes next in this unit may not be what the guest's memory says.
void Emitter::cold_stale(const Cold& c) {
    store_pc(block_->pc + c.delta, kRax);
    load_immediate(kRax, kExitContinue);
    jump_to(leave_thunk(c.status_in_host));
}

void Emitter::save_pinned(unsigned from, unsigned to) {
    for (unsigned n = from; n < to; ++n)
        if (pinned_[n] >= 0)
            a_.mov(x86::ptr(x86::rbp, displacements_[std::size_t(pinned_[n])], 8), q(kPinned[n]));
}

void Emitter::load_pinned(unsigned from, unsigned to) {
    for (unsigned n = from; n < to; ++n)
        if (pinned_[n] >= 0)
            a_.mov(q(kPinned[n]), x86::ptr(x86::rbp, displacements_[std::size_t(pinned_[n])], 8));
}

/// After the registers that a call clobbers were saved: an argument is where it was saved, or where it survives.
void Emitter::pass(int to, Value v) {
    if (v.is_constant()) return load_immediate(to, value_of(v), true);
    const int r = home(v);
    if (r == kRsi && v.is_temp()) a_.mov(q(to), x86::ptr(x86::rsp, kRsiSlot, 8));
    else if (r == kRdi || r == kRsi || (r >= 8 && r <= 11))
        a_.mov(q(to), x86::ptr(x86::rbp, displacements_[v.index()], 8));
    else if (r >= 0) a_.mov(q(to), q(r));
    else a_.mov(q(to), slot(v));
}

void Emitter::call_helper(const Op& op) {
    const Call& call = block_->calls[std::size_t(op.imm)];
    std::uint8_t flags = call.flags;
    helper_stored_ |= (flags & helper::kStores) != 0;
    if (flags & helper::kMayRaise) flags = helper::kAll;
    x87_before_call(op);
    save_pinned(flags & helper::kReadsRegisters || flags & helper::kWritesRegisters ? 0 : kPinnedCallee,
                kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::ptr(x86::rsp, kRsiSlot, 8), x86::rsi);
    if (flags & helper::kNeedsPc) store_pc(pc(), kRax);
    for (unsigned n = 0; n < call.count; ++n) pass(kArguments[n + 1], call.arguments[n]);
    a_.lea(x86::rdi, x86::ptr(x86::rbp, -kStateBias));
    call_function(call.function);
    if ((flags & helper::kMayRaise) && op.dst.none() && continues(block_->ops[index_ + 1])) {
        skip_ = index_ + 1;
        return jump_to(thunks_.next);
    }
    if (flags & helper::kMayRaise) {
        a_.cmp(hot(&hot_.raised, 4), 0);
        jump_to(CC::kNE, thunks_.raised);
    }
    load_pinned(flags & helper::kWritesRegisters ? 0 : kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::rsi, x86::ptr(x86::rsp, kRsiSlot, 8));
    done(op.dst, kRax);
}

void Emitter::call_pure(const void* function, Slice<const Value> arguments) {
    save_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::ptr(x86::rsp, kRsiSlot, 8), x86::rsi);
    unsigned n = 0;
    for (Value v : arguments) pass(kArguments[n++], v);
    call_function(function);
    load_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::rsi, x86::ptr(x86::rsp, kRsiSlot, 8));
}

void Emitter::load_state(const Op& op) {
    const int r = def(op.dst, kRax);
    sized_load(r, state(op.imm, mem::size(op.aux)), op.aux);
    done(op.dst, r);
}

void Emitter::store_state(const Op& op) {
    const unsigned size = mem::size(op.aux);
    const x86::Mem field = state(op.imm, size);
    if (op.a.is_constant() && (size < 8 || fits32(value_of(op.a)))) {
        a_.mov(field, Imm(std::int32_t(value_of(op.a))));
        return;
    }
    store_sized(field, use(op.a, kRax), size);
}

}  // namespace backplane::tcg::x64
