// What CPUID shows of models. The numbers were read by guests of a peer that has the same models.
#include "fixture.h"

namespace backplane::x86 {
namespace {

using testing::ProcessorTest;

TEST_F(ProcessorTest, TheDefaultModel) {
    make("qemu64-v1");
    settle();
    EXPECT_EQ(cpuid(0), (CpuidRegisters{0xd, 0x68747541, 0x444d4163, 0x69746e65}));
    EXPECT_EQ(cpuid(1), (CpuidRegisters{0x60fb1, 0x800, 0x80002001, 0x078bfbfd}));
    EXPECT_EQ(cpuid(5), (CpuidRegisters{0, 0, 3, 0}));
    EXPECT_EQ(cpuid(0xb, 0), (CpuidRegisters{0, 1, 0x100, 0}));
    EXPECT_EQ(cpuid(0xb, 1), (CpuidRegisters{0, 1, 0x201, 0}));
    EXPECT_EQ(cpuid(0xb, 2), (CpuidRegisters{0, 0, 2, 0}));
    EXPECT_EQ(cpuid(0x80000000), (CpuidRegisters{0x8000000a, 0x68747541, 0x444d4163, 0x69746e65}));
    EXPECT_EQ(cpuid(0x80000001), (CpuidRegisters{0x60fb1, 0, 5, 0x2193fbfd}));
    EXPECT_EQ(cpuid(0x80000002), (CpuidRegisters{0x554d4551, 0x72695620, 0x6c617574, 0x55504320}));
    EXPECT_EQ(cpuid(0x80000005), (CpuidRegisters{0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140}));
    EXPECT_EQ(cpuid(0x80000006), (CpuidRegisters{0, 0x42004200, 0x02008140, 0x00808140}));
    EXPECT_EQ(cpuid(0x80000008), (CpuidRegisters{0x3028, 0, 0, 0}));
}

TEST_F(ProcessorTest, AnIntelModelWithXsave) {
    make("SandyBridge-v1");
    settle();
    EXPECT_EQ(cpuid(1), (CpuidRegisters{0x206a1, 0x800, 0x97b82203, 0x078bfbfd}));
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0, 0xff}));
    EXPECT_EQ(cpuid(4, 0), (CpuidRegisters{0x121, 0x01c0003f, 0x3f, 1}));
    EXPECT_EQ(cpuid(4, 3), (CpuidRegisters{0x163, 0x03c0003f, 0x3fff, 6}));
    EXPECT_EQ(cpuid(4, 4), CpuidRegisters{});
    EXPECT_EQ(cpuid(0xd, 0), (CpuidRegisters{7, 0x240, 0x340, 0}));
    EXPECT_EQ(cpuid(0xd, 1), (CpuidRegisters{1, 0x340, 0, 0}));
    EXPECT_EQ(cpuid(0xd, 2), (CpuidRegisters{0x100, 0x240, 0, 0}));
    EXPECT_EQ(cpuid(0x80000000), (CpuidRegisters{0x80000008, 0, 0, 0}));
    EXPECT_EQ(cpuid(0x80000001).edx, 0x28100000u) << "SYSCALL in 64-bit mode only";
    state().efer = efer::kLma;
    EXPECT_EQ(cpuid(0x80000001).edx, 0x28100800u);
    EXPECT_EQ(cpuid(0x80000006), (CpuidRegisters{0, 0, 0x10008040, 0}));
    EXPECT_EQ(state().xsave_size, 0x340u);
}

// What boards of older releases set.

TEST_F(ProcessorTest, UpToRelease6_0AmdsModelsHadLeavesOfIntel) {
    const backplane::testing::Properties past{
        {"x-vendor-cpuid-only", "off"}, {"x-consistent-cache", "off"}, {"x-l1-cache-per-thread", "off"}};
    make("qemu64", past);
    settle();
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0x4d, 0x002c307d}));
    EXPECT_EQ(cpuid(4, 0), (CpuidRegisters{0x121, 0x01c0003f, 0x3f, 1}));
    EXPECT_EQ(cpuid(4, 2), (CpuidRegisters{0x143, 0x03c0003f, 0xfff, 1}));
    EXPECT_EQ(cpuid(4, 3), (CpuidRegisters{0x163, 0x03c0003f, 0x3fff, 6}));
}

