// Conversions, classification, boxing and rounding modes.
#include "emitter.h"

#include "helpers.h"

namespace backplane::tcg::x64 {

/// Calls function(xmm0's bits, constants…) with no state; the result is in rax.
void Emitter::fp_call1(const void* function, std::uint64_t constant) {
    save_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::ptr(x86::rsp, kRsiSlot, 8), x86::rsi);
    a_.movq(x86::rdi, x86::xmm0);
    load_immediate(kRsi, constant);
    call_function(function);
    load_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::rsi, x86::ptr(x86::rsp, kRsiSlot, 8));
}

/// Calls function(bits of xmm0, xmm1, xmm2); the result is in rax.
void Emitter::fp_call3(const void* function) {
    save_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::ptr(x86::rsp, kRsiSlot, 8), x86::rsi);
    a_.movq(x86::rdi, x86::xmm0);
    a_.movq(x86::rsi, x86::xmm1);
    a_.movq(x86::rdx, x86::xmm2);
    call_function(function);
    load_pinned(kPinnedCallee, kPinnedCount);
    if (temp_in_rsi_ >= 0) a_.mov(x86::rsi, x86::ptr(x86::rsp, kRsiSlot, 8));
}

void Emitter::fp_class(const Op& op) {
    fp_load(0, op.a, op.width, op.aux & fp::kBoxed, op);
    fp_call1(reinterpret_cast<const void*>(op.width == Width::F64 ? &helper_class64 : &helper_class32), 0);
    done(op.dst, kRax);
}

void Emitter::fp_resize(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed;
    if (op.opcode == Opcode::fwiden) {
        fp_load(1, op.a, Width::F32, boxed, op);
        a_.cvtss2sd(x86::xmm0, x86::xmm1);
        fp_default_nan(op, Width::F64);
        return fp_store(op.dst, 0, Width::F64, false);
    }
    fp_load(1, op.a, Width::F64, false, op);
    a_.cvtsd2ss(x86::xmm0, x86::xmm1);
    fp_default_nan(op, Width::F32);
    fp_store(op.dst, 0, Width::F32, boxed);
}

void Emitter::fp_round(const Op& op) {
    const bool boxed = op.aux & fp::kBoxed, f64 = op.width == Width::F64, truncate = op.aux & fp::kTruncate;
    fp_load(0, op.a, op.width, boxed, op);
    if (host_.sse41) {
        const Imm control(truncate ? 3 : 4);  // 4: as MXCSR says; bit 3 clear: inexact is raised
        f64 ? a_.roundsd(x86::xmm0, x86::xmm0, control) : a_.roundss(x86::xmm0, x86::xmm0, control);
    } else {
        fp_call1(reinterpret_cast<const void*>(f64 ? &helper_round64 : &helper_round32), truncate);
        a_.movq(x86::xmm0, x86::rax);
    }
    fp_default_nan(op, op.width);
    fp_store(op.dst, 0, op.width, boxed);
}

void Emitter::fp_from_int(const Op& op) {
    const bool f64 = op.width == Width::F64;
    const auto kind = IntKind(op.imm);
    const int a = use(op.a, kRax);
    const auto convert = [&](const x86::Gp& from) {
        f64 ? a_.cvtsi2sd(x86::xmm0, from) : a_.cvtsi2ss(x86::xmm0, from);
    };
    a_.xorps(x86::xmm0, x86::xmm0);
    switch (kind) {
    case IntKind::I32: convert(d(a)); break;
    case IntKind::I64: convert(q(a)); break;
    case IntKind::U32:
        a_.mov(x86::eax, d(a));
        convert(x86::rax);
        break;
    case IntKind::U64: {
        // The upper half of the range: half the value with the lost bit kept sticky, doubled exactly.
        if (a != kRax) a_.mov(x86::rax, q(a));
        a_.test(x86::rax, x86::rax);
        const std::uint32_t large = jump(CC::kS);
        convert(x86::rax);
        const std::uint32_t out = jump();
        patch_here(large);
        a_.mov(x86::ecx, x86::eax);
        a_.and_(x86::ecx, 1);
        a_.shr(x86::rax, 1);
        a_.or_(x86::rax, x86::rcx);
        convert(x86::rax);
        f64 ? a_.addsd(x86::xmm0, x86::xmm0) : a_.addss(x86::xmm0, x86::xmm0);
        patch_here(out);
        break;
    }
    }
    fp_store(op.dst, 0, op.width, op.aux & fp::kBoxed);
}

