// Integer ops. The result is computed in the destination's host register where it has one, else in rax.
#include "emitter.h"

#include "helpers.h"

namespace backplane::tcg::x64 {

void Emitter::integer(const Op& op) {
    using enum Opcode;
    switch (op.opcode) {
    case mov: return move_op(op);
    case add:
    case sub: return add_sub(op);
    case and_: return alu(op, x86::Inst::kIdAnd, true);
    case or_: return alu(op, x86::Inst::kIdOr, true);
    case xor_: return alu(op, x86::Inst::kIdXor, true);
    case andn:
    case orn:
    case xnor: return inverted(op);
    case shl: return shift(op, x86::Inst::kIdShl, x86::Inst::kIdShlx);
    case shr: return shift(op, x86::Inst::kIdShr, x86::Inst::kIdShrx);
    case sar: return shift(op, x86::Inst::kIdSar, x86::Inst::kIdSarx);
    case rotl: return shift(op, x86::Inst::kIdRol, x86::Inst::kIdNone);
    case rotr: return shift(op, x86::Inst::kIdRor, x86::Inst::kIdNone);
    case mul: return alu(op, x86::Inst::kIdImul, true);
    case mulh_ss:
    case mulh_uu:
    case mulh_su: return multiply_high(op);
    case div_s:
    case div_u:
    case rem_s:
    case rem_u: return divide(op);
    case clz:
    case ctz:
    case popcnt: return count(op);
    case bswap: return byte_swap(op);
    case orc_b:
    case brev8: return bytewise(op);
    case clmul:
    case clmulh: return carryless(op);
    case sext8: return extend_op(op, x86::Inst::kIdMovsx, 1);
    case sext16: return extend_op(op, x86::Inst::kIdMovsx, 2);
    case sext32: return extend_op(op, x86::Inst::kIdMovsxd, 4);
    case zext8: return extend_op(op, x86::Inst::kIdMovzx, 1);
    case zext16: return extend_op(op, x86::Inst::kIdMovzx, 2);
    case zext32: return extend_op(op, x86::Inst::kIdMov, 4);
    case min_s:
    case min_u:
    case max_s:
    case max_u: return minmax(op);
    case Opcode::add_shifted: return scaled_add(op);
    case Opcode::address: return address_op(op);
    case extract:
    case deposit: return bit_field(op);
    case Opcode::setcond: return set_condition(op);
    case Opcode::select: return select_value(op);
    default: return;
    }
}

void Emitter::move_op(const Op& op) {
    if (op.width == Width::I32S) return extend_op(op, x86::Inst::kIdMovsxd, 4);
    if (op.width == Width::I32) return extend_op(op, x86::Inst::kIdMov, 4);
    if (op.dst == op.a || op.dst.none()) return;
    const int r = home(op.dst);
    if (r >= 0) {
        if (op.a.is_constant()) load_immediate(r, value_of(op.a), true);
        else move(r, op.a);
        return;
    }
    if (op.a.is_constant() && fits32(value_of(op.a))) {
        a_.mov(slot(op.dst), Imm(std::int32_t(value_of(op.a))));
        return;
    }
    a_.mov(slot(op.dst), q(use(op.a, kRax)));
}

/// The first operand of an instruction on `width`, which does not look at the bits above.
void Emitter::bring(int to, Value v, Width width) {
    if (v.is_constant() || home(v) != to) move(to, v, width);
}

void Emitter::alu(const Op& op, Id id, bool commutative) {
    Value a = op.a, b = op.b;
    if (commutative && (a.is_constant() || (op.dst == b && !(op.dst == a)))) std::swap(a, b);
    const bool multiply = id == x86::Inst::kIdImul;
    if (!multiply && op.width == Width::I64 && op.dst == a && !op.dst.none() && home(op.dst) < 0) {
        Operand s = source(b, op.width, kRax);
        if (s.isMem()) {
            a_.mov(x86::rax, s.as<x86::Mem>());
            s = x86::rax;
        }
        a_.emit(id, slot(op.dst), s);
        return;
    }
    const int r = def(op.dst, kRax);
    const int hb = b.is_constant() ? -1 : home(b);
    const int work = hb == r && !(a == b) ? kRax : r;
    if (multiply && b.is_constant() && (op.width != Width::I64 || fits32(value_of(b)))) {
        const Operand s = source(a, op.width, kRcx);
        const Imm factor(std::int32_t(value_of(b)));
        if (s.isMem()) a_.imul(sized(work, op.width), s.as<x86::Mem>(), factor);
        else if (s.isReg()) a_.imul(sized(work, op.width), s.as<x86::Gp>(), factor);
        else a_.imul(sized(work, op.width), sized(use(a, kRcx), op.width), factor);
    } else {
        bring(work, a, op.width);
        a_.emit(id, sized(work, op.width), source(b, op.width, kRcx));
    }
    extend(work, op.width);
    done(op.dst, work);
}

void Emitter::add_sub(const Op& op) {
    const bool subtract = op.opcode == Opcode::sub;
    Value a = op.a, b = op.b;
    if (!subtract && a.is_constant()) std::swap(a, b);
    const int r = op.dst.none() ? -1 : home(op.dst);
    const int ha = a.is_constant() ? -1 : home(a);
    // lea where the result goes elsewhere, or where the sign extension follows anyhow.
    if (r >= 0 && ha >= 0 && r != ha) {
        if (b.is_constant()) {
            const std::uint64_t c = subtract ? 0 - value_of(b) : value_of(b);
            const std::uint64_t wide =
                op.width == Width::I64 ? c : std::uint64_t(std::int64_t(std::int32_t(c)));
            if (fits32(wide)) {
                if (wide == 0) a_.mov(sized(r, op.width), sized(ha, op.width));
                else a_.lea(sized(r, op.width), x86::ptr(q(ha), std::int32_t(wide)));
                return extend(r, op.width);
            }
        } else if (!subtract && home(b) >= 0) {
            if (home(b) == r) a_.add(sized(r, op.width), sized(ha, op.width));
            else a_.lea(sized(r, op.width), x86::ptr(q(ha), q(home(b))));
            return extend(r, op.width);
        }
    }
    if (subtract && is_const(a, 0) && !b.is_constant()) {  // neg
        const int work = def(op.dst, kRax);
        bring(work, b, op.width);
        a_.neg(sized(work, op.width));
        extend(work, op.width);
        return done(op.dst, work);
    }
    if (b.is_constant() && value_of(b) == 0 && op.width == Width::I32S && !a.is_constant()) {
        Op extend_only = op;
        extend_only.a = a;
        return extend_op(extend_only, x86::Inst::kIdMovsxd, 4);
    }
    alu(op, subtract ? x86::Inst::kIdSub : x86::Inst::kIdAdd, !subtract);
}

void Emitter::inverted(const Op& op) {
    // rcx = ~b first (or of a for xnor: ~(a ^ b) = a ^ ~b).
    const Width width = op.width;
    const int r = def(op.dst, kRax);
    if (op.opcode == Opcode::andn && host_.bmi1 && !op.a.is_constant() && !op.b.is_constant()) {
        const int not_b = use(op.b, kRcx);
        const Operand a = source(op.a, width, kRdx);
        a_.emit(x86::Inst::kIdAndn, sized(r, width), sized(not_b, width), a);
    } else {
        move(kRcx, op.b, width);
        a_.not_(sized(kRcx, width));
        const Id id = op.opcode == Opcode::andn  ? x86::Inst::kIdAnd
                      : op.opcode == Opcode::orn ? x86::Inst::kIdOr
                                                 : x86::Inst::kIdXor;
        a_.emit(id, sized(kRcx, width), source(op.a, width, kRdx));
        a_.mov(sized(r, width), sized(kRcx, width));
    }
    extend(r, width);
    done(op.dst, r);
}

void Emitter::shift(const Op& op, Id id, Id bmi2) {
    const Width width = op.width;
    const unsigned bits = width == Width::I64 ? 64 : 32;
    const int r = def(op.dst, kRax);
    if (op.b.is_constant()) {
        const auto n = unsigned(value_of(op.b)) & (bits - 1);
        if (n) bring(r, op.a, width);
        else move(r, op.a, width);
        if (n) a_.emit(id, sized(r, width), Imm(n));
    } else if (bmi2 != x86::Inst::kIdNone && host_.bmi2) {
        const int n = use(op.b, kRcx);
        Operand a = op.a.is_constant() ? Operand(sized(use(op.a, kRdx), width)) : source(op.a, width, kRdx);
        a_.emit(bmi2, sized(r, width), a, sized(n, width));
    } else {
        move(kRcx, op.b);
        move(kRax, op.a, width);
        a_.emit(id, sized(kRax, width), x86::cl);
        extend(kRax, width);
        return done(op.dst, kRax);
    }
    extend(r, width);
    done(op.dst, r);
}

void Emitter::multiply_high(const Op& op) {
    if (op.width != Width::I64) {  // a 64-bit product holds it
        const bool sa = op.opcode != Opcode::mulh_uu, sb = op.opcode == Opcode::mulh_ss;
        move(kRax, op.a, Width::I32);
        move(kRcx, op.b, Width::I32);
        if (sa) a_.movsxd(x86::rax, x86::eax);
        if (sb) a_.movsxd(x86::rcx, x86::ecx);
        a_.imul(x86::rax, x86::rcx);
        if (op.width == Width::I32S) a_.sar(x86::rax, 32);
        else a_.shr(x86::rax, 32);
        return done(op.dst, kRax);
    }
    move(kRax, op.a);
    const int hb = use(op.b, kRcx);
    if (op.opcode == Opcode::mulh_ss) a_.imul(q(hb));
    else a_.mul(q(hb));
    if (op.opcode == Opcode::mulh_su) {  // unsigned high part - (a < 0 ? b : 0)
        const int a = use(op.a, kRax);
        if (a != kRax) a_.mov(x86::rax, q(a));
        a_.sar(x86::rax, 63);
        a_.and_(x86::rax, q(hb));
        a_.sub(x86::rdx, x86::rax);
    }
    done(op.dst, kRdx);
}

void Emitter::divide(const Op& op) {
    const Width width = op.width;
    const bool is_signed = op.opcode == Opcode::div_s || op.opcode == Opcode::rem_s;
    const bool remainder = op.opcode == Opcode::rem_s || op.opcode == Opcode::rem_u;
    move(kRcx, op.b, width);
    move(kRax, op.a, width);
    Cold& c = cold(op, &Emitter::cold_divide);
    if (is_signed) {
        // 0 and -1 (the overflow) are apart: rcx + 1 <= 1 unsigned.
        a_.lea(sized(kRdx, width), x86::ptr(x86::rcx, 1));
        a_.cmp(sized(kRdx, width), 1);
        c.from[0] = jump(CC::kBE);
        if (width == Width::I64) a_.cqo(x86::rdx, x86::rax);
        else a_.cdq(x86::edx, x86::eax);
        a_.idiv(sized(kRdx, width), sized(kRax, width), sized(kRcx, width));
    } else {
        a_.test(sized(kRcx, width), sized(kRcx, width));
        c.from[0] = jump(CC::kE);
        a_.xor_(x86::edx, x86::edx);
        a_.div(sized(kRdx, width), sized(kRax, width), sized(kRcx, width));
    }
    c.back = here();
    const int result = remainder ? kRdx : kRax;
    extend(result, width);
    done(op.dst, result);
}

/// By 0: all ones and the dividend; by -1: the negated dividend (which is the overflow's result as well) and 0.
void Emitter::cold_divide(const Cold& c) {
    const Width width = c.op->width;
    const bool is_signed = c.op->opcode == Opcode::div_s || c.op->opcode == Opcode::rem_s;
    std::uint32_t by_zero = 0;
    if (is_signed) {
        a_.test(sized(kRcx, width), sized(kRcx, width));
        by_zero = jump(CC::kE);
        a_.xor_(x86::edx, x86::edx);
        a_.neg(sized(kRax, width));
        jump_to(c.back);
        patch_here(by_zero);
    }
    a_.mov(sized(kRdx, width), sized(kRax, width));
    a_.mov(sized(kRax, width), Imm(-1));
    jump_to(c.back);
}

void Emitter::count(const Op& op) {
    const Width width = op.width;
    const int bits = width == Width::I64 ? 64 : 32;
    const int r = def(op.dst, kRax);
    const int a = use(op.a, kRcx);
    if (op.opcode == Opcode::popcnt && host_.popcnt) {
        a_.popcnt(sized(r, width), sized(a, width));
    } else if (op.opcode == Opcode::clz && host_.lzcnt) {
        a_.lzcnt(sized(r, width), sized(a, width));
    } else if (op.opcode == Opcode::ctz && host_.bmi1) {
        a_.tzcnt(sized(r, width), sized(a, width));
    } else if (op.opcode == Opcode::popcnt) {
        const Value arguments[] = {op.a};
        if (width == Width::I64) call_pure(reinterpret_cast<const void*>(&helper_popcnt64), arguments);
        else call_pure(reinterpret_cast<const void*>(&helper_popcnt32), arguments);
        return done(op.dst, kRax);
    } else {
        // bsr and bsf leave the destination alone for 0.
        if (op.opcode == Opcode::clz) {
            load_immediate(kRdx, std::uint64_t(2 * bits - 1));
            a_.bsr(sized(kRax, width), sized(a, width));
            a_.cmovz(sized(kRax, width), sized(kRdx, width));
            a_.xor_(sized(kRax, width), Imm(bits - 1));
        } else {
            load_immediate(kRdx, std::uint64_t(bits));
            a_.bsf(sized(kRax, width), sized(a, width));
            a_.cmovz(sized(kRax, width), sized(kRdx, width));
        }
        return done(op.dst, kRax);
    }
    done(op.dst, r);
}

void Emitter::byte_swap(const Op& op) {
    const int r = def(op.dst, kRax);
    move(r, op.a, op.width);
    a_.bswap(sized(r, op.width));
    extend(r, op.width);
    done(op.dst, r);
}

void Emitter::bytewise(const Op& op) {
    if (op.opcode == Opcode::orc_b) {
        // A byte is zero where pcmpeqb with zero says so; the result is the complement.
        a_.movq(x86::xmm0, q(use(op.a, kRax)));
        a_.pxor(x86::xmm1, x86::xmm1);
        a_.pcmpeqb(x86::xmm0, x86::xmm1);
        a_.movq(x86::rax, x86::xmm0);
        a_.not_(x86::rax);
    } else {
        move(kRax, op.a);
        const std::uint64_t masks[] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu};
        for (unsigned i = 0; i < 3; ++i) {
            load_immediate(kRdx, masks[i]);
            a_.mov(x86::rcx, x86::rax);
            a_.shr(x86::rcx, 1u << i);
            a_.and_(x86::rcx, x86::rdx);
            a_.and_(x86::rax, x86::rdx);
            a_.shl(x86::rax, 1u << i);
            a_.or_(x86::rax, x86::rcx);
        }
    }
    if (op.width == Width::I32) a_.mov(x86::eax, x86::eax);
    extend(kRax, op.width);
    done(op.dst, kRax);
}