TEST_F(ProcessorTest, CachesOfAModelsOwnInBytes) {
    make("EPYC-v1", {{"x-vendor-cpuid-only", "off"}, {"x-consistent-cache", "off"}});
    settle();
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0x4b, 0x002cff80}));
    EXPECT_EQ(cpuid(4, 3), (CpuidRegisters{0x163, 0x03c0003f, 0x1fff, 6}));
}

TEST_F(ProcessorTest, CachesOfAnotherModelsOwnInBytes) {
    make("SapphireRapids-v4", {{"x-vendor-cpuid-only-v2", "off"}, {"x-consistent-cache", "off"}});
    settle();
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0xff, 0x00ff30ff}));
    EXPECT_EQ(cpuid(0x80000005), (CpuidRegisters{0x01ff01ff, 0x01ff01ff, 0x300c0040, 0x20080040}));
    EXPECT_EQ(cpuid(0x80000006), (CpuidRegisters{0, 0x42004200, 0x08008040, 0x01e00040}));
}

TEST_F(ProcessorTest, UpToRelease10_0IntelsModelsHadLeavesOfAmd) {
    make("Skylake-Server-v1", {{"x-vendor-cpuid-only-v2", "off"}, {"x-consistent-cache", "off"}});
    settle();
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0x4d, 0x002c307d}));
    EXPECT_EQ(cpuid(0x80000000), (CpuidRegisters{0x80000008, 0x756e6547, 0x6c65746e, 0x49656e69}));
    EXPECT_EQ(cpuid(0x80000005), (CpuidRegisters{0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140}));
    EXPECT_EQ(cpuid(0x80000006), (CpuidRegisters{0, 0x42004200, 0x02008140, 0x00808140}));
}

TEST_F(ProcessorTest, UpToRelease9_0ThreadsDidNotShareLevel1) {
    make("Skylake-Server-v1", {{"x-l1-cache-per-thread", "off"}, {"threads", "2"}, {"cores", "2"}});
    settle();
    EXPECT_EQ(cpuid(4, 0).eax, 0x04000121u);
    EXPECT_EQ(cpuid(4, 2).eax, 0x04004143u);
}

TEST_F(ProcessorTest, UpToRelease9_0CachesOfAmdHadBitsThatItDoesNotDefine) {
    make("EPYC-v1", {{"x-amd-topoext-features-only", "off"}});
    settle();
    EXPECT_EQ(cpuid(0x8000001d, 3), (CpuidRegisters{0x163, 0x03c0003f, 0x1fff, 6}));
}

TEST_F(ProcessorTest, UpToRelease2_12AllModelsHadTheSameCaches) {
    make("EPYC-v1", {{"legacy-cache", "on"}});
    settle();
    EXPECT_EQ(cpuid(0x80000005), (CpuidRegisters{0x01ff01ff, 0x01ff01ff, 0x40020140, 0x40020140}));
    EXPECT_EQ(cpuid(0x8000001d, 2), (CpuidRegisters{0x43, 0x03c0003f, 0x1ff, 0}));
}

TEST_F(ProcessorTest, TheCoresOfAModuleShareItsLevel2Cache) {
    make("SierraForest-v3", {{"threads", "2"}, {"cores", "4"}});
    settle();
    EXPECT_EQ(cpuid(4, 0).eax, 0x0c004121u);
    EXPECT_EQ(cpuid(4, 2).eax, 0x0c01c143u);
    EXPECT_EQ(cpuid(4, 3).eax, 0x0c01c163u);
}

TEST_F(ProcessorTest, AnOldModelDescribesItsCachesByBytes) {
    make("pentium3-v1");
    settle();
    EXPECT_EQ(cpuid(2), (CpuidRegisters{1, 0, 0x4d, 0x2c307d}));
    EXPECT_EQ(cpuid(4), cpuid(3)) << "the highest leaf answers for what is not there";
}

