// Zba, Zbb, Zbc, Zbs ("RISC-V Bit-Manipulation ISA-extensions" 1.0.0, chapter 2).
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using Binary = void (tcg::Builder::*)(Value, Value, Value, Width);
using Unary = void (tcg::Builder::*)(Value, Value, Width);

void operate(Translator& t, const Instruction& i, Binary operation, Width width = Width::I64) {
    const Value a = t.x(i.rs1), b = t.x(i.rs2);
    (t.b.*operation)(t.x_result(i.rd), a, b, width);
}
void operate_immediate(Translator& t, const Instruction& i, Binary operation, Width width = Width::I64) {
    const Value a = t.x(i.rs1);
    (t.b.*operation)(t.x_result(i.rd), a, t.immediate(), width);
}
void operate(Translator& t, const Instruction& i, Unary operation, Width width = Width::I64) {
    const Value a = t.x(i.rs1);
    (t.b.*operation)(t.x_result(i.rd), a, width);
}

void shift_add(Translator& t, const Instruction& i, unsigned shift) {
    const Value a = t.x(i.rs1), b = t.x(i.rs2);
    t.b.add_shifted(t.x_result(i.rd), a, b, shift);
}
void shift_add_word(Translator& t, const Instruction& i, unsigned shift) {
    const Value word = t.b.temp(), b = t.x(i.rs2);
    t.b.zext32(word, t.x(i.rs1));
    t.b.add_shifted(t.x_result(i.rd), word, b, shift);
}

/// 1 << rs2, or << shamt.
Value single_bit(Translator& t, const Instruction& i) {
    const Value mask = t.b.temp();
    t.b.shl(mask, t.b.constant(1), t.x(i.rs2));
    return mask;
}
Value single_bit_immediate(Translator& t, const Instruction& i) {
    return t.b.constant(std::uint64_t{1} << i.immediate);
}
void change_bit(Translator& t, const Instruction& i, Binary operation, Value mask) {
    const Value a = t.x(i.rs1);
    (t.b.*operation)(t.x_result(i.rd), a, mask, Width::I64);
}

}  // namespace

void ADD_UW(Translator& t, const Instruction& i) { shift_add_word(t, i, 0); }
void SH1ADD(Translator& t, const Instruction& i) { shift_add(t, i, 1); }
void SH2ADD(Translator& t, const Instruction& i) { shift_add(t, i, 2); }
void SH3ADD(Translator& t, const Instruction& i) { shift_add(t, i, 3); }
void SH1ADD_UW(Translator& t, const Instruction& i) { shift_add_word(t, i, 1); }
void SH2ADD_UW(Translator& t, const Instruction& i) { shift_add_word(t, i, 2); }
void SH3ADD_UW(Translator& t, const Instruction& i) { shift_add_word(t, i, 3); }
void SLLI_UW(Translator& t, const Instruction& i) {
    const Value word = t.b.temp();
    t.b.zext32(word, t.x(i.rs1));
    t.b.shl(t.x_result(i.rd), word, t.immediate());
}

void ANDN(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::andn); }
void ORN(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::orn); }
void XNOR(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::xnor); }
void CLZ(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::clz); }
void CTZ(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::ctz); }
void CPOP(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::popcnt); }
void CLZW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::clz, Width::I32); }
void CTZW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::ctz, Width::I32); }
void CPOPW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::popcnt, Width::I32); }
void MAX(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::max_s); }
void MAXU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::max_u); }
void MIN(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::min_s); }
void MINU(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::min_u); }
void SEXT_B(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::sext8); }
void SEXT_H(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::sext16); }
void ZEXT_H(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::zext16); }
void ROL(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rotl); }
void ROLW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rotl, Width::I32S); }
void ROR(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rotr); }
void RORW(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::rotr, Width::I32S); }
void RORI(Translator& t, const Instruction& i) { operate_immediate(t, i, &tcg::Builder::rotr); }
void RORIW(Translator& t, const Instruction& i) { operate_immediate(t, i, &tcg::Builder::rotr, Width::I32S); }
void ORC_B(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::orc_b); }
void REV8(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::bswap); }

void CLMUL(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::clmul); }
void CLMULH(Translator& t, const Instruction& i) { operate(t, i, &tcg::Builder::clmulh); }
/// Bits 126 to 63 of the 127-bit product.
void CLMULR(Translator& t, const Instruction& i) {
    const Value low = t.b.temp(), high = t.b.temp();
    t.b.clmul(low, t.x(i.rs1), t.x(i.rs2));
    t.b.clmulh(high, t.x(i.rs1), t.x(i.rs2));
    t.b.shr(low, low, t.b.constant(63));
    t.b.add_shifted(t.x_result(i.rd), high, low, 1);
}

void BCLR(Translator& t, const Instruction& i) { change_bit(t, i, &tcg::Builder::andn, single_bit(t, i)); }
void BINV(Translator& t, const Instruction& i) { change_bit(t, i, &tcg::Builder::xor_, single_bit(t, i)); }
void BSET(Translator& t, const Instruction& i) { change_bit(t, i, &tcg::Builder::or_, single_bit(t, i)); }
void BCLRI(Translator& t, const Instruction& i) {
    change_bit(t, i, &tcg::Builder::andn, single_bit_immediate(t, i));
}
void BINVI(Translator& t, const Instruction& i) {
    change_bit(t, i, &tcg::Builder::xor_, single_bit_immediate(t, i));
}
void BSETI(Translator& t, const Instruction& i) {
    change_bit(t, i, &tcg::Builder::or_, single_bit_immediate(t, i));
}
void BEXT(Translator& t, const Instruction& i) {
    const Value shifted = t.b.temp();
    t.b.shr(shifted, t.x(i.rs1), t.x(i.rs2));
    t.b.and_(t.x_result(i.rd), shifted, t.b.constant(1));
}
void BEXTI(Translator& t, const Instruction& i) {
    const Value a = t.x(i.rs1);
    t.b.extract(t.x_result(i.rd), a, static_cast<unsigned>(i.immediate), 1);
}

}  // namespace backplane::riscv::semantics
