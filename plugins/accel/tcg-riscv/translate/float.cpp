// F and D ("The RISC-V Instruction Set Manual", volume I, chapters 20 and 21). The host's arithmetic in the host's
// rounding mode, which holds frm; an instruction with a mode of its own switches it for its length, and ties-to-away,
// which no host has, is computed by a helper.
#include "../helpers/float.h"

#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using helpers::AwayControl;
using helpers::AwayOperation;
using tcg::FpRounding;
using tcg::IntKind;

constexpr std::uint8_t flags_of(Width width) {
    return width == Width::F32 ? tcg::fp::kBoxed | tcg::fp::kDefaultNan : tcg::fp::kDefaultNan;
}

/// How an instruction with an rm field rounds (chapter 20.2, table 23).
struct RoundingChoice {
    enum class Kind : std::uint8_t { Host, Fixed, Away, Reserved } kind = Kind::Host;
    FpRounding fixed = FpRounding::Dynamic;
};
RoundingChoice rounding(Translator& t, const Instruction& i) {
    using Kind = RoundingChoice::Kind;
    switch (i.rm) {
    case 0: return {Kind::Fixed, FpRounding::NearestEven};
    case 1: return {Kind::Fixed, FpRounding::TowardZero};
    case 2: return {Kind::Fixed, FpRounding::Down};
    case 3: return {Kind::Fixed, FpRounding::Up};
    case 4: return {Kind::Away};
    case kDynamicRounding: break;
    default: return {Kind::Reserved};
    }
    switch (t.dynamic_rounding()) {
    case DynamicRounding::Away: return {Kind::Away};
    case DynamicRounding::Reserved: return {Kind::Reserved};
    default: return {Kind::Host};
    }
}

/// An instruction that rounds: `emit` writes it for the host's mode, `control` says what it is otherwise.
template <class Emit>
void rounded(Translator& t, const Instruction& i, AwayControl control, Value result, Value a, Value b,
             Value c, Emit emit) {
    if (!t.float_enabled()) return;
    const RoundingChoice choice = rounding(t, i);
    if (choice.kind == RoundingChoice::Kind::Reserved) return t.illegal();
    t.float_changes();
    if (choice.kind == RoundingChoice::Kind::Away)
        return t.b.call(result, helpers::away, "away", 0, {t.b.constant(control.pack()), a, b, c});
    const bool fixed = choice.kind == RoundingChoice::Kind::Fixed;
    if (fixed) t.b.fp_mode(choice.fixed);
    emit();
    if (fixed) t.b.fp_mode(FpRounding::Dynamic);
}

void two(Translator& t, const Instruction& i, tcg::Opcode opcode, AwayOperation away, Width width) {
    const Value d = t.f(i.rd), a = t.f(i.rs1), b = t.f(i.rs2);
    rounded(t, i, {away, width == Width::F64}, d, a, b, t.b.constant(0),
            [&] { t.b.fp2(opcode, d, a, b, width, flags_of(width)); });
}

void square_root(Translator& t, const Instruction& i, Width width) {
    const Value d = t.f(i.rd), a = t.f(i.rs1), none = t.b.constant(0);
    rounded(t, i, {AwayOperation::SquareRoot, width == Width::F64}, d, a, none, none,
            [&] { t.b.fp1(tcg::Opcode::fsqrt, d, a, width, flags_of(width)); });
}

/// `signs`: of fp::kNegateProduct and fp::kNegateAddend.
void fused(Translator& t, const Instruction& i, Width width, unsigned signs) {
    const Value d = t.f(i.rd), a = t.f(i.rs1), b = t.f(i.rs2), c = t.f(i.rs3);
    const AwayControl control{AwayOperation::MultiplyAdd, width == Width::F64,
                              (signs & tcg::fp::kNegateProduct) != 0, (signs & tcg::fp::kNegateAddend) != 0};
    rounded(t, i, control, d, a, b, c,
            [&] { t.b.fma(d, a, b, c, width, static_cast<std::uint8_t>(flags_of(width) | signs)); });
}

void narrow(Translator& t, const Instruction& i) {
    const Value d = t.f(i.rd), a = t.f(i.rs1), none = t.b.constant(0);
    rounded(t, i, {AwayOperation::ToSingle, true}, d, a, none, none,
            [&] { t.b.fp1(tcg::Opcode::fnarrow, d, a, Width::F64, flags_of(Width::F32)); });
}

void from_integer(Translator& t, const Instruction& i, AwayOperation away, IntKind kind, Width width) {
    const Value d = t.f(i.rd), a = t.x(i.rs1), none = t.b.constant(0);
    rounded(t, i, {away, width == Width::F64}, d, a, none, none,
            [&] { t.b.f_from_int(d, a, kind, width, flags_of(width)); });
}