TEST_F(ProcessorTest, AnAmdModelWithItsOwnCaches) {
    make("EPYC-v1");
    settle();
    EXPECT_EQ(cpuid(0x8000001d, 0), (CpuidRegisters{0x121, 0x01c0003f, 0x3f, 1}));
    EXPECT_EQ(cpuid(0x8000001d, 3), (CpuidRegisters{0x163, 0x03c0003f, 0x1fff, 2}));
    EXPECT_EQ(cpuid(0x80000005), (CpuidRegisters{0x01ff01ff, 0x01ff01ff, 0x20080140, 0x40040140}));
    EXPECT_EQ(cpuid(0x80000006), (CpuidRegisters{0, 0x42004200, 0x02006140, 0x00408140}));
}

/// SDM 2A, CPUID: "the data for the highest basic information leaf is returned".
TEST_F(ProcessorTest, ALeafThatThereIsNotShowsTheHighestBasicOne) {
    make("SandyBridge-v1");
    settle();
    EXPECT_EQ(cpuid(0x40000010), cpuid(0xd, 0));
    EXPECT_EQ(cpuid(0x80000009), cpuid(0xd, 0));
}

TEST_F(ProcessorTest, AVersionIsItsBaseWithWhatChanged) {
    make("SandyBridge-v2");
    settle();
    EXPECT_EQ(cpuid(7).edx, 1u << 26);
    EXPECT_EQ(cpuid(1).ecx, 0x97b82203u);
    EXPECT_EQ(bench.property(bench.device(), "model-id"), "Intel Xeon E312xx (Sandy Bridge, IBRS update)");
}

TEST_F(ProcessorTest, SwitchesAddAndTakeAway) {
    make("qemu64-v1",
         {{"avx2", "on"}, {"sse3", "off"}, {"svm", "off"}, {"svm", "on"}, {"vendor", "GenuineIntel"}});
    settle();
    EXPECT_EQ(cpuid(7).ebx, 1u << 5);
    EXPECT_EQ(cpuid(1).ecx, 0x80002000u);
    EXPECT_EQ(cpuid(0).ebx, 0x756e6547u);
    EXPECT_EQ(bench.property(bench.device(), "avx2"), "on");
    EXPECT_EQ(bench.property(bench.device(), "pni"), "off");
}

/// Linux for 32-bit processors refuses a family below 4.
TEST_F(ProcessorTest, WhatHasAllFeaturesHasAFamilyThatCouldHaveThem) {
    make("max");
    settle();
    EXPECT_EQ(cpuid(1).eax, 0x663u);
}

TEST_F(ProcessorTest, WhatIsNotGivenIsTakenAwayAndNamed) {
    make("Haswell-v1");
    support.taken[{7, 0}].ebx = 1u << 4;  // hle
    ::testing::internal::CaptureStderr();
    settle();
    const std::string said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("TCG doesn't support requested feature: CPUID[eax=07h,ecx=00h].EBX.hle [bit 4]"),
              std::string::npos)
        << said;
    EXPECT_EQ(cpuid(7).ebx & (1u << 4), 0u);
}

TEST_F(ProcessorTest, ATranslatorIsSilentOfNestedGuestsThatOnlyTheModelAsksFor) {
    make("qemu64-v1");
    support.taken[{0x80000001, 0}].ecx = 1u << 2;  // svm
    ::testing::internal::CaptureStderr();
    settle();
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(cpuid(0x80000001).ecx & (1u << 2), 0u);
}

TEST_F(ProcessorTest, ATranslatorTellsWhoAsksForNestedGuestsByName) {
    make("qemu64-v1", {{"svm", "on"}});
    support.taken[{0x80000001, 0}].ecx = 1u << 2;
    ::testing::internal::CaptureStderr();
    settle();
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("ECX.svm"), std::string::npos);
}

TEST_F(ProcessorTest, EnforceRefusesInstead) {
    make("Haswell-v1", {{"enforce", "on"}});
    support.taken[{1, 0}].ecx = 1u << 28;  // avx
    support.taken[{7, 0}].ebx = 1u << 4;   // hle
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(processor->settle(support, errors));
    const std::string said = ::testing::internal::GetCapturedStderr();
    for (const char* missing :
         {"CPUID[eax=01h].ECX.avx [bit 28]\n", "CPUID[eax=07h,ecx=00h].EBX.hle [bit 4]\n"})
        EXPECT_NE(said.find("TCG doesn't support requested feature: " + std::string(missing)),
                  std::string::npos)
            << said;
    EXPECT_NE(errors.text().find("TCG doesn't support requested features (avx is the first)"),
              std::string::npos)
        << errors.text();
}

