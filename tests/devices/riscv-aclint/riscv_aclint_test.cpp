#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kMtime = 0x7ff8;
constexpr std::uint64_t kTick = 100;  // ns, at 10 MHz

TEST(AclintSwi, Bit0OfAHartsRegisterIsItsInterrupt) {
    DeviceBench bench("riscv.aclint.swi", {{"num-harts", "2"}});
    bench.write(4, 0xffffffff, 4);
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.output("", 1), 1);
    EXPECT_EQ(bench.read(4, 4), 1u);
    bench.write(4, 0, 4);
    EXPECT_EQ(bench.output("", 1), 0);
}

TEST(AclintSwi, RegistersOfHartsThatDoNotExistAreZero) {
    DeviceBench bench("riscv.aclint.swi", {{"num-harts", "2"}});
    bench.write(8, 1, 4);
    EXPECT_EQ(bench.read(8, 4), 0u);
}

TEST(AclintSwi, ResetLowersTheLines) {
    DeviceBench bench("riscv.aclint.swi");
    bench.write(0, 1, 4);
    bench.reset();
    EXPECT_EQ(bench.output(""), 0);
    EXPECT_EQ(bench.read(0, 4), 0u);
}

TEST(AclintSwi, SupervisorInterruptsAreEdges) {
    DeviceBench bench("riscv.aclint.swi", {{"sswi", "on"}});
    EXPECT_EQ(bench.output_changes(""), 0u);
    bench.write(0, 1, 4);
    EXPECT_EQ(bench.output(""), 0);
    EXPECT_EQ(bench.output_changes(""), 2u);
    EXPECT_EQ(bench.read(0, 4), 0u);
    bench.write(0, 0, 4);
    EXPECT_EQ(bench.output_changes(""), 2u);
}

class Mtimer : public ::testing::Test {
  protected:
    DeviceBench bench{"riscv.aclint.mtimer", {{"num-harts", "2"}}};
};

TEST_F(Mtimer, MtimeCountsAtTheTimebase) {
    EXPECT_EQ(bench.read(kMtime, 8), 0u);
    bench.advance_ns(1'000'000);
    EXPECT_EQ(bench.read(kMtime, 8), 10'000u);
}

TEST_F(Mtimer, TheInterruptComesWithTheTickThatIsAskedFor) {
    bench.write(8, 5, 8);
    bench.advance_ns(5 * kTick - 1);
    EXPECT_EQ(bench.output("", 1), 0);
    bench.advance_ns(1);
    EXPECT_EQ(bench.output("", 1), 1);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Mtimer, ALaterMtimecmpTakesTheInterruptBack) {
    bench.write(0, 0, 8);
    EXPECT_EQ(bench.output("", 0), 1);
    bench.write(0, ~0ull, 8);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Mtimer, HalvesAreWrittenOneByOne) {
    bench.write(0, 0x11111111, 4);
    bench.write(4, 0x22222222, 4);
    EXPECT_EQ(bench.read(0, 8), 0x2222222211111111u);
    EXPECT_EQ(bench.read(4, 4), 0x22222222u);
}

TEST_F(Mtimer, MtimeCanBeSet) {
    bench.write(0, 1000, 8);
    bench.write(kMtime, 999, 8);
    EXPECT_EQ(bench.output("", 0), 0);
    bench.advance_ns(kTick);
    EXPECT_EQ(bench.read(kMtime, 8), 1000u);
    EXPECT_EQ(bench.output("", 0), 1);
    bench.write(kMtime, 0, 8);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Mtimer, TheInterruptFallsWhenMtimePassesItsEnd) {
    bench.write(0, ~0ull - 20, 8);
    bench.write(kMtime, ~0ull - 9, 8);
    EXPECT_EQ(bench.output("", 0), 1);
    bench.advance_ns(10 * kTick - 1);
    EXPECT_EQ(bench.output("", 0), 1);
    bench.advance_ns(1);
    EXPECT_EQ(bench.read(kMtime, 8), 0u);
    EXPECT_EQ(bench.output("", 0), 0);
    bench.write(0, 0, 8);
    EXPECT_EQ(bench.output("", 0), 1) << "always";
}

TEST_F(Mtimer, ComparatorsAreSilentUntilTheyAreWritten) {
    bench.advance_ns(1'000'000'000);
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.read(0, 8), 0u);
}

TEST_F(Mtimer, ResetStartsMtimeAnew) {
    bench.advance_ns(1'000'000);
    bench.write(0, 1, 8);
    bench.reset();
    EXPECT_EQ(bench.read(kMtime, 8), 0u);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Mtimer, ADistantDeadlineIsNoDeadline) {
    bench.write(0, ~0ull, 8);
    bench.advance_ns(1'000'000'000'000);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Mtimer, WhatIsNoRegisterReadsAsZero) {
    bench.write(0x10, 7, 8);
    EXPECT_EQ(bench.read(0x10, 8), 0u);
}

TEST(MtimerProperties, OverlappingRegistersAreRefused) {
    DeviceBench bench;
    EXPECT_NE(bench.try_add("riscv.aclint.mtimer", "a", {{"time-base", "4"}}), "");
    EXPECT_NE(bench.try_add("riscv.aclint.mtimer", "b", {{"num-harts", "4095"}, {"aperture-size", "4096"}}),
              "");
}

}  // namespace
}  // namespace backplane::testing
