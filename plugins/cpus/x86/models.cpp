// The models as types, and the properties of all.
#include "hyperv_properties.h"
#include "monitor/listing.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <utility>

namespace backplane::x86 {
namespace {

#define BACKPLANE_UNPACK(...) \
    { __VA_ARGS__ }
#define BACKPLANE_CACHES(identifier, data, instructions, level2, level3, ...)         \
    constexpr Caches identifier{BACKPLANE_UNPACK data, BACKPLANE_UNPACK instructions, \
                                BACKPLANE_UNPACK level2,                              \
                                BACKPLANE_UNPACK level3 __VA_OPT__(, ) __VA_ARGS__};
#include "caches.inc"
#undef BACKPLANE_CACHES
#undef BACKPLANE_UNPACK

#define BACKPLANE_MODEL(identifier, name, summary, base, ...) \
    constexpr Model identifier = make_model(name, base, __VA_ARGS__);
#include "models.inc"
#undef BACKPLANE_MODEL

using Past = HistoryRow;
template <class... Rows>
constexpr std::array<Past, sizeof...(Rows)> past(const Rows&... rows) {
    return {rows...};
}
namespace histories {
#define BACKPLANE_NAME(identifier, name, version, model, ...) constexpr auto identifier = past(__VA_ARGS__);
#include "names.inc"
#undef BACKPLANE_NAME
}  // namespace histories

/// Of all models, but for what their names had.
constexpr Past kHistory[] = {
    {"10.0", "x-consistent-cache", "off"},
    {"10.0", "x-vendor-cpuid-only-v2", "off"},
    {"9.0", "x-amd-topoext-features-only", "off"},
    {"9.0", "x-l1-cache-per-thread", "off"},
    {"9.0", "legacy-multi-node", "on"},
    {"6.1", "hv-version-id-build", "7100"},
    {"6.1", "hv-version-id-major", "6"},
    {"6.1", "hv-version-id-minor", "1"},
    {"6.0", "x-vendor-cpuid-only", "off"},
    {"2.12", "legacy-cache", "on"},
    {"2.12", "topoext", "off"},
    {"2.7", "l3-cache", "off"},
    {"2.6", "cpuid-0xb", "off"},
    {"2.4", "check", "off"},
};

constexpr Model kBase{.name = "base"};
constexpr Model kMax{.name = "max",
                     .data = {.vendor = "AuthenticAMD",
                              .family = 6,
                              .model = 6,
                              .stepping = 3,
                              .level = 0xd,
                              .xlevel = 0x80000008,
                              .model_id = "Virtual CPU"},
                     .kind = Model::Kind::Max};
constexpr Model kHost{.name = "host", .data = kMax.data, .kind = Model::Kind::Host};

X86Cpu& cpu(void* part) { return *static_cast<X86Cpu*>(part); }
const X86Cpu& cpu(const void* part) { return *static_cast<const X86Cpu*>(part); }

// --- features as properties ---

template <std::size_t Index>
bool set_feature(void* part, const PropertyValue& value, Errors&) {
    cpu(part).set_feature(kFeatures[Index], value.boolean);
    return true;
}
template <std::size_t Index>
void get_feature(const void* part, PropertyValue& value) {
    value.boolean = cpu(part).feature(kFeatures[Index]);
}
template <std::size_t Index>
constexpr PropertyInfo feature_property(const char* name, const char* summary = "") {
    return {.name = name,
            .kind = PropertyKind::Bool,
            .summary = summary,
            .set = set_feature<Index>,
            .get = get_feature<Index>};
}

consteval std::size_t index_of(std::string_view name) { return std::size_t(find_feature(name) - kFeatures); }

constexpr PropertyInfo kFeatureAliases[] = {
#define BACKPLANE_ALIAS(alias, name) feature_property<index_of(name)>(alias, "the same as " name),
#include "feature_aliases.inc"
#undef BACKPLANE_ALIAS
};

/// A switch that is off and stays so.
constexpr PropertyInfo refused(const char* name, const char* summary,
                               bool (*set)(void*, const PropertyValue&, Errors&)) {
    return {.name = name,
            .kind = PropertyKind::Bool,
            .summary = summary,
            .set = set,
            .get = [](const void*, PropertyValue& value) { value.boolean = false; }};
}
bool refuse_control(void*, const PropertyValue&, Errors& errors) {
    errors.fail(
        "the single controls of nested VMX are the host's: leave it out (+vmx or -vmx is for all of it)");
    return false;
}
bool refuse_counters(void*, const PropertyValue& value, Errors& errors) {
    if (value.boolean) errors.fail("performance counters are not available; leave pmu off");
    return !value.boolean;
}
constexpr PropertyInfo kControls[] = {
#define BACKPLANE_CONTROL(name) refused(name, "a control of nested VMX; the host's", refuse_control),
#include "nested_controls.inc"
#undef BACKPLANE_CONTROL
    refused("pmu", "performance counters; not available", refuse_counters),
};

// --- settings as properties ---

/// The APIC id of a processor that was given none.
constexpr std::uint32_t kNoApicId = 0xffffffff;

/// What was never set is the model's.
template <auto Member, auto OfModel>
constexpr PropertyInfo setting(const char* name, const char* summary, std::uint64_t maximum = 0xffffffff) {
    return {.name = name,
            .kind = PropertyKind::UInt,
            .summary = summary,
            .maximum = maximum,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    cpu(part).settings_.*Member = std::uint32_t(value.number);
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.number = (cpu(part).settings_.*Member).value_or(cpu(part).model().*OfModel);
                }};
}
template <auto Member>
constexpr PropertyInfo number(const char* name, const char* summary, std::uint64_t maximum,
                              std::uint64_t minimum = 0) {
    return {.name = name,
            .kind = PropertyKind::UInt,
            .summary = summary,
            .maximum = maximum,
            .minimum = minimum,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    auto& member = cpu(part).settings_.*Member;
                    member = static_cast<std::remove_reference_t<decltype(member)>>(value.number);
                    return true;
                },
            .get = [](const void* part,
                      PropertyValue& value) { value.number = std::uint64_t(cpu(part).settings_.*Member); }};
}
template <auto Member>
constexpr PropertyInfo place(const char* name, const char* summary) {
    return {
        .name = name,
        .kind = PropertyKind::Int,
        .summary = summary,
        .maximum = 0x7fffffff,
        .set =
            [](void* part, const PropertyValue& value, Errors&) {
                cpu(part).settings_.*Member = std::int32_t(value.integer);
                return true;
            },
        .get = [](const void* part, PropertyValue& value) { value.integer = cpu(part).settings_.*Member; }};
}
template <auto Member>
constexpr PropertyInfo flag(const char* name, const char* summary, const char* default_text) {
    return {
        .name = name,
        .kind = PropertyKind::Bool,
        .summary = summary,
        .default_text = default_text,
        .set =
            [](void* part, const PropertyValue& value, Errors&) {
                cpu(part).settings_.*Member = value.boolean;
                return true;
            },
        .get = [](const void* part, PropertyValue& value) { value.boolean = cpu(part).settings_.*Member; }};
}

