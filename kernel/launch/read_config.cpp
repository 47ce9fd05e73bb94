// -readconfig: options from a file.
//
//   # a comment
//   [device "net0"]
//     driver = "acme-net"
//     mac = "52:54:00:12:34:56"
//
// A section is an option of that name, its title the id, its lines the parameters. Sections are applied in order.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/option_parameters.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace backplane::kernel {
namespace {

/// The groups of options that a file may set.
constexpr std::string_view kConfigGroups[] = {
    "machine",  "accel",  "memory", "smp-opts",   "rtc",       "name",    "global",
    "drive",    "device", "object", "netdev",     "nic",       "chardev", "mon",
    "blockdev", "action", "msg",    "overcommit", "boot-opts", "fw_cfg",  "sandbox",
};

struct Section {
    std::string option;  ///< the one that it stands for
    std::string value;
    std::size_t line = 0;
};

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

void append_parameter(std::string& value, std::string_view key, std::string_view text) {
    if (!value.empty()) value += ',';
    value += std::string(key) + "=";
    for (const char c : text) value += c == ',' ? std::string(",,") : std::string(1, c);
}

/// [name] or [name "id"].
Section open_section(std::string_view line, std::size_t number) {
    if (!line.ends_with(']')) throw UserError("a section begins '[name]' or '[name \"id\"]'");
    line = trim(line.substr(1, line.size() - 2));
    const std::size_t quote = line.find('"');
    const std::string_view name = trim(line.substr(0, quote));
    if (std::ranges::find(kConfigGroups, name) == std::end(kConfigGroups))
        throw UserError("there is no group of options '" + std::string(name) + "'");
    Section section{std::string(option_of_group(name)), "", number};
    if (quote == std::string_view::npos) return section;
    const std::string_view id = line.substr(quote);
    if (id.size() < 3 || !id.ends_with('"')) throw UserError("the id of a section stands in quotes");
    append_parameter(section.value, name == "blockdev" ? "node-name" : "id", id.substr(1, id.size() - 2));
    return section;
}

void read_parameter(Section& section, std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) throw UserError("expects key = \"value\"");
    const std::string_view key = trim(line.substr(0, equals));
    const std::string_view text = trim(line.substr(equals + 1));
    if (key.empty() || text.size() < 2 || !text.starts_with('"') || !text.ends_with('"'))
        throw UserError("expects key = \"value\", with the quotes");
    if (section.option.empty()) throw UserError("a parameter before the first section");
    append_parameter(section.value, key, text.substr(1, text.size() - 2));
}

/// Files may also be pipes; what never ends is no configuration.
std::string read_text(const std::string& path) {
    constexpr std::size_t kLimit = 1 << 20;
    const auto fail = [&](const std::string& why) {
        return UserError("could not read '" + path + "': " + why);
    };
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (!file) throw fail(std::strerror(errno));
    std::string text(kLimit + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    const int error = std::ferror(file) ? errno : 0;
    std::fclose(file);
    if (error != 0) throw fail(std::strerror(error));
    if (text.size() > kLimit) throw fail("it is larger than 1 MiB");
    return text;
}

}  // namespace

void read_config_file(PlanBuilder& builder, const std::string& path) {
    std::istringstream file(read_text(path));
    Section section;
    std::size_t number = 0;
    std::string text;
    const auto blaming = [&](std::size_t line, const auto& work) {
        try {
            work();
        } catch (const UserError& error) {
            throw UserError(path + ":" + std::to_string(line) + ": " + error.what());
        }
    };
    // An option is wrong where its section begins, wherever that ends.
    const auto apply = [&] {
        if (section.option.empty()) return;
        blaming(section.line, [&] { builder.apply(section.option, section.value); });
    };
    while (std::getline(file, text)) {
        ++number;
        const std::string_view line = trim(text);
        if (line.empty() || line.starts_with('#')) continue;
        if (line.starts_with('[')) {
            apply();
            blaming(number, [&] { section = open_section(line, number); });
        } else {
            blaming(number, [&] { read_parameter(section, line); });
        }
    }
    apply();
}

}  // namespace backplane::kernel
