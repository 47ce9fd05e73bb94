// Nodes of memory and processors: what firmware is told of them, and what stands in their tables.
#include "board.h"

#include <algorithm>

namespace backplane::pc {

/// The nodes with their memory, which lies around the holes below 1 MiB and below 4 GiB.
void PcBoard::describe_nodes(const NumaTopology& numa) {
    constexpr std::uint64_t kConventionalEnd = 0xa0000, k4Gibibytes = std::uint64_t{4} << 30;
    const struct {
        std::uint64_t start, end, base;  ///< of the machine's RAM; where it is seen
    } parts[] = {{0, kConventionalEnd, 0},
                 {kMebibyte, low_ram_, kMebibyte},
                 {low_ram_, low_ram_ + high_ram_, k4Gibibytes}};
    std::uint64_t start = 0;
    nodes_.resize(numa.nodes());
    for (std::uint32_t node = 0; node < numa.nodes(); ++node) {
        const std::uint64_t end = start + numa.memory(node);
        for (const auto& part : parts) {
            const std::uint64_t from = std::max(start, part.start), to = std::min(end, part.end);
            if (from < to) nodes_[node].memory.push_back({part.base + (from - part.start), to - from});
        }
        for (std::uint32_t other = 0; numa.distance(0, 0) != 0 && other < numa.nodes(); ++other)
            nodes_[node].distances.push_back(std::uint8_t(numa.distance(node, other)));
        start = end;
    }

    for (std::uint32_t cpu = 0; numa.nodes() != 0 && cpu < processors_.count(); ++cpu)
        node_of_cpu_.push_back(numa.node_of_cpu(cpu));
}

/// The same for firmware that makes tables of its own: nodes, the node of each processor, the memory of each node.
bool PcBoard::fill_nodes(BoardContext& context, FwCfg& fw_cfg, Errors& errors) {
    const NumaTopology& numa = numa_of(context);
    describe_nodes(numa);
    if (nodes_.empty()) return true;
    const auto& speed = *static_cast<const NumaPerformance*>(context.host_interface(NumaPerformance::kId));
    for (std::uint32_t node = 0; node < numa.nodes(); ++node) nodes_[node].initiator = speed.initiator(node);
    performances_.assign(speed.performances().begin(), speed.performances().end());
    side_caches_.assign(speed.caches().begin(), speed.caches().end());
    std::vector<std::uint64_t> words{nodes_.size()};
    words.insert(words.end(), node_of_cpu_.begin(), node_of_cpu_.end());
    for (std::uint32_t node = 0; node < numa.nodes(); ++node) words.push_back(numa.memory(node));
    std::vector<std::uint8_t> bytes;
    for (const std::uint64_t word : words)
        for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(std::uint8_t(word >> shift));
    return fw_cfg.set_item(std::uint16_t(FwCfgKey::Numa), Bytes(bytes), errors);
}

}  // namespace backplane::pc
