// A launch plan as JSON.
#include "kernel/launch/plan.h"

#include <lib/json.h>

namespace backplane::kernel {
namespace {

/// Pairs, not an object: the order counts and a name may stand twice.
Json properties_json(const PropertyList& properties) {
    Json list = Json::array();
    for (const auto& [name, value] : properties) list.push_back(Json::array({name, value}));
    return list;
}

template <class Plan>
Json typed_json(const Plan& plan) {
    Json json{{"type", plan.type}, {"id", plan.id}, {"properties", properties_json(plan.properties)}};
    if constexpr (requires { plan.bus; }) json["bus"] = plan.bus;
    return json;
}

Json json_of(const ObjectPlan& plan) {
    Json json = typed_json(plan);
    if (plan.own) json["own"] = true;
    return json;
}
Json json_of(const DevicePlan& plan) { return typed_json(plan); }
Json json_of(const std::string& text) { return text; }
Json json_of(const AcceleratorPlan& plan) {
    return {{"name", plan.name}, {"properties", properties_json(plan.properties)}};
}
Json json_of(const DrivePlan& plan) {
    Json json{{"interface", plan.interface},
              {"index", nullptr},
              {"node", plan.node},
              {"removable", plan.removable},
              {"named", plan.named}};
    if (plan.index) json["index"] = *plan.index;
    if (!plan.read_errors.empty()) json["rerror"] = plan.read_errors;
    if (!plan.write_errors.empty()) json["werror"] = plan.write_errors;
    return json;
}
Json json_of(const NicPlan& plan) {
    return {{"model", plan.model}, {"netdev", plan.netdev}, {"properties", properties_json(plan.properties)}};
}
Json json_of(const MonitorPlan& plan) {
    return {
        {"chardev", plan.chardev}, {"mode", plan.control ? "control" : "readline"}, {"pretty", plan.pretty}};
}
Json json_of(const ServicePlan& plan) {
    return {{"type", plan.type}, {"properties", properties_json(plan.properties)}};
}
Json json_of(const LogItemPlan& plan) { return plan.item; }
Json json_of(const GlobalPlan& plan) {
    return {{"type", plan.type}, {"property", plan.property}, {"value", plan.value}};
}

Json json_of(const NumaNodePlan& node) {
    Json json{{"memory-backend", node.memory_backend}, {"cpus", Json::array()}};
    if (node.id) json["id"] = *node.id;
    if (node.memory) json["memory"] = *node.memory;
    if (node.initiator) json["initiator"] = *node.initiator;
    for (const NumberRange& range : node.cpus) json["cpus"].push_back(Json::array({range.first, range.last}));
    return json;
}
Json json_of(const NumaDistancePlan& plan) {
    return {{"from", plan.from}, {"to", plan.to}, {"distance", plan.distance}};
}
Json json_of(const NumaPerformancePlan& plan) {
    const MemoryPerformance& given = plan.performance;
    return {{"initiator", given.initiator},
            {"target", given.target},
            {"level", unsigned(given.level)},
            {"measure", unsigned(given.measure)},
            {"value", given.value}};
}
Json json_of(const NumaCachePlan& plan) {
    const MemorySideCache& given = plan.cache;
    return {{"node", given.node},
            {"size", given.size},
            {"level", given.level},
            {"associativity", given.associativity},
            {"write-policy", given.write_policy},
            {"line-size", given.line_size}};
}
Json json_of(const NumaCpuPlan& plan) {
    Json json{{"node", plan.node}};
    const auto put = [&](const char* name, const std::optional<std::uint32_t>& value) {
        if (value) json[name] = *value;
    };
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i) put(kTopologyLevels[i].id, plan.place[i]);
    return json;
}

Json json_of(const DescriptorPlan& plan) {
    return {{"fd", plan.descriptor}, {"set", plan.set ? Json(*plan.set) : Json()}, {"opaque", plan.opaque}};
}

template <class Item>
Json list_json(const std::vector<Item>& items) {
    Json list = Json::array();
    for (const Item& item : items) list.push_back(json_of(item));
    return list;
}

Json smp_json(const SmpPlan& smp) {
    Json json = Json::object();
    const auto put = [&](const char* name, const std::optional<std::uint32_t>& value) {
        if (value) json[name] = *value;
    };
    put("cpus", smp.cpus);
    put("maxcpus", smp.max_cpus);
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i) put(kTopologyLevels[i].name, smp.levels[i]);
    return json;
}