TEST_F(ProcessorTest, EnforceIsSilentOfNothing) {
    make("qemu64-v1", {{"enforce", "on"}});
    support.taken[{0x80000001, 0}].ecx = 1u << 2;  // svm
    ::testing::internal::CaptureStderr();
    EXPECT_FALSE(processor->settle(support, errors));
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("ECX.svm"), std::string::npos);
}

TEST_F(ProcessorTest, TheHostModelNeedsTheHost) {
    make("host");
    EXPECT_FALSE(processor->settle(support, errors));
    EXPECT_NE(errors.text().find("CPU model 'host' requires KVM"), std::string::npos) << errors.text();
    support.on_host = true;
    settle();
    EXPECT_EQ(cpuid(0x80000008).eax & 0xff, 46u) << "physical addresses are the host's";
    EXPECT_NE(cpuid(7).ebx, 0u);
}

TEST_F(ProcessorTest, TopologyOfThreadsAndCores) {
    make("SandyBridge-v1", {{"threads", "2"}, {"cores", "3"}, {"apic-id", "5"}});
    settle();
    EXPECT_EQ(cpuid(1).ebx, 0x05080800u) << "as many ids as are set aside";
    EXPECT_NE(cpuid(1).edx & 1u << 28, 0u);
    EXPECT_EQ(cpuid(0xb, 0), (CpuidRegisters{1, 2, 0x100, 5}));
    EXPECT_EQ(cpuid(0xb, 1), (CpuidRegisters{3, 6, 0x201, 5}));
    EXPECT_EQ(cpuid(4, 0).eax, 0x121u | 1u << 14 | 3u << 26);
    EXPECT_EQ(cpuid(4, 3).eax, 0x163u | 7u << 14 | 3u << 26);
}

TEST_F(ProcessorTest, GuestsOfTheHostHaveItsX2apicAndNotWhatItKeepsToItself) {
    support.on_host = true;
    make("EPYC-Rome-v1");
    settle();
    constexpr std::uint32_t kMonitor = 1u << 3, kX2apic = 1u << 21, kSvm = 1u << 2, kVme = 1u << 1;
    EXPECT_EQ(cpuid(1).ecx & (kMonitor | kX2apic), kX2apic);
    EXPECT_EQ(cpuid(1).edx & kVme, kVme);
    EXPECT_EQ(cpuid(0x80000001).ecx & kSvm, 0u);
    EXPECT_EQ(cpuid(0x8000000a), CpuidRegisters{});
}

TEST_F(ProcessorTest, AUsersWordCountsMoreThanWhatGuestsOfTheHostHave) {
    support.on_host = true;
    make("EPYC-Rome-v1", {{"monitor", "on"}, {"x2apic", "off"}});
    settle();
    EXPECT_EQ(cpuid(1).ecx & (1u << 3 | 1u << 21), 1u << 3);
}

TEST_F(ProcessorTest, WhatOtherHostsMayLackIsShownWhenAskedFor) {
    support.on_host = true;
    make("host", {{"migratable", "off"}});
    settle();
    EXPECT_EQ(cpuid(0x80000007).edx & 1u << 8, 1u << 8);
}

TEST_F(ProcessorTest, WhatOtherHostsMayLackIsNotShownUnasked) {
    support.on_host = true;
    make("host");
    settle();
    EXPECT_EQ(cpuid(0x80000007).edx & 1u << 8, 0u);
    EXPECT_NE(bench.try_add("SandyBridge-v1-x86_64-cpu", "other", {{"migratable", "off"}})
                  .find("only host and max"),
              std::string::npos);
}

TEST_F(ProcessorTest, TranslatedModelsHaveVmeOnlyWhenAsked) {
    make("SandyBridge-v1");
    settle();
    EXPECT_EQ(cpuid(1).edx & 2, 0u);
}

TEST_F(ProcessorTest, AskedForTranslatedModelsHaveVme) {
    make("SandyBridge-v1", {{"vme", "on"}});
    settle();
    EXPECT_EQ(cpuid(1).edx & 2, 2u);
}

