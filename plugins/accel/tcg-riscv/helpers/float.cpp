// Joins soft_float to whole floating-point registers ("The RISC-V Instruction Set Manual", volume I, chapters 20, 21).
#include "float.h"

#include "soft_float.h"

#include <backplane/draft/riscv/hart.h>

namespace backplane::riscv::helpers {
namespace {

using soft_float::Format;
using soft_float::kDouble;
using soft_float::kSingle;
using soft_float::Result;

constexpr auto kAway = soft_float::Rounding::NearestAway;
constexpr std::uint64_t kBox = 0xffffffff'00000000;
constexpr std::uint64_t kCanonicalSingle = 0x7fc00000;

/// A single that is not boxed counts as the canonical NaN (chapter 21.2).
std::uint64_t operand(Format format, std::uint64_t value) {
    if (format.precision == kDouble.precision) return value;
    return (value & kBox) == kBox ? value & ~kBox : kCanonicalSingle;
}

Result boxed(Format format, Result result) {
    if (format.precision == kSingle.precision) result.bits |= kBox;
    return result;
}

Result sign_extended(Result result) {
    result.bits = static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(result.bits)});
    return result;
}

Result multiply_add(Format format, const AwayControl& control, std::uint64_t a, std::uint64_t b,
                    std::uint64_t c) {
    if (control.negate_product) a ^= soft_float::sign_bit(format);
    if (control.negate_addend) c ^= soft_float::sign_bit(format);
    return soft_float::multiply_add(format, a, b, c, kAway);
}

Result from_signed(Format format, std::int64_t value) {
    const auto magnitude = static_cast<std::uint64_t>(value);
    return soft_float::from_integer(format, value < 0, value < 0 ? ~magnitude + 1 : magnitude, kAway);
}

Result to_integer(Format format, std::uint64_t value, bool is_signed, unsigned width) {
    return soft_float::to_integer(format, operand(format, value), is_signed, width, kAway);
}

Result arithmetic(Format format, const AwayControl& control, std::uint64_t a, std::uint64_t b,
                  std::uint64_t c) {
    a = operand(format, a);
    b = operand(format, b);
    c = operand(format, c);
    switch (control.operation) {
    case AwayOperation::Add: return soft_float::add(format, a, b, kAway);
    case AwayOperation::Subtract: return soft_float::subtract(format, a, b, kAway);
    case AwayOperation::Multiply: return soft_float::multiply(format, a, b, kAway);
    case AwayOperation::Divide: return soft_float::divide(format, a, b, kAway);
    case AwayOperation::SquareRoot: return soft_float::square_root(format, a, kAway);
    default: return multiply_add(format, control, a, b, c);
    }
}

Result operate(const AwayControl& control, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const Format format = control.is_double ? kDouble : kSingle;
    switch (control.operation) {
    case AwayOperation::ToSingle: return boxed(kSingle, soft_float::convert(kDouble, kSingle, a, kAway));
    case AwayOperation::FromSigned32: return boxed(format, from_signed(format, static_cast<std::int32_t>(a)));
    case AwayOperation::FromSigned64: return boxed(format, from_signed(format, static_cast<std::int64_t>(a)));
    case AwayOperation::FromUnsigned32:
        return boxed(format, soft_float::from_integer(format, false, static_cast<std::uint32_t>(a), kAway));
    case AwayOperation::FromUnsigned64:
        return boxed(format, soft_float::from_integer(format, false, a, kAway));
    case AwayOperation::ToSigned32: return sign_extended(to_integer(format, a, true, 32));
    case AwayOperation::ToUnsigned32: return sign_extended(to_integer(format, a, false, 32));
    case AwayOperation::ToSigned64: return to_integer(format, a, true, 64);
    case AwayOperation::ToUnsigned64: return to_integer(format, a, false, 64);
    default: return boxed(format, arithmetic(format, control, a, b, c));
    }
}

}  // namespace

std::uint64_t away(void* state, std::uint64_t control, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const Result result = operate(AwayControl::unpack(control), a, b, c);
    static_cast<HartState*>(state)->fflags |= result.flags;
    return result.bits;
}

}  // namespace backplane::riscv::helpers