bool set_vendor(void* part, const PropertyValue& value, Errors& errors) {
    constexpr std::size_t kLength = 12;
    if (value.text.size != kLength) {
        errors.fail("a vendor is 12 characters, such as GenuineIntel");
        return false;
    }
    cpu(part).settings_.vendor = std::string(value.text.view());
    return true;
}
bool set_model_id(void* part, const PropertyValue& value, Errors&) {
    cpu(part).settings_.model_id = std::string(value.text.view());
    return true;
}
bool set_host_physical_bits(void* part, const PropertyValue& value, Errors&) {
    cpu(part).settings_.host_physical_bits = value.boolean;
    return true;
}
bool set_migratable(void* part, const PropertyValue& value, Errors& errors) {
    if (!cpu(part).shows_all_there_is() && !value.boolean) {
        errors.fail("only host and max have features beside a model's; name them");
        return false;
    }
    cpu(part).settings_.migratable = value.boolean;
    return true;
}
bool set_physical_bits(void* part, const PropertyValue& value, Errors& errors) {
    constexpr std::uint64_t kLeast = 32, kMost = 52;
    if (value.number != 0 && (value.number < kLeast || value.number > kMost)) {
        errors.fail("phys-bits is between 32 and 52, or 0 for what is usual");
        return false;
    }
    cpu(part).settings_.physical_bits = std::uint32_t(value.number);
    return true;
}

