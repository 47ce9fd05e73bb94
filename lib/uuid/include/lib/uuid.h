// UUIDs as text: RFC 4122, 3.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backplane {

/// In the order of the text's digits.
using Uuid = std::array<std::uint8_t, 16>;

/// "01234567-89ab-cdef-0123-456789abcdef"; nothing for another text.
std::optional<Uuid> parse_uuid(std::string_view text);
std::string uuid_text(const Uuid& uuid);

}  // namespace backplane
