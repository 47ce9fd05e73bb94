// How fast the nodes' memory is. Follows ACPI 6.4, 5.2.27 "Heterogeneous Memory Attribute Table".
#include "acpi.h"

#include <lib/acpi_tables.h>

#include <algorithm>

namespace backplane::pc {
namespace {

using acpi::TableFile;

constexpr unsigned kLevels = 4, kMeasures = 6;

/// 5.2.27.3
void add_domain(TableFile& file, std::uint32_t node, std::uint32_t initiator) {
    const bool known = initiator != NumaPerformance::kNone;
    file.number(0, 4);
    file.number(40, 4);
    file.number(known, 4);
    file.number(known ? initiator : 0, 4);
    file.number(node, 4);
    file.number(0, 4);
    file.number(0, 8);
    file.number(0, 8);
}

/// The largest power of `base` that divides all values but zeros.
std::uint64_t common_power(const std::vector<std::uint64_t>& values, std::uint64_t base) {
    std::uint64_t power = 1;
    const auto divides = [&](std::uint64_t by) {
        return std::ranges::all_of(values, [by](std::uint64_t value) { return value % by == 0; });
    };
    const bool any = std::ranges::any_of(values, [](std::uint64_t value) { return value != 0; });
    while (any && divides(power * base)) power *= base;
    return power;
}

/// 5.2.27.4: latencies in picoseconds, bandwidths in MB per second, as multiples of a unit of their own.
void add_measures(TableFile& file, const AcpiContents& contents, unsigned level, unsigned measure) {
    const auto count = std::uint32_t(contents.nodes.size());
    std::vector<std::uint32_t> initiators;
    for (std::uint32_t node = 0; node < count; ++node)
        if (std::ranges::find(contents.node_of_cpu, node) != contents.node_of_cpu.end())
            initiators.push_back(node);
    std::vector<std::uint64_t> values(initiators.size() * count);
    bool any = false;
    const bool latency = is_latency(MemoryMeasure(measure));
    for (const MemoryPerformance& each : contents.performances) {
        if (unsigned(each.level) != level || unsigned(each.measure) != measure) continue;
        const auto row = std::ranges::find(initiators, each.initiator) - initiators.begin();
        values[std::size_t(row) * count + each.target] = latency ? each.value : each.value >> 20;
        any = true;
    }
    if (!any) return;
    const std::uint64_t unit = common_power(values, latency ? 10 : 2);
    constexpr std::uint64_t kPicoseconds = 1000, kMost = 0xfffe;
    file.number(1, 4);
    file.number(32 + 4 * initiators.size() + 4 * count + 2 * values.size(), 4);
    file.byte(std::uint8_t(level));
    file.byte(std::uint8_t(measure));
    file.number(0, 2);
    file.number(initiators.size(), 4);
    file.number(count, 4);
    file.number(0, 4);
    file.number(latency ? unit * kPicoseconds : unit, 8);
    for (const std::uint32_t node : initiators) file.number(node, 4);
    for (std::uint32_t node = 0; node < count; ++node) file.number(node, 4);
    for (const std::uint64_t value : values) file.number(std::min(value / unit, kMost), 2);
}

/// 5.2.27.5
void add_side_cache(TableFile& file, const MemorySideCache& cache, unsigned levels) {
    file.number(2, 4);
    file.number(32, 4);
    file.number(cache.node, 4);
    file.number(0, 4);
    file.number(cache.size, 8);
    file.number(levels | unsigned{cache.level} << 4 | unsigned{cache.associativity} << 8 |
                    unsigned{cache.write_policy} << 12 | std::uint32_t{cache.line_size} << 16,
                4);
    file.number(0, 4);  // no SMBIOS handles
}

}  // namespace

std::uint32_t add_hmat(TableFile& file, const AcpiContents& contents) {
    file.begin("HMAT", 2);
    file.number(0, 4);
    for (std::uint32_t node = 0; node < contents.nodes.size(); ++node)
        add_domain(file, node, contents.nodes[node].initiator);
    for (unsigned level = 0; level < kLevels; ++level)
        for (unsigned measure = 0; measure < kMeasures; ++measure)
            add_measures(file, contents, level, measure);
    std::vector<MemorySideCache> caches = contents.side_caches;
    std::ranges::stable_sort(caches, [](const MemorySideCache& one, const MemorySideCache& other) {
        return std::pair(one.node, one.level) < std::pair(other.node, other.level);
    });
    for (const MemorySideCache& cache : caches) {
        const auto levels = std::ranges::count(caches, cache.node, &MemorySideCache::node);
        add_side_cache(file, cache, unsigned(levels));
    }
    return file.end();
}

}  // namespace backplane::pc
