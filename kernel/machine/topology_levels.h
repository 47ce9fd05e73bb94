// The hierarchy that processors sit in, as a table.
#pragma once

#include <backplane/board.h>

#include <array>
#include <cstddef>
#include <iterator>

namespace backplane::kernel {

struct TopologyLevel {
    const char* name;  ///< as -smp counts it
    const char* id;    ///< as a processor's place names it
    std::uint32_t Topology::*count;
    std::uint32_t optional;  ///< of topology_level; 0: every board has it
};

/// From the outermost to the innermost.
inline constexpr TopologyLevel kTopologyLevels[] = {
    {"sockets", "socket-id", &Topology::sockets, 0},
    {"dies", "die-id", &Topology::dies, topology_level::kDies},
    {"clusters", "cluster-id", &Topology::clusters, topology_level::kClusters},
    {"modules", "module-id", &Topology::modules, topology_level::kModules},
    {"cores", "core-id", &Topology::cores, 0},
    {"threads", "thread-id", &Topology::threads, 0},
};
inline constexpr std::size_t kTopologyLevelCount = std::size(kTopologyLevels);
inline constexpr std::size_t kSocketLevel = 0;

/// A number for each level.
template <class Number>
using EachTopologyLevel = std::array<Number, kTopologyLevelCount>;

/// Where a processor sits.
constexpr EachTopologyLevel<std::uint32_t> place_of(const Topology& topology, std::uint32_t cpu) {
    EachTopologyLevel<std::uint32_t> place{};
    for (std::size_t level = kTopologyLevelCount; level-- > 0;) {
        const std::uint32_t count = topology.*kTopologyLevels[level].count;
        place[level] = level == kSocketLevel ? cpu : cpu % count;
        cpu /= count;
    }
    return place;
}

}  // namespace backplane::kernel
