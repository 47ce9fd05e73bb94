#include <backplane/testing/bench.h>
#include <backplane/x86.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kCommand = 0;
constexpr std::uint64_t kData = 1;
constexpr unsigned kEoi = 0x20;
constexpr unsigned kReadIrr = 0x0a;
constexpr unsigned kReadIsr = 0x0b;
constexpr unsigned kPoll = 0x0c;

/// A PC's pair, initialized as its firmware does.
class I8259 : public ::testing::Test {
  protected:
    I8259() {
        slave_ = &bench.add("isa-i8259", "slave",
                            {{"iobase", "0xa0"}, {"elcr_addr", "0x4d1"}, {"elcr_mask", "0xde"}});
        master_ = &bench.add("isa-i8259", "master",
                             {{"iobase", "0x20"},
                              {"elcr_addr", "0x4d0"},
                              {"elcr_mask", "0xf8"},
                              {"master", "on"},
                              {"cascade", "slave"}});
        bench.connect(*slave_, "", 0, *master_, "", 2);
        initialize(*slave_, 0x70, 2, 1);
        initialize(*master_, 0x08, 4, 1);
    }
    void initialize(Object& chip, unsigned base, unsigned icw3, unsigned icw4) {
        bench.focus(chip);
        for (const auto& [port, value] :
             {std::pair{kCommand, 0x11u}, {kData, base}, {kData, icw3}, {kData, icw4}})
            bench.write(port, value, 1);
    }
    void command(unsigned value) { bench.write(kCommand, value, 1); }
    void mask(unsigned value) { bench.write(kData, value, 1); }
    std::uint64_t irr() {
        command(kReadIrr);
        return bench.read(kCommand, 1);
    }
    std::uint64_t isr() {
        command(kReadIsr);
        return bench.read(kCommand, 1);
    }
    void raise(unsigned input) { bench.set_input("", input, 1); }
    void lower(unsigned input) { bench.set_input("", input, 0); }
    void pulse(unsigned input) {
        raise(input);
        lower(input);
    }
    int interrupt() { return bench.output(""); }
    unsigned acknowledge() { return query<x86::InterruptAcknowledge>(*master_)->acknowledge(); }
    void on_slave() { bench.focus(*slave_); }
    void on_master() { bench.focus(*master_); }

    DeviceBench bench;
    Object* slave_ = nullptr;
    Object* master_ = nullptr;
};

TEST_F(I8259, ARequestInterruptsAndGivesItsVector) {
    raise(4);
    EXPECT_EQ(interrupt(), 1);
    EXPECT_EQ(irr(), 0x10u);
    EXPECT_EQ(acknowledge(), 0x0cu);
    EXPECT_EQ(interrupt(), 0);
    EXPECT_EQ(irr(), 0u) << "the latch is cleared";
    EXPECT_EQ(isr(), 0x10u);
    command(kEoi);
    EXPECT_EQ(isr(), 0u);
    EXPECT_EQ(interrupt(), 0) << "an edge has to come again";
}

TEST_F(I8259, AMaskedRequestWaits) {
    mask(0x10);
    raise(4);
    EXPECT_EQ(interrupt(), 0);
    EXPECT_EQ(irr(), 0x10u);
    EXPECT_EQ(bench.read(kData, 1), 0x10u);
    mask(0);
    EXPECT_EQ(interrupt(), 1);
}

TEST_F(I8259, AnEdgeThatFellIsStillRequested) {
    pulse(0);
    EXPECT_EQ(irr(), 0x01u);
    EXPECT_EQ(acknowledge(), 0x08u);
}

TEST_F(I8259, HigherPrioritiesInterruptLowerOnes) {
    pulse(5);
    acknowledge();
    pulse(6);
    EXPECT_EQ(interrupt(), 0);
    pulse(1);
    EXPECT_EQ(interrupt(), 1);
    EXPECT_EQ(acknowledge(), 0x09u);
    EXPECT_EQ(isr(), 0x22u);
    command(kEoi);
    EXPECT_EQ(isr(), 0x20u) << "the highest in service is ended first";
    command(kEoi);
    EXPECT_EQ(acknowledge(), 0x0eu);
}

