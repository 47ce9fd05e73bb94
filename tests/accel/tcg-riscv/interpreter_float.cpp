// The interpreter's floating-point ops, in integers.
#include "interpreter.h"

namespace backplane::riscv::testing {
namespace {

using soft_float::Format;
using soft_float::kDouble;
using soft_float::kInvalid;
using soft_float::kSingle;
using soft_float::Result;
using tcg::Opcode;
using tcg::Width;

constexpr std::uint64_t kBox = 0xffffffff'00000000;

std::uint64_t magnitude(Format format, std::uint64_t v) { return v & (soft_float::sign_bit(format) - 1); }
bool negative(Format format, std::uint64_t v) { return (v & soft_float::sign_bit(format)) != 0; }
std::uint64_t infinity(Format format) {
    return ((std::uint64_t{1} << format.exponent_bits) - 1) << (format.precision - 1);
}
std::uint64_t quiet_bit(Format format) { return std::uint64_t{1} << (format.precision - 2); }
bool is_nan(Format format, std::uint64_t v) { return magnitude(format, v) > infinity(format); }
bool is_signalling(Format format, std::uint64_t v) {
    return is_nan(format, v) && (v & quiet_bit(format)) == 0;
}

/// An order of all numbers in which -0 stands before +0.
std::int64_t rank(Format format, std::uint64_t v) {
    const auto size = static_cast<std::int64_t>(magnitude(format, v));
    return negative(format, v) ? -size - 1 : size;
}

std::uint64_t unbox(std::uint64_t v) {
    return (v & kBox) == kBox ? v & ~kBox : infinity(kSingle) | quiet_bit(kSingle);
}

Result extreme(Format format, std::uint64_t a, std::uint64_t b, bool greater) {
    const std::uint32_t flags = is_signalling(format, a) || is_signalling(format, b) ? kInvalid : 0u;
    if (is_nan(format, a) && is_nan(format, b)) return {infinity(format) | quiet_bit(format), flags};
    if (is_nan(format, a)) return {b, flags};
    if (is_nan(format, b)) return {a, flags};
    return {(rank(format, a) < rank(format, b)) != greater ? a : b, flags};
}

Result compare(Opcode op, Format format, std::uint64_t a, std::uint64_t b) {
    if (is_nan(format, a) || is_nan(format, b)) {
        const bool quiet = op == Opcode::fcmp_eq && !is_signalling(format, a) && !is_signalling(format, b);
        return {0, quiet ? 0u : std::uint32_t{kInvalid}};
    }
    const bool zeros = magnitude(format, a) == 0 && magnitude(format, b) == 0;
    const std::int64_t x = zeros ? 0 : rank(format, a), y = zeros ? 0 : rank(format, b);
    return {op == Opcode::fcmp_eq ? x == y : op == Opcode::fcmp_lt ? x < y : x <= y, 0};
}

std::uint64_t classify(Format format, std::uint64_t v) {
    if (is_nan(format, v)) return is_signalling(format, v) ? 1 << 8 : 1 << 9;
    const std::uint64_t size = magnitude(format, v);
    const unsigned step = size == 0                                           ? 3
                          : size == infinity(format)                          ? 0
                          : size < std::uint64_t{1} << (format.precision - 1) ? 2
                                                                              : 1;
    return std::uint64_t{1} << (negative(format, v) ? step : 7 - step);
}

Result arithmetic(const tcg::Op& op, Format format, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                  soft_float::Rounding rounding) {
    const std::uint64_t sign = soft_float::sign_bit(format);
    switch (op.opcode) {
    case Opcode::fadd: return soft_float::add(format, a, b, rounding);
    case Opcode::fsub: return soft_float::subtract(format, a, b, rounding);
    case Opcode::fmul: return soft_float::multiply(format, a, b, rounding);
    case Opcode::fdiv: return soft_float::divide(format, a, b, rounding);
    case Opcode::fsqrt: return soft_float::square_root(format, a, rounding);
    case Opcode::fma:
        if ((op.aux & tcg::fp::kNegateProduct) != 0) a ^= sign;
        if ((op.aux & tcg::fp::kNegateAddend) != 0) c ^= sign;
        return soft_float::multiply_add(format, a, b, c, rounding);
    case Opcode::fmin: return extreme(format, a, b, false);
    case Opcode::fmax: return extreme(format, a, b, true);
    case Opcode::fsgn_copy: return {magnitude(format, a) | (b & sign), 0};
    case Opcode::fsgn_not: return {magnitude(format, a) | (~b & sign), 0};
    case Opcode::fsgn_xor: return {a ^ (b & sign), 0};
    default: std::abort();
    }
}

Result from_integer(const tcg::Op& op, Format format, std::uint64_t a, soft_float::Rounding rounding) {
    const auto kind = static_cast<tcg::IntKind>(op.imm);
    if (kind == tcg::IntKind::U32) a &= ~kBox;
    if (kind == tcg::IntKind::I32) a = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(a)});
    const bool below = (kind == tcg::IntKind::I32 || kind == tcg::IntKind::I64) && a >> 63 != 0;
    return soft_float::from_integer(format, below, below ? ~a + 1 : a, rounding);
}

