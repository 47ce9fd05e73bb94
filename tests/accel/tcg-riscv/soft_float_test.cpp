// Arithmetic in integers against the host's, in the four rounding modes that the host has; ties away from zero by hand.
#include "plugins/accel/tcg-riscv/helpers/soft_float.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <random>
#include <type_traits>

namespace backplane::riscv::soft_float {
namespace {

constexpr int kHostModes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

std::uint32_t host_flags() {
    const int raised = std::fetestexcept(FE_ALL_EXCEPT);
    return ((raised & FE_INEXACT) != 0 ? std::uint32_t{kInexact} : 0u) |
           ((raised & FE_UNDERFLOW) != 0 ? std::uint32_t{kUnderflow} : 0u) |
           ((raised & FE_OVERFLOW) != 0 ? std::uint32_t{kOverflow} : 0u) |
           ((raised & FE_DIVBYZERO) != 0 ? std::uint32_t{kDivideByZero} : 0u) |
           ((raised & FE_INVALID) != 0 ? std::uint32_t{kInvalid} : 0u);
}

template <class Float>
struct Host {
    using Bits = std::conditional_t<sizeof(Float) == 4, std::uint32_t, std::uint64_t>;
    static constexpr Format kFormat = sizeof(Float) == 4 ? kSingle : kDouble;
    static constexpr unsigned kFraction = kFormat.precision - 1;

    /// Near each other as often as not, at the ends of the range, and special.
    static Bits sample(std::mt19937_64& random) {
        const auto noise = static_cast<Bits>(random());
        const Bits kept =
            noise & static_cast<Bits>(sign_bit(kFormat) | ((std::uint64_t{1} << kFraction) - 1));
        const auto bias = static_cast<std::uint64_t>(kFormat.bias());
        switch (random() % 6) {
        case 0: return noise;
        case 1: return kept | static_cast<Bits>((bias - 20 + random() % 40) << kFraction);
        case 2: return kept | static_cast<Bits>((random() % 40) << kFraction);
        case 3: return kept | static_cast<Bits>((2 * bias - random() % 40) << kFraction);
        case 4: return static_cast<Bits>(noise >> (kFraction - 4) << (kFraction - 4));
        default: return kept & static_cast<Bits>(sign_bit(kFormat));
        }
    }
    static Result result(Float value) {
        const std::uint32_t flags = host_flags();
        std::fesetround(FE_TONEAREST);
        if (std::isnan(value)) return {sizeof(Float) == 4 ? 0x7fc00000 : 0x7ff8000000000000, flags};
        return {std::bit_cast<Bits>(value), flags};
    }
};

template <class Float>
Float operate(unsigned operation, Float first, Float second, Float third) {
    const volatile Float a = first, b = second, c = third;
    switch (operation) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return a / b;
    case 4: return std::sqrt(a);
    default: return std::fma(a, b, c);
    }
}

Result operate(unsigned operation, Format format, std::uint64_t a, std::uint64_t b, std::uint64_t c,
               Rounding mode) {
    switch (operation) {
    case 0: return add(format, a, b, mode);
    case 1: return subtract(format, a, b, mode);
    case 2: return multiply(format, a, b, mode);
    case 3: return divide(format, a, b, mode);
    case 4: return square_root(format, a, mode);
    default: return multiply_add(format, a, b, c, mode);
    }
}

template <class Float>
class AgainstHost : public ::testing::Test {};
using Floats = ::testing::Types<float, double>;
TYPED_TEST_SUITE(AgainstHost, Floats);

TYPED_TEST(AgainstHost, ArithmeticAgrees) {
    using H = Host<TypeParam>;
    std::mt19937_64 random(7);
    for (unsigned i = 0; i < 300'000; ++i) {
        const auto a = H::sample(random), b = H::sample(random), c = H::sample(random);
        const unsigned operation = random() % 6, mode = random() % 4;
        if (operation == 5 && std::isnan(std::bit_cast<TypeParam>(c))) continue;  // see below
        std::feclearexcept(FE_ALL_EXCEPT);
        std::fesetround(kHostModes[mode]);
        const volatile TypeParam value = operate(operation, std::bit_cast<TypeParam>(a),
                                                 std::bit_cast<TypeParam>(b), std::bit_cast<TypeParam>(c));
        const Result host = H::result(value);
        const Result ours = operate(operation, H::kFormat, a, b, c, static_cast<Rounding>(mode));
        ASSERT_EQ(ours.bits, host.bits)
            << operation << " " << mode << std::hex << " " << a << " " << b << " " << c;
        ASSERT_EQ(ours.flags, host.flags)
            << operation << " " << mode << std::hex << " " << a << " " << b << " " << c;
    }
}

TEST(SoftFloat, InfinityTimesZeroPlusAQuietNanIsInvalid) {
    const Result result = multiply_add(kSingle, 0x7f800000, 0, 0x7fc00000, Rounding::NearestEven);
    EXPECT_EQ(result.bits, 0x7fc00000u);
    EXPECT_EQ(result.flags, kInvalid);
}

TEST(SoftFloat, TiesGoAwayFromZero) {
    // 2^24 + 1 lies between 2^24 and 2^24 + 2.
    EXPECT_EQ(from_integer(kSingle, false, 0x1000001, Rounding::NearestAway).bits, 0x4b800001u);
    EXPECT_EQ(from_integer(kSingle, true, 0x1000001, Rounding::NearestAway).bits, 0xcb800001u);
    EXPECT_EQ(from_integer(kSingle, false, 0x1000001, Rounding::NearestEven).bits, 0x4b800000u);
}

TEST(SoftFloat, HalvesGoAwayFromZeroAsIntegers) {
    EXPECT_EQ(to_integer(kDouble, 0x4004000000000000, true, 32, Rounding::NearestAway).bits, 3u);  // 2.5
    EXPECT_EQ(to_integer(kDouble, 0x4004000000000000, true, 32, Rounding::NearestEven).bits, 2u);
    EXPECT_EQ(to_integer(kDouble, 0xc004000000000000, true, 64, Rounding::NearestAway).bits,
              ~std::uint64_t{2});
}

TEST(SoftFloat, ConversionsSaturate) {
    EXPECT_EQ(to_integer(kDouble, 0x7ff8000000000000, true, 32, Rounding::NearestEven).bits, 0x7fffffffu);
    EXPECT_EQ(to_integer(kDouble, 0xfff0000000000000, false, 64, Rounding::NearestEven).bits, 0u);
    EXPECT_EQ(to_integer(kSingle, 0x5f000000, true, 64, Rounding::NearestEven).flags, kInvalid);
}

}  // namespace
}  // namespace backplane::riscv::soft_float
