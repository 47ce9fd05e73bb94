// Hexadecimal text of the remote protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backplane::gdb {

constexpr int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Takes a number of 1 to 16 digits off the front of `text`.
inline std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    std::size_t length = 0;
    for (; length < text.size() && digit_of(text[length]) >= 0; ++length) {
        if (length == 16) return std::nullopt;
        value = value << 4 | std::uint64_t(digit_of(text[length]));
    }
    if (length == 0) return std::nullopt;
    text.remove_prefix(length);
    return value;
}

inline bool take_char(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

inline std::optional<std::string> bytes_of_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const int high = digit_of(text[at]), low = digit_of(text[at + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += char(high << 4 | low);
    }
    return bytes;
}

inline std::string hex_of_bytes(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[c & 15];
    }
    return text;
}

/// At least `width` digits.
inline std::string hex_of_number(std::uint64_t value, unsigned width = 1) {
    std::string text;
    while (value != 0 || text.size() < width) {
        text.insert(text.begin(), "0123456789abcdef"[value & 15]);
        value >>= 4;
    }
    return text;
}

}  // namespace backplane::gdb
