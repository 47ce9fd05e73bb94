// -device and -object: anything that has a type name.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void apply_device(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "driver");
    const auto type = options.take("driver");
    if (options.help())
        return builder.ask(type ? HelpTopic{Kind::TypeProperties, "device", *type}
                                : HelpTopic{Kind::Devices, {}, {}});
    if (!type || type->empty())
        throw UserError("parameter 'driver' is missing; -device help lists the devices");
    DevicePlan device{
        .option = builder.option, .type = *type, .id = options.take_id(), .bus = {}, .properties = {}};
    if (!device.id.empty()) builder.claim_id("device", device.id);
    device.bus = options.take_or("bus", "");
    device.json = options.kinds();
    device.properties = options.rest();
    builder.plan().devices.push_back(std::move(device));
}

void apply_object(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "qom-type");
    const auto type = options.take("qom-type");
    if (options.help())
        return builder.ask(type ? HelpTopic{Kind::TypeProperties, "object", *type}
                                : HelpTopic{Kind::Objects, {}, {}});
    if (!type || type->empty())
        throw UserError("parameter 'qom-type' is missing; -object help lists the types");
    const std::string id = options.take_id();
    if (id.empty()) throw UserError("parameter 'id' is missing");
    builder.claim_id("object", id);
    builder.plan().objects.push_back({builder.option, *type, id, options.rest(), options.kinds()});
}

/// The properties of what option `group` made with that id; null when there is none.
PropertyList* find_properties(LaunchPlan& plan, const std::string& group, const std::string& id) {
    const auto among = [&](auto& list) -> PropertyList* {
        for (auto& each : list)
            if (each.id == id) return &each.properties;
        return nullptr;
    };
    if (group == "device") return among(plan.devices);
    if (group == "object") return among(plan.objects);
    if (group == "chardev") return among(plan.chardevs);
    if (group == "netdev") return among(plan.netdevs);
    if (group == "drive" || group == "blockdev") return among(plan.block_nodes);
    throw UserError("There is no option group '" + group +
                    "' with ids; there are device, object, chardev, netdev, drive and blockdev");
}

/// -set GROUP.ID.NAME=VALUE: one more property for something that stands further left.
void apply_set(PlanBuilder& builder, const std::string& value) {
    const std::size_t equals = value.find('=');
    const std::size_t first = value.find('.');
    const std::size_t second = first == std::string::npos ? first : value.find('.', first + 1);
    if (equals == std::string::npos || second == std::string::npos || second > equals)
        throw UserError("invalid format; it is GROUP.ID.NAME=VALUE");
    const std::string group = value.substr(0, first), id = value.substr(first + 1, second - first - 1);
    PropertyList* properties = find_properties(builder.plan(), group, id);
    if (!properties) throw UserError("there is no " + group + " \"" + id + "\" defined before it");
    const std::string name = value.substr(second + 1, equals - second - 1);
    if (name.empty()) throw UserError("invalid format; it is GROUP.ID.NAME=VALUE");
    std::erase_if(*properties, [&](const auto& property) { return property.first == name; });
    properties->emplace_back(name, value.substr(equals + 1));
}

}  // namespace

OptionGroup device_options() {
    return {"Devices and objects",
            {{"device", "TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]",
              "a device, also as a JSON object (-device help lists the types,\n"
              "-device TYPE,help the properties)",
              apply_device},
             {"object", "TYPE,id=ID[,PROPERTY=VALUE...]",
              "another object, also as a JSON object (-object help lists the types)", apply_object},
             {"set", "GROUP.ID.NAME=VALUE", "a parameter of an option with an id that stands before it",
              apply_set}}};
}

}  // namespace backplane::kernel
