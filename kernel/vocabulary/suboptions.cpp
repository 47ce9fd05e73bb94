// Sub-options. The syntax is the one that users of -device and -drive know: parameters separated by commas, a
// doubled comma is a comma in a value, a first word alone names the type.
#include "kernel/vocabulary/suboptions.h"

#include "kernel/object/instance.h"

#include <algorithm>
#include <charconv>

namespace backplane::kernel {
namespace {

/// The text up to the next single comma, with doubled ones made single; `text` moves behind it.
std::string next_segment(std::string_view& text) {
    std::string segment;
    while (!text.empty()) {
        if (text.front() == ',') {
            text.remove_prefix(1);
            if (!text.starts_with(',')) return segment;
        }
        segment += text.front();
        text.remove_prefix(1);
    }
    return segment;
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

std::uint64_t size_value(std::string_view what, std::string_view text, std::uint64_t unit) {
    const auto bytes = parse_size(text, unit);
    if (!bytes)
        throw UserError("parameter " + in_quotes(what) +
                        " expects a size below 2^64 such as 512M or 1G (suffixes " +
                        "k, M, G, T, P, E), not " + in_quotes(text));
    return *bytes;
}

std::uint64_t number_value(std::string_view what, std::string_view text, std::uint64_t maximum) {
    const bool hexadecimal = text.starts_with("0x");
    const std::string_view digits = hexadecimal ? text.substr(2) : text;
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value > maximum)
        throw UserError("parameter " + in_quotes(what) + " expects a number from 0 to " +
                        std::to_string(maximum) + ", not " + in_quotes(text));
    return value;
}

bool flag_value(std::string_view what, std::string_view text) {
    if (text == "on" || text == "yes" || text == "true" || text == "y") return true;
    if (text == "off" || text == "no" || text == "false" || text == "n") return false;
    throw UserError("parameter " + in_quotes(what) + " expects 'on' or 'off', not " + in_quotes(text));
}

void check_id(std::string_view id) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto allowed = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    if (id.empty() || !letter(id.front()) || !std::ranges::all_of(id, allowed))
        throw UserError(
            "parameter 'id' expects an identifier (a letter, then letters, digits, '-', '.', '_'), not " +
            in_quotes(id));
}

SubOptions SubOptions::parse(std::string_view text, std::string_view first_key) {
    SubOptions options;
    for (bool first = true; !text.empty(); first = false) {
        const std::string segment = next_segment(text);
        const std::size_t equals = segment.find('=');
        if (segment.empty()) {
            throw UserError("an empty parameter; write ',,' for a comma inside of a value");
        } else if (equals != std::string::npos) {
            if (equals == 0) throw UserError("parameter " + in_quotes(segment) + " has no name before '='");
            options.entries_.emplace_back(segment.substr(0, equals), segment.substr(equals + 1));
        } else if (segment == "help" || segment == "?") {
            options.help_ = true;
        } else if (first && !first_key.empty()) {
            options.entries_.emplace_back(first_key, segment);
        } else if (segment == "nowait") {
            options.entries_.emplace_back("wait", "off");
        } else {
            options.entries_.emplace_back(segment, "on");
        }
    }
    return options;
}

SubOptions SubOptions::parse_json(std::string_view text) {
    SubOptions options;
    JsonOptions read = read_json_options(text);
    options.entries_ = std::move(read.members);
    options.kinds_ = std::move(read.kinds);
    return options;
}

SubOptions SubOptions::parse_either(std::string_view text, std::string_view first_key) {
    return text.starts_with('{') ? parse_json(text) : parse(text, first_key);
}

bool SubOptions::has(std::string_view key) const {
    return std::ranges::any_of(entries_, [&](const auto& entry) { return entry.first == key; });
}

std::optional<std::string> SubOptions::take(std::string_view key) {
    known_.emplace_back(key);
    std::optional<std::string> found;
    for (auto& [name, value] : entries_)
        if (name == key) found = value;
    std::erase_if(entries_, [&](const auto& entry) { return entry.first == key; });
    return found;
}

std::vector<std::string> SubOptions::take_all(std::string_view key) {
    std::vector<std::string> found;
    for (auto& [name, value] : entries_)
        if (name == key) found.push_back(value);
    take(key);
    return found;
}

std::string SubOptions::take_or(std::string_view key, std::string_view otherwise) {
    return take(key).value_or(std::string(otherwise));
}

std::optional<bool> SubOptions::take_flag(std::string_view key) {
    const auto text = take(key);
    return text ? std::optional(flag_value(key, *text)) : std::nullopt;
}

std::optional<std::uint64_t> SubOptions::take_number(std::string_view key, std::uint64_t maximum) {
    const auto text = take(key);
    return text ? std::optional(number_value(key, *text, maximum)) : std::nullopt;
}

std::optional<std::uint64_t> SubOptions::take_size(std::string_view key, std::uint64_t unit) {
    const auto text = take(key);
    return text ? std::optional(size_value(key, *text, unit)) : std::nullopt;
}

std::string SubOptions::require(std::string_view key) {
    auto value = take(key);
    if (!value || value->empty()) throw UserError("parameter '" + std::string(key) + "' is missing");
    return *value;
}

std::string SubOptions::take_id() {
    const auto id = take("id");
    if (!id) return {};
    check_id(*id);
    return *id;
}

void SubOptions::expect_empty() const {
    if (entries_.empty()) return;
    const std::string& name = entries_.front().first;
    const std::string near = nearest(name, known_);
    std::string message = "unknown parameter " + in_quotes(name);
    if (!near.empty()) {
        message += "; did you mean " + in_quotes(near) + "?";
    } else {
        message += "; it takes";
        for (const std::string& known : known_) message += (&known == &known_.front() ? " " : ", ") + known;
    }
    throw UserError(message);
}

}  // namespace backplane::kernel
