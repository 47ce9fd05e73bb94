#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kTimeLow = 0x00;
constexpr std::uint64_t kTimeHigh = 0x04;
constexpr std::uint64_t kAlarmLow = 0x08;
constexpr std::uint64_t kAlarmHigh = 0x0c;
constexpr std::uint64_t kIrqEnabled = 0x10;
constexpr std::uint64_t kClearAlarm = 0x14;
constexpr std::uint64_t kAlarmStatus = 0x18;
constexpr std::uint64_t kClearInterrupt = 0x1c;
constexpr std::uint64_t kYear2020 = 1577836800ull * 1'000'000'000;

class GoldfishRtc : public ::testing::Test {
  protected:
    std::uint64_t time() {
        const std::uint64_t low = bench.read(kTimeLow, 4);
        return bench.read(kTimeHigh, 4) << 32 | low;
    }
    void set_time(std::uint64_t ns) {
        bench.write(kTimeHigh, ns >> 32, 4);
        bench.write(kTimeLow, ns & 0xffffffff, 4);
    }
    void set_alarm(std::uint64_t ns) {
        bench.write(kAlarmHigh, ns >> 32, 4);
        bench.write(kAlarmLow, ns & 0xffffffff, 4);
    }
    DeviceBench bench{"goldfish_rtc"};
};

TEST_F(GoldfishRtc, ReadingTheLowHalfKeepsTheHighHalf) {
    set_time(5ull << 32);
    bench.read(kTimeLow, 4);
    bench.advance_ns(1ull << 34);
    EXPECT_EQ(bench.read(kTimeHigh, 4), 5u);
}

TEST_F(GoldfishRtc, TimeCanBeSet) {
    set_time(kYear2020);
    const std::uint64_t now = time();
    EXPECT_GE(now, kYear2020);
    EXPECT_LT(now, kYear2020 + 60ull * 1'000'000'000);
}

TEST_F(GoldfishRtc, AnAlarmInThePastGoesOffAtOnce) {
    bench.write(kIrqEnabled, 1, 4);
    set_alarm(1);
    EXPECT_EQ(bench.output("irq"), 1);
    EXPECT_EQ(bench.read(kAlarmStatus, 4), 0u);
}

TEST_F(GoldfishRtc, AnAlarmAheadWaits) {
    bench.write(kIrqEnabled, 1, 4);
    set_alarm(time() + 3600ull * 1'000'000'000);
    EXPECT_EQ(bench.output("irq"), 0);
    EXPECT_EQ(bench.read(kAlarmStatus, 4), 1u);
}

TEST_F(GoldfishRtc, AnAlarmOfBeforeIsNoneOfAStateThatIsLoaded) {
    bench.write(kIrqEnabled, 1, 4);
    const auto quiet = bench.save_state();
    set_alarm(time() + 1'000'000'000);
    bench.load_state(quiet);
    bench.advance_ns(3'000'000'000);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(GoldfishRtc, TheInterruptStaysUntilItIsCleared) {
    bench.write(kIrqEnabled, 1, 4);
    set_alarm(1);
    bench.write(kClearInterrupt, 1, 4);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(GoldfishRtc, ADisabledInterruptIsRememberedForLater) {
    set_alarm(1);
    EXPECT_EQ(bench.output("irq"), 0);
    bench.write(kIrqEnabled, 1, 4);
    EXPECT_EQ(bench.output("irq"), 1);
}

TEST_F(GoldfishRtc, AClearedAlarmDoesNotGoOff) {
    bench.write(kIrqEnabled, 1, 4);
    set_alarm(time() + 1'000'000'000);
    bench.write(kClearAlarm, 1, 4);
    bench.advance_ns(10ull * 1'000'000'000);
    EXPECT_EQ(bench.output("irq"), 0);
    EXPECT_EQ(bench.read(kAlarmStatus, 4), 0u);
}

TEST_F(GoldfishRtc, TimesAtTheEndsOfTheirRangeWrap) {
    set_time(0x8000000000000000);
    set_alarm(0x7fffffffffffffff);
    EXPECT_EQ(bench.read(kAlarmStatus, 4), 1u);
    bench.advance_ns(1'000'000'000);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST_F(GoldfishRtc, ResetDropsTheInterruptAndTheAlarm) {
    bench.write(kIrqEnabled, 1, 4);
    set_alarm(1);
    bench.reset();
    EXPECT_EQ(bench.output("irq"), 0);
    EXPECT_EQ(bench.read(kIrqEnabled, 4), 0u);
}

TEST_F(GoldfishRtc, AGuestsTimeSurvivesReset) {
    set_time(kYear2020);
    bench.reset();
    EXPECT_LT(time(), kYear2020 + 60ull * 1'000'000'000);
}

}  // namespace
}  // namespace backplane::testing