void Emitter::carryless(const Op& op) {
    const bool high = op.opcode == Opcode::clmulh;
    if (!host_.clmul || !host_.sse41) {
        const Value arguments[] = {op.a, op.b};
        call_pure(high ? reinterpret_cast<const void*>(&helper_clmulh)
                       : reinterpret_cast<const void*>(&helper_clmul),
                  arguments);
        return done(op.dst, kRax);
    }
    a_.movq(x86::xmm0, q(use(op.a, kRax)));
    a_.movq(x86::xmm1, q(use(op.b, kRcx)));
    a_.pclmulqdq(x86::xmm0, x86::xmm1, 0);
    if (high) a_.pextrq(x86::rax, x86::xmm0, 1);
    else a_.movq(x86::rax, x86::xmm0);
    done(op.dst, kRax);
}

void Emitter::extend_op(const Op& op, Id id, unsigned bytes) {
    const int r = def(op.dst, kRax);
    if (op.a.is_constant()) {
        load_immediate(r, value_of(op.a));
        if (id == x86::Inst::kIdMov) a_.mov(d(r), d(r));
        else if (id == x86::Inst::kIdMovsxd) a_.movsxd(q(r), d(r));
        else a_.emit(id, id == x86::Inst::kIdMovzx ? d(r) : q(r), bytes == 1 ? Operand(b(r)) : Operand(w(r)));
        return done(op.dst, r);
    }
    const int h = home(op.a);
    Operand from = h < 0        ? Operand(slot(op.a, bytes))
                   : bytes == 1 ? Operand(b(h))
                   : bytes == 2 ? Operand(w(h))
                                : Operand(d(h));
    const bool narrow_target = id == x86::Inst::kIdMovzx || id == x86::Inst::kIdMov;
    a_.emit(id, narrow_target ? d(r) : q(r), from);
    done(op.dst, r);
}

