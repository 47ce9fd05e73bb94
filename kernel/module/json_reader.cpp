#include "kernel/module/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace backplane::kernel {
namespace {

/// Bytes of the UTF-8 sequence at the start of `text` (RFC 3629, section 4); 0 when it is none.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? std::uint8_t(text[i]) : 0u; };
    const unsigned first = byte(0);
    std::size_t length = 1;
    unsigned low = 0x80, high = 0xbf;  // of the second byte
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        if (first == 0xe0) low = 0xa0;
        if (first == 0xed) high = 0x9f;  // surrogates are no characters
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0) low = 0x90;
        if (first == 0xf4) high = 0x8f;
    } else {
        return 0;
    }
    if (byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    return length;
}

char* write_utf8(char* to, unsigned character) {
    const auto continued = [&](unsigned shift) { *to++ = char(0x80 | ((character >> shift) & 0x3f)); };
    if (character < 0x80) {
        *to++ = char(character);
    } else if (character < 0x800) {
        *to++ = char(0xc0 | character >> 6);
        continued(0);
    } else if (character < 0x10000) {
        *to++ = char(0xe0 | character >> 12);
        continued(6);
        continued(0);
    } else {
        *to++ = char(0xf0 | character >> 18);
        continued(12);
        continued(6);
        continued(0);
    }
    return to;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What stands for itself in a string.
constexpr auto kPlain = [] {
    std::array<bool, 256> plain{};
    for (unsigned c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
    return plain;
}();

}  // namespace

void JsonReader::fault(const std::string& expected) const {
    throw JsonFault("expected " + expected + " at byte " + std::to_string(at_));
}

/// The next character that is no white space, not taken; 0 at the end.
char JsonReader::peek() {
    if (at_ < text_.size() && text_[at_] > ' ') return text_[at_];
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r'))) {
        if (text_[at_] == '\v' || text_[at_] == '\f') return text_[at_];
        ++at_;
    }
    return at_ < text_.size() ? text_[at_] : '\0';
}

void JsonReader::expect(char c) {
    if (peek() != c) fault(std::string("'") + c + "'");
    ++at_;
}

void JsonReader::enter(char bracket) {
    expect(bracket);
    if (++depth_ > kMaximumDepth)
        throw JsonFault("it nests deeper than " + std::to_string(kMaximumDepth) + " levels");
}

bool JsonReader::next_item(char closing, bool first) {
    if (peek() == closing) {
        ++at_;
        --depth_;
        return false;
    }
    if (!first) {
        expect(',');
        if (peek() == closing) fault("an item after ','");
    }
    return true;
}

bool JsonReader::take_word(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
}

std::string_view JsonReader::string() {
    expect('"');
    const std::size_t start = at_;
    // Most of a text is plain, and stays where it is.
    const auto pass_plain = [this] {
        const std::string_view left = rest();
        at_ += std::size_t(std::ranges::find_if_not(left, [](char c) { return kPlain[std::uint8_t(c)]; }) -
                           left.begin());
    };
    pass_plain();
    char* to = text_.data() + at_;
    for (;;) {
        if (at_ == text_.size()) fault("the end of a string");
        const char c = text_[at_];
        if (c == '"') {
            ++at_;
            *to = '\0';
            return {text_.data() + start, std::size_t(to - (text_.data() + start))};
        }
        if (c == '\\') {
            ++at_;
            to = escape(to);
        }
        const std::size_t from = at_;
        if (c != '\\') {
            const std::size_t length = std::uint8_t(c) < 0x20 ? 0 : utf8_length(rest());
            if (length == 0) fault("a character in UTF-8");
            at_ += length;
        }
        pass_plain();
        to = std::copy(text_.data() + from, text_.data() + at_, to);
    }
}

char* JsonReader::escape(char* to) {
    constexpr std::string_view kLetters = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (c != 'u') {
        const std::size_t which = c ? kLetters.find(c) : std::string_view::npos;
        if (which == std::string_view::npos) fault("an escape");
        ++at_;
        *to = kMeant[which];
        return to + 1;
    }
    ++at_;
    unsigned character = hex_digits();
    if (character >= 0xd800 && character < 0xdc00) {
        if (!take_word("\\u")) fault("the other half of a surrogate pair");
        const unsigned low = hex_digits();
        if (low < 0xdc00 || low > 0xdfff) fault("the other half of a surrogate pair");
        character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    } else if (character >= 0xdc00 && character < 0xe000) {
        fault("the first half of a surrogate pair");
    }
    return write_utf8(to, character);
}

unsigned JsonReader::hex_digits() {
    const std::string_view digits = rest().substr(0, 4);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + 4 || digits.size() != 4)
        fault("four hexadecimal digits");
    at_ += 4;
    return value;
}

bool JsonReader::boolean() {
    peek();
    if (take_word("true")) return true;
    if (!take_word("false")) fault("true or false");
    return false;
}

std::uint64_t JsonReader::number() {
    const bool zero = peek() == '0';
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    const std::size_t digits = std::size_t(end - (text_.data() + at_));
    if (error != std::errc() || (zero && digits > 1)) fault("a number from 0 to 2^64 - 1");
    at_ += digits;
    const char next = at_ < text_.size() ? text_[at_] : '\0';
    if (next == '.' || next == 'e' || next == 'E') fault("a whole number");
    return value;
}

void JsonReader::skip() {
    switch (peek()) {
    case '{': return object([this](std::string_view) { skip(); });
    case '[': return array([this] { skip(); });
    case '"': string(); return;
    default:
        if (take_word("true") || take_word("false") || take_word("null")) return;
        skip_number();
    }
}

void JsonReader::skip_number() {
    const auto digits = [this] {
        const std::size_t start = at_;
        while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
        if (at_ == start) fault("a value");
    };
    take_word("-");
    if (!take_word("0")) digits();
    if (take_word(".")) digits();
    if (take_word("e") || take_word("E")) {
        if (!take_word("+")) take_word("-");
        digits();
    }
}

void JsonReader::end() {
    peek();
    if (at_ != text_.size()) fault("the end");
}

}  // namespace backplane::kernel