TEST_F(I8259, ARequestThatWentAwayIsInput7sAndNotInService) {
    EXPECT_EQ(acknowledge(), 0x0fu);
    EXPECT_EQ(isr(), 0u);
}

TEST_F(I8259, TheSlaveGivesItsVectorThroughTheMaster) {
    on_slave();
    raise(4);
    on_master();
    EXPECT_EQ(interrupt(), 1);
    EXPECT_EQ(irr(), 0x04u);
    EXPECT_EQ(acknowledge(), 0x74u);
    EXPECT_EQ(isr(), 0x04u);
    on_slave();
    EXPECT_EQ(isr(), 0x10u);
    EXPECT_EQ(bench.output(""), 0);
}

TEST_F(I8259, ASpuriousRequestOfTheSlaveIsInput15s) {
    on_slave();
    command(0x20);
    bench.write(kData, 0, 1);
    pulse(3);
    mask(0xff);
    on_master();
    EXPECT_EQ(acknowledge(), 0x77u);
    EXPECT_EQ(isr(), 0x04u) << "the master cannot know";
    on_slave();
    EXPECT_EQ(isr(), 0u);
}

TEST_F(I8259, TheSlavesNextRequestIsAnotherEdgeForTheMaster) {
    on_slave();
    pulse(6);
    on_master();
    EXPECT_EQ(acknowledge(), 0x76u);
    on_slave();
    pulse(1);
    on_master();
    EXPECT_EQ(interrupt(), 0) << "fully nested: the slave is in service";
    EXPECT_EQ(irr(), 0x04u);
    command(kEoi);
    EXPECT_EQ(acknowledge(), 0x71u);
}

TEST_F(I8259, SpecialFullyNestedLetsTheSlavesHigherRequestThrough) {
    initialize(*master_, 0x08, 4, 0x11);
    on_slave();
    pulse(6);
    on_master();
    acknowledge();
    on_slave();
    pulse(1);
    on_master();
    EXPECT_EQ(interrupt(), 1);
    EXPECT_EQ(acknowledge(), 0x71u);
    pulse(5);
    EXPECT_EQ(interrupt(), 0) << "lower inputs stay locked out";
}

TEST_F(I8259, LevelTriggeredInputsFollowTheirLine) {
    bench.write(0, 0xff, 1, "elcr");
    EXPECT_EQ(bench.read(0, 1, "elcr"), 0xf8u) << "0, 1 and 2 are edges for ever";
    raise(5);
    EXPECT_EQ(acknowledge(), 0x0du);
    command(kEoi);
    EXPECT_EQ(interrupt(), 1) << "it is still requested";
    lower(5);
    EXPECT_EQ(interrupt(), 0);
    EXPECT_EQ(irr(), 0u);
}

TEST_F(I8259, LtimMakesAllInputsLevelTriggered) {
    command(0x19);
    for (const unsigned word : {0x08u, 4u, 1u}) mask(word);
    raise(0);
    EXPECT_EQ(acknowledge(), 0x08u);
    command(kEoi);
    EXPECT_EQ(interrupt(), 1);
}

TEST_F(I8259, SpecificEndOfInterruptTakesItsLevel) {
    pulse(5);
    acknowledge();
    pulse(1);
    acknowledge();
    command(0x65);
    EXPECT_EQ(isr(), 0x02u);
}

TEST_F(I8259, PrioritiesRotate) {
    command(0xc3);  // 3 is lowest: 4 is highest
    pulse(3);
    pulse(4);
    pulse(0);
    EXPECT_EQ(acknowledge(), 0x0cu);
    command(0xa0);  // ends 4, which becomes the lowest
    EXPECT_EQ(acknowledge(), 0x08u);
    command(0xe0);  // ends 0, which becomes the lowest
    EXPECT_EQ(acknowledge(), 0x0bu);
    EXPECT_EQ(isr(), 0x08u);
}

