#include "kernel/launch/numa.h"

#include "kernel/object/instance.h"
#include "kernel/vocabulary/user_error.h"

#include <backplane/memory_backend.h>
#include <backplane/text.h>

#include <algorithm>

namespace backplane::kernel {
namespace {

/// Of a node from itself; less is reserved.
constexpr std::uint32_t kOwnDistance = 10;

class Resolver {
  public:
    Resolver(const NumaPlan& plan, const Topology& topology, const NumaMemory& memory)
        : plan_(plan), topology_(topology), memory_(memory) {}

    NumaConfiguration resolve(std::vector<std::string>& warnings) {
        number_nodes();
        if (made_.nodes.empty()) return {};
        for (std::uint32_t id = 0; id < made_.nodes.size(); ++id) set_memory(*nodes_[id], made_.nodes[id]);
        check_total();
        for (std::uint32_t id = 0; id < made_.nodes.size(); ++id)
            for (const NumberRange& range : nodes_[id]->cpus) assign_range(*nodes_[id], id, range);
        for (const NumaCpuPlan& cpus : plan_.cpus) assign_place(cpus);
        seat_the_rest(warnings);
        set_distances();
        check_speed_is_told();
        set_initiators();
        for (const NumaPerformancePlan& plan : plan_.performances) add_performance(plan);
        for (const NumaCachePlan& plan : plan_.caches) add_cache(plan);
        return std::move(made_);
    }

  private:
    [[noreturn]] static void fail(const std::string& option, const std::string& reason) {
        throw UserError(option + ": " + reason);
    }

    void number_nodes() {
        std::uint32_t next = 0;
        for (const NumaNodePlan& node : plan_.nodes) {
            const std::uint32_t id = node.id.value_or(next);
            if (id >= nodes_.size()) nodes_.resize(id + 1);
            if (nodes_[id]) fail(node.option, "Duplicate NUMA nodeid: " + std::to_string(id));
            nodes_[id] = &node;
            ++next;
        }
        const auto missing = std::ranges::find(nodes_, nullptr);
        if (missing != nodes_.end())
            fail(plan_.nodes.back().option,
                 "numa: Node ID missing: " + std::to_string(missing - nodes_.begin()));
        made_.nodes.resize(nodes_.size());
        made_.node_of_cpu.assign(topology_.max_cpus, kNowhere);
    }

    void set_memory(const NumaNodePlan& plan, NumaConfiguration::Node& node) {
        if (plan.memory_backend.empty()) {
            if (plan.memory && !memory_.may_say_sizes)
                fail(plan.option,
                     "Parameter -numa node,mem is not supported by this machine type: use memdev=");
            node.memory = plan.memory.value_or(0);
            return;
        }
        if (plan.memory) fail(plan.option, "cannot specify both mem= and memdev=");
        node.backend = memory_.backend(plan.memory_backend);
        const auto* backend = query<MemoryBackend>(*node.backend);
        if (!backend) fail(plan.option, "'" + plan.memory_backend + "' is no memory backend");
        for (const NumaConfiguration::Node& other : made_.nodes)
            if (&other != &node && other.backend == node.backend)
                fail(plan.option, "memory backend " + plan.memory_backend + " can't be used multiple times");
        node.memory = backend->memory().size;
    }

    void check_total() {
        std::uint64_t total = 0;
        std::size_t backends = 0;
        for (const NumaConfiguration::Node& node : made_.nodes) {
            total += node.memory;
            backends += node.backend != nullptr;
        }
        for (std::size_t id = 0; backends > 0 && id < made_.nodes.size(); ++id)
            if (!made_.nodes[id].backend && made_.nodes[id].memory > 0)
                fail(nodes_[id]->option,
                     "numa configuration should use either mem= or memdev=, mixing both is not allowed");
        if (total != memory_.total)
            fail(nodes_.back()->option, "total memory for NUMA nodes (0x" + hex(total) +
                                            ") should equal RAM size (0x" + hex(memory_.total) + ")");
    }

    void assign(const std::string& option, std::uint32_t cpu, std::uint32_t node) {
        if (made_.node_of_cpu[cpu] != kNowhere)
            fail(option, "CPU is already assigned to node-id: " + std::to_string(made_.node_of_cpu[cpu]));
        made_.node_of_cpu[cpu] = node;
    }

    void assign_range(const NumaNodePlan& node, std::uint32_t id, const NumberRange& range) {
        for (std::uint64_t cpu = range.first; cpu <= range.last; ++cpu) {
            if (cpu >= topology_.max_cpus)
                fail(node.option, "CPU index (" + std::to_string(cpu) + ") should be smaller than maxcpus (" +
                                      std::to_string(topology_.max_cpus) + ")");
            assign(node.option, std::uint32_t(cpu), id);
        }
    }

