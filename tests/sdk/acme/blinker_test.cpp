// Acme Blinker on the bench, on virtual time.
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <stdexcept>

using backplane::testing::DeviceBench;

namespace {

constexpr std::uint64_t kControl = 0x0, kPeriod = 0x4, kCount = 0x8, kPending = 0xc;
constexpr std::uint64_t kMillisecond = 1'000'000;

TEST(Blinker, BlinksOncePerPeriodAndInterrupts) {
    DeviceBench bench("acme-blinker");
    bench.write(kControl, 1, 4);
    bench.advance_ns(9 * kMillisecond);
    EXPECT_EQ(bench.output("irq"), 0);
    bench.advance_ns(kMillisecond);
    EXPECT_EQ(bench.read(kCount, 4), 1u);
    EXPECT_EQ(bench.output("irq"), 1);
    bench.write(kPending, 1, 4);
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST(Blinker, TakesItsPeriodFromTheProperty) {
    DeviceBench bench("acme-blinker", {{"period", "25"}});
    bench.reset();
    EXPECT_EQ(bench.read(kPeriod, 4), 25u);
}

TEST(Blinker, RefusesAPeriodThatItCannotCount) {
    DeviceBench bench;
    const std::string reason = bench.try_add("acme-blinker", "blinker", {{"period", "0"}});
    EXPECT_NE(reason.find("acme-blinker.period"), std::string::npos) << reason;
}

TEST(Blinker, HasTheHostsOwnPluginsBesideIt) {
    DeviceBench bench("acme-blinker");
    EXPECT_NO_THROW(bench.add("riscv.sifive.test", "finisher"));
}

}  // namespace
