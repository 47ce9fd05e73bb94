#include <backplane/interval_timer.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr unsigned kGate = 0x01;
constexpr unsigned kData = 0x02;
constexpr unsigned kRefresh = 0x10;
constexpr unsigned kOut = 0x20;

class Pcspk : public ::testing::Test {
  protected:
    Pcspk() {
        pit_ = &bench.add("isa-pit", "pit");
        speaker_ = &bench.add("isa-pcspk", "pcspk", {{"pit", "pit"}});
        bench.focus(*speaker_);
    }
    unsigned get() { return unsigned(bench.read(0, 1)); }
    DeviceBench bench;
    Object* pit_ = nullptr;
    Object* speaker_ = nullptr;
};

TEST_F(Pcspk, ShowsTheOutputAtPowerOn) { EXPECT_EQ(get() & ~kRefresh, kOut); }

TEST_F(Pcspk, KeepsGateAndDataAlone) {
    bench.write(0, 0xff, 1);
    EXPECT_EQ(get() & 0x0f, kGate | kData);
    EXPECT_EQ(query<IntervalTimer>(*pit_)->gate(2), 1);
    bench.write(0, 0, 1);
    EXPECT_EQ(get() & 0x0f, 0u);
    EXPECT_EQ(query<IntervalTimer>(*pit_)->gate(2), 0);
}

TEST_F(Pcspk, RefreshTogglesEvery15Microseconds) {
    unsigned toggles = 0;
    for (unsigned i = 0, last = get() & kRefresh; i < 1000; ++i) {
        bench.advance_ns(1'000);
        const unsigned now = get() & kRefresh;
        toggles += now != last;
        last = now;
    }
    EXPECT_NEAR(toggles, 1'000'000 / 15'085, 1);
}

TEST_F(Pcspk, TheOutputTellsWhenTheTimerIsThrough) {
    bench.write(0, kGate, 1);
    bench.focus(*pit_);
    bench.write(3, 0xb0, 1);
    bench.write(2, 0xff, 1);
    bench.write(2, 0x00, 1);
    bench.focus(*speaker_);
    EXPECT_EQ(get() & kOut, 0u);
    bench.advance_ns(256 * 839);
    EXPECT_EQ(get() & kOut, kOut);
}

TEST_F(Pcspk, ResetClosesTheGate) {
    bench.write(0, kGate | kData, 1);
    bench.reset();
    EXPECT_EQ(get() & 0x0f, 0u);
}

TEST(PcspkAlone, NeedsItsTimer) {
    DeviceBench bench;
    EXPECT_NE(bench.try_add("isa-pcspk", "pcspk").find("pit"), std::string::npos);
}

}  // namespace
}  // namespace backplane::testing