/// A double holds every 32-bit integer.
void exact_from_integer(Translator& t, const Instruction& i, IntKind kind) {
    if (!t.float_enabled()) return;
    if (rounding(t, i).kind == RoundingChoice::Kind::Reserved) return t.illegal();
    t.float_changes();
    t.b.f_from_int(t.f(i.rd), t.x(i.rs1), kind, Width::F64, flags_of(Width::F64));
}

/// Truncation needs no change of mode, and is what compilers ask for.
void to_integer(Translator& t, const Instruction& i, AwayOperation away, IntKind kind, Width width) {
    const Value a = t.f(i.rs1), none = t.b.constant(0);
    const auto flags = static_cast<std::uint8_t>(flags_of(width) | tcg::fp::kNanToMax);
    if (i.rm == 1) {
        if (!t.float_enabled()) return;
        t.float_changes();
        return t.b.f_to_int(t.x_result(i.rd), a, kind, width, flags | tcg::fp::kTruncate);
    }
    const Value d = t.x_result(i.rd);
    rounded(t, i, {away, width == Width::F64}, d, a, none, none,
            [&] { t.b.f_to_int(d, a, kind, width, flags); });
}

/// Sign injection, minimum and maximum: nothing rounds.
void unrounded(Translator& t, const Instruction& i, tcg::Opcode opcode, Width width) {
    if (!t.float_enabled()) return;
    t.float_changes();
    t.b.fp2(opcode, t.f(i.rd), t.f(i.rs1), t.f(i.rs2), width, flags_of(width));
}

/// Comparisons can raise flags, which is a change.
void compare(Translator& t, const Instruction& i, tcg::Opcode opcode, Width width) {
    if (!t.float_enabled()) return;
    t.float_changes();
    t.b.fp2(opcode, t.x_result(i.rd), t.f(i.rs1), t.f(i.rs2), width, flags_of(width));
}

void classify(Translator& t, const Instruction& i, Width width) {
    if (!t.float_enabled()) return;
    t.b.fp1(tcg::Opcode::fclass, t.x_result(i.rd), t.f(i.rs1), width, flags_of(width));
}

constexpr Width kS = Width::F32;
constexpr Width kD = Width::F64;
constexpr unsigned kSubtracted = tcg::fp::kNegateAddend;
constexpr unsigned kNegatedProduct = tcg::fp::kNegateProduct;

}  // namespace

void FMADD_S(Translator& t, const Instruction& i) { fused(t, i, kS, 0); }
void FMSUB_S(Translator& t, const Instruction& i) { fused(t, i, kS, kSubtracted); }
void FNMSUB_S(Translator& t, const Instruction& i) { fused(t, i, kS, kNegatedProduct); }
void FNMADD_S(Translator& t, const Instruction& i) { fused(t, i, kS, kNegatedProduct | kSubtracted); }
void FADD_S(Translator& t, const Instruction& i) { two(t, i, tcg::Opcode::fadd, AwayOperation::Add, kS); }
void FSUB_S(Translator& t, const Instruction& i) {
    two(t, i, tcg::Opcode::fsub, AwayOperation::Subtract, kS);
}
void FMUL_S(Translator& t, const Instruction& i) {
    two(t, i, tcg::Opcode::fmul, AwayOperation::Multiply, kS);
}
void FDIV_S(Translator& t, const Instruction& i) { two(t, i, tcg::Opcode::fdiv, AwayOperation::Divide, kS); }
void FSQRT_S(Translator& t, const Instruction& i) { square_root(t, i, kS); }
void FSGNJ_S(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fsgn_copy, kS); }
void FSGNJN_S(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fsgn_not, kS); }
void FSGNJX_S(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fsgn_xor, kS); }
void FMIN_S(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fmin, kS); }
void FMAX_S(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fmax, kS); }
void FEQ_S(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_eq, kS); }
void FLT_S(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_lt, kS); }
void FLE_S(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_le, kS); }
void FCLASS_S(Translator& t, const Instruction& i) { classify(t, i, kS); }
void FCVT_W_S(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToSigned32, IntKind::I32, kS);
}
void FCVT_WU_S(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToUnsigned32, IntKind::U32, kS);
}
void FCVT_L_S(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToSigned64, IntKind::I64, kS);
}
void FCVT_LU_S(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToUnsigned64, IntKind::U64, kS);
}
void FCVT_S_W(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromSigned32, IntKind::I32, kS);
}
void FCVT_S_WU(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromUnsigned32, IntKind::U32, kS);
}
void FCVT_S_L(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromSigned64, IntKind::I64, kS);
}
void FCVT_S_LU(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromUnsigned64, IntKind::U64, kS);
}

