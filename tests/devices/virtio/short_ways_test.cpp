// A virtio function on a machine whose accelerator takes interrupt messages and doorbells.
#include "driver.h"
#include "fakes.h"

#include <gtest/gtest.h>

#include <sys/eventfd.h>
#include <unistd.h>

namespace backplane::testing {
namespace {

void ring_event(int event) {
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(event, &one, sizeof one), int(sizeof one));
}

class Kicks : public ::testing::TestWithParam<Kind> {
  protected:
    void start(Properties properties = {}) {
        ways = &testing::fake<FakeShortWays>(bench.add("fake-short-ways", "ways"));
        bench.add("fake-rng", "source");
        properties.emplace_back("rng", "source");
        driver = std::make_unique<Driver>(bench, GetParam(), "rng", properties);
        driver->start(0, 1);
    }
    int event() const { return ways->doorbells.at(0).event; }
    void offer() { driver->ring(0).add({{driver->allocate(8), 8, true}}); }
    std::size_t served() { return driver->ring(0).take_used().size(); }

    DeviceBench bench;
    FakeShortWays* ways = nullptr;
    std::unique_ptr<Driver> driver;
};

TEST_P(Kicks, ADoorbellNotifiesItsQueue) {
    start();
    ASSERT_FALSE(ways->doorbells.empty());
    offer();
    ring_event(driver->modern() ? ways->doorbells.back().event : event());
    EXPECT_EQ(served(), 0u) << "it is the loop's work";
    bench.run_ready();
    EXPECT_EQ(served(), 1u);
    offer();
    driver->ring(0).notify();
    EXPECT_EQ(served(), 1u) << "the register still works";
}

TEST_P(Kicks, SavingTakesWhatCameIn) {
    start();
    offer();
    ring_event(event());
    bench.save_state();
    EXPECT_EQ(served(), 1u);
}

TEST_P(Kicks, AResetOfTheDeviceTakesThemAway) {
    start();
    driver->registers().set_status(0);
    EXPECT_TRUE(ways->doorbells.empty());
    driver->start(0, 1);
    EXPECT_FALSE(ways->doorbells.empty());
    bench.reset();
    EXPECT_TRUE(ways->doorbells.empty());
}

TEST_P(Kicks, ASavedDriverHasThemAgain) {
    start();
    const auto saved = bench.save_state();
    const std::uint8_t status = driver->backend().status();
    driver->registers().set_status(0);
    driver->backend().set_status(status);  // as its own state has it
    bench.load_state(saved);
    EXPECT_FALSE(ways->doorbells.empty());
}

TEST_P(Kicks, TheyCanBeSwitchedOff) {
    start({{"ioeventfd", "off"}});
    EXPECT_TRUE(ways->doorbells.empty());
    offer();
    driver->ring(0).notify();
    EXPECT_EQ(served(), 1u);
}

TEST_P(Kicks, AnAcceleratorMayRefuse) {
    ways = &testing::fake<FakeShortWays>(bench.add("fake-short-ways", "ways"));
    ways->takes_doorbells = false;
    bench.add("fake-rng", "source");
    driver = std::make_unique<Driver>(bench, GetParam(), "rng", Properties{{"rng", "source"}});
    driver->start(0, 1);
    offer();
    driver->ring(0).notify();
    EXPECT_EQ(served(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Interfaces, Kicks, ::testing::Values(Kind::PciLegacy, Kind::PciModern));

class Messages : public ::testing::Test {
  protected:
    static constexpr std::uint64_t kEcam = 0x30000000, kMemory = 0x40000000, kTable = kMemory;
    static constexpr unsigned kMsixControl = 0x9a;

    void SetUp() override {
        ways = &testing::fake<FakeShortWays>(bench.add("fake-short-ways", "ways"));
        Object& host = bench.add("gpex-pcihost", "pci", {{"msi", "on"}});
        bench.map(host, "ecam", GuestAddress(kEcam));
        bench.map(host, "mmio32", GuestAddress(kMemory));
        bench.add("fake-rng", "source");
        Object& object = bench.add("virtio-rng-pci", "rng", {{"rng", "source"}, {"addr", "03.0"}}, "pci");
        device = query<PciDevice>(object);
        events = query<PciVectorEvents>(object);
        ASSERT_NE(events, nullptr);
        put(pci::kBar0 + 4, kTable, 4);
        put(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
        put(kMsixControl, 0x8000, 2);
        aim(1, FakeShortWays::kMessages, 0x4021);
    }
    void TearDown() override {
        if (event >= 0) ::close(event);
    }
    void put(unsigned offset, std::uint64_t value, unsigned size) {
        bench.store(GuestAddress(kEcam + (3 << 15) + offset), value, size);
    }
    void aim(unsigned vector, std::uint64_t address, std::uint32_t data, unsigned masked = 0) {
        const GuestAddress entry(kTable + 16 * vector);
        bench.store(entry, address, 8);
        bench.store(entry + 8, data, 4);
        bench.store(entry + 12, masked, 4);
    }
    bool pending(unsigned vector) { return bench.load(GuestAddress(kTable + 0x800), 4) >> vector & 1; }
    void tie() {
        event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        Refusal refusal;
        ASSERT_TRUE(events->set_vector_event(1, event, refusal)) << refusal.text;
    }
    struct Refusal : Errors {
        void fail(Str message) override { text = message.view(); }
        std::string text;
    };

    DeviceBench bench;
    FakeShortWays* ways = nullptr;
    PciDevice* device = nullptr;
    PciVectorEvents* events = nullptr;
    int event = -1;
};

TEST_F(Messages, GoToTheSinkWithTheirRequester) {
    device->msix_notify(1);
    ASSERT_EQ(ways->sent.size(), 1u);
    EXPECT_EQ(ways->sent[0].address, FakeShortWays::kMessages);
    EXPECT_EQ(ways->sent[0].data, 0x4021u);
    EXPECT_EQ(ways->sent[0].requester, 3u << 3);
}

TEST_F(Messages, ToOtherAddressesAreWritesOfMemory) {
    aim(1, DeviceBench::kRamBase.value, 0x77);
    device->msix_notify(1);
    EXPECT_TRUE(ways->sent.empty());
    EXPECT_EQ(bench.load(DeviceBench::kRamBase, 4), 0x77u);
}

TEST_F(Messages, NeedABusMaster) {
    put(pci::kCommand, pci::kCommandMemory, 2);
    device->msix_notify(1);
    EXPECT_TRUE(ways->sent.empty());
}

TEST_F(Messages, OfAnEventGoByARouteWhileTheVectorMayBeSent) {
    tie();
    ASSERT_EQ(ways->routes.size(), 1u);
    EXPECT_TRUE(ways->routes[0]->running);
    EXPECT_EQ(ways->routes[0]->event, event);
    EXPECT_EQ(ways->routes[0]->now.data, 0x4021u);
    aim(1, FakeShortWays::kMessages, 0x4022);
    EXPECT_EQ(ways->routes[0]->now.data, 0x4022u);
    EXPECT_TRUE(ways->routes[0]->running);
    put(pci::kCommand, pci::kCommandMemory, 2);
    EXPECT_FALSE(ways->routes[0]->running) << "no bus master, no message";
    put(pci::kCommand, pci::kCommandMemory | pci::kCommandBusMaster, 2);
    EXPECT_TRUE(ways->routes[0]->running);
    Refusal refusal;
    EXPECT_TRUE(events->set_vector_event(1, -1, refusal));
    EXPECT_TRUE(ways->routes.empty());
}

TEST_F(Messages, OfAnEventWaitWhileTheVectorIsMasked) {
    tie();
    aim(1, FakeShortWays::kMessages, 0x4021, 1);
    EXPECT_FALSE(ways->routes[0]->running);
    ring_event(event);
    bench.run_ready();
    EXPECT_TRUE(ways->sent.empty());
    EXPECT_TRUE(pending(1));
    aim(1, FakeShortWays::kMessages, 0x4021, 0);
    EXPECT_EQ(ways->sent.size(), 1u);
    EXPECT_FALSE(pending(1));
    EXPECT_TRUE(ways->routes[0]->running);
}

TEST_F(Messages, OfAnEventAreSentByTheLoopWhereThereIsNoRoute) {
    ways->takes_routes = false;
    tie();
    ring_event(event);
    bench.run_ready();
    EXPECT_EQ(ways->sent.size(), 1u);
}

TEST_F(Messages, HaveNoEventForAVectorThatThereIsNot) {
    Refusal refusal;
    EXPECT_FALSE(events->set_vector_event(2, 0, refusal));
    EXPECT_EQ(refusal.text, "MSI-X has no vector 2; there are 2");
}

}  // namespace
}  // namespace backplane::testing
