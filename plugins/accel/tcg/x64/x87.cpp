// The guest's x87 and MMX registers in the host's own, with the control, status and tag words (SDM 1, 8.1 and 9.2).
//
// They stay there from the first instruction that wants them until something else than translated code runs: across units,
// which look at HotArea::x87_away where they use them. What calls the host's functions stores them, and leaves the host's
// x87 as functions expect it; the slow ways of accesses load them again. All exceptions are masked meanwhile, so that
// nothing is raised, and nothing that is pending gets lost.
#include "emitter.h"

namespace backplane::tcg::x64 {

namespace {

// SDM 1, tables 10-2 and 13-1.
constexpr std::int32_t kTags = 4, kRegisters = 32, kEnd = 160, kHeader = 512;
constexpr std::uint32_t kX87State = 1;  // of XCR0

}  // namespace

void Emitter::emit_x87_thunks() {
    if (!x87_) return;
    const auto area = [this](std::int32_t at, unsigned size) { return hot(hot_.x87_area + at, size); };
    const auto image = [this](std::int32_t at, unsigned size) {
        return state(std::int32_t(guest_.x87_offset) + at, size);
    };
    const auto ask_for_x87 = [this] {
        a_.mov(x86::eax, Imm(kX87State));
        a_.mov(x86::edx, Imm(0));
    };
    thunks_.x87_to_host = here();
    for (const std::int32_t at : {0, 8, 16}) {
        a_.mov(x86::rax, image(at, 8));
        a_.mov(area(at, 8), x86::rax);
    }
    for (std::int32_t at = kRegisters; at < kEnd; at += 16) {
        a_.movups(x86::xmm0, image(at, 16));
        a_.movaps(area(at, 16), x86::xmm0);
    }
    a_.mov(area(kHeader, 4), Imm(kX87State));  // XSTATE_BV: not the initial state
    ask_for_x87();
    a_.xrstor64(area(0, 0));
    a_.mov(hot(&hot_.x87_away, 4), Imm(0));
    a_.ret();

    thunks_.x87_to_state = here();
    ask_for_x87();
    a_.xsave64(area(0, 0));
    a_.fninit();
    a_.mov(x86::eax, area(0, 4));
    a_.mov(image(0, 4), x86::eax);
    a_.mov(x86::al, area(kTags, 1));
    a_.mov(image(kTags, 1), x86::al);
    for (std::int32_t at = kRegisters; at < kEnd; at += 16) {
        a_.movaps(x86::xmm0, area(at, 16));
        a_.movups(image(at, 16), x86::xmm0);
    }
    a_.mov(hot(&hot_.x87_away, 4), Imm(1));
    a_.ret();
}

/// Ahead of an instruction that uses them; uses rcx, and leaves the flags alone.
void Emitter::x87_to_host(const Op& op) {
    if (x87_here_) return;
    const std::uint32_t field = jump_unless_zero(hot(&hot_.x87_away, 4));
    Cold& c = cold(op, &Emitter::cold_x87);
    c.from[0] = field;
    c.back = here();
    x87_here_ = true;
}

void Emitter::cold_x87(const Cold& c) {
    call_to(thunks_.x87_to_host);
    jump_to(c.back);
}

/// Where the host's flags are nobody's.
void Emitter::x87_to_state(std::initializer_list<x86::Gp> kept, bool returns) {
    if (!x87_) return;
    a_.cmp(hot(&hot_.x87_away, 4), Imm(0));
    const std::uint32_t past = jump(CC::kNE);
    for (const x86::Gp& reg : kept) a_.push(reg);
    call_to(thunks_.x87_to_state);
    for (auto reg = std::rbegin(kept); reg != std::rend(kept); ++reg) a_.pop(*reg);
    if (returns) a_.mov(hot(&hot_.x87_returns, 4), Imm(1));
    patch_here(past);
}

/// Behind a service of the engine's, with its result in rax; `raised`: the unit is left.
void Emitter::x87_returns(bool raised) {
    if (!x87_) return;
    if (raised) {
        a_.mov(hot(&hot_.x87_returns, 4), Imm(0));
        return;
    }
    a_.cmp(hot(&hot_.x87_returns, 4), Imm(0));
    const std::uint32_t past = jump(CC::kE);
    a_.push(x86::rax);
    call_to(thunks_.x87_to_host);
    a_.pop(x86::rax);
    a_.mov(hot(&hot_.x87_returns, 4), Imm(0));
    patch_here(past);
}

void Emitter::x87_before_call(const Op& op) {
    if (!x87_) return;
    a_.cmp(hot(&hot_.x87_away, 4), Imm(0));
    const std::uint32_t field = jump(CC::kE);
    Cold& c = cold(op, &Emitter::cold_x87_call);
    c.from[0] = field;
    c.back = here();
    x87_here_ = false;
}

void Emitter::cold_x87_call(const Cold& c) {
    call_to(thunks_.x87_to_state);
    jump_to(c.back);
}

/// Other paths come to a label with the registers elsewhere.
void Emitter::x87_before_op(const Op& op) {
    if (op.opcode == Opcode::label && !label_keeps_vectors(op)) x87_here_ = false;
}

// ---- the control word

/// Uses rcx, and leaves the flags alone.
void Emitter::leave_if_unmasked(const Op& op, std::uint64_t pc) {
    a_.fnstcw(hot(&hot_.x87_control_word, 2));
    a_.movzx(x86::ecx, hot(&hot_.x87_control_word, 2));
    a_.not_(x86::ecx);
    a_.pext(x86::rcx, x86::rcx, constant(kX87Masks, 8));
    const std::uint32_t field = jump_unless_rcx_zero();
    Cold& c = cold(op, &Emitter::cold_unmasked);
    c.from[0] = field;
    c.x = pc;
}

void Emitter::cold_unmasked(const Cold& c) {
    store_residents(resident_sets_[c.residents]);
    store_pc(c.x, kRax);
    load_immediate(kRax, kExitContinue);
    jump_to(leave_thunk(c.status_in_host));
}

}  // namespace backplane::tcg::x64
