// IEEE 754-2008 binary32 and binary64 arithmetic in integers, in all five rounding modes of RISC-V: for the modes that
// the host does not have, and as a yardstick for tests. Tininess is detected after rounding; every NaN result is the
// canonical one ("The RISC-V Instruction Set Manual", volume I, chapters 20.2 and 20.3).
#pragma once

#include <cstdint>

namespace backplane::riscv::soft_float {

/// frm's values.
enum class Rounding : std::uint8_t { NearestEven = 0, TowardZero = 1, Down = 2, Up = 3, NearestAway = 4 };

/// Of fflags.
enum Flag : std::uint32_t { kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16 };

struct Result {
    std::uint64_t bits = 0;
    std::uint32_t flags = 0;
};

struct Format {
    int precision = 0;  ///< bits of the significand, the hidden one included
    int exponent_bits = 0;
    constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};
inline constexpr Format kSingle{24, 8};
inline constexpr Format kDouble{53, 11};

/// Operands and results are plain bit patterns of the format.
Result add(Format format, std::uint64_t a, std::uint64_t b, Rounding rounding);
Result subtract(Format format, std::uint64_t a, std::uint64_t b, Rounding rounding);
Result multiply(Format format, std::uint64_t a, std::uint64_t b, Rounding rounding);
Result divide(Format format, std::uint64_t a, std::uint64_t b, Rounding rounding);
Result square_root(Format format, std::uint64_t a, Rounding rounding);
/// a * b + c, rounded once. Negated terms: flip the signs of a and c.
Result multiply_add(Format format, std::uint64_t a, std::uint64_t b, std::uint64_t c, Rounding rounding);
Result convert(Format from, Format to, std::uint64_t a, Rounding rounding);
Result from_integer(Format format, bool negative, std::uint64_t magnitude, Rounding rounding);
/// Saturates to the range of `width` bits; NaN as the greatest. The result is not extended.
Result to_integer(Format format, std::uint64_t a, bool is_signed, unsigned width, Rounding rounding);

constexpr std::uint64_t sign_bit(Format format) {
    return std::uint64_t{1} << (format.precision - 1 + format.exponent_bits);
}

}  // namespace backplane::riscv::soft_float
