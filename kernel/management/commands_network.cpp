// netdev_add and netdev_del: networks that come and go while the machine runs.
#include "kernel/management/management.h"
#include "kernel/management/object_arguments.h"

#include <lib/json.h>

namespace backplane::kernel {
namespace {

/// A list is the property several times, each item a text or {"str": text}.
void add_list(const JsonProperties& properties, const std::string& name, const Json& list,
              PropertyList& out) {
    for (std::size_t i = 0; i < list.size(); ++i) {
        const std::string place = name + "." + std::to_string(i);
        const bool wrapped = list[i].is_object() && list[i].size() == 1 && list[i].contains("str");
        properties.add(wrapped ? list[i]["str"] : list[i], name, place, out);
    }
}

Json netdev_add(const Call& call) {
    ErrorText errors;
    const std::string id = required_id(call.arguments);
    const std::string name = call.text("type");
    const std::string type = call.machine.catalog().resolve_option(name, "netdev", "network backend", errors);
    expect(!type.empty(), errors);
    const JsonProperties properties(call, type);
    PropertyList list;
    for (const auto& [member, value] : call.arguments.items()) {
        if (member == "type" || member == "id") continue;
        if (value.is_array()) add_list(properties, member, value, list);
        else properties.add(value, member, member, list);
    }
    expect(call.machine.create_backend(type, id, list, "netdevs", errors), errors);
    return Json::object();
}

Json netdev_del(const Call& call) {
    const std::string id = call.text("id");
    const Instance* found = call.machine.objects().find_id(id);
    if (!found || !found->is_a("netdev")) fail_command("Device '" + id + "' not found", "DeviceNotFound");
    return remove_backend(call, "/netdevs");
}

constexpr ArgumentInfo kNetdev[] = {{.name = "type", .kind = ArgumentKind::Options}};
constexpr ArgumentInfo kNetdevId[] = {{.name = "id"}};
constexpr CoreCommand kNetworkCommands[] = {
    {{.name = "netdev_add", .human = "netdev_add", .summary = "make a network", .arguments = kNetdev},
     netdev_add},
    {{.name = "netdev_del", .human = "netdev_del", .summary = "remove a network", .arguments = kNetdevId},
     netdev_del},
};

}  // namespace

Slice<const CoreCommand> network_commands() { return kNetworkCommands; }

}  // namespace backplane::kernel
