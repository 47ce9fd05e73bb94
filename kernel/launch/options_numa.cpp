// -numa: which memory is near to which CPUs.
#include "kernel/launch/command_line.h"
#include "kernel/vocabulary/suboptions.h"

#include <algorithm>
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
    NumaNodePlan node{option, {}, {}, {}, {}, {}};
    if (const auto id = options.take_number("nodeid", ~0u)) {
        if (*id >= kMaximumNodes) throw UserError("Max number of NUMA nodes reached: " + std::to_string(*id));
        node.id = std::uint32_t(*id);
    }
    if (numa.nodes.size() >= kMaximumNodes)
        throw UserError("Max number of NUMA nodes reached: " + std::to_string(numa.nodes.size()));
    node.memory = options.take_size("mem", 1u << 20);
    node.memory_backend = options.take_or("memdev", "");
    for (const std::string& cpus : options.take_all("cpus")) node.cpus.push_back(cpu_range(cpus));
    if (const auto initiator = options.take_number("initiator", kMaximumNodes))
        node.initiator = std::uint32_t(*initiator);
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
    NumaCpuPlan cpus{option};
    cpus.node = take_required(options, "node-id", kMaximumNodes);
    for (std::size_t i = 0; i < kTopologyLevelCount; ++i)
        if (const auto number = options.take_number(kTopologyLevels[i].id, kMaximumCpu))
            cpus.place[i] = std::uint32_t(*number);
    options.expect_empty();
    if (std::ranges::none_of(cpus.place, [](const auto& number) { return number.has_value(); }))
        throw UserError("says of no CPU where it is: give socket-id=, core-id=, thread-id=");
    numa.cpus.push_back(std::move(cpus));
}

/// The place of a value among those that there are.
template <std::size_t Count>
std::size_t take_choice(SubOptions& options, const char* key, const char* const (&choices)[Count]) {
    const std::string value = options.require(key);
    for (std::size_t i = 0; i < Count; ++i)
        if (value == choices[i]) return i;
    std::string list;
    for (const char* choice : choices) list += (list.empty() ? "" : ", ") + std::string(choice);
    throw UserError("Parameter '" + std::string(key) + "' does not accept value '" + value +
                    "'; it is one of " + list);
}

void add_performance(NumaPlan& numa, const std::string& option, SubOptions& options) {
    constexpr const char* kLevels[] = {"memory", "first-level", "second-level", "third-level"};
    constexpr const char* kMeasures[] = {"access-latency",   "read-latency",   "write-latency",
                                         "access-bandwidth", "read-bandwidth", "write-bandwidth"};
    MemoryPerformance given;
    given.initiator = take_required(options, "initiator", 0xffff);
    given.target = take_required(options, "target", 0xffff);
    given.level = MemoryLevel(take_choice(options, "hierarchy", kLevels));
    given.measure = MemoryMeasure(take_choice(options, "data-type", kMeasures));
    const bool latency = is_latency(given.measure);
    const char *key = latency ? "latency" : "bandwidth", *other = latency ? "bandwidth" : "latency";
    const auto value = latency ? options.take_number(key, ~std::uint64_t{0}) : options.take_size(key);
    if (!value) throw UserError("Missing '" + std::string(key) + "' option");
    if (options.has(other))
        throw UserError("Invalid option '" + std::string(other) + "' since the data type is " + key);
    given.value = *value;
    options.expect_empty();
    numa.performances.push_back({option, given});
}

void add_cache(NumaPlan& numa, const std::string& option, SubOptions& options) {
    constexpr const char* kAssociativities[] = {"none", "direct", "complex"};
    constexpr const char* kPolicies[] = {"none", "write-back", "write-through"};
    constexpr std::uint64_t kMostLevels = 3;
    MemorySideCache given;
    given.node = take_required(options, "node-id", 0xffff);
    const auto size = options.take_size("size");
    if (!size) throw UserError("Parameter 'size' is missing");
    given.size = *size;
    const std::uint32_t level = take_required(options, "level", 0xff);
    if (level == 0 || level > kMostLevels)
        throw UserError("Invalid level=" + std::to_string(level) +
                        ", it should be larger than 0 and less than or equal to 3");
    given.level = std::uint8_t(level);
    given.associativity = std::uint8_t(take_choice(options, "associativity", kAssociativities));
    given.write_policy = std::uint8_t(take_choice(options, "policy", kPolicies));
    given.line_size = std::uint16_t(take_required(options, "line", 0xffff));
    options.expect_empty();
    numa.caches.push_back({option, given});
}

void apply_numa(PlanBuilder& builder, const std::string& value) {
    SubOptions options = SubOptions::parse_either(value, "type");
    if (options.help()) return builder.ask_parameters("numa");
    const std::string type = options.require("type");
    NumaPlan& numa = builder.plan().numa;
    if (type == "node") return add_node(numa, builder.option, options);
    if (type == "dist") return add_distance(numa, builder.option, options);
    if (type == "cpu") return add_cpus(numa, builder.option, options);
    if (type == "hmat-lb") return add_performance(numa, builder.option, options);
    if (type == "hmat-cache") return add_cache(numa, builder.option, options);
    throw UserError("Parameter 'type' does not accept value '" + type +
                    "': it is node, dist, cpu, hmat-lb or hmat-cache");
}

}  // namespace

OptionGroup numa_options() {
    return {"Machine",
            {{"numa", "node[,nodeid=N][,cpus=RANGE][,memdev=ID][,initiator=N] | dist,src=N,dst=N,val=N",
              "| cpu,node-id=N[,socket-id=N]...\n"
              "| hmat-lb,initiator=N,target=N,hierarchy=LEVEL,\n"
              "  data-type=TYPE,latency=NS|bandwidth=SIZE\n"
              "| hmat-cache,node-id=N,size=SIZE,level=N,associativity=A,policy=P,line=N\n"
              "nodes of memory and CPUs that are near to each other, how far apart\n"
              "they are, and how fast (-machine hmat=on)",
              apply_numa}}};
}

}  // namespace backplane::kernel