    void assign_place(const NumaCpuPlan& plan) {
        if (plan.node >= made_.nodes.size())
            fail(
                plan.option,
                "Invalid node-id=" + std::to_string(plan.node) +
                    ", NUMA node must be defined with -numa node,nodeid=ID before it's used with -numa cpu,node-id=ID");
        for (std::size_t i = 0; i < kTopologyLevelCount; ++i)
            if (const TopologyLevel& level = kTopologyLevels[i];
                plan.place[i] && level.optional != 0 && topology_.*level.count == 1)
                fail(plan.option, std::string(level.id) + " is not supported");
        bool any = false;
        for (std::uint32_t cpu = 0; cpu < topology_.max_cpus; ++cpu) {
            const auto place = place_of(topology_, cpu);
            const auto fits = [](const std::optional<std::uint32_t>& wanted, std::uint32_t found) {
                return wanted.value_or(found) == found;
            };
            if (!std::ranges::equal(plan.place, place, fits)) continue;
            assign(plan.option, cpu, plan.node);
            any = true;
        }
        if (!any) fail(plan.option, "no match found");
    }

    /// Nobody said where: sockets go round the nodes. Some were left out: they are in node 0.
    void seat_the_rest(std::vector<std::string>& warnings) {
        std::string left_out;
        const bool none =
            std::ranges::count(made_.node_of_cpu, kNowhere) == std::ptrdiff_t(made_.node_of_cpu.size());
        for (std::uint32_t cpu = 0; cpu < made_.node_of_cpu.size(); ++cpu) {
            std::uint32_t& node = made_.node_of_cpu[cpu];
            if (node != kNowhere) continue;
            node = none ? place_of(topology_, cpu)[kSocketLevel] % std::uint32_t(made_.nodes.size()) : 0;
            if (!none) left_out += (left_out.empty() ? "" : ", ") + std::to_string(cpu);
        }
        if (!left_out.empty())
            warnings.push_back("CPU(s) not present in any NUMA nodes: " + left_out + "; they are in node 0");
    }

    std::uint32_t& distance(std::uint32_t from, std::uint32_t to) {
        return made_.distances[from * made_.nodes.size() + to];
    }

    void set_distances() {
        if (plan_.distances.empty()) return;
        const std::uint32_t count = std::uint32_t(made_.nodes.size());
        made_.distances.assign(std::size_t(count) * count, 0);
        for (const NumaDistancePlan& plan : plan_.distances) {
            if (plan.from >= count || plan.to >= count)
                fail(plan.option,
                     "Source/Destination NUMA node is missing. Please use '-numa node' option to "
                     "declare it first.");
            if (plan.distance < kOwnDistance)
                fail(plan.option, "NUMA distance (" + std::to_string(plan.distance) +
                                      ") is invalid, it shouldn't be less than 10.");
            if (plan.from == plan.to && plan.distance != kOwnDistance)
                fail(plan.option, "Local distance of node " + std::to_string(plan.from) + " should be 10.");
            distance(plan.from, plan.to) = plan.distance;
        }
        complete_distances();
    }

    /// What was said of one direction holds for the other, unless the two differ for some pair.
    void complete_distances() {
        const std::string& option = plan_.distances.back().option;
        const std::uint32_t count = std::uint32_t(made_.nodes.size());
        bool symmetric = true;
        for (std::uint32_t a = 0; a < count; ++a)
            for (std::uint32_t b = 0; b < a; ++b) {
                const std::uint32_t there = distance(a, b), back = distance(b, a);
                if (!there && !back)
                    fail(
                        option,
                        "The distance between node " + std::to_string(b) + " and " + std::to_string(a) +
                            " is missing, at least one distance value between each nodes should be provided.");
                symmetric &= !there || !back || there == back;
            }
        for (std::uint32_t a = 0; a < count; ++a) {
            distance(a, a) = kOwnDistance;
            for (std::uint32_t b = 0; b < count; ++b) {
                if (distance(a, b)) continue;
                if (!symmetric)
                    fail(option,
                         "At least one asymmetrical pair of distances is given, please provide distances "
                         "for both directions of all node pairs.");
                distance(a, b) = distance(b, a);
            }
        }
    }

    // --- how fast memory is ---

    void check_speed_is_told() {
        if (memory_.tells_speed) return;
        constexpr const char* kOff =
            "ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine hmat=on before "
            "using any of hmat specific options";
        for (const NumaNodePlan& node : plan_.nodes)
            if (node.initiator) fail(node.option, kOff);
        if (!plan_.performances.empty()) fail(plan_.performances.front().option, kOff);
        if (!plan_.caches.empty()) fail(plan_.caches.front().option, kOff);
    }

    bool has_processors(std::uint32_t node) const {
        return std::ranges::find(made_.node_of_cpu, node) != made_.node_of_cpu.end();
    }

