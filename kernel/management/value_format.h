// How people ask for values: /COUNT LETTER SIZE, the letters in any order. x d u o c say how a value is written, b h w g
// that it has 1, 2, 4, 8 bytes. It is remembered by no one.
#pragma once

#include <cstdint>
#include <string>

namespace backplane::kernel {

struct ValueFormat {
    std::uint64_t count = 1;
    char letter = 'x';
    unsigned size = 4;

    static constexpr std::uint64_t kMaximumCount = 1u << 16;
};

/// Throws CommandError.
ValueFormat read_value_format(const std::string& text, unsigned usual_size = 4);
/// The value at its size: hexadecimal ones with all their digits.
std::string value_text(const ValueFormat& format, std::uint64_t value);

}  // namespace backplane::kernel
