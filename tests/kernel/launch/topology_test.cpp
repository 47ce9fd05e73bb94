#include "fixture.h"

#include "kernel/launch/topology.h"

namespace backplane::kernel {
namespace {

constexpr BoardTraits kFlat{.max_cpus = 8, .topology_levels = 0};

Topology resolve(const std::string& smp, const BoardTraits& traits = kFlat) {
    return resolve_topology(plan_of("-smp " + smp).smp, traits, "acme");
}

std::string refusal(const std::string& smp, const BoardTraits& traits = kFlat) {
    try {
        resolve(smp, traits);
        return {};
    } catch (const UserError& error) {
        return error.what();
    }
}

TEST(Topology, NothingSaidIsOneCpu) {
    const Topology t = resolve_topology({}, {.max_cpus = 8}, "acme");
    EXPECT_EQ(t.cpus, 1u);
    EXPECT_EQ(t.max_cpus, 1u);
}

TEST(Topology, ANumberAloneMakesCores) {
    const Topology t = resolve("4");
    EXPECT_EQ(t.cpus, 4u);
    EXPECT_EQ(t.cores, 4u);
    EXPECT_EQ(t.sockets, 1u);
    EXPECT_EQ(t.threads, 1u);
}

TEST(Topology, LevelsThatAreLeftOpenTakeWhatIsLeft) {
    EXPECT_EQ(resolve("8,sockets=2").cores, 4u);
    EXPECT_EQ(resolve("8,cores=2").sockets, 4u);
    EXPECT_EQ(resolve("8,threads=2").cores, 4u);
    EXPECT_EQ(resolve("8,sockets=2,cores=2").threads, 2u);
    EXPECT_EQ(resolve("8,cores=2,threads=2").sockets, 2u);
}

TEST(Topology, ABoardOfThePastMakesSockets) {
    constexpr BoardTraits kPast{.max_cpus = 8, .sockets_first = true};
    EXPECT_EQ(resolve("4", kPast).sockets, 4u);
    EXPECT_EQ(resolve("8,threads=2", kPast).sockets, 4u);
    EXPECT_EQ(resolve("8,sockets=2", kPast).cores, 4u);
}

TEST(Topology, LevelsAloneMakeTheNumber) {
    const Topology t = resolve("sockets=2,clusters=1,cores=2,threads=2");
    EXPECT_EQ(t.cpus, 8u);
    EXPECT_EQ(t.max_cpus, 8u);
}

TEST(Topology, RoomForMoreCpusIsPartOfTheHierarchy) {
    const Topology t = resolve("2,maxcpus=4");
    EXPECT_EQ(t.cpus, 2u);
    EXPECT_EQ(t.max_cpus, 4u);
    EXPECT_EQ(t.cores, 4u);
}

TEST(Topology, AProductThatDoesNotMatchIsRefusedInTheKnownWords) {
    EXPECT_EQ(refusal("5,sockets=2,cores=2,threads=1"),
              "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (2) * cores (2) * "
              "threads (1) != maxcpus (5)");
    EXPECT_NE(refusal("3,sockets=2"), "");
}

TEST(Topology, MoreCpusThanTheMostIsRefused) {
    EXPECT_EQ(refusal("4,maxcpus=2"),
              "Invalid CPU topology: maxcpus must be equal to or greater than smp: sockets (1) * cores (2) * "
              "threads (1) == maxcpus (2) < smp_cpus (4)");
}

TEST(Topology, ALevelThatFindsNoCpuLeftIsZero) {
    EXPECT_EQ(refusal("4,cores=3,threads=2"),
              "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (0) * cores (3) * "
              "threads (2) != maxcpus (4)");
}

TEST(Topology, ABoardSaysWhichLevelsItHas) {
    constexpr BoardTraits kDeep{.max_cpus = 64,
                                .topology_levels = topology_level::kDies | topology_level::kModules};
    const Topology t = resolve("24,dies=3,modules=2,threads=2", kDeep);
    EXPECT_EQ(t.dies, 3u);
    EXPECT_EQ(t.modules, 2u);
    EXPECT_EQ(t.cores, 2u);
    EXPECT_EQ(refusal("5,dies=2", kDeep),
              "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (1) * dies (2) * "
              "modules (1) * cores (2) * threads (1) != maxcpus (5)");
    EXPECT_EQ(refusal("4,clusters=2", kDeep), "clusters > 1 not supported by this machine's CPU topology");
    EXPECT_EQ(refusal("4,dies=2"), "dies > 1 not supported by this machine's CPU topology");
    EXPECT_EQ(resolve("4,clusters=2", BoardTraits{.max_cpus = 8}).cores, 2u);
    EXPECT_EQ(resolve("4,clusters=1,dies=1").cores, 4u);
}

TEST(Topology, TheMachineHasALimit) {
    EXPECT_EQ(refusal("300"), "Invalid SMP CPUs 300. The max CPUs supported by machine 'acme' is 8");
}

TEST(Topology, HugeLevelsDoNotOverflow) {
    EXPECT_NE(refusal("1,sockets=1048576,clusters=1048576,cores=1048576,threads=1048576", {.max_cpus = 8}),
              "");
}

TEST(Topology, ZeroIsRefused) {
    for (const char* smp : {"0", "cpus=0", "4,cores=0", "4,maxcpus=0", "4,dies=0", "4,books=0"})
        EXPECT_NE(error_of("-smp " + std::string(smp)).find("must be greater than zero"), std::string::npos)
            << smp;
}

TEST(Topology, LevelsThatNoMachineHasMayHoldOne) {
    EXPECT_EQ(error_of("-smp 4,books=1"), "");
    EXPECT_NE(error_of("-smp 4,drawers=2").find("drawers > 1 not supported"), std::string::npos);
}

}  // namespace
}  // namespace backplane::kernel
