#include "kernel/vocabulary/listings.h"

#include "kernel/object/instance.h"
#include "kernel/vocabulary/log_items.h"
#include "kernel/vocabulary/machine_switches.h"
#include "kernel/vocabulary/manifest_text.h"
#include "kernel/vocabulary/user_error.h"
#include "kernel/vocabulary/version.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

/// What `write` makes of each type below `ancestor`, those of one architecture together, under its name where there are
/// several.
std::string
by_architecture(const Catalog& catalog, std::string_view ancestor,
                const std::function<std::string(const std::vector<const ManifestType*>&)>& write) {
    std::map<std::string, std::vector<const ManifestType*>> groups;
    for (const Catalog::Listed& listed : catalog.list(ancestor))
        groups[catalog.architecture_of(*listed.type)].push_back(listed.type);
    std::string text;
    for (const auto& [architecture, types] : groups) {
        if (groups.size() > 1 && !architecture.empty()) text += "\n" + architecture + ":\n";
        text += write(types);
    }
    return text;
}

std::string machine_lines(const ManifestType& type) {
    std::string text;
    const TextPart name = type.option_name();
    const auto line = [&](const std::string& entry, const std::string& note) {
        text += padded(entry, 21) + type.summary + note + "\n";
    };
    const auto alias_line = [&](const std::string& alias, const ManifestVersion& version) {
        line(alias, " (alias of " + type.version_name(version) + ")");
    };
    const char* const mark = type.is_default ? " (default)" : "";
    if (type.versions.empty()) {
        for (const TextPart alias : type.aliases) line(alias, " (alias of " + name + ")");
        line(name, mark);
        return text;
    }
    const ManifestVersion& newest = type.versions.front();
    for (const TextPart alias : type.aliases) alias_line(alias, newest);
    // The bare name means the newest as well; users know the alias better where there is one.
    if (newest.aliases.empty()) alias_line(name, newest);
    for (const ManifestVersion& version : type.versions) {
        for (const TextPart alias : version.aliases) alias_line(alias, version);
        line(type.version_name(version), std::string(&version == &newest ? mark : "") +
                                             (version.deprecated.empty() ? "" : " (deprecated)"));
    }
    return text;
}

std::string machines(const Catalog& catalog) {
    return "Supported machines are:\n" + by_architecture(catalog, "machine", [](const auto& types) {
               std::string text;
               for (const ManifestType* type : types) text += machine_lines(*type);
               return text;
           });
}

/// Words in lines that fit a terminal.
std::string wrapped(const std::set<std::string>& words) {
    constexpr std::size_t kWidth = 76;
    std::string text, row = " ";
    for (const std::string& word : words) {
        if (row.size() + 1 + word.size() > kWidth) {
            text += row + "\n";
            row = " ";
        }
        row += " " + word;
    }
    return text + row + "\n";
}

/// The models of one architecture, and the flags of their families: what is switched and needs no words of its own.
std::string cpu_lines(const Catalog& catalog, const std::vector<const ManifestType*>& types) {
    std::map<std::string, std::string> rows;
    std::map<std::string, std::set<std::string>> flags;
    for (const ManifestType* type : types) {
        rows[type->option_name()] = type->summary;
        for (const TextPart alias : type->aliases) rows[alias] = "(alias of " + type->option_name() + ")";
        const std::string kind = catalog.category_of(*type);
        if (kind.empty()) continue;
        for (const ManifestProperty* property : catalog.properties(*type))
            if (property->kind == "bool" && property->summary.empty()) flags[kind].insert(property->name);
    }
    std::string text;
    for (const auto& [name, summary] : rows) text += "  " + padded(name, 22) + summary + "\n";
    for (const auto& [kind, names] : flags) text += "\nRecognized " + kind + " flags:\n" + wrapped(names);
    return text;
}

std::string cpus(const Catalog& catalog) {
    return "Available CPUs:\n" +
           by_architecture(catalog, "cpu", [&](const auto& types) { return cpu_lines(catalog, types); });
}

/// "name  summary" of each type below `ancestor` that a user may ask for.
std::string options_below(const Catalog& catalog, std::string_view ancestor, const std::string& title,
                          bool creatable_only = false) {
    std::string text = title + ":\n";
    for (const Catalog::Listed& listed : catalog.list(ancestor)) {
        if (creatable_only && !listed.type->user_creatable) continue;
        std::string names = listed.type->option_name();
        for (const TextPart alias : listed.type->aliases) names += " (or " + alias + ")";
        text += "  " + padded(names, 24) + listed.type->summary + "\n";
    }
    return text;
}

/// What -object makes: user-creatable, and made by no option of its own.
std::string objects(const Catalog& catalog) {
    std::string text = "List of user creatable objects:\n";
    for (const Catalog::Listed& listed : catalog.list("object")) {
        const auto of_its_own = [&](const char* ancestor) { return catalog.is_a(*listed.type, ancestor); };
        if (!listed.type->user_creatable ||
            std::ranges::any_of(std::initializer_list<const char*>{"device", "chardev", "netdev",
                                                                   "block-node", "machine", "accelerator"},
                                of_its_own))
            continue;
        text += "  " + padded(listed.type->option_name(), 24) + listed.type->summary + "\n";
    }
    return text;
}

