// JSON as text (RFC 8259), for who takes or gives it: nlohmann's values, whose members keep their order. Its parser and its
// writer, thousands of lines of templates each, are compiled here and nowhere else.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace backplane {

using Json = nlohmann::ordered_json;

/// The value that `text` is; is_discarded() when it is none. `look` sees each part as it comes, and may throw.
Json parse_json(std::string_view text, const Json::parser_callback_t& look = nullptr);
/// The same; what is none is thrown as Json::exception, which tells a syntax error from a number out of range.
Json parse_json_or_throw(std::string_view text, const Json::parser_callback_t& look = nullptr);

/// In one line, or a member a line with `indent` columns for each level. What is not UTF-8 in it is replaced.
std::string json_text(const Json& value, int indent = -1);
/// The same with escapes for all that is not ASCII, as QMP writes it.
std::string ascii_json_text(const Json& value, int indent = -1);

}  // namespace backplane
