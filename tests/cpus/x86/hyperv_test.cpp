// Microsoft's hypervisor interface in CPUID (TLFS 2.4), and what -cpu asks of it.
#include "fixture.h"

namespace backplane::x86 {
namespace {

using backplane::testing::Properties;
using testing::ProcessorTest;

constexpr std::uint32_t kHypercallMsrs = 1u << 5;

class HypervTest : public ProcessorTest {
  protected:
    void SetUp() override {
        support.hyperv_leaves[0x40000003] = {0xffff, 0, 0, ~0u};
        support.hyperv_leaves[0x40000004] = {~0u, 0xfff, 0, 0};
        support.hyperv_leaves[0x4000000a] = {1u << 19 | 0x101, 0, 0, 0};
    }
    void make_with(const Properties& properties) {
        make("qemu64-v1", properties);
        ::testing::internal::CaptureStderr();
        settle();
        said = ::testing::internal::GetCapturedStderr();
    }
    std::string refusal(const Properties& properties) {
        make("qemu64-v1", properties);
        return processor->settle(support, errors) ? "" : std::string(errors.text());
    }
    std::string said;
};

TEST_F(HypervTest, IsNotShownUnlessAskedFor) {
    make_with({});
    EXPECT_EQ(cpuid(0x40000000).ebx, 0x74736554u) << "TestTestTest";
    EXPECT_FALSE(processor->hyperv().shown);
}

TEST_F(HypervTest, HasTheFirstLeavesAndTheAcceleratorsOwnComeBehind) {
    make_with({{"hv-relaxed", "on"}});
    EXPECT_EQ(cpuid(0x40000000), (CpuidRegisters{0x40000005, 0x7263694d, 0x666f736f, 0x76482074}));
    EXPECT_EQ(cpuid(0x40000001), (CpuidRegisters{0x31237648, 0, 0, 0}));
    EXPECT_EQ(cpuid(0x40000002), (CpuidRegisters{14393, 10u << 16, 0, 0}));
    EXPECT_EQ(cpuid(0x40000003), (CpuidRegisters{kHypercallMsrs, 0, 0, 0}));
    EXPECT_EQ(cpuid(0x40000004), (CpuidRegisters{1u << 5, 0xffffffff, 0, 0}));
    EXPECT_EQ(cpuid(0x40000100), (CpuidRegisters{0x40000101, 0x74736554, 0x74736554, 0x74736554}));
    EXPECT_TRUE(processor->hyperv().shown);
}

TEST_F(HypervTest, HasABitOrTwoForEachEnlightenment) {
    make_with({{"hv-vapic", "on"},
               {"hv-time", "on"},
               {"hv-synic", "on"},
               {"hv-stimer", "on"},
               {"hv-frequencies", "on"},
               {"hv-vpindex", "on"},
               {"hv-ipi", "on"},
               {"hv-spinlocks", "8191"}});
    EXPECT_EQ(cpuid(0x40000003).eax,
              kHypercallMsrs | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 9 | 1u << 11);
    EXPECT_EQ(cpuid(0x40000003).edx, 1u << 8);
    EXPECT_EQ(cpuid(0x40000004), (CpuidRegisters{1u << 3 | 1u << 10 | 1u << 11, 8191, 0, 0}));
    EXPECT_TRUE(processor->hyperv().interrupts);
}

TEST_F(HypervTest, SaysWhatTheUserSaysOfItsMakerAndVersion) {
    make_with({{"hv-relaxed", "on"},
               {"hv-vendor-id", "abc"},
               {"hv-version-id-build", "1"},
               {"hv-version-id-major", "2"},
               {"hv-version-id-minor", "3"},
               {"hv-version-id-spack", "4"},
               {"hv-version-id-sbranch", "5"},
               {"hv-version-id-snumber", "6"},
               {"hv-no-nonarch-coresharing", "on"}});
    EXPECT_EQ(cpuid(0x40000000), (CpuidRegisters{0x40000005, 0x00636261, 0, 0}));
    EXPECT_EQ(cpuid(0x40000002), (CpuidRegisters{1, 2u << 16 | 3, 4, 5u << 24 | 6}));
    EXPECT_EQ(cpuid(0x40000004).eax, 1u << 5 | 1u << 18);
}

TEST_F(HypervTest, OfNestedGuestsHasALeafOfItsOwn) {
    make_with({{"hv-vapic", "on"}, {"hv-evmcs", "on"}, {"hv-emsr-bitmap", "on"}});
    EXPECT_EQ(cpuid(0x40000000).eax, 0x4000000au);
    EXPECT_EQ(cpuid(0x4000000a).eax, 1u << 19 | 0x101);
    EXPECT_EQ(cpuid(0x40000006), CpuidRegisters{});
}

TEST_F(HypervTest, PassedThroughIsWhatTheHostHas) {
    support.hyperv_leaves[0x40000003] = {kHypercallMsrs | 1u << 3 | 1u << 6, 0, 0, 0};
    support.hyperv_leaves[0x40000004] = {1u << 5, 0x100, 0, 0};
    make_with({{"hv-passthrough", "on"}});
    EXPECT_EQ(cpuid(0x40000003).eax, kHypercallMsrs | 1u << 6) << "timers need what is not there";
    EXPECT_EQ(cpuid(0x40000004), (CpuidRegisters{1u << 5, 0x100, 0, 0}));
}

TEST_F(HypervTest, WithoutWhatItNeedsIsRefused) {
    EXPECT_NE(refusal({{"hv-stimer", "on"}, {"hv-time", "on"}}).find("hv-stimer needs hv-synic"),
              std::string::npos)
        << errors.text();
}

TEST_F(HypervTest, WhatTheKernelLacksIsNamedAndLeftOut) {
    support.hyperv_leaves[0x40000003].eax = kHypercallMsrs | 1u << 1 | 1u << 2 | 1u << 3;  // no reference TSC
    make_with({{"hv-relaxed", "on"}, {"hv-synic", "on"}, {"hv-time", "on"}, {"hv-stimer", "on"}});
    EXPECT_EQ(cpuid(0x40000003).eax, kHypercallMsrs | 1u << 2);
    EXPECT_NE(said.find("TCG doesn't support requested feature: hv-time"), std::string::npos);
    EXPECT_NE(said.find("TCG doesn't support requested feature: hv-stimer"), std::string::npos)
        << "it needs hv-time";
}

TEST_F(HypervTest, WhatTheKernelLacksIsAReasonWithEnforce) {
    support.hyperv_leaves[0x40000004].eax = 0;
    EXPECT_NE(refusal({{"hv-relaxed", "on"}, {"enforce", "on"}}).find("requested feature: hv-relaxed"),
              std::string::npos)
        << errors.text();
}

TEST_F(HypervTest, AKernelWithNothingOfItLeavesTheAcceleratorsLeaves) {
    support.hyperv_leaves = {{0x40000003, {}}};
    make_with({{"hv-relaxed", "on"}, {"hv-spinlocks", "8191"}});
    EXPECT_EQ(cpuid(0x40000000).ebx, 0x74736554u);
    EXPECT_NE(said.find("requested feature: hv-spinlocks"), std::string::npos);
}

TEST_F(HypervTest, AnAcceleratorWithoutItIsAReason) {
    support.hyperv_leaves.clear();
    EXPECT_NE(refusal({{"hv-relaxed", "on"}}).find("shows guests no interface of Hyper-V"), std::string::npos)
        << errors.text();
}

TEST_F(HypervTest, TheDebuggersTransportIsRefused) {
    EXPECT_NE(bench.try_add("qemu64-v1-x86_64-cpu", "cpu", {{"hv-syndbg", "on"}}).find("leave hv-syndbg off"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::x86