void Emitter::minmax(const Op& op) {
    const Width width = op.width;
    move(kRax, op.a, width);
    const int rb = use(op.b, kRcx);
    a_.cmp(sized(kRax, width), sized(rb, width));
    switch (op.opcode) {
    case Opcode::min_s: a_.cmovg(sized(kRax, width), sized(rb, width)); break;
    case Opcode::min_u: a_.cmova(sized(kRax, width), sized(rb, width)); break;
    case Opcode::max_s: a_.cmovl(sized(kRax, width), sized(rb, width)); break;
    default: a_.cmovb(sized(kRax, width), sized(rb, width)); break;
    }
    extend(kRax, width);
    done(op.dst, kRax);
}

void Emitter::scaled_add(const Op& op) {
    const int ra = use(op.a, kRax), rb = use(op.b, kRcx);
    const int r = def(op.dst, kRax);
    a_.lea(q(r), x86::ptr(q(rb), q(ra), std::uint32_t(op.imm)));
    done(op.dst, r);
}

void Emitter::bit_field(const Op& op) {
    const unsigned position = unsigned(op.imm) & 0xff, length = unsigned(op.imm) >> 8;
    if (op.opcode == Opcode::extract) {
        const int r = def(op.dst, kRax);
        move(r, op.a);
        if (position + length < 64) a_.shl(q(r), 64 - position - length);
        if (length < 64) a_.shr(q(r), 64 - length);
        return done(op.dst, r);
    }
    const std::uint64_t mask = length >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << length) - 1;
    move(kRax, op.b);
    load_immediate(kRcx, mask);
    a_.and_(x86::rax, x86::rcx);
    if (position) a_.shl(x86::rax, position);
    load_immediate(kRcx, ~(mask << position));
    a_.emit(x86::Inst::kIdAnd, x86::rcx, source(op.a, Width::I64, kRdx));
    a_.or_(x86::rax, x86::rcx);
    done(op.dst, kRax);
}

