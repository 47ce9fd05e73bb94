// Numbers as people type them in a monitor: "0x100", "$rip + 4", "(2 + 3) * 'a'".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace backplane::kernel {

/// The value of a register by its name; nothing: there is none of that name.
using ReadRegister = std::function<std::optional<std::uint64_t>(std::string_view name)>;

/// Reads the expression that `text` begins with; `text` moves behind it. Operators are + - below & | ^ below * / %; they
/// and what follows them may have spaces before them. Throws CommandError.
std::uint64_t read_expression(std::string_view& text, const ReadRegister& registers);

}  // namespace backplane::kernel
