#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

class Ib700 : public ::testing::Test {
  protected:
    bool expired() { return !bench.requests().empty(); }
    DeviceBench bench{"ib700"};
};

TEST_F(Ib700, RunsOutWhenNobodyStartsItAnew) {
    bench.write(0, 10, 1, "start");
    bench.advance_ns(9 * kSecond);
    bench.write(0, 10, 1, "start");
    bench.advance_ns(9 * kSecond);
    EXPECT_FALSE(expired());
    bench.advance_ns(kSecond);
    EXPECT_TRUE(expired());
}

TEST_F(Ib700, CanBeStopped) {
    bench.write(0, 0, 1, "start");
    bench.advance_ns(29 * kSecond);
    bench.write(0, 0, 1, "stop");
    bench.advance_ns(60 * kSecond);
    EXPECT_FALSE(expired());
}

TEST_F(Ib700, AResetStopsIt) {
    bench.write(0, 14, 1, "start");
    bench.reset();
    bench.advance_ns(60 * kSecond);
    EXPECT_FALSE(expired());
    EXPECT_EQ(bench.read(0, 1, "start"), 0xffu);
}

}  // namespace
}  // namespace backplane::testing
