// -netdev, -nic: networks of the host, and the device that -nic puts in front of one.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

namespace backplane::kernel {
namespace {

using Kind = HelpTopic::Kind;

void apply_netdev(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "type");
    const auto type = options.take("type");
    if (options.help())
        return builder.ask(type ? HelpTopic{Kind::TypeProperties, "netdev", *type}
                                : HelpTopic{Kind::Netdevs, {}, {}});
    if (!type || type->empty()) throw UserError("parameter 'type' is missing; -netdev help lists them");
    const std::string id = options.take_id();
    if (id.empty()) throw UserError("parameter 'id' is missing");
    builder.claim_id("netdev", id);
    builder.plan().default_network = false;
    builder.plan().netdevs.push_back({builder.option, *type, id, options.rest(), options.kinds()});
}

/// -nic BACKEND,model=DEVICE: the parameters that a device takes go to it, the others to the backend.
void apply_nic(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "type");
    if (options.help()) return builder.ask(Kind::Netdevs);
    const auto model = options.take("model");
    if (model == "help") return builder.ask(Kind::Devices);
    const std::string type = options.require("type");
    builder.plan().default_network = false;
    if (type == "none") return;
    NicPlan nic{.option = builder.option, .netdev = {}, .model = model.value_or(""), .properties = {}};
    for (const char* key : {"mac", "addr"})
        if (const auto text = options.take(key)) nic.properties.emplace_back(key, *text);
    nic.netdev = options.take_id();
    if (nic.netdev.empty()) nic.netdev = builder.unused_id("net");
    builder.claim_id("netdev", nic.netdev);
    builder.plan().netdevs.push_back({builder.option, type, nic.netdev, options.rest()});
    builder.plan().nics.push_back(std::move(nic));
}

/// -net nic and -net BACKEND: a device and a network, which used to meet on a hub.
void apply_net(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse(value, "type");
    if (options.help()) return builder.ask(Kind::Netdevs);
    const std::string type = options.require("type");
    builder.plan().default_network = false;
    if (type == "none") return options.expect_empty();
    if (type != "nic") {
        std::string id = options.take_id();
        if (id.empty()) id = options.take_or("name", "");
        builder.legacy_networks.push_back({builder.option, type, id, options.rest()});
        return;
    }
    NicPlan nic{.option = builder.option,
                .netdev = options.take_or("netdev", ""),
                .model = options.take_or("model", ""),
                .properties = {}};
    if (nic.model == "help") return builder.ask(Kind::Devices);
    for (const auto& [key, property] :
         {std::pair{"macaddr", "mac"}, {"addr", "addr"}, {"vectors", "vectors"}})
        if (const auto text = options.take(key)) nic.properties.emplace_back(property, *text);
    options.take("name");  // of the port on the hub
    options.expect_empty();
    if (nic.netdev.empty()) builder.legacy_nics.push_back(std::move(nic));
    else builder.plan().nics.push_back(std::move(nic));
}

}  // namespace

void connect_legacy_networks(PlanBuilder& builder) {
    std::vector<NicPlan>& nics = builder.legacy_nics;
    std::vector<ObjectPlan>& networks = builder.legacy_networks;
    if (nics.size() > 1 || networks.size() > 1)
        throw UserError((nics.size() > 1 ? nics.back().option : networks.back().option) +
                        ": there is no hub for several; use -nic, or -netdev with -device");
    if (!nics.empty() && networks.empty())
        builder.plan().warnings.push_back(
            nics.front().option +
            ": there is no network for it, and none was made; add -net user, or use -nic user");
    if (networks.empty()) return;
    ObjectPlan network = std::move(networks.front());
    if (network.id.empty()) network.id = builder.unused_id("net");
    builder.claim_id("netdev", network.id);
    if (nics.empty()) {
        builder.plan().warnings.push_back(network.option +
                                          ": nothing is connected to it; add -net nic, or use -nic");
    } else {
        nics.front().netdev = network.id;
        builder.plan().nics.push_back(std::move(nics.front()));
    }
    builder.plan().netdevs.push_back(std::move(network));
}

OptionGroup network_options() {
    return {"Networks",
            {{"netdev", "TYPE,id=ID[,PROPERTY=VALUE...]",
              "a network of the host (-netdev help lists the types)", apply_netdev},
             {"nic", "TYPE[,model=DEVICE][,mac=MAC][,PROPERTY=VALUE...] | none",
              "a network of the host and a device that is plugged into it", apply_nic},
             {"net", "nic[,model=DEVICE][,macaddr=MAC] | TYPE[,PROPERTY=VALUE...] | none",
              "the device of -nic and its network, as two options", apply_net}}};
}

}  // namespace backplane::kernel
