// Rings, right and wrong, as the block and the entropy device see them (VIRTIO 1.2, §2.6, §2.7).
#include "driver.h"
#include "fakes.h"

#include <gtest/gtest.h>

#include <functional>

namespace backplane::testing {
namespace {

using namespace virtio_feature;

/// An entropy device, whose requests are one writable buffer.
class Queue : public ::testing::Test {
  protected:
    explicit Queue(Kind kind = Kind::MmioModern)
        : source(testing::fake<FakeRng>(bench.add("fake-rng", "source"))),
          driver(bench, kind, "rng", {{"rng", "source"}}) {}
    Ring& ring() { return driver.ring(0); }
    void start(std::uint64_t features = 0) { driver.start(features, 1); }

    DeviceBench bench;
    FakeRng& source;
    Driver driver;
};

TEST_F(Queue, AFreshDeviceSaysWhoItIs) {
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio), 4), 0x74726976u);
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio + 4), 4), 2u);
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio + 8), 4), 4u);
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio + 12), 4), 0x554d4551u);
}

/// Drivers that accept what they should not, or leave out what they must accept: all over all modern registers.
class Negotiation : public ::testing::TestWithParam<Kind> {
  protected:
    Negotiation()
        : source(testing::fake<FakeRng>(bench.add("fake-rng", "source"))),
          driver(bench, GetParam(), "rng", {{"rng", "source"}}) {}
    /// Accepts exactly these features; true when the device lets the driver go on and serves it.
    bool served_with(std::uint64_t features) {
        using namespace virtio_status;
        Registers& registers = driver.registers();
        registers.set_status(0);
        registers.set_status(kAcknowledge | kDriver);
        registers.set_features(features);
        registers.set_status(kAcknowledge | kDriver | kFeaturesOk);
        if (!(registers.status() & kFeaturesOk)) return false;
        driver.set_up_queues(1);
        driver.set_driver_ok();
        driver.ring(0).add({{driver.allocate(16), 16, true}});
        driver.ring(0).notify();
        return driver.ring(0).used_index() == 1;
    }
    DeviceBench bench;
    FakeRng& source;
    Driver driver;
};
INSTANTIATE_TEST_SUITE_P(Modern, Negotiation, ::testing::Values(Kind::MmioModern, Kind::PciModern));

TEST_P(Negotiation, ADriverWithoutVersion1IsServed) { EXPECT_TRUE(served_with(0)); }

TEST_P(Negotiation, FeaturesThatWereNotOfferedAreLeftOut) {
    EXPECT_TRUE(served_with(kVersion1 | 1u << 7));
    EXPECT_EQ(driver.backend().driver_features(), std::uint64_t{kVersion1});
}

TEST_P(Negotiation, ADriverMayChooseAnySizeUpTo1024) {
    driver.negotiate(0);
    Registers& registers = driver.registers();
    EXPECT_EQ(driver.backend().queue_size(0), 8u) << "until it does";
    for (const unsigned size : {32u, 1024u}) {
        registers.set_queue(0, size, 0, 0, 0);
        EXPECT_EQ(driver.backend().queue_size(0), size);
        driver.backend().reset_queue(0);
    }
    for (const unsigned size : {0u, 5u, 2048u}) {
        registers.set_queue(0, size, 0, 0, 0);
        EXPECT_EQ(driver.backend().queue_size(0), 8u) << "no such size: " << size;
        driver.backend().reset_queue(0);
    }
}

TEST(QueueNumMax, IsTheSameForEveryQueueThereIs) {
    for (const Kind kind : {Kind::MmioLegacy, Kind::MmioModern}) {
        DeviceBench bench;
        Driver driver(bench, kind, "net");
        for (unsigned queue = 0; queue < 3; ++queue) EXPECT_EQ(driver.registers().queue_size(queue), 1024u);
        EXPECT_EQ(driver.registers().queue_size(3), 0u);
    }
}

