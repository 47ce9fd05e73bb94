// Control inside a block and the ways out of it, and the thunks through which code is entered and left.
#include "emitter.h"

#include <cstring>

namespace backplane::tcg::x64 {

void Emitter::flow(const Op& op) {
    switch (op.opcode) {
    case Opcode::label: return place_label(unsigned(op.imm));
    case Opcode::br: {
        // A branch to the label that follows at once is nothing.
        const std::size_t next = index_ + 1;
        if (next < block_->ops.size() && block_->ops[next].opcode == Opcode::label &&
            block_->ops[next].imm == op.imm)
            return;
        return use_label(unsigned(op.imm), jump());
    }
    case Opcode::brcond:
    case Opcode::br_status: return branch(op);
    case Opcode::goto_pc: return goto_pc(op);
    case Opcode::goto_value: return goto_value(op);
    case Opcode::look: return look(op, pc());
    default: break;  // leave
    }
    if (continues(op)) return jump_to(status_in_host_ ? thunks_.next_save : thunks_.next_state);
    load_immediate(kRax, kExitContinue + std::uint64_t(op.imm));
    jump_to(leave_thunk(status_in_host_));
}

// ---- labels: what jumps to an open one is a list through the rel32 fields

void Emitter::use_label(unsigned label, std::uint32_t field) {
    LabelState& l = labels_[label];
    if (l.placed) return patch(field, l.offset);
    std::memcpy(memory_.data + field, &l.open, sizeof l.open);
    l.open = field;
}

void Emitter::place_label(unsigned label) {
    LabelState& l = labels_[label];
    l.placed = true;
    l.offset = here();
    for (std::uint32_t field = l.open; field != 0;) {
        std::uint32_t next = 0;
        std::memcpy(&next, memory_.data + field, sizeof next);
        patch(field, l.offset);
        field = next;
    }
}

namespace {
constexpr CC kStatusConditions[] = {CC::kO, CC::kNO, CC::kB,  CC::kAE, CC::kE, CC::kNE, CC::kBE, CC::kA,
                                    CC::kS, CC::kNS, CC::kPE, CC::kPO, CC::kL, CC::kGE, CC::kLE, CC::kG};
}

/// `if (a cond b) goto L; goto_pc X; L:` leaves through one conditional jump to X's exit.
void Emitter::branch(const Op& op) {
    const auto& ops = block_->ops;
    const bool by_status = op.opcode == Opcode::br_status;
    const CC cc = by_status ? kStatusConditions[op.aux & 15] : compare(op);
    const LabelState& label = labels_[std::size_t(op.imm)];
    if (flags_ && !by_status && label.wants_host && label.live) {
        const std::uint32_t past = jump(x86::negateCond(cc));
        restore_status();
        use_label(unsigned(op.imm), jump());
        return patch_here(past);
    }
    if (leaves_in_one_jump(index_)) {
        const std::uint64_t target = value_of(ops[index_ + 1].a);
        const std::uint32_t field = jump(x86::negateCond(cc));
        skip_ = index_ + 1;
        if (!any_dirty()) return direct_exit(field, target);
        Cold& c = cold(op, &Emitter::cold_exit);
        c.from[0] = field;
        c.x = target;
        return;
    }
    use_label(unsigned(op.imm), jump(cc));
}

/// What leaves must have the status flags in place.
bool Emitter::leaves_in_one_jump(std::size_t index) const {
    const auto& ops = block_->ops;
    const Op& op = ops[index];
    if (flags_ != (op.opcode == Opcode::br_status) || index + 2 >= ops.size()) return false;
    if (ops[index + 1].opcode != Opcode::goto_pc || ops[index + 2].opcode != Opcode::label) return false;
    const std::uint64_t target = value_of(ops[index + 1].a);
    return ops[index + 2].imm == op.imm && chains_to(target) && target > pc();
}

/// On the way out: vectors that the state does not have.
void Emitter::cold_exit(const Cold& c) {
    store_residents(resident_sets_[c.residents]);
    direct_exit(jump(), c.x);
}

// ---- leaving

bool Emitter::chains_to(std::uint64_t target) const {
    const std::uint64_t page = block_->pc & ~std::uint64_t{4095};
    // What may begin in the page and end behind it is looked up with both its pages.
    return request_->chain && target - page <= 4096u - guest_.max_instruction_size;
}

void Emitter::direct_exit(std::uint32_t patch_at, std::uint64_t target) {
    result_->exits.push_back({patch_at, 0, target});
}

void Emitter::store_pc(std::uint64_t pc, int scratch) {
    if (fits32(pc)) {
        a_.mov(state(std::int32_t(guest_.pc_offset), 8), Imm(std::int32_t(pc)));
        return;
    }
    load_immediate(scratch, pc, true);
    a_.mov(state(std::int32_t(guest_.pc_offset), 8), q(scratch));
}

/// Leaves if an exit was requested; the guest then goes on at `pc`.
void Emitter::look(const Op& op, std::uint64_t pc) {
    std::uint32_t field = 0;
    if (flags_) {
        field = jump_unless_zero(state(0, 4));
    } else {
        a_.cmp(state(0, 4), 0);
        field = jump(CC::kNE);
    }
    Cold& c = cold(op, &Emitter::cold_interrupt);
    c.from[0] = field;
    c.x = pc;
}

/// Does the op leave by what the state says next?
bool Emitter::continues(const Op& op) const {
    return op.opcode == Opcode::leave && LeaveKind(op.imm) == LeaveKind::Continue && request_->chain;
}

void Emitter::goto_pc(const Op& op) {
    const std::uint64_t target = value_of(op.a);
    if (target <= pc()) look(op, target);
    if (goes_round(target)) return jump_to(loop_start_);
    if (chains_to(target)) return direct_exit(jump(), target);
    load_immediate(kRax, target);
    if (!request_->chain) return jump_to(thunks_.miss);
    const JumpEntry& entry = hot_.jumps[request_->variant][jump_index(guest_, target)];
    if (flags_) {
        a_.mov(x86::rcx, hot(&entry.pc, 8));
        miss_unless_rcx_is_rax();
    } else {
        a_.cmp(hot(&entry.pc, 8), x86::rax);
        jump_to(CC::kNE, thunks_.miss);
    }
    a_.jmp(hot(&entry.code, 8));
}

/// Without a flag.
void Emitter::miss_unless_rcx_is_rax() {
    a_.not_(x86::rcx);
    a_.lea(x86::rcx, x86::ptr(x86::rcx, x86::rax, 0, 1));
    patch(jump_unless_rcx_zero(), thunks_.miss);
}

/// The same as goto_value() without a flag.
void Emitter::goto_value_with_status() {
    patch(jump_unless_zero(state(0, 4)), thunks_.interrupt);
    const auto table = std::uint32_t(reinterpret_cast<std::uintptr_t>(&hot_.jumps[request_->variant][0]));
    a_.pext(x86::rdx, x86::rax, constant(kJumpIndex, 8));
    a_.lea(x86::edx, x86::ptr(x86::rdx, x86::rdx));
    a_.mov(x86::rcx, x86::ptr(std::uint64_t(table), x86::rdx, 3, 8));
    miss_unless_rcx_is_rax();
    a_.jmp(x86::ptr(std::uint64_t(table) + 8, x86::rdx, 3, 8));
}

void Emitter::cold_interrupt(const Cold& c) {
    store_residents(resident_sets_[c.residents]);
    store_pc(c.x, kRax);
    load_immediate(kRax, kExitInterrupts);
    jump_to(flags_ ? leave_thunk(c.status_in_host) : thunks_.leave_save);
}

void Emitter::goto_value(const Op& op) {
    const int r = use(op.a, kRax);
    if (r != kRax) a_.mov(x86::rax, q(r));
    if (!request_->chain) return jump_to(thunks_.miss);
    if (flags_) return goto_value_with_status();
    a_.cmp(state(0, 4), 0);
    jump_to(CC::kNE, thunks_.interrupt);
    const unsigned shift = jump_shift(guest_);
    a_.mov(x86::ecx, x86::eax);
    a_.and_(x86::ecx, Imm(std::int32_t((kJumpSize - 1) << shift)));
    if (shift == 0) a_.add(x86::ecx, x86::ecx);
    const unsigned scale = shift == 0 ? 3 : 4 - shift;  // an entry has 16 bytes
    const auto table = std::int32_t(reinterpret_cast<std::uintptr_t>(&hot_.jumps[request_->variant][0]));
    a_.cmp(x86::ptr(std::uint64_t(std::uint32_t(table)), x86::rcx, scale, 8), x86::rax);
    jump_to(CC::kNE, thunks_.miss);
    a_.jmp(x86::ptr(std::uint64_t(std::uint32_t(table)) + 8, x86::rcx, scale, 8));
}

void Emitter::emit_exit_stubs() {
    std::uint32_t number = std::uint32_t(kFirstExit) + request_->first_exit;
    for (DirectExit& exit : result_->exits) {
        exit.stub = here();
        patch(exit.patch, exit.stub);
        a_.mov(x86::eax, Imm(number++));
        jump_to(thunks_.leave_save);
    }
}

// ---- thunks

std::uint32_t Emitter::emit_thunks(const Services& services) {
    a_.setOffset(0);
    emit_x87_thunks();
    thunks_.enter = here();
    for (int r : {kRbx, kRbp, 12, 13, 14, 15}) a_.push(q(r));
    a_.sub(x86::rsp, kFrameBytes);
    a_.stmxcsr(hot(&hot_.host_fp_mode, 4));
    a_.ldmxcsr(hot(&hot_.guest_fp_mode, 4));
    a_.lea(x86::rbp, x86::ptr(x86::rsi, kStateBias));
    a_.mov(x86::rdx, x86::rdi);
    const std::uint32_t go_on = here();  // rdx: the code
    load_pinned(0, kPinnedCount);
    if (flags_) restore_status();
    a_.jmp(x86::rdx);

    thunks_.interrupt = here();
    a_.mov(state(std::int32_t(guest_.pc_offset), 8), x86::rax);
    load_immediate(kRax, kExitInterrupts);
    thunks_.leave_save = here();
    if (flags_) {
        a_.mov(x86::rcx, x86::rax);
        save_status();
        a_.mov(x86::rax, x86::rcx);
    }
    thunks_.leave_state = here();
    save_pinned(0, kPinnedCount);
    thunks_.leave_nosave = here();
    x87_to_state({x86::rax});
    a_.stmxcsr(hot(&hot_.guest_fp_mode, 4));
    a_.ldmxcsr(hot(&hot_.host_fp_mode, 4));
    a_.add(x86::rsp, kFrameBytes);
    for (int r : {15, 14, 13, 12, kRbp, kRbx}) a_.pop(q(r));
    a_.ret();

    const auto ask_for_next = [&](std::uint64_t otherwise) {
        x87_to_state({});
        a_.mov(x86::rdi, Imm(std::uint64_t(reinterpret_cast<std::uintptr_t>(services.engine))));
        call_function(reinterpret_cast<const void*>(services.next));
        a_.mov(x86::rdx, x86::rax);
        a_.test(x86::rax, x86::rax);
        jump_to(CC::kNE, go_on);
        load_immediate(kRax, otherwise);
    };
    thunks_.miss = here();
    a_.mov(state(std::int32_t(guest_.pc_offset), 8), x86::rax);
    if (flags_) save_status();
    save_pinned(0, kPinnedCount);
    ask_for_next(kExitLookup);
    jump_to(thunks_.leave_nosave);
    thunks_.next_save = here();
    if (flags_) save_status();
    thunks_.next_state = here();
    save_pinned(0, kPinnedCount);
    thunks_.next = here();
    ask_for_next(kExitContinue);
    jump_to(thunks_.leave_nosave);
    thunks_.raised = here();
    ask_for_next(kExitRaised);
    jump_to(thunks_.leave_nosave);

    emit_slow_thunks(services, false);
    if (flags_) emit_slow_thunks(services, true);
    pad(64);
    return here();
}

void Emitter::emit_slow_thunks(const Services& services, bool status_in_host) {
    const auto emit = [&](auto function) {
        return emit_slow_thunk(services.engine, reinterpret_cast<const void*>(function), status_in_host);
    };
    thunks_.load[status_in_host] = emit(services.load);
    thunks_.store[status_in_host] = emit(services.store);
    thunks_.atomic[status_in_host] = emit(services.atomic);
    if (!flags_) return;
    thunks_.begin[status_in_host] = emit(services.begin);
    thunks_.end[status_in_host] = emit(services.end);
}

/// Called from a block with the address in rax, the value in rdx and the descriptor in ecx; the result comes in rax.
std::uint32_t Emitter::emit_slow_thunk(const void* engine, const void* function, bool status_in_host) {
    const std::uint32_t where = here();
    if (status_in_host) {
        a_.push(x86::rax);
        save_status();
        a_.pop(x86::rax);
    }
    save_pinned(0, kPinnedCount);
    x87_to_state({x86::rax, x86::rdx}, true);
    a_.push(x86::rsi);
    a_.mov(x86::rsi, x86::rax);
    a_.mov(x86::r8, x86::ptr(x86::rsp, 8));
    a_.mov(x86::rdi, Imm(std::uint64_t(reinterpret_cast<std::uintptr_t>(engine))));
    call_function(function);
    a_.pop(x86::rsi);
    a_.test(x86::edx, x86::edx);
    const std::uint32_t raised = jump(CC::kNE);
    load_pinned(kPinnedCallee, kPinnedCount);
    x87_returns(false);
    if (status_in_host) {
        a_.mov(x86::rcx, x86::rax);
        restore_status();
        a_.mov(x86::rax, x86::rcx);
    }
    a_.ret();
    patch_here(raised);
    x87_returns(true);
    a_.add(x86::rsp, 8);
    jump_to(thunks_.raised);
    return where;
}

}  // namespace backplane::tcg::x64
