// Commands that say what this program is and offers.
#include "kernel/management/management.h"

#include <nlohmann/json.hpp>

namespace backplane::kernel {
namespace {

using Kind = ArgumentKind;

Json query_version(const Call& call) { return Json::parse(call.host.version_json()); }

std::string show_version(const Json& result) { return result["package"].get<std::string>() + "\n"; }

Json query_name(const Call& call) {
    if (call.host.guest_name().empty()) return Json::object();
    return {{"name", call.host.guest_name()}};
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
    for (const Catalog::Listed& listed : call.machine.catalog().list("machine")) {
        const ManifestType& type = *listed.type;
        const std::string& name = type.option_name();
        const auto add = [&](const std::string& each, const std::vector<std::string>& aliases, bool first) {
            Json entry{{"name", each}, {"description", type.summary}};
            if (!aliases.empty()) entry["alias"] = aliases.front();
            if (first && type.is_default) entry["is-default"] = true;
            list.push_back(std::move(entry));
            return &list.back();
        };
        if (type.versions.empty()) add(name, type.aliases, true);
        for (const ManifestVersion& version : type.versions) {
            const bool first = &version == &type.versions.front();
            Json* entry = add(name + "-" + version.version,
                              first ? std::vector<std::string>{name} : version.aliases, first);
            if (!version.deprecated.empty()) (*entry)["deprecated"] = true;
        }
    }
    return list;
}

constexpr CoreCommand kCommands[] = {
    {{.name = "query-version",
      .human = "info version",
      .summary = "this program's version",
      .returns = "VersionInfo"},
     query_version,
     show_version},
    {{.name = "query-name", .human = "info name", .summary = "the guest's name", .returns = "NameInfo"},
     query_name,
     show_name},
    {{.name = "query-commands", .summary = "the commands that there are", .returns = "[CommandInfo]"},
     list_commands},
    {{.name = "query-events", .summary = "the events that there are", .returns = "[EventInfo]"}, list_events},
    {{.name = "query-machines", .summary = "the kinds of machine", .returns = "[MachineInfo]"},
     query_machines},
};

constexpr ArgumentInfo kDeleted[] = {{.name = "device", .required = false}, {.name = "path"}};
constexpr ArgumentInfo kReason[] = {{.name = "guest", .kind = Kind::Flag}, {.name = "reason"}};
constexpr EventInfo kEvents[] = {
    {.name = "DEVICE_DELETED", .summary = "a device is gone", .members = kDeleted},
    {.name = "POWERDOWN", .summary = "the guest was asked to power off"},
    {.name = "RESET", .summary = "the machine was reset", .members = kReason},
    {.name = "RESUME", .summary = "the machine goes on"},
    {.name = "SHUTDOWN", .summary = "the machine has ended", .members = kReason},
    {.name = "STOP", .summary = "the machine stands still"},
};

}  // namespace

Slice<const CoreCommand> query_commands() { return kCommands; }
Slice<const EventInfo> core_events() { return kEvents; }

}  // namespace backplane::kernel