TEST_F(Queue, NothingIsServedBeforeDriverOk) {
    driver.negotiate(0);
    driver.set_up_queues(1);
    ring().add({{driver.allocate(16), 16, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 0u);
    driver.set_driver_ok();
    EXPECT_EQ(ring().used_index(), 1u) << "what was available before is served then";
}

TEST_F(Queue, AnIndirectTableIsAChain) {
    start(kIndirect);
    const std::uint64_t a = driver.allocate(4), b = driver.allocate(4);
    ring().add_indirect(driver.allocate(32), {{a, 4, true}, {b, 4, true}});
    ring().notify();
    EXPECT_EQ(ring().take_used().at(0).length, 8u);
    EXPECT_EQ(*driver.at(b), 5u);
}

TEST_F(Queue, TheRingWrapsAround) {
    start();
    const std::uint64_t buffer = driver.allocate(1);
    for (unsigned i = 0; i < 3 * ring().size(); ++i) {
        ring().add({{buffer, 1, true}});
        ring().notify();
        ASSERT_EQ(ring().take_used().size(), 1u) << i;
    }
}

TEST_F(Queue, InterruptsCanBeSuppressed) {
    start();
    ring().set_available_flags(1);
    ring().add({{driver.allocate(1), 1, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 1u);
    EXPECT_EQ(driver.registers().interrupts(), 0u);
}

TEST_F(Queue, TheEventIndexSaysWhenToInterrupt) {
    start(kEventIndex);
    ring().set_used_event(1);  // after the second
    const std::uint64_t buffer = driver.allocate(1);
    for (const unsigned expected : {0u, 1u, 0u}) {
        ring().add({{buffer, 1, true}});
        ring().notify();
        EXPECT_EQ(driver.registers().interrupts(), expected);
    }
    EXPECT_EQ(ring().available_event(), 3u) << "the device wants to hear of the next request";
}

TEST_F(Queue, AResetOfOneQueueStopsItAlone) {
    start(kRingReset);
    bench.store(GuestAddress(Driver::kMmio + 0x30), 0, 4);
    bench.store(GuestAddress(Driver::kMmio + 0xc0), 1, 4);
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio + 0x44), 4), 0u);
    EXPECT_EQ(bench.load(GuestAddress(Driver::kMmio + 0xc0), 4), 0u) << "over at once";
    ring().add({{driver.allocate(1), 1, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 0u);
}

TEST_F(Queue, AZeroLengthDescriptorIsNothing) {
    start();
    const std::uint64_t buffer = driver.allocate(4);
    ring().add({{buffer, 0, true}, {buffer, 4, true}});
    ring().notify();
    EXPECT_EQ(ring().take_used().at(0).length, 4u);
    EXPECT_FALSE(driver.needs_reset());
}

TEST_F(Queue, ALongRequestIsAnsweredInPart) {
    start();
    ring().add({{DeviceBench::kRamBase.value, 1u << 20, true}});
    // The queue itself lies further up, out of the way of 64 KiB from the start of RAM.
    ring().notify();
    EXPECT_EQ(ring().take_used().at(0).length, 65536u);
}

TEST_F(Queue, AQueueSizeThatIsNoPowerOfTwoIsIgnored) {
    driver.negotiate(0);
    bench.store(GuestAddress(Driver::kMmio + 0x30), 0, 4);
    for (const std::uint32_t size : {0u, 3u, 16u, 0x10000u})
        bench.store(GuestAddress(Driver::kMmio + 0x38), size, 4);
    driver.set_up_queues(1);
    driver.set_driver_ok();
    ring().add({{driver.allocate(1), 1, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 1u);
}

TEST_F(Queue, QueuesThatDoNotExistTakeNothing) {
    start();
    EXPECT_EQ(driver.registers().queue_size(1), 0u);
    driver.registers().set_queue(1, 8, 0x80000000, 0x80001000, 0x80002000);
    driver.registers().notify(1);
    driver.registers().notify(0xffff);
    driver.registers().notify(0xffffffff);
    EXPECT_FALSE(driver.needs_reset());
}

TEST_F(Queue, StateGoesOnWhereItWasSaved) {
    start(kEventIndex);
    ring().add({{driver.allocate(1), 1, true}});
    ring().notify();
    const auto state = bench.save_state();
    driver.registers().set_status(0);
    bench.load_state(state);
    ring().add({{driver.allocate(1), 1, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 2u);
}

/// Something that a driver must not do, and that makes the device need a reset (§2.1.2).
struct Wrong {
    const char* name;
    std::function<void(Driver&, Ring&)> act;
};

class Malformed : public Queue, public ::testing::WithParamInterface<Wrong> {};

TEST_P(Malformed, NeedsAResetAndWorksAgainAfterIt) {
    start(kIndirect);
    GetParam().act(driver, ring());
    ring().notify();
    EXPECT_TRUE(driver.needs_reset());
    EXPECT_EQ(ring().used_index(), 0u);
    EXPECT_EQ(driver.registers().interrupts() & 2u, 2u) << "the driver is told";
    ring().notify();
    start(kIndirect);
    EXPECT_FALSE(driver.needs_reset());
    ring().add({{driver.allocate(4), 4, true}});
    ring().notify();
    EXPECT_EQ(ring().used_index(), 1u);
}

constexpr std::uint16_t kNext = Ring::kNext, kWrite = Ring::kWrite, kTable = Ring::kIndirect;
constexpr std::uint64_t kNowhere = 0x4000;

INSTANTIATE_TEST_SUITE_P(
    Virtio, Malformed,
    ::testing::Values(Wrong{"Loop",
                            [](Driver& d, Ring& r) {
                                const std::uint64_t buffer = d.allocate(4);
                                r.set_descriptor(0, buffer, 4, kNext | kWrite, 1);
                                r.set_descriptor(1, buffer, 4, kNext | kWrite, 0);
                                r.make_available(0);
                            }},
                      Wrong{"NextOutOfRange",
                            [](Driver& d, Ring& r) {
                                r.set_descriptor(0, d.allocate(4), 4, kNext | kWrite,
                                                 std::uint16_t(r.size()));
                                r.make_available(0);
                            }},
                      Wrong{"HeadOutOfRange", [](Driver&, Ring& r) { r.make_available(0xffff); }},
                      Wrong{"IndexTooFarAhead",
                            [](Driver&, Ring& r) { r.set_available_index(std::uint16_t(r.size() + 1)); }},
                      Wrong{"ReadableAfterWritable",
                            [](Driver& d, Ring& r) {
                                const std::uint64_t buffer = d.allocate(4);
                                r.add({{buffer, 4, true}, {buffer, 4, false}});
                            }},
                      Wrong{"MoreThanFourGigabytes",
                            [](Driver&, Ring& r) {
                                r.add({{0x80000000, 0xffffffff, true}, {0x80000000, 0xffffffff, true}});
                            }},
                      Wrong{"WrapsAround",
                            [](Driver&, Ring& r) {
                                r.add({{~std::uint64_t{0} - 3, 8, true}});
                            }},
                      Wrong{"NoMemory",
                            [](Driver&, Ring& r) {
                                r.add({{kNowhere, 8, true}});
                            }},
                      Wrong{"IndirectOfWrongLength",
                            [](Driver& d, Ring& r) {
                                r.set_descriptor(0, d.allocate(32), 17, kTable, 0);
                                r.make_available(0);
                            }},
                      Wrong{"IndirectOfNoLength",
                            [](Driver& d, Ring& r) {
                                r.set_descriptor(0, d.allocate(32), 0, kTable, 0);
                                r.make_available(0);
                            }},
                      Wrong{"IndirectAndNext",
                            [](Driver& d, Ring& r) {
                                r.set_descriptor(0, d.allocate(32), 16, kTable | kNext, 1);
                                r.make_available(0);
                            }},
                      Wrong{"IndirectInIndirect",
                            [](Driver& d, Ring& r) {
                                struct {
                                    std::uint64_t address;
                                    std::uint32_t size;
                                    std::uint16_t flags, next;
                                } inner{0x80000000, 16, kTable, 0};
                                r.set_descriptor(0, d.place(inner), 16, kTable, 0);
                                r.make_available(0);
                            }},
                      Wrong{"IndirectNowhere",
                            [](Driver&, Ring& r) {
                                r.set_descriptor(0, kNowhere, 16, kTable, 0);
                                r.make_available(0);
                            }},
                      Wrong{"IndirectLoop",
                            [](Driver& d, Ring& r) {
                                const std::uint64_t table = d.allocate(32);
                                r.add_indirect(table, {{table, 1, true}, {table, 1, true}});
                                const std::uint16_t back = 0;
                                *d.at(table + 28) |= kNext;
                                std::memcpy(d.at(table + 30), &back, 2);
                            }}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(Queue, AnIndirectDescriptorThatWasNotNegotiatedIsWrong) {
    start(0);
    ring().add_indirect(driver.allocate(16), {{driver.allocate(1), 1, true}});
    ring().notify();
    EXPECT_TRUE(driver.needs_reset());
}

TEST_F(Queue, RingsWhereNoMemoryIsAreWrong) {
    driver.negotiate(0);
    driver.registers().set_queue(0, 8, kNowhere, kNowhere + 0x100, kNowhere + 0x200);
    driver.set_driver_ok();
    driver.registers().notify(0);
    EXPECT_TRUE(driver.needs_reset());
}

TEST_F(Queue, ADescriptorThatPointsToTheDevicesOwnRegistersDoesNotGetIn) {
    start();
    ring().add({{Driver::kMmio + 0x70, 4, true}});  // Status
    ring().add({{driver.allocate(4), 4, true}});
    ring().notify();
    EXPECT_NE(driver.registers().status(), 0u);
    EXPECT_TRUE(driver.needs_reset());
}

TEST(EmptySlot, HasNoDevice) {
    DeviceBench bench("virtio-mmio");
    EXPECT_EQ(bench.read(0x00, 4), 0x74726976u);
    EXPECT_EQ(bench.read(0x04, 4), 1u) << "the legacy registers";
    EXPECT_EQ(bench.read(0x08, 4), 0u);
    for (unsigned offset = 0x10; offset < 0x200; offset += 4) {
        bench.write(offset, 0xffffffff, 4);
        bench.read(offset, 4);
    }
    EXPECT_EQ(bench.output("irq"), 0);
}

TEST(Mmio, TheInterruptLineFollowsItsStatus) {
    DeviceBench bench;
    bench.add("fake-rng", "source");
    Driver driver(bench, Kind::MmioLegacy, "rng", {{"rng", "source"}});
    driver.start(0, 1);
    driver.ring(0).add({{driver.allocate(4), 4, true}});
    driver.ring(0).notify();
    bench.focus(driver.transport());
    EXPECT_EQ(bench.output("irq"), 1);
    EXPECT_EQ(bench.peek(0x60, 4), 1u);
    EXPECT_EQ(bench.output("irq"), 1);
    bench.write(0x64, 1, 4);
    EXPECT_EQ(bench.output("irq"), 0);
}

}  // namespace
}  // namespace backplane::testing
