// The properties of Microsoft's hypervisor interface, as -cpu takes them.
#pragma once

#include "x86_cpu.h"

#include <backplane/type.h>

#include <array>
#include <utility>

namespace backplane::x86::hyperv {

inline HypervSettings& settings(void* part) { return static_cast<X86Cpu*>(part)->settings_.hyperv; }
inline const HypervSettings& settings(const void* part) {
    return static_cast<const X86Cpu*>(part)->settings_.hyperv;
}

template <std::size_t Row>
constexpr PropertyInfo enlightenment(const char* name, const char* summary) {
    return {.name = name,
            .kind = PropertyKind::Bool,
            .summary = summary,
            .default_text = "off",
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    const std::uint32_t bit = 1u << Row;
                    std::uint32_t& wanted = settings(part).wanted;
                    wanted = value.boolean ? wanted | bit : wanted & ~bit;
                    return true;
                },
            .get = [](const void* part,
                      PropertyValue& value) { value.boolean = (settings(part).wanted >> Row & 1) != 0; }};
}
template <std::size_t... Row>
constexpr std::array<PropertyInfo, sizeof...(Row)> enlightenments(std::index_sequence<Row...>) {
    return {enlightenment<Row>(kEnlightenments[Row].name, kEnlightenments[Row].summary)...};
}
inline constexpr auto kEnlightenmentProperties =
    enlightenments(std::make_index_sequence<kEnlightenmentCount>{});

template <auto Member>
constexpr PropertyInfo flag(const char* name, const char* summary) {
    return {.name = name,
            .kind = PropertyKind::Bool,
            .summary = summary,
            .default_text = "off",
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    settings(part).*Member = value.boolean;
                    return true;
                },
            .get = [](const void* part, PropertyValue& value) { value.boolean = settings(part).*Member; }};
}
template <auto Member>
constexpr PropertyInfo number(const char* name, const char* summary, const char* default_text,
                              std::uint64_t maximum) {
    return {.name = name,
            .kind = PropertyKind::UInt,
            .summary = summary,
            .default_text = default_text,
            .maximum = maximum,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    auto& member = settings(part).*Member;
                    member = static_cast<std::remove_reference_t<decltype(member)>>(value.number);
                    return true;
                },
            .get = [](const void* part,
                      PropertyValue& value) { value.number = std::uint64_t(settings(part).*Member); }};
}

inline bool refuse_debugger(void*, const PropertyValue& value, Errors& errors) {
    if (value.boolean)
        errors.fail("nothing here carries what a guest's debugger says: leave hv-syndbg off, and use -gdb");
    return !value.boolean;
}

inline constexpr PropertyInfo kProperties[] = {
    enlightenment<std::countr_zero(enlightenment_bit("hv-avic"))>("hv-apicv", "the same as hv-avic"),
    flag<&HypervSettings::passthrough>("hv-passthrough", "all enlightenments that the host has"),
    flag<&HypervSettings::enforce_cpuid>("hv-enforce-cpuid", "what CPUID does not show is not there either"),
    {.name = "hv-syndbg",
     .kind = PropertyKind::Bool,
     .summary = "the guest's debugger; not available",
     .default_text = "off",
     .set = refuse_debugger,
     .get = [](const void*, PropertyValue& value) { value.boolean = false; }},
    number<&HypervSettings::spinlock_retries>(
        "hv-spinlocks", "tries before a guest tells that it waits for a lock; 4294967295: it never does",
        "4294967295", 0xffffffff),
    {.name = "hv-no-nonarch-coresharing",
     .kind = PropertyKind::Enum,
     .summary = "no two processors share a core but as the topology says",
     .default_text = "off",
     .choices = "off|on|auto",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             settings(part).no_core_sharing = CoreSharing(value.number);
             return true;
         },
     .get = [](const void* part,
               PropertyValue& value) { value.number = std::uint64_t(settings(part).no_core_sharing); }},
    {.name = "hv-vendor-id",
     .kind = PropertyKind::String,
     .summary = "12 characters in leaf 0x40000000",
     .default_text = "Microsoft Hv",
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             settings(part).vendor = std::string(value.text.view());
             return true;
         },
     .get = [](const void* part, PropertyValue& value) { value.text = settings(part).vendor; }},
    number<&HypervSettings::build>("hv-version-id-build", "build of the hypervisor", "14393", 0xffffffff),
    number<&HypervSettings::major>("hv-version-id-major", "its version", "10", 0xffff),
    number<&HypervSettings::minor>("hv-version-id-minor", "and the second part of it", "0", 0xffff),
    number<&HypervSettings::service_pack>("hv-version-id-spack", "service pack", "0", 0xffffffff),
    number<&HypervSettings::service_branch>("hv-version-id-sbranch", "service branch", "0", 0xff),
    number<&HypervSettings::service_number>("hv-version-id-snumber", "service number", "0", 0xffffff),
    {.name = "x-hv-max-vps",
     .kind = PropertyKind::Int,
     .summary = "virtual processors that leaf 0x40000005 tells of; -1: no limit",
     .default_text = "-1",
     .maximum = 0x7fffffff,
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             settings(part).most_processors = std::int32_t(value.integer);
             return true;
         },
     .get = [](const void* part, PropertyValue& value) { value.integer = settings(part).most_processors; }},
};

}  // namespace backplane::x86::hyperv