Json rtc_json(const RtcPlan& rtc) {
    const char* base = rtc.base == RtcPlan::Base::Utc         ? "utc"
                       : rtc.base == RtcPlan::Base::LocalTime ? "localtime"
                                                              : "date";
    Json json{{"base", base}, {"clock", rtc.virtual_clock ? "vm" : "host"}};
    if (rtc.base == RtcPlan::Base::Date) json["date-ns"] = rtc.date_ns;
    if (rtc.slew) json["driftfix"] = "slew";
    return json;
}

/// The choices by their names.
Json actions_json(const RunActions& actions) {
    const unsigned chosen[] = {unsigned(actions.reboot), unsigned(actions.shutdown), unsigned(actions.panic),
                               unsigned(actions.watchdog)};
    Json json = Json::object();
    std::size_t row = 0;
    for (const RunActionRow& action : run_action_rows()) {
        std::string_view choices = action.choices;
        for (unsigned skipped = chosen[row]; skipped; --skipped) choices.remove_prefix(choices.find('|') + 1);
        json[action.event] = choices.substr(0, choices.find('|'));
        ++row;
    }
    return json;
}

Json process_json(const ProcessPlan& plan) {
    constexpr const char* kLocks[] = {"off", "on", "on-fault"};
    const SandboxPlan& sandbox = plan.sandbox;
    return {{"daemonize", plan.daemonize},
            {"user", plan.user},
            {"chroot", plan.root},
            {"exit-with-parent", plan.exit_with_parent},
            {"mem-lock", kLocks[int(plan.memory_lock)]},
            {"sandbox",
             {{"enable", sandbox.on},
              {"deny-obsolete", sandbox.deny_obsolete},
              {"deny-elevateprivileges", sandbox.deny_elevation},
              {"deny-spawn", sandbox.deny_spawn},
              {"deny-resourcecontrol", sandbox.deny_resources}}}};
}

}  // namespace

std::string print_plan(const LaunchPlan& plan) {
    Json json;
    json["machine"] = {{"type", plan.machine}, {"properties", properties_json(plan.machine_properties)}};
    json["accelerators"] = list_json(plan.accelerators);
    json["cpu"] = plan.cpu
                      ? Json{{"model", plan.cpu->model}, {"features", properties_json(plan.cpu->features)}}
                      : Json();
    json["smp"] = smp_json(plan.smp);
    json["numa"] = {{"nodes", list_json(plan.numa.nodes)},
                    {"distances", list_json(plan.numa.distances)},
                    {"cpus", list_json(plan.numa.cpus)},
                    {"performances", list_json(plan.numa.performances)},
                    {"caches", list_json(plan.numa.caches)}};
    json["memory-backend"] = plan.memory_backend;
    json["memory-object"] = plan.ram_object ? json_of(*plan.ram_object) : Json();
    json["memory"] = plan.ram_size ? Json(*plan.ram_size) : Json();
    if (plan.ram_slots != 0) json["memory-slots"] = plan.ram_slots;
    if (plan.ram_maximum) json["memory-maximum"] = *plan.ram_maximum;
    json["rtc"] = rtc_json(plan.rtc);
    json["seed"] = plan.seed ? Json(*plan.seed) : Json();
    json["globals"] = list_json(plan.globals);
    json["objects"] = list_json(plan.objects);
    json["chardevs"] = list_json(plan.chardevs);
    json["block-nodes"] = list_json(plan.block_nodes);
    json["netdevs"] = list_json(plan.netdevs);
    json["drives"] = list_json(plan.drives);
    json["nics"] = list_json(plan.nics);
    if (!plan.display.empty()) json["display"] = plan.display;
    if (plan.default_display) json["default-display"] = true;
    json["devices"] = list_json(plan.devices);
    json["serials"] = list_json(plan.serials);
    json["parallels"] = list_json(plan.parallels);
    json["default-ports"] = {
        {"serial", plan.default_serial}, {"parallel", plan.default_parallel}, {"on", plan.unseen_ports}};
    json["monitors"] = list_json(plan.monitors);
    json["services"] = list_json(plan.services);
    json["default-devices"] = plan.default_devices;
    json["graphics"] = plan.graphics;
    json["default-network"] = plan.default_network;
    json["name"] = plan.name;
    json["process-name"] = plan.process_name;
    json["firmware-path"] = list_json(plan.firmware_path);
    json["log"] = {{"items", list_json(plan.log_items)}, {"file", plan.log_file}};
    json["pidfile"] = plan.pid_file;
    json["start-paused"] = plan.start_paused;
    json["actions"] = actions_json(plan.actions);
    json["process"] = process_json(plan.process);
    json["descriptors"] = list_json(plan.descriptors);
    json["messages"] = {{"timestamp", plan.message_timestamp}, {"guest-name", plan.message_guest_name}};
    return json_text(json, 2) + "\n";
}

}  // namespace backplane::kernel