std::string devices(const Catalog& catalog) {
    std::map<std::string, std::string> groups;
    for (const Catalog::Listed& listed : catalog.list("device")) {
        const ManifestType& type = *listed.type;
        if (!type.user_creatable) continue;
        std::string line = "name \"" + type.name + "\"";
        if (const std::string bus = catalog.bus_of(type); !bus.empty()) line += ", bus " + bus;
        for (const TextPart alias : type.aliases) line += ", alias \"" + alias + "\"";
        if (!type.summary.empty()) line += ", desc \"" + type.summary + "\"";
        const std::string category =
            catalog.is_a(type, "cpu") ? "CPU" : std::string(catalog.category_of(type));
        groups[category.empty() ? "Misc" : category] += line + "\n";
    }
    std::string text;
    for (const auto& [category, lines] : groups)
        text += (text.empty() ? "" : "\n") + category + " devices:\n" + lines;
    return text;
}

/// `deltas`: defaults that are others in the version that is asked about.
std::string property_lines(const Catalog& catalog, const ManifestType& type,
                           const std::vector<ManifestDelta>& deltas) {
    std::string text;
    for (const ManifestProperty* property : catalog.properties(type)) {
        text +=
            "  " + padded(property->name + "=<" + kind_text(*property) + ">", 30) + "- " + property->summary;
        const ManifestDelta* past = nullptr;
        for (const ManifestDelta& delta : deltas)
            if (delta.property == property->name && catalog.is_a(type, delta.type)) past = &delta;
        if (past) text += " (default: " + past->value + ")";
        else if (property->has_default) text += " (default: " + property->default_text + ")";
        else if (property->required) text += " (required)";
        text += "\n";
    }
    return text;
}

/// What a board maps and joins.
std::string outside_lines(const Catalog& catalog, const ManifestType& type) {
    std::string text;
    const auto line = [&](const std::string& what, const std::string& summary, bool optional) {
        text += "  " + padded(what, 30) + "- " + summary + (optional ? " (not on all)" : "") + "\n";
    };
    for (const ManifestRegion* region : catalog.regions(type))
        line(region_text(*region), region->summary, region->optional);
    for (const ManifestWire* wire : catalog.wires(type))
        line(wire_text(*wire), wire->summary, wire->optional);
    return text.empty() ? text : "Memory and wires of " + type.name + ", for boards:\n" + text;
}

/// What a machine version changes in other types.
std::string past_lines(const Catalog& catalog, const ManifestType& board,
                       const std::vector<ManifestDelta>& deltas) {
    std::string text;
    for (const ManifestDelta& delta : deltas)
        if (!catalog.is_a(board, delta.type))
            text += "  " + delta.type + "." + delta.property + "=" + delta.value + "\n";
    return text.empty() ? text : "Defaults of this version, where they are others than today's:\n" + text;
}

std::string type_properties(const Catalog& catalog, const HelpTopic& topic, std::string_view what) {
    const ManifestType* type = catalog.find_type(topic.name);
    Catalog::ListedVersion version{nullptr, nullptr};
    if (!type || !catalog.is_a(*type, topic.ancestor)) {
        ErrorText errors;
        const std::string name = catalog.resolve_option(topic.name, topic.ancestor, what, errors);
        if (name.empty())
            throw UserError("-" + topic.ancestor + " " + topic.name + ",help: " + errors.text());
        version = catalog.find_version(name);
        type = version.board ? version.board : catalog.find_type(name);
    }
    const auto deltas = version.board ? catalog.defaults_of(version) : std::vector<ManifestDelta>{};
    std::string lines = type ? property_lines(catalog, *type, deltas) : "";
    if (topic.kind == Kind::MachineProperties)
        for (const MachineSwitch& each : machine_switches())
            lines += "  " + padded(std::string(each.name) + "=<bool>", 30) + "- " + each.summary +
                     " (default: " + each.standard + ")\n";
    std::string past = type ? past_lines(catalog, *type, deltas) : "";
    if (type && topic.ancestor == "device") past = outside_lines(catalog, *type) + past;
    if (lines.empty()) return "There are no options for " + topic.name + ".\n" + past;
    return topic.name + " options:\n" + lines + past;
}

std::string log_item_lines() {
    std::string text = "Log items (comma separated), besides the name of any plugin or type:\n";
    for (const LogItem& item : log_items()) text += padded(item.name, 16) + item.summary + "\n";
    return text;
}

}  // namespace

std::string help_text(const HelpTopic& topic, const Catalog& catalog) {
    switch (topic.kind) {
    case Kind::Usage:
    case Kind::Version: return version_line();
    case Kind::LogItems: return log_item_lines();
    case Kind::Machines: return machines(catalog);
    case Kind::MachineProperties: return type_properties(catalog, topic, "machine type");
    case Kind::Cpus: return cpus(catalog);
    case Kind::Accelerators:
        return options_below(catalog, "accelerator", "Accelerators supported by this installation");
    case Kind::Devices: return devices(catalog);
    case Kind::Objects: return objects(catalog);
    case Kind::Chardevs: return options_below(catalog, "chardev", "Available chardev backend types", true);
    case Kind::Netdevs: return options_below(catalog, "netdev", "Available netdev backend types", true);
    case Kind::BlockDrivers: return options_below(catalog, "block-node", "Available block drivers", true);
    case Kind::Text: return topic.name;
    case Kind::TypeProperties:
        return type_properties(catalog, topic, topic.ancestor == "device" ? "device" : "type");
    }
    return {};
}

}  // namespace backplane::kernel
