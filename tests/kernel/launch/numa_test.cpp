#include "fixture.h"

#include "kernel/launch/numa.h"
#include "kernel/launch/topology.h"

namespace backplane::kernel {
namespace {

/// Of a machine with 8 CPUs that may be, and 256 MiB.
NumaConfiguration resolve(const std::string& options, const std::string& smp = "8,sockets=4,cores=2",
                          std::vector<std::string>* warnings = nullptr) {
    std::vector<std::string> ignored;
    const LaunchPlan plan = plan_of("-smp " + smp + " " + options);
    const Topology topology = resolve_topology(plan.smp, {.max_cpus = 8}, "acme");
    NumaMemory memory{.backend = {}, .total = 256u << 20, .may_say_sizes = true};
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
             {"hmat-lb,initiator=0", "HMAT"}})
        expect_refusal("-numa " + option, text);
}

}  // namespace
}  // namespace backplane::kernel
