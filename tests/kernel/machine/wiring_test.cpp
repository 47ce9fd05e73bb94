#include "kernel/machine/wiring.h"
#include <backplane/text.h>

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

class Receiver final : public WireReceiver {
  public:
    void wire_changed(unsigned index, int level) override { changes.emplace_back(index, level); }
    std::vector<std::pair<unsigned, int>> changes;
};
using Changes = std::vector<std::pair<unsigned, int>>;

class WiringTest : public ::testing::Test {
  protected:
    WiringTest() { wiring.add_inputs(&sink, "in", 4, receiver); }
    int source = 0, other = 0, sink = 0;
    Wiring wiring;
    Receiver receiver;
    ErrorText errors;
};

TEST_F(WiringTest, AnInputHearsChangesOnly) {
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    ASSERT_TRUE(wiring.connect(&source, "irq", 0, &sink, "in", 2, errors));
    wire.set(1);
    wire.set(1);
    wire.set(0);
    EXPECT_EQ(receiver.changes, (Changes{{2, 1}, {2, 0}}));
}

TEST_F(WiringTest, OutputsThatShareAnInputAreOred) {
    Wire& first = wiring.add_outputs(&source, "irq", 1);
    Wire& second = wiring.add_outputs(&other, "irq", 1);
    wiring.connect(&source, "irq", 0, &sink, "in", 0, errors);
    wiring.connect(&other, "irq", 0, &sink, "in", 0, errors);
    first.set(1);
    second.set(1);
    first.set(0);
    EXPECT_EQ(receiver.changes, (Changes{{0, 1}}));
    second.set(0);
    EXPECT_EQ(receiver.changes, (Changes{{0, 1}, {0, 0}}));
}

TEST_F(WiringTest, AnOutputDrivesAllItsInputs) {
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    wiring.connect(&source, "irq", 0, &sink, "in", 0, errors);
    wiring.connect(&source, "irq", 0, &sink, "in", 3, errors);
    wire.set(1);
    EXPECT_EQ(receiver.changes, (Changes{{0, 1}, {3, 1}}));
}

TEST_F(WiringTest, ADeviceThatGoesLetsItsLinesFall) {
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    wiring.connect(&source, "irq", 0, &sink, "in", 1, errors);
    wire.set(1);
    wiring.remove(&source);
    EXPECT_EQ(receiver.changes, (Changes{{1, 1}, {1, 0}}));
}

TEST_F(WiringTest, AReceiverThatGoesIsNotCalled) {
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    wiring.connect(&source, "irq", 0, &sink, "in", 1, errors);
    wiring.remove(&sink);
    wire.set(1);
    EXPECT_TRUE(receiver.changes.empty());
}

TEST_F(WiringTest, ADeviceThatIsWiredToItselfHearsNothingOfItsEnd) {
    Wire& wire = wiring.add_outputs(&sink, "irq", 1);
    wiring.connect(&sink, "irq", 0, &sink, "in", 1, errors);
    wire.set(1);
    wiring.remove(&sink);
    EXPECT_EQ(receiver.changes, (Changes{{1, 1}}));
}

TEST_F(WiringTest, ASilencedReceiverIsNotCalledWhenItsPeerGoes) {
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    wiring.connect(&source, "irq", 0, &sink, "in", 1, errors);
    wire.set(1);
    wiring.silence(&sink);
    wiring.remove(&source);
    EXPECT_EQ(receiver.changes, (Changes{{1, 1}}));
}

TEST_F(WiringTest, AGroupThatIsDeclaredAgainGoesOn) {
    Receiver more;
    wiring.add_inputs(&sink, "in", 2, more);
    Wire& wire = wiring.add_outputs(&source, "irq", 1);
    ASSERT_TRUE(wiring.connect(&source, "irq", 0, &sink, "in", 5, errors)) << errors.text();
    wire.set(1);
    EXPECT_EQ(more.changes, (Changes{{5, 1}}));
    EXPECT_TRUE(receiver.changes.empty());
}

TEST_F(WiringTest, MissingEndsAreNamed) {
    wiring.add_outputs(&source, "irq", 1);
    EXPECT_FALSE(wiring.connect(&source, "irq", 0, &sink, "in", 4, errors));
    EXPECT_NE(errors.text().find("'in' number 4"), std::string::npos);
    errors.clear();
    EXPECT_FALSE(wiring.connect(&source, "out", 0, &sink, "in", 0, errors));
    EXPECT_NE(errors.text().find("'out'"), std::string::npos);
}

TEST_F(WiringTest, AnInterceptedOutputReachesTheProbeInsteadOfItsInputs) {
    Wire& wire = wiring.add_outputs(&source, "irq", 2);
    wiring.connect(&source, "irq", 0, &sink, "in", 0, errors);
    std::vector<int> seen;
    ASSERT_TRUE(wiring.probe_outputs(
        &source, "irq",
        [](void* data, Str, unsigned, int level) { static_cast<std::vector<int>*>(data)->push_back(level); },
        &seen, errors));
    wire.set(1);
    EXPECT_EQ(seen, std::vector<int>{1});
    EXPECT_TRUE(receiver.changes.empty());
}

}  // namespace
}  // namespace backplane::kernel
