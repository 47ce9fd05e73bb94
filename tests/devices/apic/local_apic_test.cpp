// One local APIC: registers, priorities, what its processor takes, its pins, its errors.
#include "apic_fixture.h"

#include <backplane/nmi.h>

namespace backplane::testing {
namespace {

class LocalApicTest : public ::testing::Test, protected ApicFixture {
  protected:
    LocalApicTest() : ApicFixture(1) {}
    FakeProcessor& cpu() { return *processors[0]; }
};

TEST_F(LocalApicTest, AfterAResetItIsOnAndDisabledBySoftware) {
    EXPECT_EQ(apic().base(), 0xfee00900u);
    EXPECT_EQ(get(kId), 0u);
    EXPECT_EQ(get(kVersion), 0x00050014u);
    EXPECT_EQ(get(kSvr), 0xffu);
    EXPECT_EQ(get(kDfr), 0xffffffffu);
    for (std::uint32_t offset = kLvtTimer; offset <= kLvtError; offset += 0x10)
        EXPECT_EQ(get(offset), 0x10000u) << std::hex << offset;
    fixed(0x40);
    EXPECT_FALSE(requested(0x40)) << "it takes no interrupts yet";
    EXPECT_EQ(cpu().interrupt, 0);
}

TEST_F(LocalApicTest, TheHighestVectorGoesFirst) {
    switch_on();
    fixed(0x31);
    fixed(0x52);
    fixed(0x33);
    EXPECT_EQ(cpu().interrupt, 1);
    EXPECT_EQ(apic().acknowledge(), 0x52);
    EXPECT_TRUE(has(kIsr, 0x52));
    EXPECT_FALSE(requested(0x52));
    EXPECT_EQ(get(kPpr), 0x50u);
    EXPECT_EQ(cpu().interrupt, 0) << "what is served goes before the others";
    EXPECT_EQ(apic().acknowledge(), x86::kNoInterrupt);
    fixed(0x61);
    EXPECT_EQ(apic().acknowledge(), 0x61);
    set(kEoi, 0);
    EXPECT_EQ(get(kPpr), 0x50u);
    set(kEoi, 0);
    EXPECT_EQ(apic().acknowledge(), 0x33);
    set(kEoi, 0);
    EXPECT_EQ(apic().acknowledge(), 0x31);
}

TEST_F(LocalApicTest, AVectorOfTheSameClassWaits) {
    switch_on();
    fixed(0x52);
    apic().acknowledge();
    fixed(0x5f);
    EXPECT_EQ(cpu().interrupt, 0);
}

TEST_F(LocalApicTest, TheTaskPriorityHoldsBack) {
    switch_on();
    set(kTpr, 0x50);
    fixed(0x5f);
    EXPECT_EQ(cpu().interrupt, 0);
    EXPECT_EQ(apic().task_priority(), 5);
    apic().set_task_priority(4);
    EXPECT_EQ(get(kTpr), 0x40u);
    EXPECT_EQ(cpu().interrupt, 1);
}

TEST_F(LocalApicTest, DisablingItBySoftwareMasksItsTable) {
    switch_on();
    set(kLint0, 0x700);
    set(kSvr, 0xff);
    EXPECT_EQ(get(kLint0), 0x10700u);
    set(kLint0, 0x700);
    EXPECT_EQ(get(kLint0), 0x10700u) << "and it stays masked";
}

TEST_F(LocalApicTest, The8259sInterruptComesThroughLint0) {
    focus();
    bench.set_input("lint", 0, 1);
    EXPECT_EQ(cpu().interrupt, 0) << "masked";
    switch_on();
    set(kLint0, 0x8700);
    EXPECT_EQ(cpu().interrupt, 1);
    EXPECT_EQ(apic().acknowledge(), x86::kExternalInterrupt);
    EXPECT_EQ(cpu().interrupt, 1) << "until the 8259 lets go";
    fixed(0x44);
    EXPECT_EQ(apic().acknowledge(), 0x44);
    focus();
    bench.set_input("lint", 0, 0);
    EXPECT_EQ(cpu().interrupt, 0);
}

TEST_F(LocalApicTest, AnApicThatIsOffLetsThePinsThrough) {
    EXPECT_TRUE(apic().set_base(0xfee00100));
    focus();
    bench.set_input("lint", 0, 1);
    EXPECT_EQ(apic().acknowledge(), x86::kExternalInterrupt);
    focus();
    bench.set_input("lint", 1, 1);
    EXPECT_EQ(cpu().nmis, 1u);
    EXPECT_EQ(get(kId), 0xffffffffu) << "its page is not there";
    EXPECT_FALSE(apic().matches(0, false));
}

TEST_F(LocalApicTest, Lint1IsNmi) {
    switch_on();
    set(kLint1, 0x400);
    focus();
    bench.set_input("lint", 1, 1);
    bench.set_input("lint", 1, 0);
    EXPECT_EQ(cpu().nmis, 1u);
    set(kLint1, 0x45);
    focus();
    bench.set_input("lint", 1, 1);
    EXPECT_TRUE(requested(0x45)) << "or a vector, with the edge";
}

TEST_F(LocalApicTest, WhatItsUserInjectsComesThroughLint1) {
    auto* input = query<NmiInput>(*chips[0]);
    ASSERT_NE(input, nullptr);
    input->inject_nmi();
    EXPECT_EQ(cpu().nmis, 0u) << "masked";
    switch_on();
    set(kLint1, 0x400);
    input->inject_nmi();
    input->inject_nmi();
    EXPECT_EQ(cpu().nmis, 2u);
}

TEST_F(LocalApicTest, VectorsBelowSixteenAreErrors) {
    switch_on();
    set(kLvtError, 0x99);
    fixed(0x0f);
    EXPECT_TRUE(requested(0x99));
    EXPECT_EQ(get(kEsr), 0u) << "a write comes first";
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x40u);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0u);
    set(kIcrLow, 0x05);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x20u);
}

TEST_F(LocalApicTest, AnErrorVectorThatIsWrongInterruptsNobody) {
    switch_on();
    set(kLvtError, 0x02);
    fixed(0x0f);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x40u);
}

TEST_F(LocalApicTest, ARegisterThatThereIsNotIsAnError) {
    switch_on();
    get(0x3f0);
    set(0x000, 1);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x80u);
}

TEST_F(LocalApicTest, ADebuggersReadLeavesNoError) {
    switch_on();
    Access access{Intent::Debug};
    access.cpu = 0;
    apic().read_register(0x3f0, access);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0u);
}

TEST_F(LocalApicTest, InitPutsBackAllButTheModeAndTheId) {
    switch_on();
    set(kTpr, 0x30);
    set(kLint0, 0x700);
    fixed(0x40);
    apic().init();
    EXPECT_EQ(get(kSvr), 0xffu);
    EXPECT_EQ(get(kTpr), 0u);
    EXPECT_EQ(get(kLint0), 0x10000u);
    EXPECT_FALSE(requested(0x40));
    EXPECT_EQ(apic().base(), 0xfee00900u);
    EXPECT_EQ(cpu().interrupt, 0);
}

TEST_F(LocalApicTest, ASavedApicGoesOn) {
    switch_on();
    fixed(0x52);
    apic().acknowledge();
    fixed(0x61);
    focus();
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_TRUE(has(kIsr, 0x52));
    EXPECT_EQ(apic().acknowledge(), 0x61);
}

}  // namespace
}  // namespace backplane::testing
