#include "kernel/launch/topology.h"

#include "kernel/vocabulary/user_error.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

/// CPUs in the hierarchy; some large number when there are more than any machine takes.
std::uint64_t product_of(const Topology& topology) {
    constexpr std::uint64_t kLarge = std::uint64_t{1} << 32;
    std::uint64_t product = 1;
    for (const TopologyLevel& level : kTopologyLevels)
        product = std::min(product * (topology.*level.count), kLarge);
    return product;
}

bool has(const BoardTraits& traits, const TopologyLevel& level) {
    return level.optional == 0 || (traits.topology_levels & level.optional) != 0;
}

/// As users know it, with those levels that the machine has.
std::string hierarchy(const Topology& topology, const BoardTraits& traits) {
    std::string text;
    for (const TopologyLevel& level : kTopologyLevels)
        if (has(traits, level))
            text += (text.empty() ? "" : " * ") + std::string(level.name) + " (" +
                    std::to_string(topology.*level.count) + ")";
    return text;
}

/// Levels that nobody named hold one.
Topology named_levels(const SmpPlan& smp, const BoardTraits& traits) {
    Topology topology;
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i) {
        const TopologyLevel& level = kTopologyLevels[i];
        topology.*level.count = smp.levels[i].value_or(1);
        if (topology.*level.count > 1 && !has(traits, level))
            throw UserError(std::string(level.name) + " > 1 not supported by this machine's CPU topology");
    }
    return topology;
}

/// The level that takes what is left of a number of CPUs; null: all have their count.
const TopologyLevel* open_level(const SmpPlan& smp, bool sockets_first) {
    constexpr std::size_t kCores = kTopologyLevelCount - 2, kThreads = kTopologyLevelCount - 1;
    const std::size_t first = sockets_first ? kSocketLevel : kCores;
    const std::size_t second = sockets_first ? kCores : kSocketLevel;
    for (const std::size_t level : {first, second, kThreads})
        if (!smp.levels[level]) return &kTopologyLevels[level];
    return nullptr;
}

}  // namespace

Topology resolve_topology(const SmpPlan& smp, const BoardTraits& traits, std::string_view machine) {
    Topology t = named_levels(smp, traits);
    if (const std::optional<std::uint32_t> total = smp.max_cpus ? smp.max_cpus : smp.cpus)
        if (const TopologyLevel* open = open_level(smp, traits.sockets_first))
            t.*open->count = std::uint32_t(*total / product_of(t));
    const std::uint64_t product = product_of(t);
    const std::uint64_t maximum = smp.max_cpus ? *smp.max_cpus : smp.cpus ? *smp.cpus : product;
    const std::uint64_t cpus = smp.cpus ? *smp.cpus : maximum;
    const std::string most = "maxcpus (" + std::to_string(maximum) + ")";
    if (product != maximum)
        throw UserError("Invalid CPU topology: product of the hierarchy must match maxcpus: " +
                        hierarchy(t, traits) + " != " + most);
    if (maximum < cpus)
        throw UserError("Invalid CPU topology: maxcpus must be equal to or greater than smp: " +
                        hierarchy(t, traits) + " == " + most + " < smp_cpus (" + std::to_string(cpus) + ")");
    if (maximum > traits.max_cpus)
        throw UserError("Invalid SMP CPUs " + std::to_string(maximum) +
                        ". The max CPUs supported by machine '" + std::string(machine) + "' is " +
                        std::to_string(traits.max_cpus));
    t.cpus = std::uint32_t(cpus);
    t.max_cpus = std::uint32_t(maximum);
    return t;
}

}  // namespace backplane::kernel
