// What the host offers to the machine: -object, -chardev, -blockdev, -netdev.
#include "kernel/launch/build_site.h"
#include "kernel/machine/drives.h"
#include "kernel/vocabulary/device_names.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <set>

namespace backplane::kernel {
namespace {

void make_backend(BuildSite& site, const ObjectPlan& plan, std::string_view ancestor, std::string_view what,
                  std::string_view container, const std::string& listing) {
    const std::string type = resolve_type(site.catalog, plan.option, plan.type, ancestor, what, listing);
    check_json_kinds(site.catalog, plan.option, type, plan.json);
    Instance* made = site.machine.create_backend(type, plan.id, plan.properties, container, site.errors);
    site.check(made != nullptr, plan.option, type, plan.properties, listing + " " + plan.type + ",help");
    if (plan.own) site.machine.drives().own(*made);
}

/// Those that an object names by its links.
bool links_to(const BuildSite& site, const ObjectPlan& object, const std::set<std::string>& ids) {
    ErrorText unknown;
    const ManifestType* type = site.catalog.find_type(object_type_name(site.catalog, object.type, unknown));
    if (!type) return false;
    for (const ManifestProperty* property : site.catalog.properties(*type))
        if (property->kind == "link" && std::ranges::any_of(object.properties, [&](const auto& given) {
                return given.first == property->name && ids.contains(given.second);
            }))
            return true;
    return false;
}

}  // namespace

/// An object that names a backend comes after the backends, the others (secrets, threads) before.
void make_backends(BuildSite& site) {
    std::set<std::string> backends;
    for (const auto* list : {&site.plan.chardevs, &site.plan.block_nodes, &site.plan.netdevs})
        for (const ObjectPlan& backend : *list) backends.insert(backend.id);
    const auto needs_backend = [&](const ObjectPlan& object) { return links_to(site, object, backends); };
    for (const ObjectPlan& object : site.plan.objects)
        if (!needs_backend(object)) make_object(site, object);
    for (const ObjectPlan& chardev : site.plan.chardevs)
        make_backend(site, chardev, "chardev", "character device backend", "chardevs", "-chardev");
    for (const ObjectPlan& node : site.plan.block_nodes)
        make_backend(site, node, "block-node", "block driver", "blockdevs", "-blockdev");
    for (const ObjectPlan& netdev : site.plan.netdevs)
        make_backend(site, netdev, "netdev", "network backend", "netdevs", "-netdev");
    for (const ObjectPlan& object : site.plan.objects)
        if (needs_backend(object)) make_object(site, object);
}

void make_object(BuildSite& site, const ObjectPlan& object) {
    const std::string type = object_type_name(site.catalog, object.type, site.errors);
    if (type.empty())
        throw UserError(object.option + ": " + site.errors.text() + "; -object help lists them");
    check_json_kinds(site.catalog, object.option, type, object.json);
    PropertyList properties = object.properties;
    if (site.catalog.is_a(*site.catalog.find_type(type), "memory-backend")) {
        properties = memory_defaults(site.plan);
        properties.insert(properties.end(), object.properties.begin(), object.properties.end());
    }
    site.check(site.machine.create_backend(type, object.id, properties, "objects", site.errors),
               object.option, type, properties, "-object " + object.type + ",help");
}

}  // namespace backplane::kernel