Result to_integer(const tcg::Op& op, Format format, std::uint64_t a, soft_float::Rounding rounding) {
    const auto kind = static_cast<tcg::IntKind>(op.imm);
    const bool is_signed = kind == tcg::IntKind::I32 || kind == tcg::IntKind::I64;
    const bool narrow = kind == tcg::IntKind::I32 || kind == tcg::IntKind::U32;
    Result result = soft_float::to_integer(format, a, is_signed, narrow ? 32 : 64, rounding);
    if (narrow)
        result.bits = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(result.bits)});
    return result;
}

}  // namespace

soft_float::Rounding Interpreter::rounding(const tcg::Op& op) const {
    if ((op.aux & tcg::fp::kTruncate) != 0) return soft_float::Rounding::TowardZero;
    switch (op_rounding_ == tcg::FpRounding::Dynamic ? dynamic_rounding_ : op_rounding_) {
    case tcg::FpRounding::TowardZero: return soft_float::Rounding::TowardZero;
    case tcg::FpRounding::Down: return soft_float::Rounding::Down;
    case tcg::FpRounding::Up: return soft_float::Rounding::Up;
    default: return soft_float::Rounding::NearestEven;
    }
}

std::uint64_t Interpreter::compute_float(const tcg::Op& op, std::uint64_t a, std::uint64_t b,
                                         std::uint64_t c) {
    if (op.opcode == Opcode::fbox) return a | kBox;
    if (op.opcode == Opcode::funbox) return unbox(a);
    const Format format = op.width == Width::F32 ? kSingle : kDouble;
    const bool boxed = (op.aux & tcg::fp::kBoxed) != 0;
    if (boxed && op.width == Width::F32 && op.opcode != Opcode::f_from_int) {
        a = unbox(a);
        b = unbox(b);
        c = unbox(c);
    }
    Result result;
    bool is_single = op.width == Width::F32;  // what the result is
    switch (op.opcode) {
    case Opcode::fcmp_eq:
    case Opcode::fcmp_lt:
    case Opcode::fcmp_le: result = compare(op.opcode, format, a, b), is_single = false; break;
    case Opcode::fclass: result.bits = classify(format, a), is_single = false; break;
    case Opcode::fwiden:
        result = soft_float::convert(kSingle, kDouble, a, rounding(op)), is_single = false;
        break;
    case Opcode::fnarrow:
        result = soft_float::convert(kDouble, kSingle, a, rounding(op)), is_single = true;
        break;
    case Opcode::f_from_int: result = from_integer(op, format, a, rounding(op)); break;
    case Opcode::f_to_int: result = to_integer(op, format, a, rounding(op)), is_single = false; break;
    default: result = arithmetic(op, format, a, b, c, rounding(op));
    }
    exceptions_ |= result.flags;
    return boxed && is_single ? result.bits | kBox : result.bits;
}

}  // namespace backplane::riscv::testing
