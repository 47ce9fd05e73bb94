#include <backplane/interval_timer.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kFrequency = 1'193'182;
constexpr std::uint64_t kControl = 3;

class I8254 : public ::testing::Test {
  protected:
    I8254() { timer().set_gate(2, 1); }
    IntervalTimer& timer() { return *query<IntervalTimer>(bench.device()); }
    void control(unsigned value) { bench.write(kControl, value, 1); }
    /// Programs a counter with both bytes.
    void program(unsigned counter, unsigned mode, unsigned count, unsigned bcd = 0) {
        control(counter << 6 | 0x30 | mode << 1 | bcd);
        put(counter, count);
    }
    void put(unsigned counter, unsigned count) {
        bench.write(counter, count & 0xff, 1);
        bench.write(counter, count >> 8, 1);
    }
    unsigned latched(unsigned counter) {
        control(counter << 6);
        const auto low = unsigned(bench.read(counter, 1));
        return unsigned(bench.read(counter, 1)) << 8 | low;
    }
    unsigned status(unsigned counter) {
        control(0xe0 | 2u << counter);
        return unsigned(bench.read(counter, 1));
    }
    /// Moves the clock to just after the pulse that is `ticks` from the last one.
    void pulses(std::uint64_t ticks) {
        tick_ += ticks;
        const std::uint64_t at =
            tick_ / kFrequency * kSecond + (tick_ % kFrequency * kSecond + kFrequency - 1) / kFrequency;
        bench.advance_ns(at - bench.now_ns());
    }
    /// OUT of counter 2 at each of so many pulses, '1' and '0'.
    std::string wave(unsigned pulses_seen) {
        std::string text;
        for (unsigned i = 0; i < pulses_seen; ++i) {
            pulses(1);
            text += timer().output(2) ? '1' : '0';
        }
        return text;
    }
    void trigger() {
        timer().set_gate(2, 0);
        timer().set_gate(2, 1);
    }

    DeviceBench bench{"isa-pit"};
    std::uint64_t tick_ = 0;
};

TEST_F(I8254, Mode0RisesWhenItsCountIsThrough) {
    program(2, 0, 4);
    EXPECT_EQ(wave(7), "0000111") << "loaded with the first pulse";
    put(2, 2);
    EXPECT_EQ(wave(4), "0011");
    EXPECT_EQ(latched(2), 0xffffu) << "it counts on";
}

TEST_F(I8254, Mode0StopsWhileItsGateIsLowAndBetweenTheBytes) {
    program(2, 0, 100);
    pulses(11);
    EXPECT_EQ(latched(2), 90u);
    timer().set_gate(2, 0);
    pulses(20);
    EXPECT_EQ(latched(2), 90u);
    timer().set_gate(2, 1);
    pulses(5);
    EXPECT_EQ(latched(2), 85u);
    bench.write(2, 10, 1);
    pulses(200);
    EXPECT_EQ(timer().output(2), 0);
    bench.write(2, 0, 1);
    pulses(11);
    EXPECT_EQ(timer().output(2), 1);
}

TEST_F(I8254, Mode1IsAOneShotOfItsTrigger) {
    program(2, 1, 3);
    EXPECT_EQ(wave(3), "111");
    trigger();
    EXPECT_EQ(wave(6), "000111");
    trigger();
    pulses(2);
    trigger();
    EXPECT_EQ(wave(5), "00011") << "triggered anew";
}

TEST_F(I8254, Mode2IsLowForTheLastPulseOfEachPeriod) {
    program(2, 2, 3);
    EXPECT_EQ(wave(9), "110110110");
    timer().set_gate(2, 0);
    EXPECT_EQ(wave(3), "111");
    timer().set_gate(2, 1);
    EXPECT_EQ(wave(4), "1101") << "the gate starts a period";
}

TEST_F(I8254, Mode2TakesANewCountAtTheEndOfItsPeriod) {
    program(2, 2, 5);
    pulses(3);
    put(2, 2);
    EXPECT_EQ(status(2) & 0x40, 0x40u) << "null count";
    EXPECT_EQ(wave(7), "1010101");
    EXPECT_EQ(status(2) & 0x40, 0u);
}

TEST_F(I8254, Mode3IsASquareWave) {
    program(2, 3, 4);
    EXPECT_EQ(wave(8), "11001100");
    program(2, 3, 5);
    EXPECT_EQ(wave(10), "1110011100") << "an odd one is high for longer";
}

TEST_F(I8254, Mode3TakesANewCountAtTheEndOfItsHalfCycle) {
    program(2, 3, 8);
    pulses(2);
    put(2, 4);
    EXPECT_EQ(wave(9), "110011001");
    put(2, 2);
    EXPECT_EQ(wave(4), "1010");
}

TEST_F(I8254, Mode3CountsByTwo) {
    program(2, 3, 6);
    pulses(1);
    EXPECT_EQ(latched(2), 6u);
    pulses(2);
    EXPECT_EQ(latched(2), 2u);
    pulses(1);
    EXPECT_EQ(latched(2), 6u);
    program(2, 3, 7);
    pulses(1);
    EXPECT_EQ(latched(2), 6u);
    pulses(3);
    EXPECT_EQ(latched(2), 0u);
    pulses(1);
    EXPECT_EQ(latched(2), 6u);
}

TEST_F(I8254, Mode4StrobesOnce) {
    program(2, 4, 3);
    EXPECT_EQ(wave(7), "1110111");
}

TEST_F(I8254, Mode5StrobesAfterItsTrigger) {
    program(2, 5, 3);
    EXPECT_EQ(wave(3), "111");
    trigger();
    EXPECT_EQ(wave(6), "111011");
}

