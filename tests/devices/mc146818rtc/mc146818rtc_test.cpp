#include <backplane/cmos.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr unsigned kA = 0x0a, kB = 0x0b, kC = 0x0c, kD = 0x0d;
constexpr unsigned kSet = 0x80, kPie = 0x40, kAie = 0x20, kUie = 0x10, kDm = 0x04, k24 = 0x02;
constexpr unsigned kIrqf = 0x80, kPf = 0x40, kAf = 0x20, kUf = 0x10;

class Mc146818Rtc : public ::testing::Test {
  protected:
    unsigned get(unsigned index) {
        bench.write(0, index, 1);
        return unsigned(bench.read(1, 1));
    }
    void put(unsigned index, unsigned value) {
        bench.write(0, index, 1);
        bench.write(1, value, 1);
    }
    /// "century year month day weekday hours minutes seconds", as the registers read.
    std::string time() {
        std::string text;
        for (const unsigned index : {0x32, 9, 8, 7, 6, 4, 2, 0}) {
            char byte[4];
            std::snprintf(byte, sizeof byte, "%02x ", get(index));
            text += byte;
        }
        return text;
    }
    void set_time(unsigned century, unsigned year, unsigned month, unsigned day, unsigned weekday,
                  unsigned hours, unsigned minutes, unsigned seconds) {
        const unsigned b = get(kB);
        put(kB, b | kSet);
        const std::pair<unsigned, unsigned> values[] = {{0x32, century}, {9, year},    {8, month},
                                                        {7, day},        {6, weekday}, {4, hours},
                                                        {2, minutes},    {0, seconds}};
        for (const auto& [index, value] : values) put(index, value);
        put(kB, b);
    }
    void set_alarm(unsigned hours, unsigned minutes, unsigned seconds) {
        put(5, hours);
        put(3, minutes);
        put(1, seconds);
    }
    /// Without the periodic flag, which is set at its rate whether somebody wants it or not.
    void without_periods() {
        put(kA, 0x20);
        get(kC);
    }
    void advance(std::uint64_t seconds) { bench.advance_ns(seconds * kSecond); }
    int irq() { return bench.output(""); }

    DeviceBench bench{"mc146818rtc"};
};

TEST_F(Mc146818Rtc, ShowsTheDate) {
    EXPECT_EQ(time(), "20 26 01 02 06 03 04 05 ");
    EXPECT_EQ(get(0x37), 0x20u) << "where a PS/2 has its century";
    EXPECT_EQ(get(kA), 0x26u);
    EXPECT_EQ(get(kB), 0x02u);
    EXPECT_EQ(get(kC), 0x00u);
    EXPECT_EQ(get(kD), 0x80u);
    advance(55);
    EXPECT_EQ(time(), "20 26 01 02 06 03 05 00 ");
}

TEST_F(Mc146818Rtc, TheIndexReadsAsOnesAndItsTopBitIsNoPartOfIt) {
    put(0xff, 0x5a);
    EXPECT_EQ(bench.read(0, 1), 0xffu);
    EXPECT_EQ(get(0x7f), 0x5au);
}

TEST_F(Mc146818Rtc, FormatsAreBinaryOrDecimalOf12Or24Hours) {
    set_time(0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x58);
    EXPECT_EQ(time(), "19 99 12 31 06 23 59 58 ");
    put(kB, k24 | kDm);
    EXPECT_EQ(time(), "13 63 0c 1f 06 17 3b 3a ");
    put(kB, 0);
    EXPECT_EQ(get(4), 0x91u) << "11 p.m.";
    advance(2);
    EXPECT_EQ(get(4), 0x12u) << "12 a.m.";
    put(kB, k24);
    EXPECT_EQ(time(), "20 00 01 01 07 00 00 00 ");
    put(kB, 0);
    put(4, 0x92);
    put(kB, k24);
    EXPECT_EQ(get(4), 0x12u) << "12 p.m.";
}

