// The plugin "smbios": what a machine tells of itself in SMBIOS tables, and the option that changes it.
#include "option.h"
#include "tables.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <array>
#include <utility>

namespace backplane::smbios {
namespace {

// --- the tables ---
template <auto Fact>
constexpr PropertyInfo fact(PropertyInfo info) {
    using Value = typename MemberOf<Fact>::Value;
    if constexpr (std::is_same_v<Value, std::string>) {
        info.kind = PropertyKind::String;
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<SmbiosTables*>(part)->facts_.*Fact = v.text.view();
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.text = static_cast<const SmbiosTables*>(part)->facts_.*Fact;
        };
    } else {
        info.maximum = std::numeric_limits<Value>::max();
        info.set = [](void* part, const PropertyValue& v, Errors&) {
            static_cast<SmbiosTables*>(part)->facts_.*Fact = Value(v.number);
            return true;
        };
        info.get = [](const void* part, PropertyValue& v) {
            v.number = static_cast<const SmbiosTables*>(part)->facts_.*Fact;
        };
    }
    return info;
}

constexpr PropertyInfo kTableProperties[] = {
    property<&SmbiosTables::fw_cfg_>({.name = "fw_cfg", .summary = "where firmware finds the tables"}),
    fact<&Facts::manufacturer>({.name = "manufacturer", .summary = "whose the machine is"}),
    fact<&Facts::product>({.name = "product", .summary = "what the machine is called"}),
    fact<&Facts::version>({.name = "version", .summary = "and which"}),
    fact<&Facts::memory_base>({.name = "memory-base", .summary = "where memory begins"}),
    fact<&Facts::memory_size>({.name = "memory-size", .summary = "bytes of memory"}),
    fact<&Facts::high_memory_base>(
        {.name = "high-memory-base", .summary = "where the last part of memory begins, if it lies apart"}),
    fact<&Facts::high_memory_size>({.name = "high-memory-size", .summary = "bytes of that; 0: none"}),
    fact<&Facts::module_size>(
        {.name = "memory-device-size", .summary = "bytes of the largest memory module; 0: one holds all"}),
    fact<&Facts::sockets>({.name = "sockets", .summary = "processors", .minimum = 1}),
    fact<&Facts::cores>({.name = "cores", .summary = "of each processor", .minimum = 1}),
    fact<&Facts::threads>({.name = "threads", .summary = "of each core", .minimum = 1}),
    fact<&Facts::processor_family>(
        {.name = "processor-family", .summary = "the processors' number in the specification, 7.5.2"}),
    property<&SmbiosTables::processor_>(
        {.name = "processor", .summary = "that which says what all of them are (7.5.3)"}),
    enum_property<&SmbiosTables::entry_point_>({.name = "entry-point-type",
                                                .summary = "32: version 2.8, 64: version 3.0",
                                                .default_text = "64",
                                                .choices = kEntryPointChoices}),
};

/// Up to 9.0 a module had 16 GiB at most.
constexpr HistoryRow kTableHistory[] = {
    {.release = "9.0", .property = "memory-device-size", .value = "17179869184"}};

// --- -smbios ---
template <std::size_t Index>
constexpr PropertyInfo field_property() {
    return {.name = kFields[Index].name,
            .kind = PropertyKind::String,
            .summary = kFields[Index].summary,
            .set = [](void* part, const PropertyValue& value, Errors& errors) {
                return static_cast<SmbiosOption*>(part)->set_field(kFields[Index], value.text, errors);
            }};
}

template <std::size_t... Index>
constexpr auto all_properties(std::index_sequence<Index...>) {
    return std::array{PropertyInfo{.name = "type",
                                   .kind = PropertyKind::UInt,
                                   .summary = "of the structure, a number in the specification",
                                   .set =
                                       [](void* part, const PropertyValue& value, Errors& errors) {
                                           return static_cast<SmbiosOption*>(part)->set_type(value.number,
                                                                                             errors);
                                       }},
                      property<&SmbiosOption::file_>(
                          {.name = "file", .summary = "a whole structure, in place of its type's"}),
                      field_property<Index>()...};
}
constexpr auto kOptionProperties = all_properties(std::make_index_sequence<std::size(kFields)>{});

constexpr InterfaceInfo kOptionInterfaces[] = {offers<SmbiosOption, Completable>()};
constexpr OptionInfo kOptions[] = {
    {.name = "smbios",
     .argument = "type=N[,FIELD=VALUE...]|file=FILE",
     .summary = "what the machine tells of itself: fields of a structure, or a structure as\n"
                "it is (-smbios help lists the fields)",
     .group = "What it starts",
     .repeatable = true},
};

constexpr TypeInfo kTypes[] = {
    device_type<SmbiosTables>({.name = "smbios-tables",
                               .summary = "SMBIOS tables for firmware",
                               .category = "Misc",
                               .interfaces = kDeviceInterfaces<SmbiosTables>,
                               .properties = kTableProperties,
                               .history = kTableHistory}),
    {.name = "smbios",
     .parent = "service",
     .summary = "what users want the machine's tables to say",
     .interfaces = kOptionInterfaces,
     .properties = {kOptionProperties.data(), kOptionProperties.size()},
     .options = kOptions,
     .instance_init = make_part<SmbiosOption>,
     .instance_finalize = free_part<SmbiosOption>},
};

}  // namespace
}  // namespace backplane::smbios

BACKPLANE_PLUGIN("smbios", "1.0", "Backplane", backplane::smbios::kTypes)
