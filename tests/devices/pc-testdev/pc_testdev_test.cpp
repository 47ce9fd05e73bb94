#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

TEST(PcTestdev, KeepsWhatIsWritten) {
    DeviceBench bench("pc-testdev");
    for (const char* const region : {"ports", "byte-ports", "memory"}) {
        bench.write(0, 0x12345678, 4, region);
        EXPECT_EQ(bench.read(0, 4, region), 0x12345678u) << region;
        bench.write(1, 0xabcd, 2, region);
        EXPECT_EQ(bench.read(0, 4, region), 0x12abcd78u) << region;
    }
    bench.write(0xfff8, 0x0123456789abcdef, 8, "memory");
    EXPECT_EQ(bench.read(0xfffc, 4, "memory"), 0x01234567u);
    bench.reset();
    EXPECT_EQ(bench.read(0, 4, "ports"), 0u);
}

TEST(PcTestdev, KeepsNothingWhereNothingIs) {
    DeviceBench bench("pc-testdev");
    bench.write(0, 0xffffffff, 4, "nothing");
    EXPECT_EQ(bench.read(0, 4, "nothing"), 0u);
}

TEST(PcTestdev, DrivesInterruptLines) {
    DeviceBench bench("pc-testdev");
    bench.write(14, 1, 1, "lines");
    EXPECT_EQ(bench.output("irq", 14), 1);
    EXPECT_EQ(bench.output("irq", 13), 0);
    const auto saved = bench.save_state();
    bench.write(14, 0, 1, "lines");
    EXPECT_EQ(bench.output("irq", 14), 0);
    bench.load_state(saved);
    EXPECT_EQ(bench.output("irq", 14), 1);
    bench.reset();
    EXPECT_EQ(bench.output("irq", 14), 0);
    bench.write(23, 1, 1, "lines");  // no line of the bus's
    EXPECT_EQ(bench.read(23, 1, "lines"), 0u);
}

}  // namespace
}  // namespace backplane::testing
