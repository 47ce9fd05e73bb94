#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t priority(unsigned source) { return 4 * source; }
constexpr std::uint64_t pending(unsigned word) { return 0x1000 + 4 * word; }
constexpr std::uint64_t enable(unsigned context, unsigned word) { return 0x2000 + 0x80 * context + 4 * word; }
constexpr std::uint64_t threshold(unsigned context) { return 0x200000 + 0x1000 * context; }
constexpr std::uint64_t claim(unsigned context) { return threshold(context) + 4; }

class Plic : public ::testing::Test {
  protected:
    void enable_source(unsigned context, unsigned source, unsigned value) {
        bench.write(priority(source), value, 4);
        const std::uint64_t at = enable(context, source / 32);
        bench.write(at, bench.read(at, 4) | 1u << source % 32, 4);
    }
    DeviceBench bench{"riscv.sifive.plic", {{"hart-config", "MS,MS"}}};
};

TEST_F(Plic, AllIsZeroAfterReset) {
    for (const std::uint64_t offset : {priority(1), pending(0), enable(0, 0), threshold(0), claim(0)})
        EXPECT_EQ(bench.read(offset, 4), 0u) << offset;
}

TEST_F(Plic, ARaisedSourceInterruptsTheContextThatEnabledIt) {
    enable_source(1, 10, 1);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.output("", 1), 1);
    EXPECT_EQ(bench.read(pending(0), 4), 1u << 10);
}

TEST_F(Plic, PriorityZeroNeverInterrupts) {
    enable_source(0, 10, 0);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.read(claim(0), 4), 0u);
}

TEST_F(Plic, OnlyPrioritiesAboveTheThresholdInterrupt) {
    enable_source(0, 10, 3);
    bench.write(threshold(0), 3, 4);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.output("", 0), 0);
    bench.write(threshold(0), 2, 4);
    EXPECT_EQ(bench.output("", 0), 1);
}

TEST_F(Plic, AClaimIgnoresTheThreshold) {
    enable_source(0, 10, 3);
    bench.write(threshold(0), 7, 4);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.read(claim(0), 4), 10u);
}

TEST_F(Plic, ClaimsGoByPriorityAndThenByNumber) {
    enable_source(0, 33, 2);
    enable_source(0, 7, 1);
    enable_source(0, 40, 2);
    for (const unsigned source : {7u, 40u, 33u}) bench.set_input("", source, 1);
    EXPECT_EQ(bench.read(claim(0), 4), 33u);
    EXPECT_EQ(bench.read(claim(0), 4), 40u);
    EXPECT_EQ(bench.read(claim(0), 4), 7u);
    EXPECT_EQ(bench.read(claim(0), 4), 0u);
}

TEST_F(Plic, ADebuggersReadClaimsNothing) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.peek(claim(0), 4), 10u);
    EXPECT_EQ(bench.output("", 0), 1);
}

TEST_F(Plic, AClaimedSourceIsSilentUntilItIsCompleted) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.read(claim(0), 4), 10u);
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.read(claim(0), 4), 0u);
    bench.write(claim(0), 10, 4);
    EXPECT_EQ(bench.output("", 0), 1) << "the level is still high";
}

TEST_F(Plic, ALoweredSourceStaysPendingUntilItIsClaimed) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    bench.set_input("", 10, 0);
    EXPECT_EQ(bench.output("", 0), 1);
    EXPECT_EQ(bench.read(claim(0), 4), 10u);
    bench.write(claim(0), 10, 4);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Plic, OnlyOneContextGetsAClaim) {
    enable_source(0, 10, 1);
    enable_source(2, 10, 1);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.output("", 2), 1);
    EXPECT_EQ(bench.read(claim(0), 4), 10u);
    EXPECT_EQ(bench.output("", 2), 0);
    EXPECT_EQ(bench.read(claim(2), 4), 0u);
}

