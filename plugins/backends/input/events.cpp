#include "events.h"

#include <backplane/input_keys.h>

#include <lib/json.h>

#include <charconv>
#include <stdexcept>
#include <string>

namespace backplane::input {
namespace {

constexpr const char* kButtonNames[] = {"left", "middle", "right",      "wheel-up",   "wheel-down",
                                        "side", "extra",  "wheel-left", "wheel-right"};

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument(why); }

const Json& member(const Json& object, const char* name, const std::string& of) {
    if (!object.is_object() || !object.contains(name)) refuse(of + ": it has no member '" + name + "'");
    return object[name];
}
std::string text(const Json& object, const char* name, const std::string& of) {
    const Json& value = member(object, name, of);
    if (!value.is_string()) refuse(of + ": its member '" + std::string(name) + "' is not a string");
    return value.get<std::string>();
}
bool flag(const Json& object, const char* name, const std::string& of) {
    const Json& value = member(object, name, of);
    if (!value.is_boolean())
        refuse(of + ": its member '" + std::string(name) + "' is neither true nor false");
    return value.get<bool>();
}
std::int64_t number(const Json& object, const char* name, const std::string& of) {
    const Json& value = member(object, name, of);
    if (!value.is_number_integer()) refuse(of + ": its member '" + std::string(name) + "' is not an integer");
    return value.get<std::int64_t>();
}

std::uint16_t named_key(std::string_view name) {
    if (const KeyInfo* key = key_of_name(name)) return key->number;
    refuse("unknown key '" + std::string(name) +
           "'; keys are named as in ctrl, alt, delete, ret, kp_enter, f1");
}
std::uint16_t numbered_key(std::int64_t code) {
    const KeyInfo* key = code > 0 && code <= 0xff ? key_of_scan_code(std::uint32_t(code)) : nullptr;
    if (!key)
        refuse("no key has scan code " + std::to_string(code) +
               "; they go from 1 to 127, and from 129 to 255 for those with the prefix E0");
    return key->number;
}

std::uint16_t key_value(const Json& key, const std::string& of) {
    const std::string type = text(key, "type", of);
    if (type == "qcode") return named_key(text(key, "data", of));
    if (type == "number") return numbered_key(number(key, "data", of));
    refuse(of + ": a key's type is 'qcode' or 'number', not '" + type + "'");
}

std::uint16_t axis(const Json& data, const std::string& of) {
    const std::string name = text(data, "axis", of);
    if (name == "x") return std::uint16_t(InputAxis::X);
    if (name == "y") return std::uint16_t(InputAxis::Y);
    refuse(of + ": an axis is 'x' or 'y', not '" + name + "'");
}

std::uint16_t button(const Json& data, const std::string& of) {
    const std::string name = text(data, "button", of);
    for (std::size_t i = 0; i < std::size(kButtonNames); ++i)
        if (name == kButtonNames[i]) return std::uint16_t(i);
    refuse(of + ": there is no button '" + name +
           "'; take left, middle, right, wheel-up, wheel-down, side or extra");
}

InputEvent parse_event(const Json& event, const std::string& of) {
    const std::string type = text(event, "type", of);
    const Json& data = member(event, "data", of);
    if (type == "key")
        return {InputKind::Key, key_value(member(data, "key", of), of), flag(data, "down", of)};
    if (type == "btn") return {InputKind::Button, button(data, of), flag(data, "down", of)};
    const bool absolute = type == "abs";
    if (type != "rel" && !absolute)
        refuse(of + ": its type is 'key', 'btn', 'rel' or 'abs', not '" + type + "'");
    const std::int64_t value = number(data, "value", of);
    const std::int64_t lowest = absolute ? 0 : -kInputAbsoluteMaximum;
    if (value < lowest || value > kInputAbsoluteMaximum)
        refuse(of + ": its value " + std::to_string(value) + " is not within " + std::to_string(lowest) +
               " to " + std::to_string(kInputAbsoluteMaximum));
    return {absolute ? InputKind::Absolute : InputKind::Relative, axis(data, of), std::int32_t(value)};
}

}  // namespace

std::vector<InputEvent> parse_events(const Json& events) {
    std::vector<InputEvent> parsed;
    for (const Json& event : events)
        parsed.push_back(parse_event(event, "events: number " + std::to_string(parsed.size())));
    return parsed;
}

std::vector<std::uint16_t> parse_keys(const Json& keys) {
    std::vector<std::uint16_t> parsed;
    for (const Json& key : keys)
        parsed.push_back(key_value(key, "keys: number " + std::to_string(parsed.size())));
    return parsed;
}

std::vector<std::uint16_t> parse_key_line(std::string_view line) {
    std::vector<std::uint16_t> parsed;
    for (std::size_t at = 0; at <= line.size();) {
        const std::size_t end = std::min(line.find('-', at), line.size());
        const std::string_view word = line.substr(at, end - at);
        at = end + 1;
        std::uint32_t code = 0;
        if (word.starts_with("0x") &&
            std::from_chars(word.data() + 2, word.data() + word.size(), code, 16).ptr ==
                word.data() + word.size())
            parsed.push_back(numbered_key(code));
        else parsed.push_back(named_key(word));
    }
    return parsed;
}

}  // namespace backplane::input
