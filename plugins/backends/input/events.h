// Input events in the words of monitors: JSON of programs, "ctrl-alt-f1" of people.
#pragma once

#include <backplane/input.h>

#include <nlohmann/json_fwd.hpp>

#include <string_view>
#include <vector>

namespace backplane::input {

/// Both throw std::invalid_argument with what is wrong.
std::vector<InputEvent> parse_events(const nlohmann::ordered_json& events);
/// Key numbers. `keys` is a list of {"type": "qcode"|"number", "data": …}.
std::vector<std::uint16_t> parse_keys(const nlohmann::ordered_json& keys);
/// Key numbers of names, or of scan codes as 0x1d, with '-' between.
std::vector<std::uint16_t> parse_key_line(std::string_view line);

}  // namespace backplane::input
