// Commands that say what this program is and offers.
#include "kernel/management/management.h"

#include <lib/json.h>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

Json query_version(const Call& call) { return parse_json(call.host.version_json()); }

std::string show_version(const Json& result) { return result["package"].get<std::string>() + "\n"; }

Json query_name(const Call& call) {
    const std::string& name = call.host.program().guest_name;
    return name.empty() ? Json::object() : Json{{"name", name}};
}

std::string show_name(const Json& result) { return result.value("name", "") + "\n"; }

Json list_commands(const Call& call) {
    Json list = Json::array();
    for (const Command& command : call.host.commands())
        if (!command.row.name.empty()) list.push_back({{"name", command.row.name}});
    return list;
}

Json list_events(const Call& call) {
    Json list = Json::array();
    for (const ManifestEvent& event : call.host.events()) list.push_back({{"name", event.name}});
    return list;
}

Json query_machines(const Call& call) {
    Json list = Json::array();
    const Catalog& catalog = call.machine.catalog();
    const ManifestType* default_machine = catalog.default_machine();
    for (const Catalog::Listed& listed : catalog.list("machine")) {
        const ManifestType& type = *listed.type;
        const TextPart name = type.option_name();
        const auto add = [&](const std::string& each, const std::vector<TextPart>& aliases, bool first) {
            Json entry{{"name", each}, {"description", type.summary}};
            if (!aliases.empty()) entry["alias"] = std::string(aliases.front());
            if (first && &type == default_machine) entry["is-default"] = true;
            list.push_back(std::move(entry));
            return &list.back();
        };
        if (type.versions.empty()) add(name, type.aliases, true);
        for (const ManifestVersion& version : type.versions) {
            const bool first = &version == &type.versions.front();
            Json* entry =
                add(type.version_name(version),
                    first && version.aliases.empty() ? std::vector<TextPart>{name} : version.aliases, first);
            if (!version.deprecated.empty()) (*entry)["deprecated"] = true;
        }
    }
    return list;
}

Json query_target(const Call& call) {
    const Catalog& catalog = call.machine.catalog();
    const std::string_view name = call.machine.machine_object().type_name().view();
    const ManifestType* type = catalog.find_version(name).board;
    if (!type) type = catalog.find_type(name);
    return {{"arch", type ? catalog.architecture_of(*type) : catalog.architecture()}};
}

/// A property's kind as the protocol spells an option's parameter.
std::string parameter_kind(const std::string& kind) {
    if (kind == "bool") return "boolean";
    if (kind == "int" || kind == "uint") return "number";
    return kind == "size" ? kind : "string";
}

Json parameters_json(const Call& call, const OptionListing& option) {
    Json list = Json::array();
    const Catalog& catalog = call.machine.catalog();
    if (const ManifestType* type = catalog.find_type(option.type)) {
        for (const ManifestProperty* property : catalog.properties(*type)) {
            Json row{{"name", property->name}, {"type", parameter_kind(property->kind)}};
            if (!property->summary.empty()) row["help"] = property->summary;
            if (property->has_default) row["default"] = property->default_text;
            list.push_back(std::move(row));
        }
        return list;
    }
    for (const OptionParameter& parameter : parameters_of(option.argument))
        list.push_back({{"name", parameter.name}, {"type", parameter.kind()}});
    return list;
}

Json list_options(const Call& call) {
    Json list = Json::array();
    const std::string wanted = call.text("option");
    for (const OptionListing& option : call.host.program().options) {
        const std::string name(group_of_option(option.name));
        if (wanted.empty() || wanted == name)
            list.push_back({{"option", name}, {"parameters", parameters_json(call, option)}});
    }
    if (!wanted.empty() && list.empty()) fail_command("invalid option name: " + wanted);
    return list;
}

Json schema(const Call& call) { return schema_of(call.host.commands(), call.host.events()); }