constexpr PropertyInfo kSettings[] = {
    setting<&Settings::level, &ModelValues::level>("level", "highest basic CPUID leaf"),
    setting<&Settings::xlevel, &ModelValues::xlevel>("xlevel", "highest extended CPUID leaf"),
    setting<&Settings::xlevel2, &ModelValues::xlevel2>("xlevel2",
                                                       "highest CPUID leaf of the 0xc0000000 range"),
    setting<&Settings::level7, &ModelValues::level7>("level-func7", "highest subleaf of CPUID leaf 7"),
    setting<&Settings::family, &ModelValues::family>("family", "CPU family", 0xff + 0xf),
    setting<&Settings::model, &ModelValues::model>("model", "model number", 0xff),
    setting<&Settings::stepping, &ModelValues::stepping>("stepping", "stepping", 0xf),
    {.name = "vendor",
     .kind = PropertyKind::String,
     .summary = "12 characters: GenuineIntel, AuthenticAMD",
     .set = set_vendor,
     .get = [](const void* part, PropertyValue& v) { v.text = cpu(part).vendor_text(); }},
    {.name = "model-id",
     .kind = PropertyKind::String,
     .summary = "the name that the processor gives",
     .set = set_model_id,
     .get = [](const void* part, PropertyValue& v) { v.text = cpu(part).model_id_text(); }},
    {.name = "phys-bits",
     .kind = PropertyKind::UInt,
     .summary = "bits of a physical address; 0: 40",
     .set = set_physical_bits,
     .get = [](const void* part, PropertyValue& v) { v.number = cpu(part).settings_.physical_bits; }},
    {.name = "host-phys-bits",
     .kind = PropertyKind::Bool,
     .summary = "physical addresses as wide as the host's",
     .set = set_host_physical_bits,
     .get = [](const void* part,
               PropertyValue& v) { v.boolean = cpu(part).settings_.host_physical_bits.value_or(false); }},
    number<&Settings::host_physical_bits_limit>("host-phys-bits-limit", "and no wider than this; 0: no limit",
                                                52),
    {.name = "migratable",
     .kind = PropertyKind::Bool,
     .summary = "host, max: without what another host might not have (invtsc), unless it is asked for",
     .default_text = "on",
     .set = set_migratable,
     .get = [](const void* part, PropertyValue& v) { v.boolean = cpu(part).settings_.migratable; }},
    flag<&Settings::check>("check", "warn of features that the accelerator cannot give", "on"),
    flag<&Settings::enforce>("enforce", "refuse to start without them", "off"),
    flag<&Settings::paravirtual_leaf>("kvm", "show the accelerator's own CPUID leaves", "on"),
    flag<&Settings::topology_leaf>("cpuid-0xb", "show CPUID leaf 0xb", "on"),
    flag<&Settings::l3_cache>("l3-cache", "show a level 3 cache", "on"),
    flag<&Settings::legacy_cache>("legacy-cache", "show caches that every model used to have", "off"),
    flag<&Settings::vendor_leaves_only>("x-vendor-cpuid-only", "no leaves 2 and 4 in AMD's models", "on"),
    flag<&Settings::vendor_leaves_only_v2>(
        "x-vendor-cpuid-only-v2", "no caches and cores in the extended leaves of Intel's models", "on"),
    flag<&Settings::consistent_cache>("x-consistent-cache", "leaf 2 refers to leaf 4", "on"),
    flag<&Settings::level1_per_core>("x-l1-cache-per-thread", "leaf 4: threads share level 1 caches", "on"),
    flag<&Settings::defined_cache_bits_only>("x-amd-topoext-features-only",
                                             "no bits in leaf 0x8000001d that AMD does not define", "on"),
    flag<&Settings::dies_are_nodes>("legacy-multi-node", "leaf 0x8000001e: AMD's nodes are dies", "off"),
    flag<&Settings::shows_leaf_1f>("x-force-cpuid-0x1f", "show CPUID leaf 0x1f also without dies and modules",
                                   "off"),
    {.name = "tsc-frequency",
     .kind = PropertyKind::UInt,
     .summary = "of the time-stamp counter in Hz; 0: the host's",
     .maximum = 1'000'000'000'000,
     .set =
         [](void* part, const PropertyValue& value, Errors&) {
             cpu(part).settings_.tsc_frequency = value.number;
             return true;
         },
     .get = [](const void* part, PropertyValue& value) { value.number = cpu(part).settings_.tsc_frequency; }},
    {.name = "apic-id",
     .kind = PropertyKind::UInt,
     .summary = "its APIC's id; 4294967295: as the board has it",
     .maximum = 0xffffffff,
     .set =
         [](void* part, const PropertyValue& v, Errors&) {
             cpu(part).settings_.apic_id = std::uint32_t(v.number);
             return true;
         },
     .get = [](const void* part,
               PropertyValue& v) { v.number = cpu(part).settings_.apic_id.value_or(kNoApicId); }},
    place<&Settings::socket_id>("socket-id", "the socket it sits in"),
    place<&Settings::die_id>("die-id", "its die in the socket"),
    place<&Settings::module_id>("module-id", "its module in the die"),
    place<&Settings::core_id>("core-id", "its core in the module"),
    place<&Settings::thread_id>("thread-id", "its thread in the core"),
    number<&Settings::threads>("threads", "threads that a core has", 1u << 12, 1),
    number<&Settings::cores>("cores", "cores that a module has", 1u << 12, 1),
    number<&Settings::modules>("modules", "modules that a die has", 1u << 12, 1),
    number<&Settings::dies>("dies", "dies that a socket has", 1u << 12, 1),
};

