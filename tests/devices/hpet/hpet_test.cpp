// The HPET: counter, comparators, routing, LegacyReplacement.
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kConfiguration = 0x10;
constexpr std::uint64_t kStatus = 0x20;
constexpr std::uint64_t kCounter = 0xf0;
constexpr std::uint32_t kLevel = 1 << 1;
constexpr std::uint32_t kEnable = 1 << 2;
constexpr std::uint32_t kPeriodic = 1 << 3;
constexpr std::uint32_t kValueSet = 1 << 6;
constexpr std::uint32_t k32Bits = 1 << 8;
constexpr std::uint32_t kRoute2 = 2 << 9;
constexpr std::uint32_t kFsb = 1 << 14;

constexpr std::uint64_t timer(unsigned number) { return 0x100 + 0x20 * number; }
constexpr std::uint64_t comparator(unsigned number) { return timer(number) + 8; }

class HpetTest : public ::testing::Test {
  protected:
    explicit HpetTest(const Properties& properties = {}) : bench("hpet", properties) {}
    std::uint64_t read(std::uint64_t offset, unsigned size = 4) { return bench.read(offset, size); }
    void write(std::uint64_t offset, std::uint64_t value, unsigned size = 4) {
        bench.write(offset, value, size);
    }
    void start() { write(kConfiguration, 1); }
    unsigned edges(unsigned route) { return bench.output_changes("sysbus-irq", route) / 2; }
    int level(unsigned route) { return bench.output("sysbus-irq", route); }
    DeviceBench bench;
};

class HpetWithMessages : public HpetTest {
  protected:
    HpetWithMessages() : HpetTest({{"hpet-intcap", "4"}, {"msi", "on"}, {"timers", "5"}}) {}
};

TEST_F(HpetTest, WhatItSaysOfItself) {
    EXPECT_EQ(read(0, 8), 0x009896808086a201u);
    EXPECT_EQ(read(0), 0x8086a201u);
    EXPECT_EQ(read(4), 0x00989680u);
    for (unsigned number = 0; number < 3; ++number) {
        EXPECT_EQ(read(timer(number), 8), 0x0000000400000030u);
        EXPECT_EQ(read(comparator(number), 8), 0xffffffffffffffffu);
    }
    EXPECT_EQ(read(timer(3), 8), 0u);
    EXPECT_EQ(read(kConfiguration), 0u);
    EXPECT_EQ(read(kCounter, 8), 0u);
}

TEST_F(HpetTest, TheCounterRunsAt100MegahertzWhileItIsOn) {
    bench.advance_ns(1000);
    EXPECT_EQ(read(kCounter), 0u);
    start();
    bench.advance_ns(1000);
    EXPECT_EQ(read(kCounter, 8), 100u);
    write(kConfiguration, 0);
    bench.advance_ns(1000);
    EXPECT_EQ(read(kCounter), 100u);
    write(kCounter, 0x1'0000'0000, 8);
    start();
    bench.advance_ns(50);
    EXPECT_EQ(read(kCounter, 8), 0x1'0000'0005u);
}

