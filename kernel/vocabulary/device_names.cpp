#include "kernel/vocabulary/device_names.h"

namespace backplane::kernel {

const ShortName* find_short_name(Slice<const ShortName> names, std::string_view name) {
    for (const ShortName& row : names)
        if (name == row.name) return &row;
    return nullptr;
}

std::string device_type_name(Machine& machine, std::string_view name, Errors& errors) {
    if (const ShortName* row = find_short_name(machine.traits().device_aliases, name)) return row->device;
    const ManifestType* found = machine.catalog().find_type(name);
    if (found && !found->abstract) return found->name;
    ErrorText unused;
    std::string type = machine.catalog().resolve_option(name, "device", "device", unused);
    if (type.empty()) errors.fail(machine.catalog().explain_unknown(name, "device model"));
    return type;
}

std::string nic_type_name(Machine& machine, std::string_view name, Errors& errors) {
    if (const ShortName* row = find_short_name(machine.traits().nic_models, name)) return row->device;
    return device_type_name(machine, name, errors);
}

}  // namespace backplane::kernel