// ---- conditions

namespace {
constexpr CC kConditions[] = {CC::kE, CC::kNE, CC::kL,  CC::kGE, CC::kLE, CC::kG,
                              CC::kB, CC::kAE, CC::kBE, CC::kA,  CC::kE,  CC::kNE};
}

CC Emitter::compare(const Op& op) {
    Value a = op.a, b = op.b;
    Cond cond = op.cond();
    const Width width = op.width == Width::I32S ? Width::I32 : op.width;
    const bool test = cond == Cond::TestZero || cond == Cond::TestNonZero;
    if (a.is_constant() && !b.is_constant()) {
        std::swap(a, b);
        cond = swapped(cond);
    }
    if (a.is_constant()) load_immediate(kRax, value_of(a));
    const Operand left = a.is_constant() ? Operand(sized(kRax, width)) : source(a, width, kRax);
    Operand right = source(b, width, kRcx);
    if (left.isMem() && right.isMem()) {
        a_.mov(sized(kRcx, width), right.as<x86::Mem>());
        right = sized(kRcx, width);
    }
    if (test) {
        if (right.isMem()) a_.emit(x86::Inst::kIdTest, right, left);
        else a_.emit(x86::Inst::kIdTest, left, right);
    } else if (b.is_constant() && right.isImm() && right.as<Imm>().value() == 0 && left.isReg()) {
        a_.emit(x86::Inst::kIdTest, left, left);
    } else {
        a_.emit(x86::Inst::kIdCmp, left, right);
    }
    return kConditions[std::size_t(cond)];
}

void Emitter::set_condition(const Op& op) {
    const int r = def(op.dst, kRax);
    const bool apart = !op.dst.none() && home(op.dst) >= 0 && !(op.dst == op.a) && !(op.dst == op.b);
    if (apart) a_.xor_(d(r), d(r));
    const CC cc = compare(op);
    if (apart) {
        a_.set(cc, b(r));
        return;
    }
    a_.set(cc, x86::al);
    a_.movzx(d(r), x86::al);
    done(op.dst, r);
}

void Emitter::select_value(const Op& op) {
    const CC cc = compare(op);
    const int r = def(op.dst, kRax);
    if (op.dst == op.d && r != kRax) {
        const int c = use(op.c, kRcx, true);
        a_.cmov(cc, q(r), q(c));
        return;
    }
    move(kRax, op.d);
    const int c = use(op.c, kRcx, true);
    a_.cmov(cc, x86::rax, q(c));
    done(op.dst, kRax);
}

}  // namespace backplane::tcg::x64
