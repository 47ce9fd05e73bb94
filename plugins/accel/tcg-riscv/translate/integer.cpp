// RV64I computation ("The RISC-V Instruction Set Manual", volume I, chapters 2.4 and 4.2).
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using Binary = void (tcg::Builder::*)(Value, Value, Value, Width);

void with_register(Translator& t, const Instruction& i, Binary operation, Width width = Width::I64) {
    if (width == Width::I32S) t.will_replace_word(i.rd);
    const Value a = t.x(i.rs1), b = t.x(i.rs2);
    (t.b.*operation)(t.x_result(i.rd), a, b, width);
}

void with_immediate(Translator& t, const Instruction& i, Binary operation, Width width = Width::I64) {
    if (width == Width::I32S) t.will_replace_word(i.rd);
    const Value a = t.x(i.rs1);
    (t.b.*operation)(t.x_result(i.rd), a, t.immediate(), width);
}

std::uint64_t extended(const Instruction& i) { return static_cast<std::uint64_t>(std::int64_t{i.immediate}); }

}  // namespace

void LUI(Translator& t, const Instruction& i) { t.set_x(i.rd, t.immediate()); }
void AUIPC(Translator& t, const Instruction& i) { t.set_x(i.rd, t.b.pc_constant(t.target())); }

/// NOP, LI and MV are encodings of it.
void ADDI(Translator& t, const Instruction& i) {
    if (i.rd == 0) return;
    if (i.rs1 == 0) return t.set_x(i.rd, t.immediate());
    if (t.knows(i.rs1)) return t.set_x(i.rd, t.b.constant(t.progress().known_value + extended(i)));
    if (i.immediate == 0) return t.b.mov(t.x_result(i.rd), t.x(i.rs1));
    with_immediate(t, i, &tcg::Builder::add);
}

/// SEXT.W is an encoding of it.
void ADDIW(Translator& t, const Instruction& i) {
    if (t.knows(i.rs1)) {
        const auto sum = static_cast<std::int32_t>(t.progress().known_value + extended(i));
        return t.set_x(i.rd, t.b.constant(static_cast<std::uint64_t>(std::int64_t{sum})));
    }
    if (i.immediate == 0) return t.b.sext32(t.x_result(i.rd), t.x(i.rs1));
    with_immediate(t, i, &tcg::Builder::add, Width::I32S);
}

void SLTI(Translator& t, const Instruction& i) {
    t.b.setcond(Cond::Lt, t.x_result(i.rd), t.x(i.rs1), t.immediate());
}
void SLTIU(Translator& t, const Instruction& i) {
    t.b.setcond(Cond::Ltu, t.x_result(i.rd), t.x(i.rs1), t.immediate());
}
void XORI(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::xor_); }
void ORI(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::or_); }
void ANDI(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::and_); }
void SLLI(Translator& t, const Instruction& i) {
    if (t.knows(i.rs1)) return t.set_x(i.rd, t.b.constant(t.progress().known_value << i.immediate));
    with_immediate(t, i, &tcg::Builder::shl);
}
void SRLI(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::shr); }
void SRAI(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::sar); }
void SLLIW(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::shl, Width::I32S); }
void SRLIW(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::shr, Width::I32S); }
void SRAIW(Translator& t, const Instruction& i) { with_immediate(t, i, &tcg::Builder::sar, Width::I32S); }

/// C.MV is an encoding of it.
void ADD(Translator& t, const Instruction& i) {
    if (i.rs1 == 0) return t.b.mov(t.x_result(i.rd), t.x(i.rs2));
    with_register(t, i, &tcg::Builder::add);
}
void SUB(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::sub); }
void SLL(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::shl); }
void SRL(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::shr); }
void SRA(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::sar); }
void XOR(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::xor_); }
void OR(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::or_); }
void AND(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::and_); }
void SLT(Translator& t, const Instruction& i) {
    t.b.setcond(Cond::Lt, t.x_result(i.rd), t.x(i.rs1), t.x(i.rs2));
}
void SLTU(Translator& t, const Instruction& i) {
    t.b.setcond(Cond::Ltu, t.x_result(i.rd), t.x(i.rs1), t.x(i.rs2));
}
void ADDW(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::add, Width::I32S); }
void SUBW(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::sub, Width::I32S); }
void SLLW(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::shl, Width::I32S); }
void SRLW(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::shr, Width::I32S); }
void SRAW(Translator& t, const Instruction& i) { with_register(t, i, &tcg::Builder::sar, Width::I32S); }

}  // namespace backplane::riscv::semantics
