// -numa: which memory is near to which CPUs.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <charconv>

namespace backplane::kernel {
namespace {

constexpr std::uint64_t kMaximumNodes = 128, kMaximumCpu = 1u << 20;

/// "3" or "0-3".
NumberRange cpu_range(const std::string& text) {
    NumberRange range;
    const char* const end = text.data() + text.size();
    auto [at, error] = std::from_chars(text.data(), end, range.first);
    range.last = range.first;
    if (error == std::errc() && at != end && *at == '-') {
        const auto last = std::from_chars(at + 1, end, range.last);
        at = last.ptr;
        error = last.ec;
    }
    if (text.empty() || error != std::errc() || at != end || range.last < range.first ||
        range.last > kMaximumCpu)
        throw UserError("Parameter 'cpus' expects a uint64 value or range");
    return range;
}

void add_node(NumaPlan& numa, const std::string& option, SubOptions& options) {
    NumaNodePlan node{option, {}, {}, {}, {}};
    if (const auto id = options.take_number("nodeid", ~0u)) {
        if (*id >= kMaximumNodes) throw UserError("Max number of NUMA nodes reached: " + std::to_string(*id));
        node.id = std::uint32_t(*id);
    }
    if (numa.nodes.size() >= kMaximumNodes)
        throw UserError("Max number of NUMA nodes reached: " + std::to_string(numa.nodes.size()));
    node.memory = options.take_size("mem", 1u << 20);
    node.memory_backend = options.take_or("memdev", "");
    for (const std::string& cpus : options.take_all("cpus")) node.cpus.push_back(cpu_range(cpus));
    if (const auto initiator = options.take("initiator"))
        throw UserError("there are no tables of heterogeneous memory (HMAT); leave initiator=" + *initiator +
                        " out");
    options.expect_empty();
    numa.nodes.push_back(std::move(node));
}

std::uint32_t take_required(SubOptions& options, const char* key, std::uint64_t maximum) {
    const auto number = options.take_number(key, maximum);
    if (!number) throw UserError("Parameter '" + std::string(key) + "' is missing");
    return std::uint32_t(*number);
}

void add_distance(NumaPlan& numa, const std::string& option, SubOptions& options) {
    constexpr std::uint64_t kFarthest = 255;
    NumaDistancePlan distance{option, 0, 0, 0};
    distance.from = take_required(options, "src", kMaximumNodes);
    distance.to = take_required(options, "dst", kMaximumNodes);
    distance.distance = take_required(options, "val", kFarthest);
    options.expect_empty();
    numa.distances.push_back(std::move(distance));
}

void add_cpus(NumaPlan& numa, const std::string& option, SubOptions& options) {
    NumaCpuPlan cpus{option, 0, {}, {}, {}, {}};
    cpus.node = take_required(options, "node-id", kMaximumNodes);
    const auto take = [&](const char* key, std::optional<std::uint32_t>& target) {
        if (const auto number = options.take_number(key, kMaximumCpu)) target = std::uint32_t(*number);
    };
    take("socket-id", cpus.socket);
    take("cluster-id", cpus.cluster);
    take("core-id", cpus.core);
    take("thread-id", cpus.thread);
    options.expect_empty();
    if (!cpus.socket && !cpus.cluster && !cpus.core && !cpus.thread)
        throw UserError("says of no CPU where it is: give socket-id=, core-id=, thread-id=");
    numa.cpus.push_back(std::move(cpus));
}

void apply_numa(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "type");
    if (options.help()) return builder.ask_parameters("numa");
    const std::string type = options.require("type");
    NumaPlan& numa = builder.plan().numa;
    if (type == "node") return add_node(numa, builder.option, options);
    if (type == "dist") return add_distance(numa, builder.option, options);
    if (type == "cpu") return add_cpus(numa, builder.option, options);
    if (type == "hmat-lb" || type == "hmat-cache")
        throw UserError("there are no tables of heterogeneous memory (HMAT); leave it out");
    throw UserError("Parameter 'type' does not accept value '" + type + "': it is node, dist or cpu");
}

}  // namespace

OptionGroup numa_options() {
    return {
        "Machine",
        {{"numa",
          "node[,nodeid=N][,cpus=RANGE][,memdev=ID] | dist,src=N,dst=N,val=N | cpu,node-id=N[,socket-id=N]...",
          "nodes of memory and CPUs that are near to each other, and how far\n"
          "apart they are",
          apply_numa}}};
}

}  // namespace backplane::kernel
