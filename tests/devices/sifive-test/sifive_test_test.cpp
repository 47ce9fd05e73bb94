#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

TEST(SifiveTest, PassPowersTheMachineOff) {
    DeviceBench bench("riscv.sifive.test");
    bench.write(0, 0x5555, 4);
    ASSERT_EQ(bench.requests().size(), 1u);
    EXPECT_EQ(bench.requests()[0], "guest-shutdown");
}

TEST(SifiveTest, ResetStartsTheMachineAnew) {
    DeviceBench bench("riscv.sifive.test");
    bench.write(0, 0x7777, 4);
    ASSERT_EQ(bench.requests().size(), 1u);
    EXPECT_EQ(bench.requests()[0], "guest-reset");
}

TEST(SifiveTest, HalfWordsAreTaken) {
    DeviceBench bench("riscv.sifive.test");
    bench.write(0, 0x5555, 2);
    EXPECT_EQ(bench.requests().size(), 1u);
}

TEST(SifiveTest, OtherStatusesDoNothing) {
    DeviceBench bench("riscv.sifive.test");
    bench.write(0, 0x1234, 4);
    bench.write(4, 0x5555, 4);
    EXPECT_TRUE(bench.requests().empty());
}

TEST(SifiveTest, FinisherReadsAsZero) {
    DeviceBench bench("riscv.sifive.test");
    EXPECT_EQ(bench.read(0, 4), 0u);
}

TEST(SifiveTest, BytesAreABusError) {
    DeviceBench bench("riscv.sifive.test");
    bench.write(0, 0x55, 1);
    EXPECT_TRUE(bench.access_failed());
}

}  // namespace
}  // namespace backplane::testing
