#include "fixture.h"

#include "kernel/launch/numa.h"
#include "kernel/launch/topology.h"

namespace backplane::kernel {
namespace {

/// Of a machine with 8 CPUs that may be, and 256 MiB.
NumaConfiguration resolve(const std::string& options, const std::string& smp = "8,sockets=4,cores=2",
                          std::vector<std::string>* warnings = nullptr, bool tells_speed = true) {
    std::vector<std::string> ignored;
    const LaunchPlan plan = plan_of("-smp " + smp + " " + options);
    const BoardTraits traits{.max_cpus = 8, .topology_levels = topology_level::kDies};
    const Topology topology = resolve_topology(plan.smp, traits, "acme");
    NumaMemory memory{.backend = {}, .total = 256u << 20, .may_say_sizes = true, .tells_speed = tells_speed};
    return resolve_numa(plan.numa, topology, memory, warnings ? *warnings : ignored);
}

std::string refusal(const std::string& options) {
    try {
        resolve(options);
        return {};
    } catch (const UserError& error) {
        return error.what();
    }
}

void expect_refusal(const std::string& options, const std::string& text) {
    EXPECT_NE(refusal(options).find(text), std::string::npos) << options << ": " << refusal(options);
}

const std::string kTwo = "-numa node,mem=128M -numa node,mem=128M ";
using Numbers = std::vector<std::uint32_t>;

TEST(Numa, NothingSaidIsNoNode) { EXPECT_TRUE(resolve("").nodes.empty()); }

TEST(Numa, SocketsGoRoundTheNodes) {
    const NumaConfiguration numa = resolve(kTwo);
    ASSERT_EQ(numa.nodes.size(), 2u);
    EXPECT_EQ(numa.nodes[1].memory, 128u << 20);
    EXPECT_EQ(numa.node_of_cpu, (Numbers{0, 0, 1, 1, 0, 0, 1, 1}));
    EXPECT_TRUE(numa.distances.empty());
}

TEST(Numa, CpusSitWhereTheyAreSaidTo) {
    EXPECT_EQ(
        resolve("-numa node,mem=128M,cpus=4-7,cpus=0 -numa node,nodeid=1,mem=128M,cpus=1-3").node_of_cpu,
        (Numbers{0, 1, 1, 1, 0, 0, 0, 0}));
    EXPECT_EQ(resolve(kTwo +
                      "-numa cpu,node-id=1,socket-id=0 -numa cpu,node-id=0,socket-id=1 "
                      "-numa cpu,node-id=0,core-id=1,socket-id=2 -numa cpu,node-id=1,socket-id=2,core-id=0 "
                      "-numa cpu,node-id=1,socket-id=3")
                  .node_of_cpu,
              (Numbers{1, 1, 0, 0, 1, 0, 1, 1}));
    EXPECT_EQ(resolve(kTwo + "-numa cpu,node-id=1,die-id=1 -numa cpu,node-id=0,die-id=0",
                      "8,sockets=2,dies=2,cores=2")
                  .node_of_cpu,
              (Numbers{0, 0, 1, 1, 0, 0, 1, 1}));
}

TEST(Numa, CpusThatWereLeftOutAreInTheFirstAndTold) {
    std::vector<std::string> warnings;
    const auto numa =
        resolve("-numa node,mem=128M -numa node,mem=128M,cpus=0-5", "8,sockets=4,cores=2", &warnings);
    EXPECT_EQ(numa.node_of_cpu, (Numbers{1, 1, 1, 1, 1, 1, 0, 0}));
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("6, 7"), std::string::npos) << warnings[0];
}

TEST(Numa, DistancesHoldInBothDirections) {
    EXPECT_EQ(resolve(kTwo + "-numa dist,src=0,dst=1,val=20").distances, (Numbers{10, 20, 20, 10}));
    EXPECT_EQ(resolve(kTwo + "-numa dist,src=0,dst=1,val=20 -numa dist,src=1,dst=0,val=30").distances,
              (Numbers{10, 20, 30, 10}));
}

TEST(Numa, WhatDoesNotAddUpIsRefused) {
    expect_refusal("-numa node,mem=128M",
                   "total memory for NUMA nodes (0x8000000) should equal RAM size (0x10000000)");
    expect_refusal("-numa node,mem=256M,nodeid=1", "Node ID missing: 0");
    expect_refusal("-numa node,mem=128M,nodeid=0 -numa node,mem=128M,nodeid=0", "Duplicate NUMA nodeid: 0");
    expect_refusal("-numa node,mem=256M,cpus=0-8", "CPU index (8) should be smaller than maxcpus (8)");
    expect_refusal("-numa node,mem=128M,cpus=0-3 -numa node,mem=128M,cpus=3",
                   "already assigned to node-id: 0");
    expect_refusal(kTwo + "-numa dist,src=0,dst=2,val=20", "NUMA node is missing");
    expect_refusal("-numa dist,src=0,dst=1,val=20", "NUMA node is missing");
    expect_refusal(kTwo + "-numa dist,src=0,dst=1,val=9", "shouldn't be less than 10");
    expect_refusal(kTwo + "-numa dist,src=1,dst=1,val=11", "Local distance of node 1 should be 10");
    expect_refusal("-numa node,mem=128M -numa node,mem=64M -numa node,mem=64M -numa dist,src=0,dst=1,val=20",
                   "The distance between node 0 and 2 is missing");
    expect_refusal(
        "-numa node,mem=128M -numa node,mem=64M -numa node,mem=64M -numa dist,src=0,dst=1,val=20 "
        "-numa dist,src=1,dst=0,val=21 -numa dist,src=0,dst=2,val=20 -numa dist,src=1,dst=2,val=20",
        "asymmetrical");
    expect_refusal(kTwo + "-numa cpu,node-id=2,socket-id=0", "Invalid node-id=2");
    expect_refusal(kTwo + "-numa cpu,node-id=1,socket-id=4", "no match found");
    expect_refusal("-numa cpu,node-id=0,socket-id=0", "there are no nodes");
    expect_refusal(kTwo + "-numa cpu,node-id=0,die-id=0", "die-id is not supported");
}

/// The processors are all in node 0.
const std::string kFast = "-numa node,mem=128M,cpus=0-7 -numa node,mem=128M,initiator=0 ";
std::string performance(const std::string& rest, const std::string& places = "initiator=0,target=1") {
    return "-numa hmat-lb," + places + ",hierarchy=memory,data-type=" + rest + " ";
}
std::string side_cache(unsigned level, const std::string& size) {
    return "-numa hmat-cache,node-id=1,size=" + size + ",level=" + std::to_string(level) +
           ",associativity=direct,policy=write-back,line=8 ";
}
const std::string kMeasured =
    kFast + performance("access-latency,latency=10") + performance("access-bandwidth,bandwidth=100M");

TEST(Numa, NodesAreToldHowFastTheyAre) {
    const NumaConfiguration numa = resolve(kMeasured + side_cache(1, "10K") + side_cache(2, "20K"));
    EXPECT_EQ(numa.nodes[0].initiator, 0u) << "it has processors";
    EXPECT_EQ(numa.nodes[1].initiator, 0u);
    ASSERT_EQ(numa.performances.size(), 2u);
    EXPECT_EQ(numa.performances[1],
              (MemoryPerformance{0, 1, MemoryLevel::Memory, MemoryMeasure::AccessBandwidth, 100u << 20}));
    ASSERT_EQ(numa.caches.size(), 2u);
    EXPECT_EQ(numa.caches[1], (MemorySideCache{1, 20u << 10, 2, 1, 1, 8}));
}

TEST(Numa, SpeedsThatDoNotAddUpAreRefused) {
    expect_refusal(kFast + "-numa node,initiator=7", "NUMA node 7 is missing");
    expect_refusal("-numa node,mem=128M,cpus=0-7,initiator=1 -numa node,mem=128M",
                   "The initiator of CPU NUMA node 0 should be itself (got 1)");
    expect_refusal("-numa node,mem=128M,cpus=0-7 -numa node,mem=128M,initiator=1",
                   "The initiator of NUMA node 1 is invalid");
    expect_refusal(kFast + performance("access-latency,latency=5", "initiator=1,target=0"),
                   "Invalid initiator=1, it isn't an initiator proximity domain");
    expect_refusal(kFast + performance("access-latency,latency=5", "initiator=0,target=2"),
                   "Invalid target=2, it should be less than 2");
    expect_refusal(kFast + performance("access-bandwidth,bandwidth=1K"), "should be 1MB aligned");
    expect_refusal(kMeasured + performance("access-latency,latency=6"),
                   "Duplicate configuration of the latency for initiator=0 and target=1");
    expect_refusal(kFast + side_cache(1, "10K"), "should be provided before memory side cache attributes");
    expect_refusal(kMeasured + side_cache(2, "10K"), "Cache level=1 shall be defined first");
    expect_refusal(kMeasured + side_cache(1, "10K") + side_cache(2, "5K"),
                   "the size of level=2 should be larger than the size(10240) of level=1");
    expect_refusal(performance("access-latency,latency=5"), "there are no nodes");
    for (const std::string& option : {performance("access-latency,latency=5"), side_cache(1, "10K")})
        EXPECT_THROW(resolve(kTwo + option, "8,sockets=4,cores=2", nullptr, false), UserError);
}

TEST(Numa, WhatIsNoNodeIsRefused) {
    for (const auto& [option, text] : std::vector<std::pair<std::string, std::string>>{
             {"foo", "Parameter 'type' does not accept value 'foo'"},
             {"node,cpus=3-1", "expects a uint64 value or range"},
             {"node,cpus=1-", "expects a uint64 value or range"},
             {"node,cpus=", "expects a uint64 value or range"},
             {"node,nodeid=128", "Max number of NUMA nodes reached: 128"},
             {"node,memdev=a,size=1", "unknown parameter 'size'"},
             {"dist,src=0,dst=1", "Parameter 'val' is missing"},
             {"cpu,node-id=0", "says of no CPU where it is"},
             {"hmat-lb,initiator=0", "Parameter 'target' is missing"},
             {"hmat-lb,initiator=0,target=0,hierarchy=x,data-type=access-latency,latency=5",
              "Parameter 'hierarchy' does not accept value 'x'"},
             {"hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-latency,bandwidth=5",
              "Missing 'latency' option"},
             {"hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=read-latency,latency=5,bandwidth=1M",
              "Invalid option 'bandwidth' since the data type is latency"},
             {"hmat-cache,node-id=0,size=1M,level=4,associativity=direct,policy=none,line=8",
              "Invalid level=4"}})
        expect_refusal("-numa " + option, text);
}

}  // namespace
}  // namespace backplane::kernel
