// A finite number is sign, significand and exponent: significand * 2^exponent. Each operation finds an exact or a
// sticky result in 128 bits, and round() does the rest.
#include "soft_float.h"

#include <bit>
#include <utility>

namespace backplane::riscv::soft_float {
namespace {

__extension__ typedef unsigned __int128 Wide;

enum class Kind : std::uint8_t { Zero, Finite, Infinity, QuietNan, SignallingNan };

struct Number {
    Kind kind = Kind::Zero;
    bool negative = false;
    int exponent = 0;
    std::uint64_t significand = 0;
    bool is_nan() const { return kind >= Kind::QuietNan; }
};

constexpr std::uint64_t exponent_mask(Format format) {
    return (std::uint64_t{1} << format.exponent_bits) - 1;
}
constexpr std::uint64_t fraction_mask(Format format) {
    return (std::uint64_t{1} << (format.precision - 1)) - 1;
}

Number unpack(Format format, std::uint64_t bits) {
    Number number;
    number.negative = (bits & sign_bit(format)) != 0;
    const std::uint64_t exponent = bits >> (format.precision - 1) & exponent_mask(format);
    const std::uint64_t fraction = bits & fraction_mask(format);
    if (exponent == exponent_mask(format)) {
        const bool quiet = (fraction >> (format.precision - 2)) != 0;
        number.kind = fraction == 0 ? Kind::Infinity : quiet ? Kind::QuietNan : Kind::SignallingNan;
    } else if (exponent != 0 || fraction != 0) {
        number.kind = Kind::Finite;
        number.significand = exponent == 0 ? fraction : fraction | (fraction_mask(format) + 1);
        number.exponent =
            (exponent == 0 ? 1 : static_cast<int>(exponent)) - format.bias() - format.precision + 1;
    }
    return number;
}

std::uint64_t with_sign(Format format, bool negative, std::uint64_t magnitude) {
    return negative ? magnitude | sign_bit(format) : magnitude;
}
Result zero(Format format, bool negative) { return {with_sign(format, negative, 0), 0}; }
Result infinity(Format format, bool negative, std::uint32_t flags = 0) {
    return {with_sign(format, negative, exponent_mask(format) << (format.precision - 1)), flags};
}
Result nan(Format format, std::uint32_t flags) {
    return {exponent_mask(format) << (format.precision - 1) | (fraction_mask(format) + 1) >> 1, flags};
}
Result invalid(Format format) { return nan(format, kInvalid); }
/// For operands of which one is a NaN.
Result propagate(Format format, std::initializer_list<Number> operands) {
    for (const Number& operand : operands)
        if (operand.kind == Kind::SignallingNan) return invalid(format);
    return nan(format, 0);
}

int top_bit(Wide value) {
    const auto high = static_cast<std::uint64_t>(value >> 64);
    return high != 0 ? 127 - std::countl_zero(high)
                     : 63 - std::countl_zero(static_cast<std::uint64_t>(value));
}

/// What is shifted out stays visible in bit 0.
Wide shift_right_sticky(Wide value, int count) {
    if (count <= 0) return value;
    if (count >= 128) return value != 0;
    const Wide lost = value & ((Wide{1} << count) - 1);
    return value >> count | (lost != 0 ? 1u : 0u);
}

struct Rounded {
    Wide value = 0;
    bool inexact = false;
};

/// value / 2^drop as an integer.
Rounded round_off(Wide value, int drop, bool negative, Rounding rounding) {
    if (drop <= 0) return {value << -drop, false};
    if (drop > 126) {
        value = shift_right_sticky(value, drop - 126);
        drop = 126;
    }
    const Wide lost = value & ((Wide{1} << drop) - 1);
    const Wide half = Wide{1} << (drop - 1);
    const Wide kept = value >> drop;
    bool up = false;
    switch (rounding) {
    case Rounding::NearestEven: up = lost > half || (lost == half && (kept & 1) != 0); break;
    case Rounding::NearestAway: up = lost >= half; break;
    case Rounding::TowardZero: break;
    case Rounding::Down: up = negative && lost != 0; break;
    case Rounding::Up: up = !negative && lost != 0; break;
    }
    return {kept + (up ? 1u : 0u), lost != 0};
}

Result overflow(Format format, bool negative, Rounding rounding) {
    const bool to_infinity = rounding == Rounding::NearestEven || rounding == Rounding::NearestAway ||
                             (rounding == Rounding::Down && negative) ||
                             (rounding == Rounding::Up && !negative);
    Result result = infinity(format, negative, kOverflow | kInexact);
    if (!to_infinity) --result.bits;  // the greatest finite number stands right before infinity
    return result;
}

/// ±significand * 2^exponent, significand not 0.
Result round(Format format, bool negative, int exponent, Wide significand, Rounding rounding) {
    const int least = 1 - format.bias();
    const int magnitude = exponent + top_bit(significand);
    const int unit = (magnitude < least ? least : magnitude) - (format.precision - 1);
    const Rounded rounded = round_off(significand, unit - exponent, negative, rounding);
    bool tiny = magnitude < least;
    if (tiny && magnitude == least - 1) {
        const Rounded unbounded =
            round_off(significand, magnitude - (format.precision - 1) - exponent, negative, rounding);
        tiny = top_bit(unbounded.value) == format.precision - 1;
    }
    // A carry out of the significand moves into the exponent field by itself.
    const int field = unit + format.precision - 1 + format.bias();
    const auto value = static_cast<std::uint64_t>(rounded.value);
    const bool normal = value > fraction_mask(format);
    const std::uint64_t bits =
        normal ? (static_cast<std::uint64_t>(field - 1) << (format.precision - 1)) + value : value;
    if (bits >> (format.precision - 1) >= exponent_mask(format)) return overflow(format, negative, rounding);
    std::uint32_t flags = rounded.inexact ? kInexact : 0u;
    if (rounded.inexact && tiny) flags |= kUnderflow;
    return {with_sign(format, negative, bits), flags};
}

/// The sum of two numbers whose significands were moved up to leave room for sticky bits below.
Result add_aligned(Format format, bool negative_a, int exponent_a, Wide a, bool negative_b, int exponent_b,
                   Wide b, Rounding rounding) {
    const int up_a = 124 - top_bit(a), up_b = 124 - top_bit(b);
    a <<= up_a;
    b <<= up_b;
    exponent_a -= up_a;
    exponent_b -= up_b;
    const int exponent = exponent_a > exponent_b ? exponent_a : exponent_b;
    a = shift_right_sticky(a, exponent - exponent_a);
    b = shift_right_sticky(b, exponent - exponent_b);
    if (negative_a == negative_b) return round(format, negative_a, exponent, a + b, rounding);
    if (a == b) return zero(format, rounding == Rounding::Down);
    return a > b ? round(format, negative_a, exponent, a - b, rounding)
                 : round(format, negative_b, exponent, b - a, rounding);
}

Wide integer_root(Wide value) {
    Wide root = 0;
    for (Wide bit = Wide{1} << 126; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return root << 1 | (value != 0 ? 1u : 0u);
}

}  // namespace

Result add(Format format, std::uint64_t a_bits, std::uint64_t b_bits, Rounding rounding) {
    const Number a = unpack(format, a_bits), b = unpack(format, b_bits);
    if (a.is_nan() || b.is_nan()) return propagate(format, {a, b});
    if (a.kind == Kind::Infinity)
        return b.kind == Kind::Infinity && a.negative != b.negative ? invalid(format) : Result{a_bits, 0};
    if (b.kind == Kind::Infinity) return {b_bits, 0};
    if (a.kind == Kind::Zero && b.kind == Kind::Zero)
        return zero(format, a.negative == b.negative ? a.negative : rounding == Rounding::Down);
    if (a.kind == Kind::Zero) return {b_bits, 0};
    if (b.kind == Kind::Zero) return {a_bits, 0};
    return add_aligned(format, a.negative, a.exponent, a.significand, b.negative, b.exponent, b.significand,
                       rounding);
}

Result subtract(Format format, std::uint64_t a, std::uint64_t b, Rounding rounding) {
    // A NaN's sign does not matter: results are canonical.
    return add(format, a, b ^ sign_bit(format), rounding);
}

Result multiply(Format format, std::uint64_t a_bits, std::uint64_t b_bits, Rounding rounding) {
    const Number a = unpack(format, a_bits), b = unpack(format, b_bits);
    const bool negative = a.negative != b.negative;
    if (a.is_nan() || b.is_nan()) return propagate(format, {a, b});
    if (a.kind == Kind::Infinity || b.kind == Kind::Infinity)
        return a.kind == Kind::Zero || b.kind == Kind::Zero ? invalid(format) : infinity(format, negative);
    if (a.kind == Kind::Zero || b.kind == Kind::Zero) return zero(format, negative);
    return round(format, negative, a.exponent + b.exponent, Wide{a.significand} * b.significand, rounding);
}

Result divide(Format format, std::uint64_t a_bits, std::uint64_t b_bits, Rounding rounding) {
    const Number a = unpack(format, a_bits), b = unpack(format, b_bits);
    const bool negative = a.negative != b.negative;
    if (a.is_nan() || b.is_nan()) return propagate(format, {a, b});
    if (a.kind == Kind::Infinity)
        return b.kind == Kind::Infinity ? invalid(format) : infinity(format, negative);
    if (b.kind == Kind::Infinity) return zero(format, negative);
    if (b.kind == Kind::Zero)
        return a.kind == Kind::Zero ? invalid(format) : infinity(format, negative, kDivideByZero);
    if (a.kind == Kind::Zero) return zero(format, negative);
    const int up = 126 - top_bit(a.significand);
    const Wide dividend = Wide{a.significand} << up;
    const Wide quotient = dividend / b.significand << 1 | (dividend % b.significand != 0 ? 1u : 0u);
    return round(format, negative, a.exponent - up - b.exponent - 1, quotient, rounding);
}

Result square_root(Format format, std::uint64_t a_bits, Rounding rounding) {
    const Number a = unpack(format, a_bits);
    if (a.is_nan()) return propagate(format, {a});
    if (a.kind == Kind::Zero) return {a_bits, 0};
    if (a.negative) return invalid(format);
    if (a.kind == Kind::Infinity) return {a_bits, 0};
    int up = 124 - top_bit(a.significand);
    if (((a.exponent - up) & 1) != 0) ++up;
    const Wide root = integer_root(Wide{a.significand} << up);
    return round(format, false, (a.exponent - up) / 2 - 1, root, rounding);
}

Result multiply_add(Format format, std::uint64_t a_bits, std::uint64_t b_bits, std::uint64_t c_bits,
                    Rounding rounding) {
    const Number a = unpack(format, a_bits), b = unpack(format, b_bits), c = unpack(format, c_bits);
    const bool negative = a.negative != b.negative;
    const bool no_product = (a.kind == Kind::Infinity && b.kind == Kind::Zero) ||
                            (a.kind == Kind::Zero && b.kind == Kind::Infinity);
    if (no_product) return invalid(format);  // also where c is a quiet NaN: chapter 20.6
    if (a.is_nan() || b.is_nan() || c.is_nan()) return propagate(format, {a, b, c});
    if (a.kind == Kind::Infinity || b.kind == Kind::Infinity)
        return c.kind == Kind::Infinity && c.negative != negative ? invalid(format)
                                                                  : infinity(format, negative);
    if (c.kind == Kind::Infinity) return {c_bits, 0};
    if (a.kind == Kind::Zero || b.kind == Kind::Zero) {
        if (c.kind != Kind::Zero) return {c_bits, 0};
        return zero(format, negative == c.negative ? negative : rounding == Rounding::Down);
    }
    const Wide product = Wide{a.significand} * b.significand;
    if (c.kind == Kind::Zero) return round(format, negative, a.exponent + b.exponent, product, rounding);
    return add_aligned(format, negative, a.exponent + b.exponent, product, c.negative, c.exponent,
                       c.significand, rounding);
}

Result convert(Format from, Format to, std::uint64_t a_bits, Rounding rounding) {
    const Number a = unpack(from, a_bits);
    if (a.is_nan()) return propagate(to, {a});
    if (a.kind == Kind::Infinity) return infinity(to, a.negative);
    if (a.kind == Kind::Zero) return zero(to, a.negative);
    return round(to, a.negative, a.exponent, a.significand, rounding);
}

Result from_integer(Format format, bool negative, std::uint64_t magnitude, Rounding rounding) {
    return magnitude == 0 ? zero(format, false) : round(format, negative, 0, magnitude, rounding);
}

Result to_integer(Format format, std::uint64_t a_bits, bool is_signed, unsigned width, Rounding rounding) {
    const Number a = unpack(format, a_bits);
    const std::uint64_t greatest = ~std::uint64_t{0} >> (64 - width + (is_signed ? 1 : 0));
    const std::uint64_t least = is_signed ? greatest + 1 : 0;  // its magnitude
    if (a.is_nan()) return {greatest, kInvalid};
    const Result saturated =
        a.negative ? Result{is_signed ? ~least + 1 : 0, kInvalid} : Result{greatest, kInvalid};
    if (a.kind == Kind::Infinity) return saturated;
    if (a.kind == Kind::Zero) return {};
    if (a.exponent > 0 && a.exponent + top_bit(a.significand) >= 64) return saturated;
    const Rounded rounded = round_off(a.significand, -a.exponent, a.negative, rounding);
    if (rounded.value > (a.negative ? least : greatest)) return saturated;
    const auto value = static_cast<std::uint64_t>(rounded.value);
    return {a.negative ? ~value + 1 : value, rounded.inexact ? std::uint32_t{kInexact} : 0u};
}

}  // namespace backplane::riscv::soft_float
