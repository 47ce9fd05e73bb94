#include "kernel/vocabulary/device_names.h"

#include "kernel/vocabulary/absent.h"

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
    if (!type.empty()) return type;
    const std::string instead = absent_reason(machine.catalog(), name, "device");
    errors.fail(instead.empty() ? machine.catalog().explain_unknown(name, "device model") : instead);
    return {};
}

std::string nic_type_name(Machine& machine, std::string_view name, Errors& errors) {
    if (const ShortName* row = find_short_name(machine.traits().nic_models, name)) return row->device;
    return device_type_name(machine, name, errors);
}

std::string object_type_name(const Catalog& catalog, std::string_view name, Errors& errors) {
    ErrorText unknown;
    std::string type = catalog.resolve_option(name, "object", "object type", unknown);
    const ManifestType* listed = type.empty() ? nullptr : catalog.find_type(type);
    if (listed && listed->user_creatable && !catalog.is_a(*listed, "device")) return type;
    const std::string instead = type.empty() ? absent_reason(catalog, name, "object") : "";
    if (!instead.empty()) errors.fail(instead);
    else if (type.empty()) errors.fail(unknown.text());
    else errors.fail("type '" + std::string(name) + "' is not one that users make objects of");
    return {};
}

}  // namespace backplane::kernel
