// The CPU models, as `-cpu` names them. A model has what it executes and nothing else.
//
// rv64 and max are generic; the others follow their manuals: "SiFive U54 Core Complex Manual" and "SiFive E51 Core
// Complex Manual" (FU540-C000), "Shakti C-class". Identification registers read as 0, "not implemented".
#include "missing_extensions.h"
#include "riscv_cpu.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

#include <utility>

namespace backplane::riscv {
namespace {

template <class... E>
constexpr std::uint64_t all_of(E... extensions) {
    return (bit(extensions) | ...);
}

using enum Extension;
constexpr std::uint64_t kImac = all_of(M, A, C, U, Zicsr, Zifencei, Zicntr, Pmp);
constexpr std::uint64_t kGcSv39 = kImac | all_of(F, D, S, Sv39);

constexpr Model kRv64{.extensions =
                          kGcSv39 | all_of(Zihpm, Zihintpause, Zba, Zbb, Zbc, Zbs, Sstc, Svadu, Sv48)};
constexpr Model kMax{.extensions = kRv64.extensions | all_of(Svinval, Svnapot, Sv57)};
/// The base alone, for those who name all that they want.
constexpr Model kRv64i{.extensions = all_of(Zicsr), .privileged_version = 10};
constexpr Model kSifiveU54{.extensions = kGcSv39, .pmp_entries = 8, .privileged_version = 10};
constexpr Model kSifiveE51{.extensions = kImac, .pmp_entries = 8, .privileged_version = 10};
constexpr Model kShaktiC{.extensions = kGcSv39 & ~bit(Pmp), .privileged_version = 10};

template <Extension Which>
bool set_extension(void* part, const PropertyValue& value, Errors&) {
    static_cast<RiscvCpu*>(part)->set_extension(Which, value.boolean);
    return true;
}
template <Extension Which>
void get_extension(const void* part, PropertyValue& value) {
    value.boolean = static_cast<const RiscvCpu*>(part)->extension(Which);
}
template <std::size_t Index>
constexpr PropertyInfo extension_property() {
    return {.name = kExtensions[Index].name,
            .kind = PropertyKind::Bool,
            .summary = kExtensions[Index].summary,
            .set = set_extension<kExtensions[Index].extension>,
            .get = get_extension<kExtensions[Index].extension>};
}

template <std::size_t Index>
constexpr PropertyInfo group_property() {
    return {.name = kGroups[Index].name,
            .kind = PropertyKind::Bool,
            .summary = kGroups[Index].summary,
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    static_cast<RiscvCpu*>(part)->switch_group(kGroups[Index], value.boolean);
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.boolean = static_cast<const RiscvCpu*>(part)->has_all(kGroups[Index].extensions);
                }};
}

template <std::size_t Index>
constexpr PropertyInfo part_property() {
    return {.name = kParts[Index].name,
            .kind = PropertyKind::Bool,
            .summary = "part of an extension, there when the whole is",
            .set =
                [](void* part, const PropertyValue& value, Errors&) {
                    static_cast<RiscvCpu*>(part)->want_part(kParts[Index], value.boolean);
                    return true;
                },
            .get =
                [](const void* part, PropertyValue& value) {
                    value.boolean = static_cast<const RiscvCpu*>(part)->has_all(kParts[Index].whole);
                }};
}

/// A switch that is off and stays so.
template <const auto& Table, std::size_t Index>
constexpr PropertyInfo missing_property() {
    return {.name = Table[Index].name,
            .kind = PropertyKind::Bool,
            .summary = Table[Index].reason,
            .set =
                [](void*, const PropertyValue& value, Errors& errors) {
                    if (value.boolean)
                        errors.fail(std::string(Table[Index].reason) + "; leave " + Table[Index].name +
                                    " off");
                    return !value.boolean;
                },
            .get = [](const void*, PropertyValue& value) { value.boolean = false; }};
}

constexpr PropertyInfo text_property(const char* name, const char* summary,
                                     void (*get)(const void* part, PropertyValue& value)) {
    return {.name = name, .kind = PropertyKind::String, .summary = summary, .get = get};
}
const RiscvCpu& cpu(const void* part) { return *static_cast<const RiscvCpu*>(part); }

constexpr PropertyInfo kOtherProperties[] = {
    {.name = "i",
     .kind = PropertyKind::Bool,
     .summary = "base integer instructions; always on",
     .set =
         [](void*, const PropertyValue& v, Errors& errors) {
             if (!v.boolean) errors.fail("every hart has the base integer instructions; leave i on");
             return v.boolean;
         },
     .get = [](const void*, PropertyValue& v) { v.boolean = true; }},
    {.name = "svade",
     .kind = PropertyKind::Bool,
     .summary = "software sets A and D bits; the opposite of svadu",
     .set =
         [](void* part, const PropertyValue& v, Errors&) {
             if (v.boolean) static_cast<RiscvCpu*>(part)->set_extension(Extension::Svadu, false);
             return true;
         },
     .get = [](const void* part, PropertyValue& v) { v.boolean = !cpu(part).extension(Extension::Svadu); }},
    property<&RiscvCpu::mmu_>({.name = "mmu", .summary = "address translation; off leaves only Bare"}),
    property<&RiscvCpu::pmp_entries_>(
        {.name = "num-pmp-regions", .summary = "PMP entries that can be written", .maximum = kPmpEntries}),
    enum_property<&RiscvCpu::privileged_choice_>({.name = "priv_spec",
                                                  .summary = "version of the privileged architecture",
                                                  .choices = "v1.10.0|v1.11.0|v1.12.0"}),
    {.name = "hartid",
     .kind = PropertyKind::UInt,
     .summary = "mhartid; the CPU's index unless it is set",
     .set =
         [](void* part, const PropertyValue& v, Errors&) {
             static_cast<RiscvCpu*>(part)->set_hart_id(v.number);
             return true;
         },
     .get = [](const void* part, PropertyValue& v) { v.number = cpu(part).hart_id(); }},
    property<&RiscvCpu::reset_vector_>({.name = "resetvec", .summary = "where execution starts"}),
    property<&RiscvCpu::timebase_frequency_>(
        {.name = "timebase-frequency", .summary = "ticks of time per second, Hz"}),
    property<&RiscvCpu::mvendorid_>(
        {.name = "mvendorid", .summary = "JEDEC number of the vendor", .maximum = 0xffffffff}),
    property<&RiscvCpu::marchid_>({.name = "marchid", .summary = "architecture number"}),
    property<&RiscvCpu::mimpid_>({.name = "mimpid", .summary = "implementation number"}),
    text_property("isa-string", "the ISA in one word",
                  [](const void* part, PropertyValue& v) { v.text = cpu(part).isa_text(); }),
    text_property("isa-extensions", "the extensions' names, ',' between them",
                  [](const void* part, PropertyValue& v) { v.text = cpu(part).isa_extensions_text(); }),
    text_property(
        "mmu-type", "the largest page-table scheme, as a device tree names it",
        [](const void* part, PropertyValue& v) { v.text = mmu_type(cpu(part).effective_extensions()); }),
};

template <std::size_t... E, std::size_t... G, std::size_t... P, std::size_t... M, std::size_t... R>
constexpr auto all_properties(std::index_sequence<E...>, std::index_sequence<G...>, std::index_sequence<P...>,
                              std::index_sequence<M...>, std::index_sequence<R...>) {
    constexpr std::size_t kSwitches =
        sizeof...(E) + sizeof...(G) + sizeof...(P) + sizeof...(M) + sizeof...(R);
    std::array<PropertyInfo, kSwitches + std::size(kOtherProperties)> all{
        extension_property<E>()...,
        group_property<G>()...,
        part_property<P>()...,
        missing_property<kMissingExtensions, M>()...,
        missing_property<kMissingProfiles, R>()...,
    };
    for (std::size_t i = 0; i < std::size(kOtherProperties); ++i) all[kSwitches + i] = kOtherProperties[i];
    return all;
}
constexpr auto kProperties = all_properties(
    std::make_index_sequence<std::size(kExtensions)>{}, std::make_index_sequence<std::size(kGroups)>{},
    std::make_index_sequence<std::size(kParts)>{}, std::make_index_sequence<std::size(kMissingExtensions)>{},
    std::make_index_sequence<std::size(kMissingProfiles)>{});

constexpr WireInfo kWires[] = {{.name = "irq",
                                .direction = WireDirection::Input,
                                .summary = "the bits of mip: 3 MSI, 7 MTI, 9 SEI, 11 MEI",
                                .count = interrupt::kCount}};
constexpr InterfaceInfo kInterfaces[] = {
    offers<RiscvCpu, Device>(),
    offers<RiscvCpu, Cpu>(),
    offers<RiscvCpu, CpuDebug>(),
    offers<RiscvCpu, HartControl>(),
};

void* make_cpu(Object& object, const void* class_data, Errors&) {
    return new RiscvCpu(object, *static_cast<const Model*>(class_data));
}

constexpr TypeInfo model(const char* type, const char* option, const char* summary, const Model& data,
                         const char* aliases = nullptr) {
    return {.name = type,
            .parent = kHartType,
            .summary = summary,
            .option_name = option,
            .aliases = aliases,
            .class_data = &data};
}

constexpr TypeInfo kTypes[] = {
    {
        .name = kHartType,
        .parent = "cpu",
        .summary = "RISC-V hart",
        .abstract = true,
        .interfaces = kInterfaces,
        .properties = {kProperties.data(), kProperties.size()},
        .wires = kWires,
        .instance_init = make_cpu,
        .instance_finalize = free_part<RiscvCpu>,
        .architecture = "riscv64",
    },
    model("rv64-riscv-cpu", "rv64", "64-bit hart with RV64GC, bit manipulation, Sv48 and Sstc", kRv64),
    model("rv64i-riscv-cpu", "rv64i", "64-bit hart with the base alone, to be given what is wanted", kRv64i),
    model("max-riscv-cpu", "max", "all that is implemented", kMax, "any"),
    model("shakti-c-riscv-cpu", "shakti-c", "Shakti C-class", kShaktiC),
    model("sifive-e51-riscv-cpu", "sifive-e51", "SiFive E51 monitor core", kSifiveE51),
    model("sifive-u54-riscv-cpu", "sifive-u54", "SiFive U54 application core", kSifiveU54),
};

}  // namespace
}  // namespace backplane::riscv

BACKPLANE_PLUGIN("riscv-cpu", "1.0", "Backplane", backplane::riscv::kTypes)
