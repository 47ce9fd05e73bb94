// What the models are and what a user can make of them: features, contradictions, the text for device trees.
#include <backplane/draft/riscv/hart.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::riscv {
namespace {

using testing::DeviceBench;
using testing::Properties;

std::string read(std::string_view model, const Properties& properties, std::string_view name) {
    DeviceBench bench(model, properties);
    return bench.property(bench.device(), name);
}

std::string refusal(std::string_view model, const Properties& properties) {
    DeviceBench bench;
    return bench.try_add(model, "cpu", properties);
}

const HartState& state(DeviceBench& bench) {
    return *static_cast<const HartState*>(query<Cpu>(bench.device())->state());
}

TEST(Models, IsaStringsAreInCanonicalOrder) {
    EXPECT_EQ(read("rv64-riscv-cpu", {}, "isa-string"),
              "rv64imafdc_zicntr_zicsr_zifencei_zihintpause_zihpm_zba_zbb_zbc_zbs_sstc_svadu");
    EXPECT_EQ(
        read("max-riscv-cpu", {}, "isa-string"),
        "rv64imafdc_zicntr_zicsr_zifencei_zihintpause_zihpm_zba_zbb_zbc_zbs_sstc_svadu_svinval_svnapot");
    EXPECT_EQ(read("sifive-u54-riscv-cpu", {}, "isa-string"), "rv64imafdc_zicntr_zicsr_zifencei");
    EXPECT_EQ(read("sifive-e51-riscv-cpu", {}, "isa-string"), "rv64imac_zicntr_zicsr_zifencei");
}

TEST(Models, ExtensionsAreListedForDeviceTrees) {
    EXPECT_EQ(read("sifive-u54-riscv-cpu", {}, "isa-extensions"), "i,m,a,f,d,c,zicntr,zicsr,zifencei");
}

TEST(Models, PagingSchemeIsTheLargest) {
    EXPECT_EQ(read("rv64-riscv-cpu", {}, "mmu-type"), "riscv,sv48");
    EXPECT_EQ(read("rv64-riscv-cpu", {{"sv57", "on"}}, "mmu-type"), "riscv,sv57");
    EXPECT_EQ(read("rv64-riscv-cpu", {{"sv48", "off"}}, "mmu-type"), "riscv,sv39");
    EXPECT_EQ(read("sifive-u54-riscv-cpu", {}, "mmu-type"), "riscv,sv39");
    EXPECT_EQ(read("sifive-e51-riscv-cpu", {}, "mmu-type"), "riscv,none");
}

TEST(Models, WithoutMmuNoPagingIsLeft) {
    DeviceBench bench("rv64-riscv-cpu", {{"mmu", "off"}});
    EXPECT_EQ(bench.property(bench.device(), "mmu-type"), "riscv,none");
    EXPECT_FALSE(state(bench).has(Extension::Sv39));
    EXPECT_FALSE(state(bench).has(Extension::Svadu));
    EXPECT_TRUE(state(bench).has(Extension::S));
}

TEST(Models, SwitchesReachTheHart) {
    DeviceBench bench("rv64-riscv-cpu", {{"zba", "off"}, {"svinval", "on"}, {"num-pmp-regions", "4"}});
    EXPECT_FALSE(state(bench).has(Extension::Zba));
    EXPECT_TRUE(state(bench).has(Extension::Svinval));
    EXPECT_EQ(state(bench).pmp_entries, 4u);
}

TEST(Models, WithoutPmpThereAreNoEntries) {
    DeviceBench bench("rv64-riscv-cpu", {{"pmp", "off"}});
    EXPECT_EQ(state(bench).pmp_entries, 0u);
}

TEST(Models, MisaHoldsTheLettersAndTheWidth) {
    DeviceBench bench("rv64-riscv-cpu");
    EXPECT_EQ(state(bench).misa, 0x800000000014112dull);
    DeviceBench small("sifive-e51-riscv-cpu");
    EXPECT_EQ(state(small).misa, 0x8000000000101105ull);
}

TEST(Models, ContradictionsAreRefusedWithAWayOut) {
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"f", "off"}}).find("d=on needs f=on"), std::string::npos);
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"f", "off"}}).find("add d=off"), std::string::npos);
    EXPECT_EQ(refusal("rv64-riscv-cpu", {{"f", "off"}, {"d", "off"}}), "");
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"zicsr", "off"}}).find("zicsr"), std::string::npos);
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"sv39", "off"}}).find("sv48=off"), std::string::npos);
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"u", "off"}}), "");
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"priv_spec", "v1.10.0"}}).find("sstc=off"), std::string::npos);
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"timebase-frequency", "0"}}).find("timebase-frequency"),
              std::string::npos);
}

