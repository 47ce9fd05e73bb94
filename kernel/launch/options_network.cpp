// -netdev, -nic: networks of the host, and the device that -nic puts in front of one.
#include "kernel/launch/command_line.h"
#include "kernel/launch/suboptions.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void apply_netdev(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "type");
    const auto type = options.take("type");
    if (options.help())
        return builder.ask(type ? HelpTopic{Kind::TypeProperties, "netdev", *type}
                                : HelpTopic{Kind::Netdevs, {}, {}});
    if (!type || type->empty()) throw LaunchError("parameter 'type' is missing; -netdev help lists them");
    const std::string id = options.take_id();
    if (id.empty()) throw LaunchError("parameter 'id' is missing");
    builder.claim_id("netdev", id);
    builder.plan().default_network = false;
    builder.plan().netdevs.push_back({builder.option, *type, id, options.rest()});
}

/// -nic BACKEND,model=DEVICE: the parameters that a device takes go to it, the others to the backend.
void apply_nic(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "type");
    if (options.help()) return builder.ask(Kind::Netdevs);
    const std::string type = options.require("type");
    builder.plan().default_network = false;
    if (type == "none") return options.expect_empty();
    NicPlan nic{
        .option = builder.option, .netdev = {}, .model = options.take_or("model", ""), .properties = {}};
    for (const char* key : {"mac", "addr"})
        if (const auto text = options.take(key)) nic.properties.emplace_back(key, *text);
    nic.netdev = options.take_id();
    if (nic.netdev.empty()) nic.netdev = builder.unused_id("net");
    builder.claim_id("netdev", nic.netdev);
    builder.plan().netdevs.push_back({builder.option, type, nic.netdev, options.rest()});
    builder.plan().nics.push_back(std::move(nic));
}

void apply_net(PlanBuilder& builder, const std::string& value) {
    if (value != "none")
        throw LaunchError("-net is not supported; use -nic " + value + ", or -netdev with -device");
    builder.plan().default_network = false;
}

}  // namespace

OptionGroup network_options() {
    return {"Networks",
            {{"netdev", "TYPE,id=ID[,PROPERTY=VALUE...]",
              "a network of the host (-netdev help lists the types)", apply_netdev},
             {"nic", "TYPE[,model=DEVICE][,mac=MAC][,PROPERTY=VALUE...] | none",
              "a network of the host and a device that is plugged into it", apply_nic},
             {"net", "none", "no network that was not asked for; for others use -nic", apply_net}}};
}

}  // namespace backplane::kernel
