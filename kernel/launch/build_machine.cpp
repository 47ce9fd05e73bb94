// The machine object and what it is told ahead of its chips: properties, topology, memory, CPU, serial ports, clock.
#include "kernel/launch/boot_files.h"
#include "kernel/launch/build_site.h"
#include "kernel/launch/numa.h"
#include "kernel/launch/topology.h"
#include "kernel/machine/log_hub.h"
#include "kernel/object/release.h"
#include "kernel/vocabulary/machine_switches.h"
#include "kernel/vocabulary/suboptions.h"

#include <backplane/text.h>

#include <sys/sysinfo.h>

namespace backplane::kernel {
namespace {

std::string size_text(std::uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    unsigned unit = 0;
    while (unit < 6 && bytes >= 1024 && bytes % 1024 == 0) bytes >>= 10, ++unit;
    while (unit < 6 && bytes >= 10240) bytes >>= 10, ++unit;
    return std::to_string(bytes) + " " + kUnits[unit];
}

/// Where the machine's memory comes from, when it is not just its own.
struct MemorySource {
    std::string option;
    std::string backend;               ///< an object's id; empty: the machine's own memory
    std::optional<ObjectPlan> object;  ///< what is to be made for it
};

MemorySource memory_source(const BuildSite& site) {
    MemorySource source{site.plan.memory_backend_option, site.plan.memory_backend, site.plan.ram_object};
    const PropertyList wishes = memory_defaults(site.plan);
    const bool of_nodes = std::ranges::any_of(
        site.plan.numa.nodes, [](const NumaNodePlan& node) { return !node.memory_backend.empty(); });
    if (wishes.empty() || !source.backend.empty() || of_nodes) return source;
    // Made of a backend, the machine's own memory is what it is otherwise but for those.
    constexpr const char* kId = "#ram";
    const bool merge = std::ranges::any_of(wishes, [](const auto& wish) { return wish.first == "merge"; });
    return {site.machine_option(), kId,
            ObjectPlan{site.machine_option(), "memory-backend-ram", kId,
                       merge ? PropertyList{} : PropertyList{{"merge", "off"}}}};
}

void use_memory_backend(BuildSite& site, const MemorySource& source, const BoardTraits& traits) {
    const std::string& option = source.option;
    if (source.object) {
        ObjectPlan object = *source.object;
        object.properties.emplace_back("size",
                                       std::to_string(site.plan.ram_size.value_or(traits.default_ram)));
        make_object(site, object);
    }
    Instance* backend = site.machine.objects().find_id(source.backend);
    if (!backend)
        throw UserError(option + ": there is no object '" + source.backend +
                        "'; make it with -object memory-backend-ram,id=" + source.backend + ",size=…");
    site.check(site.machine.set_ram_backend(*backend, site.errors), option);
    const std::uint64_t size = site.machine.ram_size();
    if (site.plan.ram_size.value_or(size) != size)
        throw UserError(site.plan.ram_option + ": memory backend '" + source.backend + "' has " +
                        size_text(size) + "; ask for the same, or leave out -m");
    if (size > traits.max_ram)
        throw UserError(option + ": machine '" + site.machine_name + "' takes at most " +
                        size_text(traits.max_ram));
}

void set_memory(BuildSite& site, const BoardTraits& traits) {
    const std::uint64_t size = site.plan.ram_size.value_or(traits.default_ram);
    const std::string option = site.plan.ram_option.empty() ? "-m" : site.plan.ram_option;
    const MemorySource source = memory_source(site);
    if (!source.backend.empty()) return use_memory_backend(site, source, traits);
    if (size > traits.max_ram)
        throw UserError(option + ": machine '" + site.machine_name + "' takes at most " +
                        size_text(traits.max_ram));
    struct sysinfo host {};
    if (sysinfo(&host) == 0) {
        const std::uint64_t memory = std::uint64_t(host.totalram) * host.mem_unit;
        const std::uint64_t swap = std::uint64_t(host.totalswap) * host.mem_unit;
        if (size > memory + swap)
            throw UserError(option + ": " + size_text(size) + " is more than this host has (" +
                            size_text(memory) + " of memory, " + size_text(swap) + " of swap); ask for less");
    }
    site.machine.set_ram_size(size);
}

/// Up to release 5.0 a node might be said to have a part of the memory that has no backend of its own.
bool nodes_may_say_sizes(const BuildSite& site, const std::string& type) {
    const ManifestVersion* version = site.catalog.find_version(type).version;
    const auto release = version ? Release::parse(version->release) : std::nullopt;
    return release && release->line.empty() && !Release::parse("5.0")->older_than(*release);
}

/// Only boards with such a table have the switch.
bool machine_tells_speed(BuildSite& site) {
    IgnoredErrors none;
    TextBuffer value;
    return site.machine.machine_object().get_property("hmat", value, none) && value.text() == "on";
}

/// Where the board takes memory modules.
void set_memory_room(BuildSite& site) {
    const std::uint32_t slots = site.plan.ram_slots, most = site.machine.traits().memory_slots;
    if (most == 0) {
        if (slots != 0 || site.plan.ram_maximum > site.plan.ram_size)
            site.machine.log().write(LogLevel::Warning, "machine",
                                     site.plan.ram_option + ": memory cannot be plugged in on machine '" +
                                         site.machine_name + "'; slots= and maxmem= hold nothing");
        return;
    }
    if (slots > most)
        throw UserError(site.plan.ram_option +
                        ": unsupported amount of memory slots: " + std::to_string(slots) + "; machine '" +
                        site.machine_name + "' has at most " + std::to_string(most));
    site.machine.set_memory_room(slots, site.plan.ram_maximum.value_or(0));
}

/// What is plugged in belongs to a node: where nobody made any, there is one.
bool needs_a_node(const BuildSite& site) {
    return site.plan.numa.nodes.empty() && site.plan.ram_slots != 0 &&
           site.machine.traits().memory_slots != 0;
}

NumaConfiguration one_node(std::uint64_t memory, const Topology& topology) {
    NumaConfiguration numa;
    numa.nodes.push_back({.memory = memory});
    numa.node_of_cpu.resize(topology.max_cpus);
    return numa;
}

/// Ahead of the memory, which the nodes may have.
void set_numa(BuildSite& site, const std::string& type) {
    NumaMemory memory;
    const BoardTraits& traits = site.machine.traits();
    memory.total = site.plan.ram_size.value_or(traits.default_ram);
    memory.may_say_sizes = nodes_may_say_sizes(site, type);
    memory.tells_speed = machine_tells_speed(site);
    memory.backend = [&](const std::string& id) {
        Instance* found = site.machine.objects().find_id(id);
        if (!found || !found->realized())
            throw UserError("memdev=" + id + ": there is no object '" + id +
                            "'; make it with -object memory-backend-ram,id=" + id + ",size=…");
        return found;
    };
    std::vector<std::string> warnings;
    NumaConfiguration numa = needs_a_node(site)
                                 ? one_node(memory.total, site.machine.topology())
                                 : resolve_numa(site.plan.numa, site.machine.topology(), memory, warnings);
    for (const std::string& warning : warnings) site.machine.log().write(LogLevel::Warning, "numa", warning);
    const bool backends =
        std::ranges::any_of(numa.nodes, [](const auto& node) { return node.backend != nullptr; });
    if (backends && !site.plan.memory_backend.empty())
        throw UserError(site.plan.memory_backend_option +
                        ": '-machine memory-backend' and '-numa memdev' properties are mutually exclusive");
    site.machine.set_numa(std::move(numa));
}

void set_cpu(BuildSite& site, const BoardTraits& traits) {
    const std::string family = traits.cpu_family ? traits.cpu_family : "cpu";
    if (!site.plan.cpu && !traits.default_cpu) return;
    const std::string model = site.plan.cpu ? site.plan.cpu->model : traits.default_cpu;
    site.cpu_option = site.plan.cpu ? site.plan.cpu->option : "-cpu " + model;
    std::string type = resolve_type(site.catalog, site.cpu_option, model, family, "CPU model", "-cpu");
    site.cpu_type = type;
    site.machine.set_cpu(std::move(type), site.plan.cpu ? site.plan.cpu->features : PropertyList{});
}

/// The ports of a kind, "serial" or "parallel": what the plan connects them to, and what the board has of them.
struct PortKind {
    const char* name;
    const std::vector<std::string>& wanted;
    bool by_default;  ///< nobody said anything of them
    std::uint32_t most;
    const char* instead;
};

/// What is behind a port that nobody said anything of.
Instance* unseen_chardev(BuildSite& site, const PortKind& kind) {
    const std::string option = "the default " + std::string(kind.name) + " port";
    const std::string type =
        resolve_type(site.catalog, option, site.plan.unseen_ports, "chardev", "backend", "-chardev");
    Instance* made =
        site.machine.create_backend(type, std::string(kind.name) + "0", {}, "chardevs", site.errors);
    site.check(made != nullptr, option);
    return made;
}

/// Ports that the board does not have stay unconnected: lines of users have spare ones.
std::vector<Instance*> ports_of(BuildSite& site, const PortKind& kind) {
    std::vector<Instance*> ports;
    if (kind.by_default && (kind.most == 0 || user_adds(site.plan, kind.instead))) return ports;
    if (kind.by_default && kind.wanted.empty()) return {unseen_chardev(site, kind)};
    for (const std::string& id : kind.wanted) {
        Instance* chardev = id.empty() ? nullptr : site.machine.objects().find_id(id);
        if (!id.empty() && !chardev)
            throw UserError("-" + std::string(kind.name) + " chardev:" + id + ": there is no chardev '" + id +
                            "'");
        if (ports.size() < kind.most) ports.push_back(chardev);
    }
    return ports;
}

void set_ports(BuildSite& site, const BoardTraits& traits) {
    const LaunchPlan& plan = site.plan;
    site.machine.set_serials(ports_of(
        site, {"serial", plan.serials, plan.default_serial, traits.serial_ports, traits.serial_instead}));
    site.machine.set_parallels(ports_of(site, {"parallel", plan.parallels, plan.default_parallel,
                                               traits.parallel_ports, traits.parallel_instead}));
}

RtcOptions rtc_options(const RtcPlan& plan) {
    RtcOptions rtc;
    rtc.base = plan.base == RtcPlan::Base::Utc         ? RtcOptions::Base::Utc
               : plan.base == RtcPlan::Base::LocalTime ? RtcOptions::Base::LocalTime
                                                       : RtcOptions::Base::Date;
    rtc.date_ns = plan.date_ns;
    rtc.virtual_clock = plan.virtual_clock;
    rtc.slew = plan.slew;
    return rtc;
}

/// Nobody can look into the memory of such a guest, and here everybody can who can look into this process.
void refuse_encryption(const std::string& name) {
    if (name == "memory-encryption" || name == "confidential-guest-support")
        throw UserError("guests' memory is not encrypted; leave " + name + "= out");
}

std::string with_hyphens(std::string name) {
    std::ranges::replace(name, '_', '-');
    return name;
}

/// Users' lines say of the machine what one of its accelerators has, with '_' where that has '-'.
bool of_accelerator(const BuildSite& site, const std::string& machine, const std::string& name) {
    return !find_listed(site.catalog, machine, name) &&
           std::ranges::any_of(accelerators(site), [&](const AcceleratorChoice& choice) {
               return find_listed(site.catalog, accelerator_type(site.catalog, choice), with_hyphens(name));
           });
}

/// Sets the board's properties. Those that every machine has say something of its memory, or nothing.
void set_machine_properties(BuildSite& site, const std::string& type) {
    Instance& machine = site.machine.machine_object();
    TextBuffer graphics;
    IgnoredErrors has_none;
    if (!site.plan.graphics && machine.get_property("graphics", graphics, has_none))
        site.check(machine.set_property("graphics", "off", site.errors), "");
    for (const auto& [name, value] : site.plan.machine_properties) {
        const std::string option = option_of_property(site.plan, name, value);
        try {
            refuse_encryption(name);
            if (find_machine_switch(name)) flag_value(name, value);
            else if (of_accelerator(site, type, name))
                site.accelerator_properties.emplace_back(with_hyphens(name), value);
            else
                site.check(machine.set_property(name, value, site.errors), "", type, {{name, value}},
                           "-machine " + site.machine_name + ",help");
        } catch (const UserError& error) {
            throw UserError(option + ": " + error.what());
        }
    }
}

/// None for what is neither on nor off: the machine, whose properties are looked at later, says so.
std::optional<bool> switch_value(const std::string& text) {
    try {
        return flag_value("", text);
    } catch (const UserError&) {
        return std::nullopt;
    }
}

}  // namespace

PropertyList memory_defaults(const LaunchPlan& plan) {
    PropertyList properties;
    for (const auto& [name, value] : plan.machine_properties) {
        const bool merge = name == "mem-merge";
        if (!merge && name != "dump-guest-core") continue;
        if (const auto on = switch_value(value))
            properties.emplace_back(merge ? "merge" : "dump", *on ? "on" : "off");
    }
    return properties;
}

void configure_machine(BuildSite& site, const std::string& type) {
    site.check(site.machine.set_type(type, site.errors), site.machine_option());
    const BoardTraits& traits = site.machine.traits();
    set_machine_properties(site, type);
    try {
        site.machine.set_topology(resolve_topology(site.plan.smp, traits, site.machine_name));
    } catch (const UserError& error) {
        throw UserError((site.plan.smp.option.empty() ? "-smp 1" : site.plan.smp.option) + ": " +
                        error.what());
    }
    set_memory_room(site);
    set_numa(site, type);
    set_memory(site, traits);
    set_cpu(site, traits);
    set_ports(site, traits);
    site.machine.set_default_devices(site.plan.default_devices);
    site.machine.set_rtc(rtc_options(site.plan.rtc));
    site.machine.set_firmware_path(firmware_path(site.plan));
    site.machine.set_actions(site.plan.actions);
}

}  // namespace backplane::kernel
