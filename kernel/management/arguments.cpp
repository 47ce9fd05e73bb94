// A command's arguments: what the rows say, checked against what programs send.
#include "kernel/management/command.h"

#include <algorithm>
#include <lib/json.h>

namespace backplane::kernel {
namespace {

const char* kind_name(ArgumentKind kind) {
    switch (kind) {
    case ArgumentKind::Number:
    case ArgumentKind::Integer: return "integer";
    case ArgumentKind::Flag: return "boolean";
    case ArgumentKind::Object: return "object";
    case ArgumentKind::Array: return "array";
    default: return "string";
    }
}

bool fits(ArgumentKind kind, const Json& value) {
    switch (kind) {
    case ArgumentKind::Text:
    case ArgumentKind::Rest:
    case ArgumentKind::Options:
    case ArgumentKind::Format:
    case ArgumentKind::Switch: return value.is_string();
    case ArgumentKind::Number: return value.is_number_unsigned();
    case ArgumentKind::Integer:
        return value.is_number_integer() &&
               (!value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t(INT64_MAX));
    case ArgumentKind::Flag: return value.is_boolean();
    case ArgumentKind::Object: return value.is_object();
    case ArgumentKind::Array: return value.is_array();
    case ArgumentKind::Value: return true;
    }
    return false;
}

const char* or_empty(const char* text) { return text ? text : ""; }

void check_argument(const ManifestArgument& argument, const Json& value) {
    if (!fits(argument.kind, value))
        fail_command("Invalid parameter type for '" + argument.name +
                     "', expected: " + kind_name(argument.kind));
    const std::vector<TextPart> choices = choices_of(argument);
    if (choices.empty() || !value.is_string()) return;
    const std::string text = value.get<std::string>();
    if (std::ranges::find(choices, text) != choices.end()) return;
    std::string list;
    for (const TextPart choice : choices) list += (list.empty() ? "" : ", ") + choice;
    fail_command("Parameter '" + argument.name + "' does not accept value '" + text + "'; it is one of " +
                 list);
}

std::string syntax_of(const ManifestArgument& argument) {
    switch (argument.kind) {
    case ArgumentKind::Flag: return "[-" + TextPart(argument.name.substr(0, 1)) + "]";
    case ArgumentKind::Format: return "/fmt";
    case ArgumentKind::Switch: return "[-" + TextPart(argument.name.substr(0, 1)) + " " + argument.name + "]";
    case ArgumentKind::Options: return argument.name + "[,property=value...]";
    case ArgumentKind::Rest: return argument.required ? argument.name : "[" + argument.name + "]";
    default: return argument.required ? argument.name : "[" + argument.name + "]";
    }
}

}  // namespace

void check_arguments(const ManifestCommand& row, const Json& arguments) {
    bool open = false;
    for (const ManifestArgument& argument : row.arguments) {
        open |= argument.kind == ArgumentKind::Options;
        const auto found = arguments.find(argument.name);
        if (found != arguments.end()) check_argument(argument, *found);
        else if (argument.required) fail_command("Parameter '" + argument.name + "' is missing");
    }
    if (open) return;
    for (const auto& [name, value] : arguments.items())
        if (std::ranges::find(row.arguments, name, &ManifestArgument::name) == row.arguments.end())
            fail_command("Parameter '" + name + "' is unexpected");
}

std::string syntax_of(const ManifestCommand& row) {
    std::string text;
    for (const ManifestArgument& argument : row.arguments) {
        if (argument.kind == ArgumentKind::Object || argument.kind == ArgumentKind::Array) continue;
        text += (text.empty() ? "" : " ") + syntax_of(argument);
    }
    return text;
}

std::vector<TextPart> human_names(const ManifestCommand& row) { return split_alternatives(row.human); }
std::vector<TextPart> choices_of(const ManifestArgument& argument) {
    return split_alternatives(argument.choices);
}

std::vector<ManifestArgument> rows_of(Slice<const ArgumentInfo> infos) {
    std::vector<ManifestArgument> rows;
    for (const ArgumentInfo& info : infos)
        rows.push_back({info.name, info.kind, info.required, info.summary, or_empty(info.choices)});
    return rows;
}

ManifestCommand row_of(const CommandInfo& info) {
    return {or_empty(info.name),     or_empty(info.human),   info.summary,
            rows_of(info.arguments), or_empty(info.returns), info.when,
            rows_of(info.results)};
}
std::vector<const CoreCommand*> core_commands() {
    std::vector<const CoreCommand*> all;
    for (const auto rows :
         {run_commands(), query_commands(), object_commands(), inspect_commands(), hot_plug_commands(),
          block_commands(), media_commands(), memory_commands(), calculate_commands(), network_commands(),
          balloon_commands(), descriptor_commands()})
        for (const CoreCommand& command : rows) all.push_back(&command);
    return all;
}
ManifestEvent row_of(const EventInfo& info) { return {info.name, info.summary, rows_of(info.members)}; }

Json readable(std::string text) { return {{"human-readable-text", std::move(text)}}; }

std::string Call::text(const char* name, const std::string& otherwise) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->get<std::string>();
}
std::uint64_t Call::number(const char* name, std::uint64_t otherwise) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? otherwise : found->get<std::uint64_t>();
}
bool Call::flag(const char* name) const {
    const auto found = arguments.find(name);
    return found != arguments.end() && found->get<bool>();
}

}  // namespace backplane::kernel
