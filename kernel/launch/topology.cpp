#include "kernel/launch/topology.h"

#include "kernel/vocabulary/user_error.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

using Level = std::optional<std::uint32_t>;

/// CPUs in the hierarchy; some large number when there are more than any machine takes.
std::uint64_t product_of(const Topology& t) {
    constexpr std::uint64_t kLarge = std::uint64_t{1} << 32;
    std::uint64_t product = 1;
    for (const std::uint32_t level : {t.sockets, t.clusters, t.cores, t.threads})
        product = std::min(product * level, kLarge);
    return product;
}

std::string hierarchy(const Topology& t) {
    std::string text = "sockets (" + std::to_string(t.sockets) + ")";
    if (t.clusters > 1) text += " * clusters (" + std::to_string(t.clusters) + ")";
    return text + " * cores (" + std::to_string(t.cores) + ") * threads (" + std::to_string(t.threads) + ")";
}

}  // namespace

Topology resolve_topology(const SmpPlan& smp, const BoardTraits& traits, std::string_view machine) {
    // Levels that nobody named hold one; with a number of CPUs, the first open level takes what is left.
    Topology t;
    t.sockets = smp.sockets.value_or(1);
    t.clusters = smp.clusters.value_or(1);
    t.cores = smp.cores.value_or(1);
    t.threads = smp.threads.value_or(1);
    if (const Level total = smp.max_cpus ? smp.max_cpus : smp.cpus) {
        const std::uint32_t left = std::uint32_t(*total / std::min<std::uint64_t>(product_of(t), *total));
        if (!smp.sockets && (traits.sockets_first || smp.cores)) t.sockets = left;
        else if (!smp.cores) t.cores = left;
        else if (!smp.threads) t.threads = left;
    }
    const std::uint64_t product = product_of(t);
    const std::uint64_t maximum = smp.max_cpus ? *smp.max_cpus : smp.cpus ? *smp.cpus : product;
    const std::uint64_t cpus = smp.cpus ? *smp.cpus : maximum;
    if (product != maximum)
        throw UserError("Invalid CPU topology: product of the hierarchy must match maxcpus: " + hierarchy(t) +
                        " != maxcpus (" + std::to_string(maximum) + ")");
    if (maximum < cpus)
        throw UserError("Invalid CPU topology: maxcpus must be equal to or greater than smp: maxcpus (" +
                        std::to_string(maximum) + ") < smp_cpus (" + std::to_string(cpus) + ")");
    if (maximum > traits.max_cpus)
        throw UserError("Invalid SMP CPUs " + std::to_string(maximum) +
                        ". The max CPUs supported by machine '" + std::string(machine) + "' is " +
                        std::to_string(traits.max_cpus));
    t.cpus = std::uint32_t(cpus);
    t.max_cpus = std::uint32_t(maximum);
    return t;
}

}  // namespace backplane::kernel
