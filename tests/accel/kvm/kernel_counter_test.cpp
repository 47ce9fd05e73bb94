// A counter of the 8254 on its way to the kernel and back.
#include "plugins/accel/kvm/kvm_pit.h"

#include <gtest/gtest.h>

namespace backplane::kvm {
namespace {

using i8254::Tick;

constexpr std::uint8_t kWordSquareWave = 0x36, kLowByteRateGenerator = 0x14, kBinaryCodedOneShot = 0x31;
constexpr Tick kNow = 1'000'000;
constexpr std::int64_t kHost = 50'000'000'000;

KernelCounter loaded(std::uint8_t control, std::initializer_list<std::uint8_t> count, Tick at) {
    KernelCounter counter;
    counter.power_on(true, 0);
    counter.write_control(control, at);
    for (const std::uint8_t byte : count) counter.write(byte, at);
    return counter;
}

TEST(KernelCounter, CountsOnAfterTheWayThereAndBack) {
    const KernelCounter before = loaded(kWordSquareWave, {0x9c, 0x2e}, kNow - 700);
    const kvm_pit_channel_state state = before.to_kernel(kNow, kHost);
    EXPECT_EQ(state.count, 0x2e9cu);
    EXPECT_EQ(state.mode, 3);
    EXPECT_EQ(state.rw_mode, 3);
    EXPECT_LT(state.count_load_time, kHost);
    KernelCounter after;
    after.from_kernel(state, kNow, kHost);
    for (const Tick later : {0, 1000, 6000, 20'000}) {
        EXPECT_EQ(after.output(kNow + later), before.output(kNow + later)) << later;
        EXPECT_NEAR(after.peek(kNow + later), before.peek(kNow + later), 2) << later;
    }
    EXPECT_TRUE(after.plausible());
}

TEST(KernelCounter, OfTheLongestPeriodHasItsCount) {
    const kvm_pit_channel_state state = loaded(kWordSquareWave, {0, 0}, kNow).to_kernel(kNow, kHost);
    EXPECT_EQ(state.count, 0x10000u);
    KernelCounter after;
    kvm_pit_channel_state none{};
    none.rw_mode = 3;
    after.from_kernel(none, kNow, kHost);
    EXPECT_TRUE(after.plausible()) << "a count of 0 is the longest";
}

TEST(KernelCounter, KeepsWhichByteComesNext) {
    KernelCounter before = loaded(kWordSquareWave, {0x34, 0x12}, kNow);
    before.write(0x78, kNow);
    before.latch_count(kNow);
    before.read(kNow);
    KernelCounter after;
    after.from_kernel(before.to_kernel(kNow, kHost), kNow, kHost);
    EXPECT_EQ(after.read(kNow), before.read(kNow)) << "the high byte of what was latched";
    after.write(0x56, kNow);
    EXPECT_EQ(after.to_kernel(kNow + 100'000, kHost).count, 0x1234u) << "it takes over at the end of a half";
}

TEST(KernelCounter, KeepsItsModeAndCode) {
    const kvm_pit_channel_state rate = loaded(kLowByteRateGenerator, {18}, kNow).to_kernel(kNow, kHost);
    EXPECT_EQ(rate.rw_mode, 1);
    EXPECT_EQ(rate.mode, 2);
    const kvm_pit_channel_state coded =
        loaded(kBinaryCodedOneShot, {0x00, 0x10}, kNow).to_kernel(kNow, kHost);
    EXPECT_EQ(coded.bcd, 1);
    EXPECT_EQ(coded.count, 1000u);
}

TEST(KernelCounter, OfNonsenseIsPlausible) {
    kvm_pit_channel_state nonsense{};
    nonsense.count = 0xffffffff;
    nonsense.mode = 0xff;
    nonsense.rw_mode = 0xff;
    nonsense.count_load_time = kHost * 2;
    KernelCounter counter;
    counter.from_kernel(nonsense, kNow, kHost);
    EXPECT_TRUE(counter.plausible());
}

}  // namespace
}  // namespace backplane::kvm