TEST_F(ProcessorTest, TopologyOfDiesAndModules) {
    make("SapphireRapids-v1",
         {{"threads", "2"}, {"cores", "2"}, {"modules", "3"}, {"dies", "2"}, {"apic-id", "13"}});
    settle();
    EXPECT_EQ(cpuid(1).ebx, 0x0d200800u);
    EXPECT_EQ(cpuid(0xb, 1), (CpuidRegisters{5, 24, 0x201, 13}));
    EXPECT_EQ(cpuid(0xb, 2), (CpuidRegisters{0, 0, 2, 13}));
    EXPECT_EQ(cpuid(0x1f, 0), (CpuidRegisters{1, 2, 0x100, 13}));
    EXPECT_EQ(cpuid(0x1f, 1), (CpuidRegisters{2, 4, 0x201, 13}));
    EXPECT_EQ(cpuid(0x1f, 2), (CpuidRegisters{4, 12, 0x302, 13}));
    EXPECT_EQ(cpuid(0x1f, 3), (CpuidRegisters{5, 24, 0x503, 13}));
    EXPECT_EQ(cpuid(0x1f, 4), (CpuidRegisters{0, 0, 4, 13}));
    EXPECT_EQ(cpuid(4, 2).eax >> 14 & 0xfff, 1u) << "level 2 is a core's";
    EXPECT_EQ(cpuid(4, 3).eax >> 14 & 0xfff, 15u) << "level 3 is a die's";
}

TEST_F(ProcessorTest, AModelWithoutLeaf1fHasItForDiesAndModules) {
    make("SandyBridge-v1", {{"modules", "2"}});
    settle();
    EXPECT_EQ(cpuid(0).eax, 0x1fu);
    EXPECT_EQ(cpuid(0x1f, 2), (CpuidRegisters{1, 2, 0x302, 0}));
}

TEST_F(ProcessorTest, Leaf1fMayBeForced) {
    make("SandyBridge-v1", {{"x-force-cpuid-0x1f", "on"}});
    settle();
    EXPECT_EQ(cpuid(0x1f, 1), (CpuidRegisters{0, 1, 0x201, 0}));
}

TEST_F(ProcessorTest, AnAmdNodeIsASocket) {
    make("EPYC-Rome-v1", {{"threads", "2"}, {"cores", "2"}, {"dies", "3"}, {"apic-id", "22"}});
    settle();
    EXPECT_EQ(cpuid(1).ebx >> 16 & 0xff, 12u) << "processors are counted";
    EXPECT_EQ(cpuid(0x8000001e), (CpuidRegisters{22, 0x101, 1, 0}));
    EXPECT_EQ(cpuid(0x8000001d, 3).eax, 0x163u | 3u << 14);
}

TEST_F(ProcessorTest, UpToRelease9_0AnAmdNodeWasADie) {
    make("EPYC-Rome-v1",
         {{"threads", "2"}, {"cores", "2"}, {"dies", "3"}, {"apic-id", "22"}, {"legacy-multi-node", "on"}});
    settle();
    EXPECT_EQ(cpuid(0x8000001e), (CpuidRegisters{22, 0x101, 0x205, 0}));
}

TEST_F(ProcessorTest, OsxsaveFollowsCr4) {
    make("SandyBridge-v1");
    settle();
    state().cr4 = cr4::kOsxsave;
    EXPECT_NE(cpuid(1).ecx & 1u << 27, 0u);
    state().xcr0 = 7;
    EXPECT_EQ(cpuid(0xd, 0).ebx, 0x340u);
}

TEST_F(ProcessorTest, WhatIsNotThereIsRefusedWithAReason) {
    EXPECT_NE(bench.try_add("host-x86_64-cpu", "a", {{"vmx-ept", "on"}}).find("nested VMX"),
              std::string::npos);
    EXPECT_NE(bench.try_add("host-x86_64-cpu", "b", {{"pmu", "on"}}).find("performance counters"),
              std::string::npos);
    EXPECT_NE(bench.try_add("host-x86_64-cpu", "c", {{"vendor", "abc"}}).find("12 characters"),
              std::string::npos);
    EXPECT_NE(bench.try_add("host-x86_64-cpu", "d", {{"phys-bits", "20"}}).find("between 32 and 52"),
              std::string::npos);
}

}  // namespace
}  // namespace backplane::x86
