// Bytes as text: hexadecimal and base64 (RFC 4648, with padding).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backplane::qtest {

using Buffer = std::vector<std::uint8_t>;

std::string to_hex(const Buffer& bytes);
/// Pairs of digits, without 0x; nothing for anything else.
std::optional<Buffer> from_hex(std::string_view text);
std::string to_base64(const Buffer& bytes);
std::optional<Buffer> from_base64(std::string_view text);
/// Decimal, 0x… or octal with a leading 0, as C reads numbers.
std::optional<std::uint64_t> to_number(std::string_view text);

}  // namespace backplane::qtest
