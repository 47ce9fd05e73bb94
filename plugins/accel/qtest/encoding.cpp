#include "encoding.h"

#include <charconv>

namespace backplane::qtest {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int hex_digit(char c) {
    if (c >= 'A' && c <= 'F') c = char(c - 'A' + 'a');
    const std::size_t at = kHexDigits.find(c);
    return at == std::string_view::npos ? -1 : int(at);
}

}  // namespace

std::string to_hex(const Buffer& bytes) {
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += kHexDigits[byte >> 4];
        text += kHexDigits[byte & 15];
    }
    return text;
}

std::optional<Buffer> from_hex(std::string_view text) {
    if (text.size() % 2) return std::nullopt;
    Buffer bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(std::uint8_t(high << 4 | low));
    }
    return bytes;
}

std::string to_base64(const Buffer& bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t b = 0; b < 3; ++b) group = group << 8 | (b < count ? bytes[i + b] : 0u);
        for (std::size_t c = 0; c < 4; ++c) text += c <= count ? kBase64[group >> (18 - 6 * c) & 63] : '=';
    }
    return text;
}

std::optional<Buffer> from_base64(std::string_view text) {
    if (text.size() % 4) return std::nullopt;
    Buffer bytes;
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t digits = 0;
        for (std::size_t c = 0; c < 4; ++c) {
            const char letter = text[i + c];
            const std::size_t value = kBase64.find(letter);
            const bool padding = letter == '=' && i + 4 == text.size() && c >= 2;
            if (value == std::string_view::npos ? !padding : digits != c) return std::nullopt;
            group = group << 6 | std::uint32_t(padding ? 0 : value);
            if (!padding) ++digits;
        }
        for (std::size_t b = 0; b + 1 < digits; ++b) bytes.push_back(std::uint8_t(group >> (16 - 8 * b)));
    }
    return bytes;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.starts_with('0')) {
        base = 8;
        text.remove_prefix(1);
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace backplane::qtest
