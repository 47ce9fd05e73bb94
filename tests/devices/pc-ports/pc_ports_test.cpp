#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

TEST(Port92, GatesA20) {
    DeviceBench bench("port92");
    EXPECT_EQ(bench.read(0, 1), 0u);
    EXPECT_EQ(bench.output("a20"), 0);
    bench.write(0, 0x02, 1);
    EXPECT_EQ(bench.output("a20"), 1);
    EXPECT_EQ(bench.read(0, 1), 0x02u);
    bench.write(0, 0xfc, 1);
    EXPECT_EQ(bench.output("a20"), 0);
    EXPECT_EQ(bench.read(0, 1), 0xfcu);
    EXPECT_TRUE(bench.requests().empty());
}

TEST(Port92, Bit0Resets) {
    DeviceBench bench("port92");
    bench.write(0, 0x03, 1);
    EXPECT_EQ(bench.read(0, 1), 0x02u);
    EXPECT_EQ(bench.requests(), std::vector<std::string>{"guest-reset"});
    bench.reset();
    EXPECT_EQ(bench.read(0, 1), 0u);
    EXPECT_EQ(bench.output("a20"), 0);
}

TEST(Port92, StateGoesOnElsewhere) {
    DeviceBench bench("port92");
    bench.write(0, 0xfe, 1);
    const auto saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(bench.read(0, 1), 0xfeu);
}

TEST(IoPort80, TakesAndGivesNothing) {
    DeviceBench bench("ioport80");
    bench.write(0, 0x55, 1);
    EXPECT_EQ(bench.read(0, 1), 0xffu);
}

TEST(IoPortF0, ClearsTheCoprocessorsInterrupt) {
    DeviceBench bench("ioportF0");
    bench.set_input("ferr", 0, 1);
    EXPECT_EQ(bench.output(""), 1);
    bench.set_input("ferr", 0, 0);
    EXPECT_EQ(bench.output(""), 1) << "latched";
    EXPECT_EQ(bench.read(0, 1), 0xffu);
    bench.write(0, 0, 1);
    EXPECT_EQ(bench.output(""), 0);
}

}  // namespace
}  // namespace backplane::testing