TEST_F(I8259, AutomaticEndLeavesNothingInService) {
    initialize(*master_, 0x08, 4, 0x03);
    pulse(3);
    acknowledge();
    EXPECT_EQ(isr(), 0u);
    command(0x80);  // rotate automatically
    pulse(3);
    acknowledge();
    pulse(1);
    pulse(4);
    EXPECT_EQ(acknowledge(), 0x0cu) << "3 became the lowest, so that 4 is the highest";
}

TEST_F(I8259, SpecialMaskModeLetsLowerRequestsThrough) {
    pulse(1);
    acknowledge();
    pulse(6);
    EXPECT_EQ(interrupt(), 0);
    mask(0x02);
    EXPECT_EQ(interrupt(), 0);
    command(0x68);
    EXPECT_EQ(interrupt(), 1);
    EXPECT_EQ(acknowledge(), 0x0eu);
    command(kEoi);
    EXPECT_EQ(isr(), 0x02u) << "what is masked is not ended by a non-specific command";
    command(0x48);
    mask(0);
    pulse(6);
    EXPECT_EQ(interrupt(), 0);
}

TEST_F(I8259, PollingAcknowledges) {
    mask(0);
    pulse(6);
    command(kPoll);
    EXPECT_EQ(bench.peek(kCommand, 1), 0x86u) << "a debugger changes nothing";
    EXPECT_EQ(bench.read(kCommand, 1), 0x86u);
    EXPECT_EQ(interrupt(), 0);
    EXPECT_EQ(isr(), 0x40u);
    command(kPoll);
    EXPECT_EQ(bench.read(kCommand, 1), 0u);
}

TEST_F(I8259, InitializationClearsRequestsMaskAndModes) {
    mask(0x55);
    pulse(1);
    acknowledge();
    raise(3);
    initialize(*master_, 0x20, 4, 1);
    EXPECT_EQ(bench.read(kData, 1), 0u);
    EXPECT_EQ(bench.read(kCommand, 1), 0u) << "IRR is what reads, and the edge is forgotten";
    EXPECT_EQ(isr(), 0u);
    lower(3);
    raise(3);
    EXPECT_EQ(acknowledge(), 0x23u);
}

TEST_F(I8259, ASingleOneTakesNoThirdWord) {
    command(0x13);
    mask(0x40);
    mask(0x01);
    mask(0xfe);
    EXPECT_EQ(bench.read(kData, 1), 0xfeu);
    pulse(0);
    EXPECT_EQ(acknowledge(), 0x40u);
}

TEST_F(I8259, WithoutFourthWordItsModesAreOff) {
    initialize(*master_, 0x08, 4, 0x13);
    command(0x10);
    mask(0x30);
    mask(4);
    mask(0xaa);
    EXPECT_EQ(bench.read(kData, 1), 0xaau);
    pulse(0);
    EXPECT_EQ(acknowledge(), 0x30u);
    EXPECT_EQ(isr(), 0x01u);
}

TEST_F(I8259, ResetForgetsAllButTheLines) {
    bench.write(0, 0x08, 1, "elcr");
    raise(3);
    acknowledge();
    mask(0x80);
    bench.reset();
    EXPECT_EQ(interrupt(), 0);
    EXPECT_EQ(bench.read(0, 1, "elcr"), 0u);
    EXPECT_EQ(bench.read(kData, 1), 0u);
    EXPECT_EQ(isr(), 0u);
}

TEST_F(I8259, StateGoesOnElsewhere) {
    pulse(5);
    acknowledge();
    mask(0x80);
    pulse(1);
    command(kPoll);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    EXPECT_EQ(bench.read(kCommand, 1), 0x81u);
    EXPECT_EQ(isr(), 0x22u);
}

TEST(I8259Alone, OnlyAMasterHasASlave) {
    DeviceBench bench;
    bench.add("isa-i8259", "a", {{"iobase", "0xa0"}, {"elcr_addr", "0x4d1"}});
    const std::string reason =
        bench.try_add("isa-i8259", "b", {{"iobase", "0x20"}, {"elcr_addr", "0x4d0"}, {"cascade", "a"}});
    EXPECT_NE(reason.find("cascade"), std::string::npos) << reason;
}

}  // namespace
}  // namespace backplane::testing