TEST(Models, TheListOfWhatToSwitchOffIsComplete) {
    EXPECT_NE(refusal("max-riscv-cpu", {{"s", "off"}}), "");
    EXPECT_EQ(refusal("max-riscv-cpu", {{"s", "off"},
                                        {"sstc", "off"},
                                        {"svinval", "off"},
                                        {"sv39", "off"},
                                        {"svadu", "off"},
                                        {"svnapot", "off"},
                                        {"sv48", "off"},
                                        {"sv57", "off"}}),
              "");
    const std::string reason = refusal("max-riscv-cpu", {{"s", "off"}});
    for (const char* needed :
         {"sstc=off", "svinval=off", "sv39=off", "svadu=off", "svnapot=off", "sv48=off", "sv57=off"})
        EXPECT_NE(reason.find(needed), std::string::npos) << needed << " is not in: " << reason;
}

TEST(Models, WhatIsNotExecutedMayBeOff) {
    for (const char* feature : {"h", "v", "zicboz", "zfh", "sdtrig", "svpbmt", "rva23s64"}) {
        EXPECT_NE(refusal("rv64-riscv-cpu", {{feature, "on"}}).find(feature), std::string::npos);
        EXPECT_EQ(read("rv64-riscv-cpu", {{feature, "off"}}, feature), "off");
    }
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"v", "true"}}).find("vectors are not executed"), std::string::npos);
    EXPECT_NE(refusal("rv64-riscv-cpu", {{"rva22u64", "on"}}).find("zfhmin"), std::string::npos);
}

TEST(Models, TheBaseAloneIsGivenWhatIsWanted) {
    EXPECT_EQ(read("rv64i-riscv-cpu", {}, "isa-string"), "rv64i_zicsr");
    const Properties wanted{{"i", "on"},   {"m", "on"}, {"a", "on"},     {"f", "on"},
                            {"d", "on"},   {"c", "on"}, {"zicsr", "on"}, {"zifencei", "on"},
                            {"pmp", "on"}, {"u", "on"}, {"s", "on"},     {"priv_spec", "v1.12.0"},
                            {"sv39", "on"}};
    EXPECT_EQ(read("rv64i-riscv-cpu", wanted, "isa-string"), "rv64imafdc_zicsr_zifencei");
    EXPECT_EQ(read("rv64i-riscv-cpu", wanted, "mmu-type"), "riscv,sv39");
    EXPECT_NE(refusal("rv64i-riscv-cpu", {{"i", "off"}}), "");
}

TEST(Models, ALetterMayStandForSeveral) {
    EXPECT_EQ(read("rv64i-riscv-cpu", {{"g", "on"}, {"b", "on"}}, "isa-string"),
              "rv64imafd_zicsr_zifencei_zba_zbb_zbs");
    EXPECT_EQ(read("rv64-riscv-cpu", {{"g", "off"}, {"b", "off"}}, "isa-string"),
              "rv64imafdc_zicntr_zicsr_zifencei_zihintpause_zihpm_zbc_sstc_svadu");
    EXPECT_EQ(read("rv64-riscv-cpu", {{"svade", "on"}}, "svadu"), "off");
}

TEST(Models, APartComesWithTheWhole) {
    EXPECT_EQ(read("rv64i-riscv-cpu", {{"zmmul", "on"}, {"m", "on"}}, "zmmul"), "on");
    EXPECT_NE(refusal("rv64i-riscv-cpu", {{"zmmul", "on"}}).find("m=on"), std::string::npos);
    EXPECT_NE(refusal("rv64i-riscv-cpu", {{"zcd", "on"}, {"c", "on"}}).find("d=on"), std::string::npos);
}

TEST(Models, HartIdIsTheIndexUnlessItIsSet) {
    EXPECT_EQ(read("rv64-riscv-cpu", {}, "hartid"), "0");
    EXPECT_EQ(read("rv64-riscv-cpu", {{"hartid", "7"}}, "hartid"), "7");
    DeviceBench bench("rv64-riscv-cpu", {{"hartid", "7"}});
    EXPECT_EQ(state(bench).mhartid, 7u);
}

TEST(Models, AbstractTypeCannotBeMade) { EXPECT_NE(refusal("riscv-cpu", {}), ""); }

}  // namespace
}  // namespace backplane::riscv