constexpr ArgumentInfo kOption[] = {{.name = "option", .required = false}};
constexpr ArgumentInfo kNameMember[] = {{.name = "name"}};
constexpr ArgumentInfo kTarget[] = {{.name = "arch"}};
constexpr ArgumentInfo kOptionInfo[] = {{.name = "option"}, {.name = "parameters", .kind = Kind::Array}};
constexpr ArgumentInfo kVersion[] = {{.name = "qemu", .kind = Kind::Object}, {.name = "package"}};
constexpr CoreCommand kQueryCommands[] = {
    {{.name = "query-version",
      .human = "info version",
      .summary = "this program's version",
      .returns = "VersionInfo"},
     query_version,
     show_version,
     kVersion},
    {{.name = "query-name", .human = "info name", .summary = "the guest's name", .returns = "NameInfo"},
     query_name,
     show_name},
    {{.name = "query-commands", .summary = "the commands that there are", .returns = "[CommandInfo]"},
     list_commands,
     nullptr,
     kNameMember},
    {{.name = "query-events", .summary = "the events that there are", .returns = "[EventInfo]"},
     list_events,
     nullptr,
     kNameMember},
    {{.name = "query-command-line-options",
      .summary = "the options that there are",
      .arguments = kOption,
      .returns = "[CommandLineOptionInfo]"},
     list_options,
     nullptr,
     kOptionInfo},
    {{.name = "query-qmp-schema", .summary = "what commands and events look like", .returns = "[SchemaInfo]"},
     schema},
    {{.name = "query-machines", .summary = "the kinds of machine", .returns = "[MachineInfo]"},
     query_machines},
    {{.name = "query-target", .summary = "the guest's architecture", .returns = "TargetInfo"},
     query_target,
     nullptr,
     kTarget},
};

constexpr ArgumentInfo kDeleted[] = {{.name = "device", .required = false}, {.name = "path"}};
constexpr ArgumentInfo kReason[] = {{.name = "guest", .kind = Kind::Flag}, {.name = "reason"}};
constexpr ArgumentInfo kAction[] = {{.name = "action"}};
constexpr ArgumentInfo kTrayMoved[] = {
    {.name = "device"}, {.name = "id"}, {.name = "tray-open", .kind = ArgumentKind::Flag}};
constexpr ArgumentInfo kDiskFailure[] = {{.name = "device"},
                                         {.name = "qom-path"},
                                         {.name = "operation"},
                                         {.name = "action"},
                                         {.name = "nospace", .kind = ArgumentKind::Flag},
                                         {.name = "reason"},
                                         {.name = "node-name", .required = false}};
constexpr EventInfo kEvents[] = {
    {.name = "BLOCK_IO_ERROR",
     .summary = "the host could not do what a disk was to do",
     .members = kDiskFailure},
    {.name = "DEVICE_TRAY_MOVED", .summary = "a drive's tray was opened or closed", .members = kTrayMoved},
    {.name = "DEVICE_DELETED", .summary = "a device is gone", .members = kDeleted},
    {.name = "GUEST_PANICKED", .summary = "the guest cannot go on", .members = kAction},
    {.name = "POWERDOWN", .summary = "the guest was asked to power off"},
    {.name = "RESET", .summary = "the machine was reset", .members = kReason},
    {.name = "RESUME", .summary = "the machine goes on"},
    {.name = "SHUTDOWN", .summary = "the machine has ended", .members = kReason},
    {.name = "STOP", .summary = "the machine stands still"},
    {.name = "SUSPEND", .summary = "the guest sleeps"},
    {.name = "WAKEUP", .summary = "the guest was woken"},
    {.name = "WATCHDOG", .summary = "the guest did not serve its watchdog", .members = kAction},
};

}  // namespace

Slice<const CoreCommand> query_commands() { return kQueryCommands; }
Slice<const EventInfo> core_events() { return kEvents; }

}  // namespace backplane::kernel