TEST_F(Mc146818Rtc, SetHoldsTheTimeAndLetsGoWithinTheSecond) {
    bench.advance_ns(kSecond / 4);
    put(kB, k24 | kSet);
    advance(5);
    EXPECT_EQ(get(0), 0x05u);
    put(0, 0x30);
    put(kB, k24);
    bench.advance_ns(kSecond * 3 / 4 - 1);
    EXPECT_EQ(get(0), 0x30u);
    bench.advance_ns(1);
    EXPECT_EQ(get(0), 0x31u);
}

TEST_F(Mc146818Rtc, AfterAResetOfTheDividerTheFirstUpdateIsHalfASecondAway) {
    put(kA, 0x76);
    advance(3);
    EXPECT_EQ(get(0), 0x05u);
    put(kA, 0x26);
    bench.advance_ns(kSecond / 2 - 1);
    EXPECT_EQ(get(0), 0x05u);
    bench.advance_ns(1);
    EXPECT_EQ(get(0), 0x06u);
}

TEST_F(Mc146818Rtc, DatesThatDoNotExistRollOver) {
    set_time(0x20, 0x00, 0x00, 0x00, 1, 0x00, 0x00, 0x75);
    EXPECT_EQ(time().substr(0, 12), "19 99 11 30 ");
    EXPECT_EQ(get(2), 0x01u);
    EXPECT_EQ(get(0), 0x15u);
    set_time(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    time();
}

TEST_F(Mc146818Rtc, TheDayOfTheWeekIsTheGuests) {
    put(6, 0x03);
    EXPECT_EQ(get(6), 0x03u);
    advance(86400);
    EXPECT_EQ(get(6), 0x04u);
}

TEST_F(Mc146818Rtc, UipAnnouncesAnUpdate) {
    bench.advance_ns(kSecond - 244'001);
    EXPECT_EQ(get(kA), 0x26u);
    bench.advance_ns(1);
    EXPECT_EQ(get(kA), 0xa6u);
    put(kB, k24 | kSet);
    EXPECT_EQ(get(kA), 0x26u);
    put(kB, k24);
    bench.advance_ns(244'000);
    EXPECT_EQ(get(kA), 0x26u);
}

TEST_F(Mc146818Rtc, UpdatesSetTheirFlagAndInterruptWhenEnabled) {
    without_periods();
    advance(1);
    EXPECT_EQ(get(kC), kUf);
    EXPECT_EQ(get(kC), 0u) << "reading clears";
    put(kB, k24 | kUie);
    EXPECT_EQ(irq(), 0);
    advance(1);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(get(kC), kIrqf | kUf);
    EXPECT_EQ(irq(), 0);
    put(kB, k24 | kUie | kSet);
    EXPECT_EQ(get(kB), k24 | kSet) << "SET clears UIE";
}

TEST_F(Mc146818Rtc, ADebuggerLeavesTheFlags) {
    without_periods();
    advance(1);
    bench.write(0, kC, 1);
    EXPECT_EQ(bench.peek(1, 1), kUf);
    EXPECT_EQ(get(kC), kUf);
}

TEST_F(Mc146818Rtc, AnAlarmGoesOffAtItsTime) {
    set_alarm(0x03, 0x05, 0x00);
    without_periods();
    put(kB, k24 | kAie);
    advance(54);
    EXPECT_EQ(irq(), 0);
    advance(1);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(get(kC), kIrqf | kAf | kUf);
    advance(86399);
    EXPECT_EQ(irq(), 0);
    advance(1);
    EXPECT_EQ(irq(), 1);
}

TEST_F(Mc146818Rtc, AlarmBytesOfC0AndMoreDoNotCare) {
    set_alarm(0xff, 0xc0, 0x10);
    get(kC);
    put(kB, k24 | kAie);
    advance(5);
    EXPECT_EQ(irq(), 1);
    get(kC);
    advance(60);
    EXPECT_EQ(irq(), 1);
    get(kC);
    put(1, 0xff);
    advance(1);
    EXPECT_EQ(irq(), 1);
}

TEST_F(Mc146818Rtc, AnAlarmWithoutInterruptIsAFlag) {
    set_alarm(0xff, 0xff, 0x30);
    without_periods();
    advance(24);
    EXPECT_EQ(get(kC), kUf);
    advance(1);
    EXPECT_EQ(get(kC), kAf | kUf);
}

TEST_F(Mc146818Rtc, AnAlarmOfNoTimeNeverGoesOff) {
    set_alarm(0x24, 0xff, 0xff);
    put(kB, k24 | kAie);
    advance(2 * 86400);
    EXPECT_EQ(irq(), 0);
    set_alarm(0xff, 0x5a, 0xff);
    advance(86400);
    EXPECT_EQ(irq(), 0);
}

TEST_F(Mc146818Rtc, AnAlarmOfTwelveHours) {
    put(kB, kAie);
    set_alarm(0x81, 0x00, 0x00);  // 1 p.m.
    get(kC);
    advance(10 * 3600 - 4 * 60 - 5 - 1);
    EXPECT_EQ(irq(), 0);
    advance(1);
    EXPECT_EQ(irq(), 1);
}

TEST_F(Mc146818Rtc, PeriodicInterruptsComeAtTheirRate) {
    put(kB, k24 | kPie);
    for (const auto& [rate, expected] :
         {std::pair{6u, 102u}, {1u, 25u}, {2u, 12u}, {3u, 819u}, {15u, 0u}, {0u, 0u}}) {
        put(kA, 0x20 | rate);
        get(kC);
        unsigned count = 0;
        for (std::uint64_t ns = 0; ns < kSecond / 10; ns += 10'000) {
            bench.advance_ns(10'000);
            if (irq()) count += (get(kC) & kPf) != 0;
        }
        EXPECT_NEAR(count, expected, 1) << rate;
    }
}

TEST_F(Mc146818Rtc, ThePeriodicFlagNeedsNoInterrupt) {
    get(kC);
    bench.advance_ns(1'000'000);
    EXPECT_EQ(get(kC) & kPf, kPf);
    EXPECT_EQ(get(kC) & kPf, 0u);
}

TEST_F(Mc146818Rtc, TicksThatNobodySawAreLeftOut) {
    put(kB, k24 | kPie);
    bench.advance_ns(10'000'000);
    EXPECT_EQ(irq(), 1);
    get(kC);
    bench.advance_ns(700'000);
    EXPECT_EQ(irq(), 0);
}

class Mc146818Slew : public Mc146818Rtc {
  protected:
    Mc146818Slew() { bench.focus(bench.add("mc146818rtc", "slew", {{"lost_tick_policy", "slew"}})); }
};

TEST_F(Mc146818Slew, TicksThatNobodySawComeLater) {
    put(kB, k24 | kPie);
    get(kC);
    bench.advance_ns(kSecond / 1024 * 20 + 1000);
    unsigned count = 0;
    for (unsigned i = 0; i < 100; ++i) {
        if (irq()) count += (get(kC) & kPf) != 0;
        bench.advance_ns(kSecond / 1024 / 8 + 1);
    }
    EXPECT_NEAR(count, 20 + 12, 1) << "20 of the past, and those that came meanwhile";
}

TEST_F(Mc146818Slew, LostTicksAreLimitedAndForgottenWithTheirInterrupt) {
    put(kB, k24 | kPie);
    advance(86400);
    get(kC);
    put(kB, k24);
    put(kB, k24 | kPie);
    get(kC);
    bench.advance_ns(200'000);
    EXPECT_EQ(irq(), 0);
}

TEST_F(Mc146818Rtc, ControlRegistersKeepWhatTheyMay) {
    put(kA, 0xff);
    EXPECT_EQ(get(kA), 0x7fu);
    put(kC, 0xff);
    EXPECT_EQ(get(kC) & 0x0fu, 0u);
    put(kD, 0);
    EXPECT_EQ(get(kD), 0x80u);
}

TEST_F(Mc146818Rtc, MemoryAndTimeSurviveAReset) {
    put(0x0f, 0x09);
    set_time(0x20, 0x01, 0x02, 0x03, 7, 0x04, 0x05, 0x06);
    put(kB, k24 | kPie | kUie | kAie | kDm);
    advance(1);
    bench.reset();
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(get(kB), k24 | kDm);
    EXPECT_EQ(get(0x0f), 0x09u);
    EXPECT_EQ(get(9), 1u);
}

TEST_F(Mc146818Rtc, TheBoardFillsMemory) {
    auto* cmos = query<Cmos>(bench.device());
    ASSERT_NE(cmos, nullptr);
    EXPECT_TRUE(cmos->set_byte(0x10, 0x50));
    EXPECT_EQ(get(0x10), 0x50u);
    EXPECT_EQ(cmos->byte(0x10), 0x50u);
    EXPECT_EQ(cmos->byte(0x09), 0x26u);
    EXPECT_EQ(cmos->byte(128), 0xffu);
    for (const unsigned index : {0x00u, 0x0du, 0x32u, 0x37u, 0x80u})
        EXPECT_FALSE(cmos->set_byte(index, 1)) << index;
}

TEST_F(Mc146818Rtc, StateGoesOnElsewhere) {
    set_time(0x20, 0x30, 0x06, 0x15, 3, 0x12, 0x00, 0x00);
    put(kB, k24 | kUie | kPie);
    bench.advance_ns(kSecond / 3);
    const auto saved = bench.save_state();
    bench.reset();
    set_time(0x20, 0x00, 0x01, 0x01, 1, 0x00, 0x00, 0x00);
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    EXPECT_EQ(time(), "20 30 06 15 03 12 00 00 ");
    get(kC);
    advance(1);
    EXPECT_EQ(get(kC), kIrqf | kPf | kUf);
}

TEST_F(Mc146818Rtc, TakesNoStateThatNoGuestCanMake) {
    const auto good = bench.save_state();
    const std::string name = "offset_seconds";
    const auto found = std::search(good.begin(), good.end(), name.begin(), name.end());
    ASSERT_NE(found, good.end());
    unsigned refused = 0;
    for (std::ptrdiff_t at = found - good.begin(); at + 8 <= std::ptrdiff_t(good.size()); ++at)
        for (const std::uint8_t byte : {0x7f, 0x80, 0xff}) {
            auto bad = good;
            std::fill_n(bad.begin() + at, 8, byte);
            try {
                bench.load_state(bad);
                time();
                get(kC);
            } catch (const std::runtime_error&) {
                ++refused;
                bench.load_state(good);
            }
        }
    EXPECT_GT(refused, 0u);
}

TEST_F(Mc146818Rtc, AnHpetTakesTheLine) {
    put(kA, 0x2f);
    put(kB, kPie | k24);
    bench.set_input("", 0, 1);
    bench.advance_ns(kSecond / 2);
    EXPECT_EQ(irq(), 1);
    bench.set_input("", 0, 0);
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(get(kC) & kIrqf, kIrqf) << "the flags are as they were";
    bench.advance_ns(kSecond / 2);
    EXPECT_EQ(irq(), 0);
    bench.set_input("", 0, 1);
    EXPECT_EQ(irq(), 1);
}

TEST(Mc146818BaseYear, IsWhatYearsAreCountedFrom) {
    DeviceBench bench("mc146818rtc", {{"base_year", "1980"}});
    bench.write(0, 9, 1);
    EXPECT_EQ(bench.read(1, 1), 0x46u);
    bench.write(0, 0x32, 1);
    EXPECT_EQ(bench.read(1, 1), 0x00u);
}

}  // namespace
}  // namespace backplane::testing
