// Releases, as histories of types and machine versions name them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace backplane::kernel {

/// "9.0", or "acme:2.1" on another line than the host's own. Numbers that are not there are 0.
struct Release {
    std::string_view line;
    std::vector<std::uint32_t> numbers;

    static std::optional<Release> parse(std::string_view text);
    bool same_line(const Release& other) const { return line == other.line; }
    /// Of one line.
    bool older_than(const Release& other) const;
};

}  // namespace backplane::kernel
