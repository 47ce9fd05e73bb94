#include "kernel/object/release.h"

#include <algorithm>
#include <charconv>

namespace backplane::kernel {

std::optional<Release> Release::parse(std::string_view text) {
    Release release;
    if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        release.line = text.substr(0, colon);
        text.remove_prefix(colon + 1);
        if (release.line.empty()) return std::nullopt;
    }
    for (;;) {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc()) return std::nullopt;
        release.numbers.push_back(number);
        text.remove_prefix(std::size_t(end - text.data()));
        if (text.empty()) return release;
        if (text.front() != '.') return std::nullopt;
        text.remove_prefix(1);
    }
}

bool Release::older_than(const Release& other) const {
    const auto at = [](const Release& release, std::size_t i) {
        return i < release.numbers.size() ? release.numbers[i] : 0;
    };
    for (std::size_t i = 0; i < std::max(numbers.size(), other.numbers.size()); ++i)
        if (at(*this, i) != at(other, i)) return at(*this, i) < at(other, i);
    return false;
}

}  // namespace backplane::kernel
