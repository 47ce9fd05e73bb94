#include "helpers.h"

#include <bit>
#include <cmath>
#include <xmmintrin.h>

namespace backplane::tcg::x64 {

namespace {

constexpr std::uint32_t kInvalid = 1, kInexact = 32;  // MXCSR.IE, MXCSR.PE

void raise(std::uint32_t flags) { _mm_setcsr(_mm_getcsr() | flags); }

/// A finite or not finite number taken apart: magnitude = fraction * 2^exponent.
struct Parts {
    bool negative, nan, infinite;
    std::uint64_t fraction;
    int exponent;
};

Parts apart(std::uint64_t bits, unsigned fraction_bits, unsigned exponent_bits) {
    const std::uint64_t fraction = bits & ((std::uint64_t{1} << fraction_bits) - 1);
    const unsigned limit = (1u << exponent_bits) - 1;
    const unsigned field = unsigned(bits >> fraction_bits) & limit;
    Parts p{};
    p.negative = bits >> (fraction_bits + exponent_bits) & 1;
    p.nan = field == limit && fraction != 0;
    p.infinite = field == limit && fraction == 0;
    p.fraction = field ? fraction | std::uint64_t{1} << fraction_bits : fraction;
    p.exponent = int(field ? field : 1) - int(limit / 2) - int(fraction_bits);
    return p;
}

/// The magnitude as an integer, rounded as MXCSR says; `large` when it does not fit 64 bits.
struct Rounded {
    std::uint64_t magnitude;
    bool large, inexact;
};

Rounded to_integer(const Parts& p, bool truncate) {
    if (p.exponent >= 0) {
        const int room = std::countl_zero(p.fraction);
        if (p.fraction != 0 && p.exponent > room) return {0, true, false};
        return {p.fraction ? p.fraction << p.exponent : 0, false, false};
    }
    const unsigned shift = unsigned(-p.exponent);
    const std::uint64_t whole = shift > 63 ? 0 : p.fraction >> shift;
    const bool half = shift > 64 ? false : p.fraction >> (shift - 1) & 1;
    const bool rest =
        shift > 64 ? p.fraction != 0 : (p.fraction & ((std::uint64_t{1} << (shift - 1)) - 1)) != 0;
    const std::uint32_t mode = truncate ? kRoundingMask : _mm_getcsr() & kRoundingMask;
    bool up = false;
    if (mode == 0) up = half && (rest || (whole & 1));
    else if (mode == rounding_bits(FpRounding::Down)) up = p.negative && (half || rest);
    else if (mode == rounding_bits(FpRounding::Up)) up = !p.negative && (half || rest);
    return {whole + up, false, half || rest};
}

std::uint64_t convert(const Parts& p, std::uint64_t how) {
    const auto kind = IntKind(how & 3);
    const bool is_signed = kind == IntKind::I32 || kind == IntKind::I64;
    const bool wide = kind == IntKind::I64 || kind == IntKind::U64;
    const unsigned bits = (wide ? 64 : 32) - (is_signed ? 1 : 0);
    const std::uint64_t greatest = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
    const auto extend = [&](std::uint64_t v) {
        return wide ? v : std::uint64_t(std::int64_t(std::int32_t(v)));
    };
    if (p.nan) {
        raise(kInvalid);
        return how & kConvertNanToMax ? extend(greatest) : 0;
    }
    const Rounded r = p.infinite ? Rounded{0, true, false} : to_integer(p, how & kConvertTruncate);
    const std::uint64_t limit = p.negative ? (is_signed ? greatest + 1 : 0) : greatest;
    if (r.large || r.magnitude > limit) {
        raise(kInvalid);
        return extend(p.negative ? (is_signed ? greatest + 1 : 0) : greatest);
    }
    if (r.inexact) raise(kInexact);
    return extend(p.negative ? 0 - r.magnitude : r.magnitude);
}

std::uint64_t classify(std::uint64_t bits, unsigned fraction_bits, unsigned exponent_bits) {
    const Parts p = apart(bits, fraction_bits, exponent_bits);
    if (p.nan) return bits >> (fraction_bits - 1) & 1 ? 1u << 9 : 1u << 8;
    const bool zero = p.fraction == 0, normal = p.fraction >> fraction_bits & 1;
    const unsigned positive = p.infinite ? 7 : zero ? 4 : normal ? 6 : 5;
    return std::uint64_t{1} << (p.negative ? 7 - positive : positive);
}

template <class Float, class Bits>
std::uint64_t round_float(std::uint64_t bits, std::uint64_t truncate, unsigned fraction_bits,
                          unsigned exponent_bits) {
    const Parts p = apart(bits, fraction_bits, exponent_bits);
    if (p.nan) {
        const Bits quiet = Bits{1} << (fraction_bits - 1);
        if (!(bits & quiet)) raise(kInvalid);
        return bits | quiet;
    }
    if (p.infinite || p.exponent >= 0) return bits;
    const Rounded r = to_integer(p, truncate != 0);
    if (r.inexact) raise(kInexact);
    const auto magnitude = std::bit_cast<Bits>(Float(r.magnitude));
    return magnitude | (p.negative ? Bits{1} << (fraction_bits + exponent_bits) : 0);
}

}  // namespace

std::uint64_t helper_popcnt64(std::uint64_t a) { return std::uint64_t(std::popcount(a)); }
std::uint64_t helper_popcnt32(std::uint64_t a) { return std::uint64_t(std::popcount(std::uint32_t(a))); }

std::uint64_t helper_clmul(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    for (unsigned i = 0; i < 64; ++i)
        if (b >> i & 1) product ^= a << i;
    return product;
}

std::uint64_t helper_clmulh(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    for (unsigned i = 1; i < 64; ++i)
        if (b >> i & 1) product ^= a >> (64 - i);
    return product;
}

std::uint64_t helper_class64(std::uint64_t bits, std::uint64_t) { return classify(bits, 52, 11); }
std::uint64_t helper_class32(std::uint64_t bits, std::uint64_t) {
    return classify(std::uint32_t(bits), 23, 8);
}
std::uint64_t helper_to_int64(std::uint64_t bits, std::uint64_t how) {
    return convert(apart(bits, 52, 11), how);
}
std::uint64_t helper_to_int32(std::uint64_t bits, std::uint64_t how) {
    return convert(apart(std::uint32_t(bits), 23, 8), how);
}
std::uint64_t helper_round64(std::uint64_t bits, std::uint64_t truncate) {
    return round_float<double, std::uint64_t>(bits, truncate, 52, 11);
}
std::uint64_t helper_round32(std::uint64_t bits, std::uint64_t truncate) {
    return round_float<float, std::uint32_t>(std::uint32_t(bits), truncate, 23, 8);
}

std::uint64_t helper_fma64(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const Parts pa = apart(a, 52, 11), pb = apart(b, 52, 11);
    if ((pa.infinite && pb.fraction == 0) || (pb.infinite && pa.fraction == 0)) raise(kInvalid);
    const double r = std::fma(std::bit_cast<double>(a), std::bit_cast<double>(b), std::bit_cast<double>(c));
    return r != r ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(r);
}

std::uint64_t helper_fma32(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    const Parts pa = apart(std::uint32_t(a), 23, 8), pb = apart(std::uint32_t(b), 23, 8);
    if ((pa.infinite && pb.fraction == 0) || (pb.infinite && pa.fraction == 0)) raise(kInvalid);
    const float r = std::fmaf(std::bit_cast<float>(std::uint32_t(a)), std::bit_cast<float>(std::uint32_t(b)),
                              std::bit_cast<float>(std::uint32_t(c)));
    return r != r ? 0x7fc00000u : std::bit_cast<std::uint32_t>(r);
}

}  // namespace backplane::tcg::x64
