// The local APIC's timer.
#include "apic_fixture.h"

namespace backplane::testing {
namespace {

constexpr std::uint32_t kPeriodic = 1 << 17;
constexpr std::uint32_t kDeadlineMode = 2 << 17;
constexpr std::uint32_t kMasked = 1 << 16;
constexpr std::uint32_t kTscDeadline = 0x6e0;

class ApicTimerTest : public ::testing::Test, protected ApicFixture {
  protected:
    ApicTimerTest() : ApicFixture(1) {
        switch_on();
        set(kDivide, 0xb);
    }
    /// How often the vector came within the time.
    unsigned count(unsigned vector, std::uint64_t step_ns, unsigned steps) {
        unsigned came = 0;
        for (unsigned i = 0; i < steps; ++i) {
            bench.advance_ns(step_ns);
            if (!requested(vector)) continue;
            ++came;
            apic().acknowledge();
            set(kEoi, 0);
        }
        return came;
    }
};

TEST_F(ApicTimerTest, OneShotCountsDownOnce) {
    set(kLvtTimer, 0xec);
    set(kInitialCount, 1000);
    bench.advance_ns(400);
    EXPECT_EQ(get(kCurrentCount), 600u);
    bench.advance_ns(599);
    EXPECT_FALSE(requested(0xec));
    bench.advance_ns(1);
    EXPECT_TRUE(requested(0xec));
    EXPECT_EQ(get(kCurrentCount), 0u);
    EXPECT_EQ(count(0xec, 100'000, 10), 1u) << "and not again";
}

TEST_F(ApicTimerTest, TheDivider) {
    const std::pair<std::uint32_t, unsigned> kDividers[] = {{0x0, 2},  {0x1, 4},  {0x2, 8},   {0x3, 16},
                                                            {0x8, 32}, {0x9, 64}, {0xa, 128}, {0xb, 1}};
    for (const auto& [value, divisor] : kDividers) {
        set(kDivide, value);
        EXPECT_EQ(get(kDivide), value);
        set(kInitialCount, 1'000'000);
        bench.advance_ns(128'000);
        EXPECT_EQ(get(kCurrentCount), 1'000'000 - 128'000 / divisor) << divisor;
    }
}

TEST_F(ApicTimerTest, PeriodicComesAgain) {
    set(kLvtTimer, 0xec | kPeriodic);
    set(kInitialCount, 50'000);
    EXPECT_EQ(count(0xec, 50'000, 20), 20u);
    bench.advance_ns(20'000);
    EXPECT_EQ(get(kCurrentCount), 30'000u);
    set(kInitialCount, 0);
    EXPECT_EQ(count(0xec, 50'000, 20), 0u);
}

TEST_F(ApicTimerTest, APeriodThatIsTooShortIsStretched) {
    set(kLvtTimer, 0xec | kPeriodic);
    set(kInitialCount, 1);
    EXPECT_LE(count(0xec, 1'000, 100), 11u);
    EXPECT_GE(count(0xec, 1'000, 100), 9u);
}

TEST_F(ApicTimerTest, AMaskedTimerCountsAndInterruptsNobody) {
    set(kLvtTimer, 0xec | kPeriodic | kMasked);
    set(kInitialCount, 50'000);
    EXPECT_EQ(count(0xec, 60'000, 5), 0u);
    set(kLvtTimer, 0xec | kPeriodic);
    EXPECT_EQ(count(0xec, 50'000, 4), 4u);
}

TEST_F(ApicTimerTest, TheDeadlineIsOfTheTimeStampCounter) {
    EXPECT_TRUE(apic().write_msr(kTscDeadline, 100));
    std::uint64_t value = 1;
    EXPECT_TRUE(apic().read_msr(kTscDeadline, value));
    EXPECT_EQ(value, 0u) << "it is ignored in other modes";
    set(kLvtTimer, 0xed | kDeadlineMode);
    apic().write_msr(kTscDeadline, 2'000'000);
    apic().read_msr(kTscDeadline, value);
    EXPECT_EQ(value, 2'000'000u);
    bench.advance_ns(999'999);
    EXPECT_FALSE(requested(0xed));
    bench.advance_ns(1);
    EXPECT_TRUE(requested(0xed));
    apic().read_msr(kTscDeadline, value);
    EXPECT_EQ(value, 0u) << "it is disarmed when it has come";
    set(kInitialCount, 100);
    EXPECT_EQ(get(kInitialCount), 0u) << "the count is of no use in this mode";
}

TEST_F(ApicTimerTest, LeavingDeadlineModeDisarms) {
    set(kLvtTimer, 0xed | kDeadlineMode);
    apic().write_msr(kTscDeadline, 2'000'000);
    set(kLvtTimer, 0xed);
    EXPECT_EQ(count(0xed, 1'000'000, 3), 0u);
}

TEST_F(ApicTimerTest, ASavedTimerGoesOn) {
    set(kLvtTimer, 0xec | kPeriodic);
    set(kInitialCount, 50'000);
    bench.advance_ns(20'000);
    focus();
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(get(kCurrentCount), 30'000u);
    bench.advance_ns(30'000);
    EXPECT_TRUE(requested(0xec));
}

}  // namespace
}  // namespace backplane::testing
