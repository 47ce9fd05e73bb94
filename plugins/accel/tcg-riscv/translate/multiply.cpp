// M: multiplication and division ("The RISC-V Instruction Set Manual", volume I, chapter 13). The engine's division
// is defined for every operand as this chapter's table 11 asks.
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using Binary = void (tcg::Builder::*)(Value, Value, Value, Width);

void operate(Translator& t, const Instruction& i, Binary operation, Width width = Width::I64) {
    if (width == Width::I32S) t.will_replace_word(i.rd);
    const Value a = t.x(i.rs1), b = t.x(i.rs2);
    (t.b.*operation)(t.x_result(i.rd), a, b, width);
}

}  // namespace

void MUL(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::mul); }
void MULH(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::mulh_ss); }
void MULHSU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::mulh_su); }
void MULHU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::mulh_uu); }
void DIV(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::div_s); }
void DIVU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::div_u); }
void REM(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rem_s); }
void REMU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rem_u); }
void MULW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::mul, Width::I32S); }
void DIVW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::div_s, Width::I32S); }
void DIVUW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::div_u, Width::I32S); }
void REMW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rem_s, Width::I32S); }
void REMUW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rem_u, Width::I32S); }

}  // namespace backplane::riscv::semantics
