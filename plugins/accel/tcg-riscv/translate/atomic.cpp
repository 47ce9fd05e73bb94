// A ("The RISC-V Instruction Set Manual", volume I, chapter 14). The engine's atomics are sequentially consistent,
// which is at least what any aq and rl ask. Misaligned addresses raise address-misaligned.
//
// A reservation is the address and the value that LR loaded, and SC a compare-and-swap: another hart that stored and
// then restored the value in between goes unnoticed, which no loop whose new value depends on the loaded one can tell.
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

constexpr std::uint8_t kWord = tcg::mem::k32 | tcg::mem::kSigned | tcg::mem::kAligned;
constexpr std::uint8_t kDouble = tcg::mem::k64 | tcg::mem::kAligned;

void operate(Translator& t, const Instruction& i, tcg::Opcode operation, std::uint8_t flags) {
    const Value base = t.x(i.rs1), operand = t.x(i.rs2);
    t.b.atomic(operation, t.x_result(i.rd), base, operand, flags, t.data_mode());
}

void load_reserved(Translator& t, const Instruction& i, std::uint8_t flags) {
    const Value value = t.b.temp(), base = t.x(i.rs1);
    t.b.load(value, base, 0, flags, t.data_mode());
    t.b.store_state(kReservationAddressOffset, base, tcg::mem::k64);
    t.b.store_state(kReservationValueOffset, value, tcg::mem::k64);
    t.b.mov(t.x_result(i.rd), value);
}

/// SC gives the reservation up whether it succeeds or not.
void store_conditional(Translator& t, const Instruction& i, std::uint8_t flags) {
    const Value base = t.x(i.rs1), value = t.x(i.rs2), failed = t.b.temp();
    const Value reserved = t.b.temp(), expected = t.b.temp(), found = t.b.temp();
    const tcg::Label aligned = t.b.make_label(), attempt = t.b.make_label(), done = t.b.make_label();
    t.b.branch_if(Cond::TestZero, base, t.b.constant(tcg::mem::size(flags) - 1), aligned);
    t.raise_here(Cause::StoreMisaligned, base);
    t.b.place(aligned);
    t.b.mov(failed, t.b.constant(1));
    t.b.load_state(reserved, kReservationAddressOffset, tcg::mem::k64);
    t.b.branch_if(Cond::Eq, reserved, base, attempt);
    t.b.branch(done);
    t.b.place(attempt);
    t.b.load_state(expected, kReservationValueOffset, tcg::mem::k64);
    t.b.cmpxchg(found, base, expected, value, flags, t.data_mode());
    t.b.setcond(Cond::Ne, failed, found, expected);
    t.b.place(done);
    t.b.store_state(kReservationAddressOffset, t.b.constant(kNoReservation), tcg::mem::k64);
    t.b.mov(t.x_result(i.rd), failed);
}

}  // namespace

void LR_W(Translator& t, const Instruction& i) { load_reserved(t, i, kWord); }
void SC_W(Translator& t, const Instruction& i) { store_conditional(t, i, kWord); }
void AMOSWAP_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_swap, kWord); }
void AMOADD_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_add, kWord); }
void AMOXOR_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_xor, kWord); }
void AMOAND_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_and, kWord); }
void AMOOR_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_or, kWord); }
void AMOMIN_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_min_s, kWord); }
void AMOMAX_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_max_s, kWord); }
void AMOMINU_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_min_u, kWord); }
void AMOMAXU_W(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_max_u, kWord); }

void LR_D(Translator& t, const Instruction& i) { load_reserved(t, i, kDouble); }
void SC_D(Translator& t, const Instruction& i) { store_conditional(t, i, kDouble); }
void AMOSWAP_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_swap, kDouble); }
void AMOADD_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_add, kDouble); }
void AMOXOR_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_xor, kDouble); }
void AMOAND_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_and, kDouble); }
void AMOOR_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_or, kDouble); }
void AMOMIN_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_min_s, kDouble); }
void AMOMAX_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_max_s, kDouble); }
void AMOMINU_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_min_u, kDouble); }
void AMOMAXU_D(Translator& t, const Instruction& i) { operate(t, i, tcg::Opcode::atomic_max_u, kDouble); }

}  // namespace backplane::riscv::semantics
