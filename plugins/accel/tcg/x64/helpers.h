// C++ functions that code calls for what this host has no instruction, or no exact one. They run with the guest's
// MXCSR, and raise exceptions in it.
#pragma once

#include <backplane/draft/tcg/ir.h>

#include <cstdint>

namespace backplane::tcg::x64 {

inline constexpr std::uint32_t kRoundingMask = 0x6000;
constexpr std::uint32_t rounding_bits(FpRounding mode) {
    switch (mode) {
    case FpRounding::Down: return 0x2000;
    case FpRounding::Up: return 0x4000;
    case FpRounding::TowardZero: return 0x6000;
    default: return 0;
    }
}

/// MXCSR's sticky bits (SDM 1, 10.2.3) as fp_exception has them.
constexpr std::uint32_t sticky_exceptions(std::uint32_t mxcsr) {
    return (mxcsr & 1 ? fp_exception::kInvalid : 0) | (mxcsr & 4 ? fp_exception::kDivideByZero : 0) |
           (mxcsr & 8 ? fp_exception::kOverflow : 0) | (mxcsr & 16 ? fp_exception::kUnderflow : 0) |
           (mxcsr & 32 ? fp_exception::kInexact : 0);
}

/// Added to the IntKind of a conversion.
inline constexpr std::uint64_t kConvertTruncate = 16, kConvertNanToMax = 32;

std::uint64_t helper_popcnt64(std::uint64_t a);
std::uint64_t helper_popcnt32(std::uint64_t a);
std::uint64_t helper_clmul(std::uint64_t a, std::uint64_t b);
std::uint64_t helper_clmulh(std::uint64_t a, std::uint64_t b);
std::uint64_t helper_class64(std::uint64_t bits, std::uint64_t);
std::uint64_t helper_class32(std::uint64_t bits, std::uint64_t);
std::uint64_t helper_to_int64(std::uint64_t bits, std::uint64_t how);  ///< from a 64-bit float
std::uint64_t helper_to_int32(std::uint64_t bits, std::uint64_t how);
std::uint64_t helper_round64(std::uint64_t bits, std::uint64_t truncate);
std::uint64_t helper_round32(std::uint64_t bits, std::uint64_t truncate);
std::uint64_t helper_fma64(std::uint64_t a, std::uint64_t b, std::uint64_t c);
std::uint64_t helper_fma32(std::uint64_t a, std::uint64_t b, std::uint64_t c);

}  // namespace backplane::tcg::x64