template <std::size_t... Index>
constexpr auto all_properties(std::index_sequence<Index...>) {
    constexpr std::size_t kCount = sizeof...(Index) + std::size(kFeatureAliases) + std::size(kControls) +
                                   std::size(kSettings) + hyperv::kEnlightenmentProperties.size() +
                                   std::size(hyperv::kProperties);
    std::array<PropertyInfo, kCount> all{feature_property<Index>(kFeatures[Index].name)...};
    auto* next = all.data() + sizeof...(Index);
    for (const PropertyInfo& row : kFeatureAliases) *next++ = row;
    for (const PropertyInfo& row : kControls) *next++ = row;
    for (const PropertyInfo& row : kSettings) *next++ = row;
    for (const PropertyInfo& row : hyperv::kEnlightenmentProperties) *next++ = row;
    for (const PropertyInfo& row : hyperv::kProperties) *next++ = row;
    return all;
}
constexpr auto kProperties = all_properties(std::make_index_sequence<std::size(kFeatures)>{});

constexpr InterfaceInfo kInterfaces[] = {
    offers<X86Cpu, Device>(),           offers<X86Cpu, Cpu>(),
    offers<X86Cpu, CpuDebug>(),         offers<X86Cpu, Processor>(),
    offers<X86Cpu, ProcessorControl>(), offers<X86Cpu, ProcessorIdentity>(),
    offers<X86Cpu, TimeStampCounter>(),
};

constexpr ModelType kModelTypes[] = {
    {"base", "base-x86_64-cpu", nullptr, &kBase},
    {"host", "host-x86_64-cpu", nullptr, &kHost},
    {"max", "max-x86_64-cpu", nullptr, &kMax},
#define BACKPLANE_MODEL(identifier, name, summary, base, ...) \
    {name, name "-x86_64-cpu", nullptr, &identifier},
#include "models.inc"
#undef BACKPLANE_MODEL
#define BACKPLANE_NAME(identifier, name, version, contents, ...) \
    {name, name "-x86_64-cpu", version, &contents},
#include "names.inc"
#undef BACKPLANE_NAME
};

void* make_cpu(Object& object, const void* class_data, Errors&) {
    return new X86Cpu(object, *static_cast<const Model*>(class_data));
}

constexpr TypeInfo model(const char* type, const char* option, const char* summary, const Model& data,
                         Slice<const Past> history = {}) {
    return {.name = type,
            .parent = kProcessorType,
            .summary = summary,
            .user_creatable = true,
            .option_name = option,
            .history = history,
            .class_data = &data};
}

constexpr InterfaceInfo kListingInterfaces[] = {offers<X86Listing, CommandHandler>()};

constexpr WireInfo kWires[] = {
    {.name = "intr", .direction = WireDirection::Input, .summary = "INTR, the 8259's"},
    {.name = "a20", .direction = WireDirection::Input, .summary = "A20M#: address bit 20 is let through"},
    {.name = "smi", .direction = WireDirection::Input, .summary = "SMI#: a pulse for each"},
};

constexpr TypeInfo kTypes[] = {
    {
        .name = kProcessorType,
        .parent = "cpu",
        .summary = "x86 processor",
        .abstract = true,
        .bus = "x86-cpu",
        .category = "CPUID",
        .interfaces = kInterfaces,
        .properties = {kProperties.data(), kProperties.size()},
        .wires = kWires,
        .history = kHistory,
        .instance_init = make_cpu,
        .instance_finalize = free_part<X86Cpu>,
        .architecture = "x86_64",
    },
    model("base-x86_64-cpu", "base", "base CPU model type with no features enabled", kBase),
    model("host-x86_64-cpu", "host", "processor with all supported host features", kHost),
    model("max-x86_64-cpu", "max", "Enables all features supported by the accelerator in the current host",
          kMax),
#define BACKPLANE_MODEL(identifier, name, summary, base, ...) \
    model(name "-x86_64-cpu", name, summary, identifier),
#include "models.inc"
#undef BACKPLANE_MODEL
#define BACKPLANE_NAME(identifier, name, version, contents, ...)        \
    model(name "-x86_64-cpu", name, "(alias of " version ")", contents, \
          {histories::identifier.data(), histories::identifier.size()}),
#include "names.inc"
#undef BACKPLANE_NAME
    {
        .name = "x86-listing",
        .parent = "service",
        .summary = "shows x86 processors and their models in monitors",
        .interfaces = kListingInterfaces,
        .commands = kListingCommands,
        .instance_init = make_part<X86Listing>,
        .instance_finalize = free_part<X86Listing>,
    },
};

}  // namespace

const ModelType* model_type_at(std::size_t index) {
    return index < std::size(kModelTypes) ? &kModelTypes[index] : nullptr;
}
Slice<const PropertyInfo> processor_properties() { return {kProperties.data(), kProperties.size()}; }

}  // namespace backplane::x86

BACKPLANE_PLUGIN("x86_64-cpu", "1.0", "Backplane", backplane::x86::kTypes)
