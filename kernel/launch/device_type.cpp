#include "kernel/launch/device_type.h"

namespace backplane::kernel {
namespace {

std::string concrete(const Catalog& catalog, std::string name) {
    const ManifestType* found = catalog.find_type(name);
    return found && !found->abstract ? name : "";
}

/// `name` itself, or with what completes it on this machine's buses.
std::string member_of_family(Machine& machine, const std::string& name) {
    std::string found = concrete(machine.catalog(), name);
    const char* suffix = machine.traits().virtio_bus_suffix;
    return found.empty() && suffix ? concrete(machine.catalog(), name + suffix) : found;
}

}  // namespace

std::string device_type_name(Machine& machine, std::string_view name, Errors& errors) {
    if (std::string found = member_of_family(machine, std::string(name)); !found.empty()) return found;
    ErrorText unused;
    std::string type = machine.catalog().resolve_option(name, "device", "device", unused);
    if (type.empty()) errors.fail(machine.catalog().explain_unknown(name, "device model"));
    return type;
}

std::string nic_type_name(Machine& machine, std::string_view name, Errors& errors) {
    if (std::string found = member_of_family(machine, std::string(name) + "-net"); !found.empty())
        return found;
    return device_type_name(machine, name, errors);
}

}  // namespace backplane::kernel
