// JSON strings for events that the machine emits.
#pragma once

#include <string>
#include <string_view>

namespace backplane::kernel {

/// `text` as a JSON string, quotes included; what is not UTF-8 is replaced.
std::string json_quoted(std::string_view text);

}  // namespace backplane::kernel
