#include <lib/uuid.h>

namespace backplane {
namespace {

constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != kForm.size()) return std::nullopt;
    Uuid uuid{};
    std::size_t digits = 0;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] == '-') {
            if (text[i] != '-') return std::nullopt;
            continue;
        }
        const int digit = hex_digit(text[i]);
        if (digit < 0) return std::nullopt;
        uuid[digits / 2] = std::uint8_t(uuid[digits / 2] << 4 | digit);
        ++digits;
    }
    return uuid;
}

std::string uuid_text(const Uuid& uuid) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    std::size_t digit = 0;
    for (const char form : kForm) {
        if (form == '-') {
            text += '-';
            continue;
        }
        text += kDigits[digit % 2 ? uuid[digit / 2] & 15 : uuid[digit / 2] >> 4];
        ++digit;
    }
    return text;
}

}  // namespace backplane
