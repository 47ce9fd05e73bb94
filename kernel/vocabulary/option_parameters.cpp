#include "kernel/vocabulary/option_parameters.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

struct Group {
    std::string_view option, group;
};
constexpr Group kGroups[] = {{"m", "memory"}, {"smp", "smp-opts"}, {"boot", "boot-opts"}};

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool in_name(char c) { return lower(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; }

}  // namespace

std::string OptionParameter::kind() const {
    if (value == "on|off") return "boolean";
    if (value == "N") return "number";
    if (value == "SIZE") return "size";
    return "string";
}

std::vector<OptionParameter> parameters_of(std::string_view argument) {
    std::vector<OptionParameter> parameters;
    for (std::size_t at = argument.find('='); at != std::string_view::npos; at = argument.find('=', at + 1)) {
        std::size_t begin = at;
        while (begin > 0 && in_name(argument[begin - 1])) --begin;
        // "PROPERTY=VALUE" stands for whatever there is.
        if (begin == at || !lower(argument[begin])) continue;
        const std::string_view name = argument.substr(begin, at - begin);
        std::string_view value = argument.substr(at + 1);
        if (value.starts_with(']')) value.remove_prefix(1);
        value = value.substr(0, value.find_first_of(",[] "));
        // "file=FILE|string=TEXT": the next one's name is no value of this one.
        if (const std::size_t next = value.find('='); next != std::string_view::npos)
            value = value.substr(0, value.rfind('|', next));
        if (std::ranges::find(parameters, name, &OptionParameter::name) == parameters.end())
            parameters.push_back({std::string(name), std::string(value)});
    }
    return parameters;
}

std::string_view group_of_option(std::string_view option) {
    const auto found = std::ranges::find(kGroups, option, &Group::option);
    return found == std::end(kGroups) ? option : found->group;
}

std::string_view option_of_group(std::string_view group) {
    const auto found = std::ranges::find(kGroups, group, &Group::group);
    return found == std::end(kGroups) ? group : found->option;
}

}  // namespace backplane::kernel
