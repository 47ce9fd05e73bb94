// Jumps and branches ("The RISC-V Instruction Set Manual", volume I, chapter 2.5). Without C a target that is not a
// multiple of four raises instruction-address-misaligned on the jump.
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

constexpr bool is_link(unsigned number) { return number == 1 || number == 5; }

/// Chapter 2.5.1, table 3.
tcg::JumpHint hint(const Instruction& i) {
    if (is_link(i.rd)) return tcg::JumpHint::Call;
    return is_link(i.rs1) ? tcg::JumpHint::Return : tcg::JumpHint::Jump;
}

bool misaligned(const Translator& t, std::uint64_t target) {
    return (target & 2) != 0 && !t.has(Extension::C);
}

void jump_to(Translator& t, std::uint64_t target) {
    if (misaligned(t, target)) return t.raise(Cause::InstructionMisaligned, t.b.pc_constant(target));
    t.b.goto_pc(target);
}

/// A jump whose target is known, which leaves its return address in rd.
void direct(Translator& t, const Instruction& i, std::uint64_t target) {
    if (misaligned(t, target)) return t.raise(Cause::InstructionMisaligned, t.b.pc_constant(target));
    t.set_x(i.rd, t.b.pc_constant(t.next_pc()));
    if (is_link(i.rd)) t.b.call_pc(target, t.next_pc());
    else t.b.goto_pc(target);
    t.end();
}

void branch(Translator& t, const Instruction& i, Cond condition) {
    const tcg::Label taken = t.b.make_label();
    t.b.branch_if(condition, t.x(i.rs1), t.x(i.rs2), taken);
    t.b.goto_pc(t.next_pc());
    t.b.place(taken);
    jump_to(t, t.target());
    t.end();
}

}  // namespace

void JAL(Translator& t, const Instruction& i) { direct(t, i, t.target()); }

void JALR(Translator& t, const Instruction& i) {
    const auto offset = static_cast<std::uint64_t>(std::int64_t{i.immediate});
    if (t.knows(i.rs1)) return direct(t, i, (t.progress().known_value + offset) & ~std::uint64_t{1});
    const Value target = t.b.temp();
    if (i.immediate == 0) {
        t.b.and_(target, t.x(i.rs1), t.b.constant(~std::uint64_t{1}));
    } else {
        t.b.add(target, t.x(i.rs1), t.immediate());
        t.b.and_(target, target, t.b.constant(~std::uint64_t{1}));
    }
    if (!t.has(Extension::C)) {
        const tcg::Label aligned = t.b.make_label();
        t.b.branch_if(Cond::TestZero, target, t.b.constant(2), aligned);
        t.raise_here(Cause::InstructionMisaligned, target);
        t.b.place(aligned);
    }
    if (i.rd != 0) t.b.mov(t.x_result(i.rd), t.b.pc_constant(t.next_pc()));
    t.b.goto_value(target, hint(i), t.next_pc());
    t.end();
}

void BEQ(Translator& t, const Instruction& i) { branch(t, i, Cond::Eq); }
void BNE(Translator& t, const Instruction& i) { branch(t, i, Cond::Ne); }
void BLT(Translator& t, const Instruction& i) { branch(t, i, Cond::Lt); }
void BGE(Translator& t, const Instruction& i) { branch(t, i, Cond::Ge); }
void BLTU(Translator& t, const Instruction& i) { branch(t, i, Cond::Ltu); }
void BGEU(Translator& t, const Instruction& i) { branch(t, i, Cond::Geu); }

}  // namespace backplane::riscv::semantics