    void set_initiators() {
        if (!memory_.tells_speed) return;
        for (std::uint32_t id = 0; id < made_.nodes.size(); ++id) {
            const NumaNodePlan& plan = *nodes_[id];
            std::uint32_t& initiator = made_.nodes[id].initiator;
            if (plan.initiator) initiator = *plan.initiator;
            else if (has_processors(id)) initiator = id;
            if (initiator == NumaPerformance::kNone) continue;
            if (initiator >= made_.nodes.size())
                fail(plan.option, "NUMA node " + std::to_string(initiator) +
                                      " is missing, use '-numa node' option to declare it first");
            if (has_processors(id) && initiator != id)
                fail(plan.option, "The initiator of CPU NUMA node " + std::to_string(id) +
                                      " should be itself (got " + std::to_string(initiator) + ")");
            if (!has_processors(initiator))
                fail(plan.option, "The initiator of NUMA node " + std::to_string(id) + " is invalid");
        }
    }

    void check_node(const std::string& option, const char* what, std::uint32_t node) const {
        if (node >= made_.nodes.size())
            fail(option, "Invalid " + std::string(what) + "=" + std::to_string(node) +
                             ", it should be less than " + std::to_string(made_.nodes.size()));
    }

    void add_performance(const NumaPerformancePlan& plan) {
        const MemoryPerformance& given = plan.performance;
        check_node(plan.option, "initiator", given.initiator);
        check_node(plan.option, "target", given.target);
        if (!has_processors(given.initiator))
            fail(plan.option, "Invalid initiator=" + std::to_string(given.initiator) +
                                  ", it isn't an initiator proximity domain");
        const std::string between =
            "initiator=" + std::to_string(given.initiator) + " and target=" + std::to_string(given.target);
        const bool latency = is_latency(given.measure);
        constexpr std::uint64_t kMegabyte = 1 << 20;
        if (!latency && given.value % kMegabyte != 0)
            fail(plan.option, "Bandwidth " + std::to_string(given.value) + " between " + between +
                                  " should be 1MB aligned");
        for (const MemoryPerformance& other : made_.performances)
            if (other.level == given.level && other.measure == given.measure &&
                other.initiator == given.initiator && other.target == given.target)
                fail(plan.option, std::string("Duplicate configuration of the ") +
                                      (latency ? "latency" : "bandwidth") + " for " + between);
        made_.performances.push_back(given);
    }

    void add_cache(const NumaCachePlan& plan) {
        const MemorySideCache& given = plan.cache;
        check_node(plan.option, "node-id", given.node);
        bool measured[2] = {};
        for (const MemoryPerformance& each : made_.performances)
            if (each.target == given.node) measured[is_latency(each.measure) ? 0 : 1] = true;
        const std::string node = "node-id=" + std::to_string(given.node);
        if (!measured[0] || !measured[1])
            fail(plan.option, "The latency and bandwidth information of " + node +
                                  " should be provided before memory side cache attributes");
        const MemorySideCache* before = nullptr;
        for (const MemorySideCache& other : made_.caches) {
            if (other.node != given.node) continue;
            if (other.level == given.level)
                fail(plan.option, "Duplicate configuration of the side cache for " + node +
                                      " and level=" + std::to_string(given.level));
            if (other.level + 1 == given.level) before = &other;
        }
        const std::string below = std::to_string(given.level - 1);
        if (given.level > 1 && !before) fail(plan.option, "Cache level=" + below + " shall be defined first");
        if (before && given.size <= before->size)
            fail(plan.option, "Invalid size=" + std::to_string(given.size) + ", the size of level=" +
                                  std::to_string(given.level) + " should be larger than the size(" +
                                  std::to_string(before->size) + ") of level=" + below);
        made_.caches.push_back(given);
    }

    static constexpr std::uint32_t kNowhere = ~0u;
    const NumaPlan& plan_;
    const Topology& topology_;
    const NumaMemory& memory_;
    std::vector<const NumaNodePlan*> nodes_;  ///< by number
    NumaConfiguration made_;
};

}  // namespace

NumaConfiguration resolve_numa(const NumaPlan& plan, const Topology& topology, const NumaMemory& memory,
                               std::vector<std::string>& warnings) {
    if (plan.nodes.empty()) {
        if (!plan.distances.empty())
            throw UserError(
                plan.distances.front().option +
                ": Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.");
        if (!plan.cpus.empty())
            throw UserError(plan.cpus.front().option + ": there are no nodes; declare them with -numa node");
        for (const auto& option : {plan.performances.empty() ? "" : plan.performances.front().option,
                                   plan.caches.empty() ? "" : plan.caches.front().option})
            if (!option.empty())
                throw UserError(option + ": there are no nodes; declare them with -numa node");
        return {};
    }
    return Resolver(plan, topology, memory).resolve(warnings);
}

}  // namespace backplane::kernel
