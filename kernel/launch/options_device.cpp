// -device and -object: anything that has a type name.
#include "kernel/launch/command_line.h"
#include "kernel/launch/suboptions.h"

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
        throw LaunchError("parameter 'driver' is missing; -device help lists the devices");
    DevicePlan device{
        .option = builder.option, .type = *type, .id = options.take_id(), .bus = {}, .properties = {}};
    if (!device.id.empty()) builder.claim_id("device", device.id);
    device.bus = options.take_or("bus", "");
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
        throw LaunchError("parameter 'qom-type' is missing; -object help lists the types");
    const std::string id = options.take_id();
    if (id.empty()) throw LaunchError("parameter 'id' is missing");
    builder.claim_id("object", id);
    builder.plan().objects.push_back({builder.option, *type, id, options.rest()});
}

}  // namespace

OptionGroup device_options() {
    return {"Devices and objects",
            {{"device", "TYPE[,id=ID][,bus=BUS][,PROPERTY=VALUE...]",
              "a device, also as a JSON object (-device help lists the types,\n"
              "-device TYPE,help the properties)",
              apply_device},
             {"object", "TYPE,id=ID[,PROPERTY=VALUE...]",
              "another object, also as a JSON object (-object help lists the types)", apply_object}}};
}

}  // namespace backplane::kernel