void Emitter::fp_to_int(const Op& op) {
    const bool f64 = op.width == Width::F64, truncate = op.aux & fp::kTruncate;
    const auto kind = IntKind(op.imm);
    fp_load(0, op.a, op.width, op.aux & fp::kBoxed, op);
    const std::uint64_t how = std::uint64_t(op.imm) | (op.aux & fp::kNanToMax ? kConvertNanToMax : 0) |
                              (truncate ? kConvertTruncate : 0);
    if (kind == IntKind::U32 || kind == IntKind::U64) {
        fp_call1(reinterpret_cast<const void*>(f64 ? &helper_to_int64 : &helper_to_int32), how);
        return done(op.dst, kRax);
    }
    // Out of range and NaN give the "integer indefinite" and raise invalid, as they should; the value is put right
    // behind the block.
    const bool wide = kind == IntKind::I64;
    const x86::Gp r = wide ? q(kRax) : d(kRax);
    if (f64) truncate ? a_.cvttsd2si(r, x86::xmm0) : a_.cvtsd2si(r, x86::xmm0);
    else truncate ? a_.cvttss2si(r, x86::xmm0) : a_.cvtss2si(r, x86::xmm0);
    a_.cmp(r, 1);
    Cold& c = cold(op, &Emitter::cold_to_int);
    c.from[0] = jump(CC::kO);  // only the indefinite overflows here
    if (!wide) a_.movsxd(x86::rax, x86::eax);
    c.back = here();
    done(op.dst, kRax);
}

/// The indefinite: right for what is negative, else the greatest value; NaN as the op wants.
void Emitter::cold_to_int(const Cold& c) {
    const bool f64 = c.op->width == Width::F64, wide = IntKind(c.op->imm) == IntKind::I64;
    const std::uint64_t greatest = wide ? 0x7fffffffffffffffu : 0x7fffffffu;
    f64 ? a_.ucomisd(x86::xmm0, x86::xmm0) : a_.ucomiss(x86::xmm0, x86::xmm0);
    const std::uint32_t nan = jump(CC::kPE);
    f64 ? a_.movmskpd(x86::ecx, x86::xmm0) : a_.movmskps(x86::ecx, x86::xmm0);
    load_immediate(kRax, wide ? 0x8000000000000000u : 0xffffffff80000000u);
    a_.test(x86::cl, 1);
    jump_to(CC::kNE, c.back);
    load_immediate(kRax, greatest);
    jump_to(c.back);
    patch_here(nan);
    load_immediate(kRax, c.op->aux & fp::kNanToMax ? greatest : 0);
    jump_to(c.back);
}

void Emitter::fp_box(const Op& op) {
    const int r = home(op.dst);
    if (r < 0 && op.dst == op.a) {
        a_.mov(slot(op.dst, 4, 4), Imm(-1));
        return;
    }
    move(kRax, op.a);
    load_immediate(kRcx, 0xffffffff00000000u);
    a_.or_(x86::rax, x86::rcx);
    done(op.dst, kRax);
}

void Emitter::fp_unbox(const Op& op) {
    move(kRcx, op.a);
    a_.mov(x86::rax, x86::rcx);
    a_.sar(x86::rax, 32);
    a_.cmp(x86::eax, -1);
    a_.mov(x86::eax, Imm(0x7fc00000));
    a_.cmove(x86::eax, x86::ecx);
    done(op.dst, kRax);
}

/// MXCSR.RC (SDM 1, 10.2.3.1) for what follows; Dynamic: as the guest's mode has it.
void Emitter::rounding_mode(const Op& op) {
    const x86::Mem scratch = hot(&hot_.scratch32, 4);
    a_.stmxcsr(scratch);
    a_.mov(x86::eax, scratch);
    a_.and_(x86::eax, Imm(~kRoundingMask));
    if (FpRounding(std::uint8_t(op.imm)) == FpRounding::Dynamic) {
        a_.mov(x86::ecx, hot(&hot_.guest_fp_mode, 4));
        a_.and_(x86::ecx, Imm(kRoundingMask));
        a_.or_(x86::eax, x86::ecx);
    } else if (const std::uint32_t bits = rounding_bits(FpRounding(std::uint8_t(op.imm)))) {
        a_.or_(x86::eax, Imm(bits));
    }
    a_.mov(scratch, x86::eax);
    a_.ldmxcsr(scratch);
}

/// MXCSR in ecx, its sticky exceptions as fp_exception bits in eax.
void Emitter::sticky_bits() {
    const x86::Mem scratch = hot(&hot_.scratch32, 4);
    a_.stmxcsr(scratch);
    a_.mov(x86::ecx, scratch);
    a_.mov(x86::eax, x86::ecx);
    a_.and_(x86::eax, 0x3f);
    const auto map = std::int32_t(reinterpret_cast<std::uintptr_t>(hot_.exceptions));
    a_.movzx(x86::eax, x86::ptr(x86::rax, map, 1));
}

void Emitter::read_exceptions(const Op& op) {
    sticky_bits();
    done(op.dst, kRax);
}

/// Writing MXCSR is dear; it is left alone when it holds nothing that the guest does not have.
void Emitter::forget_exceptions(const Op& op) {
    sticky_bits();
    move(kRdx, op.a, Width::I32);
    a_.not_(x86::edx);
    a_.test(x86::eax, x86::edx);
    Cold& c = cold(op, &Emitter::cold_forget);
    c.from[0] = jump(CC::kNE);
    c.back = here();
}

void Emitter::cold_forget(const Cold& c) {
    const x86::Mem scratch = hot(&hot_.scratch32, 4);
    a_.and_(x86::ecx, Imm(~0x3f));
    a_.mov(scratch, x86::ecx);
    a_.ldmxcsr(scratch);
    jump_to(c.back);
}

}  // namespace backplane::tcg::x64