void FMADD_D(Translator& t, const Instruction& i) { fused(t, i, kD, 0); }
void FMSUB_D(Translator& t, const Instruction& i) { fused(t, i, kD, kSubtracted); }
void FNMSUB_D(Translator& t, const Instruction& i) { fused(t, i, kD, kNegatedProduct); }
void FNMADD_D(Translator& t, const Instruction& i) { fused(t, i, kD, kNegatedProduct | kSubtracted); }
void FADD_D(Translator& t, const Instruction& i) { two(t, i, tcg::Opcode::fadd, AwayOperation::Add, kD); }
void FSUB_D(Translator& t, const Instruction& i) {
    two(t, i, tcg::Opcode::fsub, AwayOperation::Subtract, kD);
}
void FMUL_D(Translator& t, const Instruction& i) {
    two(t, i, tcg::Opcode::fmul, AwayOperation::Multiply, kD);
}
void FDIV_D(Translator& t, const Instruction& i) { two(t, i, tcg::Opcode::fdiv, AwayOperation::Divide, kD); }
void FSQRT_D(Translator& t, const Instruction& i) { square_root(t, i, kD); }
/// FMV.D is an encoding of it.
void FSGNJ_D(Translator& t, const Instruction& i) {
    if (i.rs1 != i.rs2) return unrounded(t, i, tcg::Opcode::fsgn_copy, kD);
    if (!t.float_enabled()) return;
    t.float_changes();
    t.b.mov(t.f(i.rd), t.f(i.rs1));
}
void FSGNJN_D(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fsgn_not, kD); }
void FSGNJX_D(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fsgn_xor, kD); }
void FMIN_D(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fmin, kD); }
void FMAX_D(Translator& t, const Instruction& i) { unrounded(t, i, tcg::Opcode::fmax, kD); }
void FEQ_D(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_eq, kD); }
void FLT_D(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_lt, kD); }
void FLE_D(Translator& t, const Instruction& i) { compare(t, i, tcg::Opcode::fcmp_le, kD); }
void FCLASS_D(Translator& t, const Instruction& i) { classify(t, i, kD); }
void FCVT_W_D(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToSigned32, IntKind::I32, kD);
}
void FCVT_WU_D(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToUnsigned32, IntKind::U32, kD);
}
void FCVT_L_D(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToSigned64, IntKind::I64, kD);
}
void FCVT_LU_D(Translator& t, const Instruction& i) {
    to_integer(t, i, AwayOperation::ToUnsigned64, IntKind::U64, kD);
}
void FCVT_D_W(Translator& t, const Instruction& i) { exact_from_integer(t, i, IntKind::I32); }
void FCVT_D_WU(Translator& t, const Instruction& i) { exact_from_integer(t, i, IntKind::U32); }
void FCVT_D_L(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromSigned64, IntKind::I64, kD);
}
void FCVT_D_LU(Translator& t, const Instruction& i) {
    from_integer(t, i, AwayOperation::FromUnsigned64, IntKind::U64, kD);
}

/// Exact, whatever rm says.
void FCVT_D_S(Translator& t, const Instruction& i) {
    if (!t.float_enabled()) return;
    if (rounding(t, i).kind == RoundingChoice::Kind::Reserved) return t.illegal();
    t.float_changes();
    t.b.fp1(tcg::Opcode::fwiden, t.f(i.rd), t.f(i.rs1), kS, flags_of(kS));
}
void FCVT_S_D(Translator& t, const Instruction& i) { narrow(t, i); }

/// The moves take bits as they are.
void FMV_X_W(Translator& t, const Instruction& i) {
    if (t.float_enabled()) t.b.sext32(t.x_result(i.rd), t.f(i.rs1));
}
void FMV_X_D(Translator& t, const Instruction& i) {
    if (t.float_enabled()) t.b.mov(t.x_result(i.rd), t.f(i.rs1));
}
void FMV_W_X(Translator& t, const Instruction& i) {
    if (!t.float_enabled()) return;
    t.float_changes();
    t.b.fbox(t.f(i.rd), t.x(i.rs1));
}
void FMV_D_X(Translator& t, const Instruction& i) {
    if (!t.float_enabled()) return;
    t.float_changes();
    t.b.mov(t.f(i.rd), t.x(i.rs1));
}

}  // namespace backplane::riscv::semantics
