// The plugin "acpi-tables": the option -acpitable.
#include "table_option.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <limits>

namespace backplane::acpi_tables {
namespace {

/// A number that may not be given.
template <auto Member>
constexpr PropertyInfo optional_number(const char* name, const char* summary) {
    using Number = typename MemberOf<Member>::Value::value_type;
    PropertyInfo info{.name = name, .kind = PropertyKind::UInt, .summary = summary};
    info.maximum = std::numeric_limits<Number>::max();
    info.set = [](void* part, const PropertyValue& value, Errors&) {
        static_cast<TableOption*>(part)->*Member = Number(value.number);
        return true;
    };
    return info;
}

constexpr PropertyInfo kProperties[] = {
    property<&TableOption::signature_>({.name = "sig", .summary = "signature, four letters"}),
    optional_number<&TableOption::revision_>("rev", "revision"),
    property<&TableOption::oem_id_>({.name = "oem_id", .summary = "whose it is, six letters"}),
    property<&TableOption::oem_table_>({.name = "oem_table_id", .summary = "and which, eight letters"}),
    optional_number<&TableOption::oem_revision_>("oem_rev", "the owner's revision"),
    property<&TableOption::compiler_>({.name = "asl_compiler_id", .summary = "what made it, four letters"}),
    optional_number<&TableOption::compiler_revision_>("asl_compiler_rev", "and its revision"),
    property<&TableOption::data_>({.name = "data", .summary = "files of what stands behind the header: A:B"}),
    property<&TableOption::file_>({.name = "file", .summary = "files of the table with its header: A:B"}),
};
constexpr OptionInfo kOptions[] = {
    {.name = "acpitable",
     .argument = "[sig=TEXT][,rev=N][,oem_id=TEXT][,oem_table_id=TEXT][,oem_rev=N]",
     .summary = "[,asl_compiler_id=TEXT][,asl_compiler_rev=N]\n"
                ",data=FILE[:FILE...]|file=FILE[:FILE...]\n"
                "an ACPI table beside the machine's own",
     .group = "What it starts",
     .repeatable = true},
};
constexpr InterfaceInfo kInterfaces[] = {offers<TableOption, Completable>()};
constexpr TypeInfo kTypes[] = {
    {.name = "acpitable",
     .parent = "service",
     .summary = "an ACPI table beside the machine's own",
     .interfaces = kInterfaces,
     .properties = kProperties,
     .options = kOptions,
     .instance_init = make_part<TableOption>,
     .instance_finalize = free_part<TableOption>},
};

}  // namespace
}  // namespace backplane::acpi_tables

BACKPLANE_PLUGIN("acpi-tables", "1.0", "Backplane", backplane::acpi_tables::kTypes)