TEST_F(I8254, Modes6And7Are2And3) {
    program(2, 6, 3);
    EXPECT_EQ(wave(6), "110110");
    program(2, 7, 4);
    EXPECT_EQ(wave(6), "110011");
}

TEST_F(I8254, CountsCanBeDecimal) {
    program(2, 2, 0x1000, 1);
    pulses(2);
    EXPECT_EQ(latched(2), 0x0999u);
    program(2, 0, 0, 1);
    pulses(2);
    EXPECT_EQ(latched(2), 0x9999u) << "0 is 10,000";
}

TEST_F(I8254, OneByteCounts) {
    control(0x94);  // the low byte alone
    bench.write(2, 0x80, 1);
    pulses(2);
    EXPECT_EQ(bench.read(2, 1), 0x7fu);
    EXPECT_EQ(bench.read(2, 1), 0x7fu);
    control(0xa4);  // the high byte alone
    bench.write(2, 0x80, 1);
    pulses(1001);
    EXPECT_EQ(bench.read(2, 1), 0x7cu);
}

TEST_F(I8254, ALatchedCountStandsUntilItIsRead) {
    program(2, 2, 0x4321);
    pulses(2);
    control(0x80);
    pulses(0x100);
    control(0x80);
    EXPECT_EQ(bench.peek(2, 1), 0x20u);
    EXPECT_EQ(bench.read(2, 1), 0x20u);
    EXPECT_EQ(bench.read(2, 1), 0x43u);
    EXPECT_EQ(bench.read(2, 1), 0x20u) << "of the count as it is now";
    EXPECT_EQ(bench.read(2, 1), 0x42u);
}

TEST_F(I8254, ReadBackLatchesStatusAndCountOfSeveral) {
    program(0, 2, 0x1000);
    program(2, 3, 0x2000);
    pulses(1);
    control(0xca);  // both of both
    pulses(50);
    EXPECT_EQ(bench.read(0, 1), 0xb4u);
    EXPECT_EQ(bench.read(0, 1), 0x00u);
    EXPECT_EQ(bench.read(0, 1), 0x10u);
    EXPECT_EQ(bench.read(2, 1), 0xb6u);
    EXPECT_EQ(bench.read(2, 1), 0x00u);
    EXPECT_EQ(bench.read(2, 1), 0x20u);
}

TEST_F(I8254, StatusSaysWhatWasProgrammed) {
    EXPECT_EQ(status(0), 0xb6u) << "both bytes, mode 3, high";
    control(0x99);
    EXPECT_EQ(status(2), 0x58u | 0x80 | 1) << "no count is there yet";
}

TEST_F(I8254, Counter0InterruptsOncePerPeriod) {
    program(0, 2, 1193);
    bench.output_changes("");
    bench.advance_ns(kSecond);
    EXPECT_NEAR(bench.output_changes("") / 2, 1000, 1);
    EXPECT_EQ(bench.output(""), 1);
}

TEST_F(I8254, Counter0InterruptsFromPowerOn) {
    EXPECT_EQ(bench.output(""), 0);
    bench.output_changes("");
    bench.advance_ns(kSecond);
    EXPECT_NEAR(bench.output_changes("") / 2, 18, 1);
}

TEST_F(I8254, AOneShotInterruptIsALevel) {
    program(0, 0, 100);
    EXPECT_EQ(bench.output(""), 0);
    pulses(100);
    EXPECT_EQ(bench.output(""), 0);
    pulses(1);
    EXPECT_EQ(bench.output(""), 1);
    pulses(100'000);
    EXPECT_EQ(bench.output(""), 1);
    program(0, 0, 100);
    EXPECT_EQ(bench.output(""), 0);
}

TEST_F(I8254, APeriodOfOnePulseNeverInterrupts) {
    program(0, 2, 1);
    bench.output_changes("");
    bench.advance_ns(kSecond);
    EXPECT_EQ(bench.output_changes(""), 0u);
    program(0, 3, 1);
    bench.advance_ns(kSecond);
    EXPECT_EQ(bench.output_changes(""), 0u);
}

TEST_F(I8254, AnotherTimerMayHaveTheLine) {
    program(0, 2, 1193);
    bench.set_input("", 0, 1);
    EXPECT_EQ(bench.output(""), 1);
    bench.set_input("", 0, 0);
    EXPECT_EQ(bench.output(""), 0);
    bench.output_changes("");
    bench.advance_ns(kSecond);
    EXPECT_EQ(bench.output_changes(""), 0u);
    bench.set_input("", 0, 1);
    bench.advance_ns(kSecond / 100);
    EXPECT_NE(bench.output_changes(""), 0u);
}

TEST_F(I8254, ResetIsAsAtPowerOn) {
    program(0, 0, 5);
    program(2, 4, 5);
    bench.reset();
    EXPECT_EQ(status(0), 0xb6u);
    EXPECT_EQ(timer().gate(2), 0);
    EXPECT_EQ(timer().output(2), 1);
}

TEST_F(I8254, StateGoesOnElsewhere) {
    program(0, 2, 1193);
    program(2, 3, 8);
    bench.write(1, 1, 1);
    pulses(2);
    put(2, 4);
    control(0x80);
    const auto saved = bench.save_state();
    bench.reset();
    program(0, 0, 1);
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    EXPECT_EQ(bench.read(2, 1), 6u);
    EXPECT_EQ(bench.read(2, 1), 0u);
    EXPECT_EQ(wave(6), "110011");
    bench.output_changes("");
    bench.advance_ns(kSecond / 100);
    EXPECT_NEAR(bench.output_changes("") / 2, 10, 1);
}

}  // namespace
}  // namespace backplane::testing