TEST_F(Plic, ACompletionByAContextThatHasNotEnabledTheSourceIsIgnored) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    EXPECT_EQ(bench.read(claim(0), 4), 10u);
    bench.write(claim(1), 10, 4);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Plic, RegistersKeepOnlyTheBitsThatExist) {
    bench.write(priority(5), 0xffffffff, 4);
    EXPECT_EQ(bench.read(priority(5), 4), 7u);
    bench.write(enable(0, 0), 0xffffffff, 4);
    EXPECT_EQ(bench.read(enable(0, 0), 4), 0xfffffffeu) << "there is no source 0";
    bench.write(enable(0, 3), 0xffffffff, 4);
    EXPECT_EQ(bench.read(enable(0, 3), 4), 1u) << "96 is the last source";
    bench.write(pending(0), 0xffffffff, 4);
    EXPECT_EQ(bench.read(pending(0), 4), 0u);
}

TEST_F(Plic, WhatDoesNotExistReadsAsZero) {
    bench.write(claim(4), 1, 4);
    bench.write(claim(0), 0xffffffff, 4);
    EXPECT_EQ(bench.read(threshold(4), 4), 0u);
    EXPECT_EQ(bench.read(priority(97), 4), 0u);
    EXPECT_EQ(bench.read(0x5ffffc, 4), 0u);
}

TEST_F(Plic, ResetForgetsAllButTheWires) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    bench.reset();
    EXPECT_EQ(bench.output("", 0), 0);
    EXPECT_EQ(bench.read(enable(0, 0), 4), 0u);
}

TEST_F(Plic, ALineThatIsStillRaisedAfterResetIsPending) {
    bench.set_input("", 10, 1);
    bench.set_input("", 11, 1);
    bench.set_input("", 11, 0);
    bench.reset();
    EXPECT_EQ(bench.read(pending(0), 4), 1u << 10);
}

TEST_F(Plic, ALineThatStaysRaisedComesBackAtOnceAndInTheLongRunLater) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    const auto serve = [this] {
        EXPECT_EQ(bench.read(claim(0), 4), 10u);
        bench.write(claim(0), 10, 4);
        return bench.output("", 0);
    };
    for (int i = 0; i < 16; ++i) EXPECT_EQ(serve(), 1) << i;
    EXPECT_EQ(serve(), 0);
    bench.advance_ns(499'999);
    EXPECT_EQ(bench.output("", 0), 0);
    bench.advance_ns(1);
    EXPECT_EQ(bench.output("", 0), 1);
    EXPECT_EQ(serve(), 0);
    // A guest that clears its device is served as ever.
    bench.set_input("", 10, 0);
    bench.set_input("", 10, 1);
    EXPECT_EQ(serve(), 1);
}

TEST_F(Plic, AHeldSourceIsForgottenWithItsLine) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    for (int i = 0; i < 17; ++i) {
        bench.read(claim(0), 4);
        bench.write(claim(0), 10, 4);
    }
    bench.set_input("", 10, 0);
    bench.advance_ns(1'000'000);
    EXPECT_EQ(bench.output("", 0), 0);
}

TEST_F(Plic, AHeldSourceIsHeldInAnotherChipToo) {
    enable_source(0, 10, 1);
    bench.set_input("", 10, 1);
    for (int i = 0; i < 17; ++i) {
        bench.read(claim(0), 4);
        bench.write(claim(0), 10, 4);
    }
    const auto state = bench.save_state();
    DeviceBench other("riscv.sifive.plic", {{"hart-config", "MS,MS"}});
    other.load_state(state);
    EXPECT_EQ(other.output("", 0), 0);
    other.advance_ns(500'000);
    EXPECT_EQ(other.output("", 0), 1);
}

TEST_F(Plic, StateMovesToAnotherChip) {
    enable_source(3, 10, 1);
    bench.set_input("", 10, 1);
    const auto state = bench.save_state();
    DeviceBench other("riscv.sifive.plic", {{"hart-config", "MS,MS"}});
    other.load_state(state);
    EXPECT_EQ(other.output("", 3), 1);
    EXPECT_EQ(other.read(claim(3), 4), 10u);
}

TEST(PlicProperties, AWrongHartConfigIsRefused) {
    DeviceBench bench;
    for (const char* config : {"", ",", "M,", "MX", "M,,S"})
        EXPECT_NE(bench.try_add("riscv.sifive.plic", std::string("plic") + config, {{"hart-config", config}})
                      .find("hart-config"),
                  std::string::npos)
            << config;
}

}  // namespace
}  // namespace backplane::testing
