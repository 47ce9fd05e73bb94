// The nodes of a machine, as its board asks for them.
#pragma once

#include "kernel/machine/machine_configuration.h"

namespace backplane::kernel {

class NumaHost final : public NumaTopology, public NumaPerformance {
  public:
    explicit NumaHost(const NumaConfiguration& numa) : numa_(numa) {}
    std::uint32_t nodes() const override { return std::uint32_t(numa_.nodes.size()); }
    std::uint64_t memory(std::uint32_t node) const override { return numa_.nodes.at(node).memory; }
    std::uint32_t node_of_cpu(std::uint32_t cpu) const override { return numa_.node_of_cpu.at(cpu); }
    std::uint32_t distance(std::uint32_t from, std::uint32_t to) const override {
        return numa_.distances.empty() ? 0 : numa_.distances.at(from * numa_.nodes.size() + to);
    }

    std::uint32_t initiator(std::uint32_t node) const override { return numa_.nodes.at(node).initiator; }
    Slice<const MemoryPerformance> performances() const override {
        return {numa_.performances.data(), numa_.performances.size()};
    }
    Slice<const MemorySideCache> caches() const override {
        return {numa_.caches.data(), numa_.caches.size()};
    }

  private:
    const NumaConfiguration& numa_;
};

}  // namespace backplane::kernel