TEST_F(HpetTest, AOneShotComparatorPulsesOnce) {
    edges(2);
    write(timer(0), kEnable | kRoute2);
    write(comparator(0), 1000, 8);
    start();
    bench.advance_ns(9'990);
    EXPECT_EQ(edges(2), 0u);
    bench.advance_ns(10);
    EXPECT_EQ(edges(2), 1u);
    EXPECT_EQ(read(kStatus), 0u) << "an edge leaves no status";
    bench.advance_ns(1'000'000'000);
    EXPECT_EQ(edges(2), 1u);
}

TEST_F(HpetTest, AComparatorOf32BitsMatchesAtEachWrap) {
    edges(2);
    write(timer(0), kEnable | kRoute2 | k32Bits);
    write(comparator(0), 100);
    start();
    bench.advance_ns(2'000);
    EXPECT_EQ(edges(2), 1u);
    bench.advance_ns(42'949'672'960);
    EXPECT_EQ(edges(2), 2u);
}

TEST_F(HpetTest, APeriodicComparatorGoesOn) {
    edges(2);
    write(timer(0), kEnable | kRoute2 | kPeriodic | kValueSet | k32Bits);
    write(comparator(0), 5'000);
    write(comparator(0), 2'000);
    start();
    bench.advance_ns(49'000);
    EXPECT_EQ(edges(2), 0u);
    bench.advance_ns(1'000);
    EXPECT_EQ(edges(2), 1u);
    EXPECT_EQ(read(comparator(0)), 7'000u);
    bench.advance_ns(100'000);
    EXPECT_EQ(edges(2), 6u);
    EXPECT_EQ(read(timer(0)) & kValueSet, 0u);
}

TEST_F(HpetTest, APeriodThatIsTooShortIsStretched) {
    edges(2);
    write(timer(0), kEnable | kRoute2 | kPeriodic | kValueSet | k32Bits);
    write(comparator(0), 1);
    write(comparator(0), 1);
    start();
    bench.advance_ns(1'000'000);
    EXPECT_LE(edges(2), 102u);
    EXPECT_GE(edges(2), 90u);
}

TEST_F(HpetTest, ALevelStaysUntilItsStatusIsCleared) {
    write(timer(1), kEnable | kRoute2 | kLevel);
    write(comparator(1), 100, 8);
    start();
    bench.advance_ns(1'000);
    EXPECT_EQ(level(2), 1);
    EXPECT_EQ(read(kStatus), 2u);
    write(kStatus, 1);
    EXPECT_EQ(level(2), 1);
    write(kStatus, 2);
    EXPECT_EQ(level(2), 0);
}

TEST_F(HpetTest, ALineThatItHasNotIsNotTaken) {
    write(timer(0), kEnable | 5 << 9);
    EXPECT_EQ(read(timer(0)) >> 9 & 31, 0u);
    write(timer(0), kEnable | kRoute2);
    EXPECT_EQ(read(timer(0)) >> 9 & 31, 2u);
}

TEST_F(HpetTest, LegacyReplacementTakesTheLinesOfPitAndClock) {
    bench.set_input("", 0, 1);
    bench.set_input("", 1, 1);
    EXPECT_EQ(level(0), 1);
    EXPECT_EQ(level(8), 1);
    EXPECT_EQ(bench.output(""), 1);
    write(kConfiguration, 3);
    EXPECT_EQ(level(0), 0);
    EXPECT_EQ(level(8), 0);
    EXPECT_EQ(bench.output(""), 0) << "the PIT is cut off";
    edges(0);
    edges(8);
    write(timer(0), kEnable | kRoute2);
    write(comparator(0), read(kCounter) + 100, 8);
    write(timer(1), kEnable | kRoute2);
    write(comparator(1), read(kCounter) + 100, 8);
    bench.advance_ns(2'000);
    EXPECT_EQ(edges(0), 1u);
    EXPECT_EQ(edges(8), 1u);
    write(kConfiguration, 1);
    EXPECT_EQ(level(0), 1) << "the PIT's again";
}

TEST_F(HpetTest, WithoutMessagesThereIsNoFsbRoute) {
    write(timer(0), kEnable | kFsb);
    EXPECT_EQ(read(timer(0)) & kFsb, 0u);
}

TEST_F(HpetWithMessages, AnInterruptIsAWriteToMemory) {
    EXPECT_EQ(read(0, 8), 0x009896808086a401u);
    EXPECT_EQ(read(timer(4)), 0x8030u);
    write(timer(4), kEnable | kFsb);
    write(timer(4) + 0x10, 0x4031);
    write(timer(4) + 0x14, 0x80000100);
    write(comparator(4), 100, 8);
    start();
    bench.advance_ns(1'000);
    EXPECT_EQ(bench.load(GuestAddress(0x80000100), 4), 0x4031u);
}

TEST_F(HpetTest, ASavedOneGoesOn) {
    edges(2);
    write(timer(0), kEnable | kRoute2 | kPeriodic | kValueSet | k32Bits);
    write(comparator(0), 5'000);
    write(comparator(0), 2'000);
    start();
    bench.advance_ns(60'000);
    EXPECT_EQ(edges(2), 1u);
    const auto saved = bench.save_state();
    bench.reset();
    EXPECT_EQ(read(kCounter), 0u);
    bench.load_state(saved);
    EXPECT_EQ(read(kCounter), 6'000u);
    bench.advance_ns(10'000);
    EXPECT_EQ(edges(2), 2u);
}

}  // namespace
}  // namespace backplane::testing
