#include <lib/json.h>

namespace backplane {

Json parse_json(std::string_view text, const Json::parser_callback_t& look) {
    return Json::parse(text.begin(), text.end(), look, false);
}

Json parse_json_or_throw(std::string_view text, const Json::parser_callback_t& look) {
    return Json::parse(text.begin(), text.end(), look);
}

std::string json_text(const Json& value, int indent) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string ascii_json_text(const Json& value, int indent) {
    return value.dump(indent, ' ', true, Json::error_handler_t::replace);
}

}  // namespace backplane
