#include "hart_fixture.h"

#include <gtest/gtest.h>

namespace backplane::riscv {
namespace {

TEST(Counters, CycleAndInstretFollowTheVirtualClock) {
    TestHart hart;
    hart.services.ns = 1000;
    EXPECT_EQ(hart.value(kCycle), 1000u);
    EXPECT_EQ(hart.value(kMinstret), 1000u);
    hart.write(kMcycle, 5);
    hart.services.ns = 1010;
    EXPECT_EQ(hart.value(kCycle), 15u);
    EXPECT_EQ(hart.value(kInstret), 1010u);
}

TEST(Counters, AnInhibitedCounterStandsAndGoesOnFromThere) {
    TestHart hart;
    hart.services.ns = 100;
    hart.write(kMcountinhibit, 1);
    hart.services.ns = 150;
    EXPECT_EQ(hart.value(kMcycle), 100u);
    EXPECT_EQ(hart.value(kMinstret), 150u);
    hart.write(kMcycle, 7);
    hart.write(kMcountinhibit, 0);
    hart.services.ns = 160;
    EXPECT_EQ(hart.value(kMcycle), 17u);
}

TEST(Counters, TimeIsTheServices) {
    TestHart hart;
    hart.services.ticks = 42;
    EXPECT_EQ(hart.value(kTime), 42u);
}

TEST(Counters, LesserModesNeedTheEnableOfEachModeAbove) {
    TestHart hart;
    for (const auto& [number, enable] :
         {std::pair{kCycle, 1u}, {kTime, 2u}, {kInstret, 4u}, {kHpmcounter3, 8u}}) {
        for (unsigned combination = 0; combination < 4; ++combination) {
            hart.state.mcounteren = combination & 1 ? enable : ~enable;
            hart.state.scounteren = combination & 2 ? enable : ~enable;
            hart.enter(Privilege::Machine);
            EXPECT_TRUE(hart.read(number).legal);
            hart.enter(Privilege::Supervisor);
            EXPECT_EQ(hart.read(number).legal, (combination & 1) != 0) << csr_name(number);
            hart.enter(Privilege::User);
            EXPECT_EQ(hart.read(number).legal, combination == 3) << csr_name(number);
        }
    }
}

TEST(Counters, WithoutSupervisorModeMcounterenAloneDecides) {
    TestHart hart(bit(Extension::U) | bit(Extension::Zicntr));
    hart.state.mcounteren = 1;
    hart.enter(Privilege::User);
    EXPECT_TRUE(hart.read(kCycle).legal);
}

TEST(Stimecmp, SupervisorNeedsTmAndStce) {
    TestHart hart;
    for (unsigned combination = 0; combination < 4; ++combination) {
        hart.state.mcounteren = combination & 1 ? 2 : 0;
        hart.state.menvcfg = combination & 2 ? envcfg::kStce : 0;
        hart.enter(Privilege::Supervisor);
        EXPECT_EQ(hart.read(kStimecmp).legal, combination == 3);
        hart.enter(Privilege::Machine);
        EXPECT_TRUE(hart.read(kStimecmp).legal);
    }
}

TEST(Stimecmp, AWriteReachesTheTimer) {
    TestHart hart;
    hart.write(kStimecmp, 1234);
    EXPECT_EQ(hart.state.stimecmp.load(), 1234u);
    EXPECT_EQ(hart.services.timer_changes, 1u);
}

TEST(Stimecmp, EnableInMenvcfgReachesTheTimer) {
    TestHart hart;
    hart.set(kMenvcfg, envcfg::kFiom);
    EXPECT_EQ(hart.services.timer_changes, 0u);
    hart.set(kMenvcfg, envcfg::kStce);
    EXPECT_EQ(hart.services.timer_changes, 1u);
}

TEST(Stimecmp, IsNotThereWithoutSstc) {
    TestHart hart(kFullSet & ~bit(Extension::Sstc));
    EXPECT_FALSE(hart.read(kStimecmp).legal);
    hart.write(kMenvcfg, envcfg::kStce);
    EXPECT_EQ(hart.value(kMenvcfg) & envcfg::kStce, 0u);
}

}  // namespace
}  // namespace backplane::riscv
