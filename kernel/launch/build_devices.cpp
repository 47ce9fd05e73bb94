// What is plugged into the machine and what it is managed through.
#include "kernel/launch/build_site.h"
#include "kernel/machine/log_hub.h"
#include "kernel/vocabulary/device_names.h"
#include "kernel/vocabulary/user_error.h"

#include <backplane/draft/snapshot.h>
#include <backplane/screen.h>

#include <algorithm>

namespace backplane::kernel {

void add_device(BuildSite& site, const DevicePlan& device) {
    const std::string type = device_type_name(site.machine, device.type, site.errors);
    if (type.empty())
        throw UserError(device.option + ": " + site.errors.text() + "; -device help lists them");
    check_json_kinds(site.catalog, device.option, type, device.json);
    site.check(site.machine.add_device(type, device.id, device.bus, device.properties, site.errors),
               device.option, type, device.properties, "-device " + device.type + ",help");
}

namespace {

/// Users' lines for other machines ask for whatever card there is: where there is none, the guest goes without.
void warn_of_missing_nic(BuildSite& site, const NicPlan& nic) {
    site.machine.log().write(LogLevel::Warning, "network",
                             nic.option + ": machine '" + site.machine_name +
                                 "' has no NIC of its own, and none was made; name one with model= (-device "
                                 "help lists them)");
}

/// Has the user an adapter of their own?
bool brings_a_screen(BuildSite& site) {
    return std::ranges::any_of(site.plan.devices, [&](const DevicePlan& device) {
        ErrorText later;  // where it is made
        const ManifestType* type = site.catalog.find_type(device_type_name(site.machine, device.type, later));
        return type && std::ranges::find(type->interfaces, ScreenSource::kId) != type->interfaces.end();
    });
}

}  // namespace

void add_nics(BuildSite& site) {
    std::vector<NicPlan> nics = site.plan.nics;
    const bool wanted =
        site.plan.default_devices && site.plan.default_network && site.machine.traits().default_nic;
    ErrorText unused;
    const std::string user =
        wanted ? site.catalog.resolve_option("user", "netdev", "network backend", unused) : "";
    if (!user.empty()) {
        site.check(site.machine.create_backend(user, "#default-net", {}, "netdevs", site.errors),
                   "the default network");
        nics.push_back({"the default NIC", "#default-net", "", {}});
    }
    for (const NicPlan& nic : nics) {
        const char* preferred = site.machine.traits().default_nic;
        if (nic.model.empty() && !preferred) {
            warn_of_missing_nic(site, nic);
            continue;
        }
        const std::string model = nic.model.empty() ? preferred : nic.model;
        PropertyList properties = nic.properties;
        properties.emplace_back("netdev", nic.netdev);
        const std::string type = nic_type_name(site.machine, model, site.errors);
        site.check(!type.empty(), nic.option);
        add_device(site, {nic.option, type, "", "", std::move(properties)});
    }
}

void add_display(BuildSite& site) {
    const Slice<const ShortName> displays = site.machine.traits().displays;
    if (site.plan.default_display && displays.size != 0 && !brings_a_screen(site))
        return add_device(site, {"the default display", displays[0].device, "", "", {}});
    if (site.plan.display.empty()) return;
    for (const ShortName& known : displays)
        if (site.plan.display == known.name)
            return add_device(site, {site.plan.display_option, known.device, "", "", {}});
    site.machine.log().write(
        LogLevel::Warning, "display",
        site.plan.display_option + ": machine '" + site.machine_name +
            "' has no such card, and none was made (help in its place lists those that there are)");
}

void make_monitors(BuildSite& site) {
    unsigned number = 0;
    for (const MonitorPlan& monitor : site.plan.monitors) {
        PropertyList properties{{"chardev", monitor.chardev}};
        if (monitor.control && monitor.pretty) properties.emplace_back("pretty", "on");
        const char* type = monitor.control ? "monitor-qmp" : "monitor-hmp";
        const std::string id = "#monitor" + std::to_string(number++);
        site.check(site.machine.create_backend(type, id, properties, "monitors", site.errors),
                   monitor.option);
    }
}

void make_services(BuildSite& site) {
    for (const ServicePlan& service : site.plan.services)
        site.check(site.machine.create_service(service.type, service.properties, site.errors), service.option,
                   service.type, service.properties, "-" + service.row + " help");
}

bool awaits_state(const BuildSite& site) {
    return std::ranges::any_of(site.plan.services, [&](const ServicePlan& service) {
        const ManifestType* type = site.catalog.find_type(service.type);
        return type && std::ranges::find(type->interfaces, StateSource::kId) != type->interfaces.end();
    });
}

}  // namespace backplane::kernel
