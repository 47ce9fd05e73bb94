// Scalar floating point on SSE2 (FMA3 where the host has it). Results are IEEE 754's, exceptions collect in MXCSR.
//
// x86 returns the first NaN operand, quieted; ops with kDefaultNan replace it behind the block. Boxing (a 32-bit value
// in the low half of a register whose upper half is all ones) is checked at the inputs, with the bad case behind the
// block as well.
#include "emitter.h"

#include "helpers.h"

namespace backplane::tcg::x64 {

void Emitter::floating(const Op& op) {
    using enum Opcode;
    const bool f64 = op.width == Width::F64;
    switch (op.opcode) {
    case fadd: return fp_binary(op, f64 ? x86::Inst::kIdAddsd : x86::Inst::kIdAddss);
    case fsub: return fp_binary(op, f64 ? x86::Inst::kIdSubsd : x86::Inst::kIdSubss);
    case fmul: return fp_binary(op, f64 ? x86::Inst::kIdMulsd : x86::Inst::kIdMulss);
    case fdiv: return fp_binary(op, f64 ? x86::Inst::kIdDivsd : x86::Inst::kIdDivss);
    case fsqrt: return fp_sqrt(op);
    case Opcode::fma: return fp_fma(op);
    case fmin:
    case fmax: return fp_minmax(op);
    case fcmp_eq:
    case fcmp_lt:
    case fcmp_le: return fp_compare(op);
    case fsgn_copy:
    case fsgn_not:
    case fsgn_xor: return fp_sign(op);
    case fclass: return fp_class(op);
    case fwiden:
    case fnarrow: return fp_resize(op);
    case fround: return fp_round(op);
    case f_from_int: return fp_from_int(op);
    case f_to_int: return fp_to_int(op);
    case fbox: return fp_box(op);
    case funbox: return fp_unbox(op);
    case Opcode::fp_exceptions: return read_exceptions(op);
    case Opcode::fp_forget: return forget_exceptions(op);
    default: return rounding_mode(op);
    }
}

// ---- operands

void Emitter::fp_load(int xmm, Value v, Width width, bool boxed, const Op& op) {
    if (v.is_constant()) {
        const std::uint64_t c = value_of(v);
        const std::uint64_t bits = width == Width::F64               ? c
                                   : boxed && c >> 32 != 0xffffffffu ? 0x7fc00000u
                                                                     : c;
        load_immediate(kRax, width == Width::F64 ? bits : std::uint32_t(bits));
        a_.movq(x(xmm), x86::rax);
        return;
    }
    const int r = home(v);
    if (width == Width::F64) {
        if (r >= 0) a_.movq(x(xmm), q(r));
        else a_.movsd(x(xmm), slot(v));
        return;
    }
    if (r >= 0) a_.movd(x(xmm), d(r));
    else a_.movss(x(xmm), slot(v, 4));
    if (!boxed) return;
    if (r >= 0) {
        a_.mov(x86::rax, q(r));
        a_.sar(x86::rax, 32);
        a_.cmp(x86::eax, -1);
    } else {
        a_.cmp(slot(v, 4, 4), -1);
    }
    Cold& c = cold(op, &Emitter::cold_unbox);
    c.from[0] = jump(CC::kNE);
    c.back = here();
    c.x = std::uint64_t(xmm);
}

void Emitter::cold_unbox(const Cold& c) {
    a_.movss(x(int(c.x)), constant(kNan32, 4));
    jump_to(c.back);
}

void Emitter::fp_store(Value v, int xmm, Width width, bool boxed) {
    if (v.none()) return;
    const int r = home(v);
    if (width == Width::F64) {
        if (r >= 0) a_.movq(q(r), x(xmm));
        else a_.movsd(slot(v), x(xmm));
        return;
    }
    if (r < 0) {
        a_.movss(slot(v, 4), x(xmm));
        a_.mov(slot(v, 4, 4), Imm(boxed ? -1 : 0));
        return;
    }
    a_.movd(d(r), x(xmm));
    if (!boxed) return;
    load_immediate(kRcx, 0xffffffff00000000u);
    a_.or_(q(r), x86::rcx);
}

/// Replaces a NaN in xmm0 by the default one, behind the block.
void Emitter::fp_default_nan(const Op& op, Width width) {
    if (!(op.aux & fp::kDefaultNan)) return;
    if (width == Width::F64) a_.ucomisd(x86::xmm0, x86::xmm0);
    else a_.ucomiss(x86::xmm0, x86::xmm0);
    Cold& c = cold(op, &Emitter::cold_nan);
    c.from[0] = jump(CC::kPE);
    c.back = here();
    c.x = width == Width::F64;
}

void Emitter::cold_nan(const Cold& c) {
    if (c.x) a_.movsd(x86::xmm0, constant(kNan64, 8));
    else a_.movss(x86::xmm0, constant(kNan32, 4));
    jump_to(c.back);
}

// ---- arithmetic

void Emitter::fp_binary(const Op& op, Id id) {
    const bool boxed = op.aux & fp::kBoxed;
    fp_load(0, op.a, op.width, boxed, op);
    if (op.width == Width::F64 && !op.b.is_constant() && home(op.b) < 0) {
        a_.emit(id, x86::xmm0, slot(op.b));
    } else {
        fp_load(1, op.b, op.width, boxed, op);
        a_.emit(id, x86::xmm0, x86::xmm1);
    }
    fp_default_nan(op, op.width);
    fp_store(op.dst, 0, op.width, boxed);
}

void Emitter::fp_sqrt(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed;
    fp_load(1, op.a, op.width, boxed, op);
    if (op.width == Width::F64) a_.sqrtsd(x86::xmm0, x86::xmm1);
    else a_.sqrtss(x86::xmm0, x86::xmm1);
    fp_default_nan(op, op.width);
    fp_store(op.dst, 0, op.width, boxed);
}

void Emitter::fp_fma(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed, f64 = op.width == Width::F64;
    fp_load(0, op.a, op.width, boxed, op);
    fp_load(1, op.b, op.width, boxed, op);
    fp_load(2, op.c, op.width, boxed, op);
    if (op.aux & fp::kNegateProduct) {
        if (f64) a_.xorpd(x86::xmm0, constant(kSign64, 16));
        else a_.xorps(x86::xmm0, constant(kSign32, 16));
    }
    if (op.aux & fp::kNegateAddend) {
        if (f64) a_.xorpd(x86::xmm2, constant(kSign64, 16));
        else a_.xorps(x86::xmm2, constant(kSign32, 16));
    }
    if (!host_.fma) {
        fp_call3(f64 ? reinterpret_cast<const void*>(&helper_fma64)
                     : reinterpret_cast<const void*>(&helper_fma32));
        a_.movq(x86::xmm0, x86::rax);
    } else {
        a_.movaps(x86::xmm3, x86::xmm0);
        if (f64) a_.vfmadd213sd(x86::xmm0, x86::xmm1, x86::xmm2);
        else a_.vfmadd213ss(x86::xmm0, x86::xmm1, x86::xmm2);
        if (f64) a_.ucomisd(x86::xmm0, x86::xmm0);
        else a_.ucomiss(x86::xmm0, x86::xmm0);
        Cold& c = cold(op, &Emitter::cold_fma);
        c.from[0] = jump(CC::kPE);
        c.back = here();
        c.x = f64;
    }
    fp_store(op.dst, 0, op.width, boxed);
}

/// The product of an infinity and a zero is invalid whatever the addend is; x86 does not say so when that is a quiet
/// NaN (SDM 1, 14.5.2). The multiplication raises it, and nothing else when neither factor is finite and not 0.
void Emitter::cold_fma(const Cold& c) {
    const bool f64 = c.x != 0;
    const auto magnitude = [&](int from) {
        a_.movaps(x86::xmm4, x(from));
        if (f64) a_.andpd(x86::xmm4, constant(kAbs64, 16));
        else a_.andps(x86::xmm4, constant(kAbs32, 16));
        if (f64) a_.movq(x86::rax, x86::xmm4);
        else a_.movd(x86::eax, x86::xmm4);
    };
    const std::uint64_t infinity = f64 ? 0x7ff0000000000000u : 0x7f800000u;
    load_immediate(kRcx, infinity);
    std::uint32_t skip[4] = {};
    unsigned n = 0;
    // Both magnitudes in {0, infinity}: then the product is exact or invalid.
    for (int factor : {3, 1}) {
        magnitude(factor);
        a_.test(x86::rax, x86::rax);
        const std::uint32_t zero = jump(CC::kE);
        a_.cmp(x86::rax, x86::rcx);
        skip[n++] = jump(CC::kNE);
        patch_here(zero);
    }
    if (f64) a_.mulsd(x86::xmm3, x86::xmm1);
    else a_.mulss(x86::xmm3, x86::xmm1);
    for (unsigned i = 0; i < n; ++i) patch_here(skip[i]);
    if (c.op->aux & fp::kDefaultNan) {
        if (f64) a_.movsd(x86::xmm0, constant(kNan64, 8));
        else a_.movss(x86::xmm0, constant(kNan32, 4));
    }
    jump_to(c.back);
}

/// Equal operands (zeros of either sign) are joined bit by bit, numbers are compared, NaNs go behind the block.
void Emitter::fp_minmax(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed, f64 = op.width == Width::F64, minimum = op.opcode == Opcode::fmin;
    fp_load(0, op.a, op.width, boxed, op);
    fp_load(1, op.b, op.width, boxed, op);
    a_.movaps(x86::xmm2, x86::xmm0);
    if (f64) a_.ucomisd(x86::xmm0, x86::xmm1);
    else a_.ucomiss(x86::xmm0, x86::xmm1);
    Cold& c = cold(op, &Emitter::cold_minmax);
    c.from[0] = jump(CC::kPE);
    c.x = f64;
    const std::size_t index = cold_.size() - 1;
    if (minimum) a_.orps(x86::xmm0, x86::xmm1);
    else a_.andps(x86::xmm0, x86::xmm1);
    const std::uint32_t equal = jump(CC::kE);
    a_.movaps(x86::xmm0, x86::xmm2);
    if (minimum) f64 ? a_.minsd(x86::xmm0, x86::xmm1) : a_.minss(x86::xmm0, x86::xmm1);
    else f64 ? a_.maxsd(x86::xmm0, x86::xmm1) : a_.maxss(x86::xmm0, x86::xmm1);
    patch_here(equal);
    cold_[index].back = here();
    fp_store(op.dst, 0, op.width, boxed);
}

/// At least one NaN: the other operand, or the default NaN for two.
void Emitter::cold_minmax(const Cold& c) {
    const bool f64 = c.x != 0;
    const auto is_nan = [&](int r) { f64 ? a_.ucomisd(x(r), x(r)) : a_.ucomiss(x(r), x(r)); };
    is_nan(0);
    jump_to(CC::kPO, c.back);
    a_.movaps(x86::xmm0, x86::xmm1);
    is_nan(1);
    jump_to(CC::kPO, c.back);
    if (f64) a_.movsd(x86::xmm0, constant(kNan64, 8));
    else a_.movss(x86::xmm0, constant(kNan32, 4));
    jump_to(c.back);
}

void Emitter::fp_compare(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed, f64 = op.width == Width::F64;
    fp_load(0, op.a, op.width, boxed, op);
    fp_load(1, op.b, op.width, boxed, op);
    switch (op.opcode) {
    case Opcode::fcmp_eq:
        f64 ? a_.ucomisd(x86::xmm0, x86::xmm1) : a_.ucomiss(x86::xmm0, x86::xmm1);
        a_.sete(x86::al);
        a_.setnp(x86::cl);
        a_.and_(x86::al, x86::cl);
        break;
    case Opcode::fcmp_lt:  // b above a; unordered sets CF
        f64 ? a_.comisd(x86::xmm1, x86::xmm0) : a_.comiss(x86::xmm1, x86::xmm0);
        a_.seta(x86::al);
        break;
    default:
        f64 ? a_.comisd(x86::xmm1, x86::xmm0) : a_.comiss(x86::xmm1, x86::xmm0);
        a_.setae(x86::al);
        break;
    }
    a_.movzx(x86::eax, x86::al);
    done(op.dst, kRax);
}

void Emitter::fp_sign(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed, f64 = op.width == Width::F64;
    const x86::Mem sign = constant(f64 ? kSign64 : kSign32, 16),
                   magnitude = constant(f64 ? kAbs64 : kAbs32, 16);
    fp_load(0, op.a, op.width, boxed, op);
    if (op.a == op.b) {  // a move, a negation, an absolute value
        if (op.opcode == Opcode::fsgn_not) a_.xorps(x86::xmm0, sign);
        else if (op.opcode == Opcode::fsgn_xor) a_.andps(x86::xmm0, magnitude);
        return fp_store(op.dst, 0, op.width, boxed);
    }
    fp_load(1, op.b, op.width, boxed, op);
    if (op.opcode != Opcode::fsgn_xor) a_.andps(x86::xmm0, magnitude);
    if (op.opcode == Opcode::fsgn_not) a_.andnps(x86::xmm1, sign);
    else a_.andps(x86::xmm1, sign);
    a_.xorps(x86::xmm0, x86::xmm1);
    fp_store(op.dst, 0, op.width, boxed);
}

}  // namespace backplane::tcg::x64
