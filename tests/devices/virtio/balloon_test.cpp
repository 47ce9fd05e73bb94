// The balloon: its target, what the guest gave up, and the statistics.
#include "driver.h"

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

class Balloon : public ::testing::TestWithParam<Kind> {
  protected:
    Balloon() : driver(bench, GetParam(), "balloon") { driver.start(1u << 1, 3); }
    DeviceBench bench;
    Driver driver;
};

TEST_P(Balloon, ANewTargetIsAConfigurationChange) {
    bench.set_property(driver.device(), "num-pages", "1000");
    EXPECT_EQ(driver.registers().interrupts(), 2u);
    EXPECT_EQ(driver.registers().config(0, 4), 1000u);
    driver.registers().set_config(4, 400, 4);
    EXPECT_EQ(bench.property(driver.device(), "actual-pages"), "400");
    driver.registers().set_config(0, 7, 4);
    EXPECT_EQ(driver.registers().config(0, 4), 1000u) << "the driver does not set the target";
}

TEST_P(Balloon, PagesComeBackAtOnce) {
    const std::uint32_t pages[] = {0x80001, 0x80002};
    for (const unsigned queue : {0u, 1u}) {
        driver.ring(queue).add({{driver.place(pages), sizeof pages}});
        driver.ring(queue).notify();
        EXPECT_EQ(driver.ring(queue).take_used().size(), 1u);
    }
}

TEST_P(Balloon, StatisticsAreAskedForAndRead) {
    bench.set_property(driver.device(), "guest-stats-polling-interval", "2");
    const std::uint8_t free_memory[10] = {4, 0, 0x00, 0x10};
    driver.ring(2).add({{driver.place(free_memory), 10}});
    driver.ring(2).notify();
    EXPECT_TRUE(driver.ring(2).take_used().empty()) << "the device keeps the buffer until it wants numbers";
    EXPECT_NE(bench.property(driver.device(), "guest-stats").find("\"stat-free-memory\": 4096"),
              std::string::npos);
    bench.advance_ns(2'000'000'000);
    EXPECT_EQ(driver.ring(2).take_used().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Virtio, Balloon, ::testing::Values(Kind::MmioLegacy, Kind::PciModern));

}  // namespace
}  // namespace backplane::testing
