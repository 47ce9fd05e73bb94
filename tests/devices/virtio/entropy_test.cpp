// The entropy device: bytes of its source, and no more of them than its limit.
#include "driver.h"
#include "fakes.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

class Entropy : public ::testing::Test {
  protected:
    void start(Properties properties = {}) {
        properties.emplace_back("rng", "source");
        source = &testing::fake<FakeRng>(bench.add("fake-rng", "source"));
        driver = std::make_unique<Driver>(bench, Kind::MmioModern, "rng", properties);
        driver->start(0, 1);
    }
    std::size_t ask(std::uint32_t bytes) {
        buffer = driver->allocate(bytes);
        driver->ring(0).add({{buffer, bytes, true}});
        driver->ring(0).notify();
        return came();
    }
    std::size_t came() {
        std::size_t total = 0;
        for (const auto& used : driver->ring(0).take_used()) total += used.length;
        return total;
    }
    DeviceBench bench;
    FakeRng* source = nullptr;
    std::unique_ptr<Driver> driver;
    std::uint64_t buffer = 0;
};

TEST_F(Entropy, FillsTheBuffer) {
    start();
    EXPECT_EQ(ask(8), 8u);
    EXPECT_EQ(*driver->at(buffer), 1u);
    EXPECT_EQ(*driver->at(buffer + 7), 8u);
}

TEST_F(Entropy, TheLimitHoldsForAPeriod) {
    start({{"max-bytes", "10"}, {"period", "1000"}});
    EXPECT_EQ(ask(8), 8u);
    EXPECT_EQ(ask(8), 2u);
    EXPECT_EQ(ask(8), 0u);
    bench.advance_ns(999'000'000);
    EXPECT_EQ(came(), 0u);
    bench.advance_ns(2'000'000);
    EXPECT_EQ(came(), 8u);
}

TEST_F(Entropy, WaitsForASourceThatHasNothing) {
    start();
    source->left = 0;
    EXPECT_EQ(ask(4), 0u);
    source->left = 100;
    bench.advance_ns(10'000'000);
    EXPECT_EQ(came(), 4u);
}

TEST_F(Entropy, AResetForgetsWhatWaited) {
    start();
    source->left = 0;
    ask(4);
    driver->registers().set_status(0);
    source->left = 100;
    bench.advance_ns(10'000'000);
    EXPECT_EQ(came(), 0u);
    EXPECT_EQ(source->left, 100u);
}

}  // namespace
}  // namespace backplane::testing
