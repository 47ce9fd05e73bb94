// A bus master's way to memory: bounds, windows, and the guard against a device that re-enters itself.
#include "tests/kernel/memory/fixture.h"

#include <gtest/gtest.h>

#include <array>

namespace backplane::test {
namespace {

struct Dma : MapFixture, ::testing::Test {
    std::unique_ptr<kernel::MemoryOwner> device = map.create_owner("/machine/disk");
    std::unique_ptr<kernel::MemoryPort> port = map.create_port(space, *device);
    RecordingHandler handler;
};

TEST_F(Dma, ReadsWhatItWrote) {
    add_ram("ram", 0x1000, 0x1000);
    const std::array<std::uint8_t, 5> sent{1, 2, 3, 4, 5};
    std::array<std::uint8_t, 5> got{};
    EXPECT_TRUE(port->write(GuestAddress(0x1ffb), sent));
    EXPECT_TRUE(port->read(GuestAddress(0x1ffb), got));
    EXPECT_EQ(got, sent);
    EXPECT_TRUE(dma_store(*port, GuestAddress(0x1002), std::uint16_t(0xabcd)));
    EXPECT_EQ(dma_load<std::uint16_t>(*port, GuestAddress(0x1002)), 0xabcd);
}

TEST_F(Dma, WhatIsNotMappedReadsAsZeroAndIsReported) {
    MemoryRegion& ram = add_ram("ram", 0x1000, 0x1000);
    for (std::uint8_t& byte : ram.bytes()) byte = 0xee;
    std::array<std::uint8_t, 0x20> got;
    got.fill(0x55);
    EXPECT_FALSE(port->read(GuestAddress(0xff0), got));
    EXPECT_EQ(got[0x0f], 0);
    EXPECT_EQ(got[0x10], 0xee);
    got.fill(0x55);
    EXPECT_FALSE(port->read(GuestAddress(0x1ff0), got));
    EXPECT_EQ(got[0x0f], 0xee);
    EXPECT_EQ(got[0x10], 0);
    EXPECT_FALSE(port->write(GuestAddress(0x1ff0), got)) << "what is mapped is written all the same";
    EXPECT_EQ(load(0x1ff0, 1), 0xeeu);
}

TEST_F(Dma, APassOfTheLastAddressDoesNotWrap) {
    add_ram("low", 0, 0x1000);
    add_ram("high", ~std::uint64_t(0xfff), 0x1000);
    std::array<std::uint8_t, 16> bytes{};
    bytes.fill(0x11);
    EXPECT_FALSE(port->write(GuestAddress(~std::uint64_t(7)), bytes));
    EXPECT_EQ(load(~std::uint64_t(0), 1), 0x11u);
    EXPECT_EQ(load(0, 1), 0u);
}

TEST_F(Dma, NothingIsAllThere) {
    EXPECT_TRUE(port->read(GuestAddress(0x123), {}));
    EXPECT_TRUE(port->write(GuestAddress(0x123), {}));
}

TEST_F(Dma, DoesNotWriteARom) {
    add(*owner->rom("rom", 0x1000, errors), 0);
    const std::array<std::uint8_t, 4> sent{1, 2, 3, 4};
    EXPECT_TRUE(port->write(GuestAddress(0), sent)) << "it is memory, and ignores it";
    EXPECT_EQ(load(0, 4), 0u);
}

TEST_F(Dma, ReachesAnothersRegistersInAccessesThatTheyTake) {
    add(owner->io("doorbell", 16, handler, {.minimum = 4, .maximum = 4}), 0x2000);
    EXPECT_TRUE(dma_store(*port, GuestAddress(0x2004), std::uint64_t(0x1122334455667788)));
    using Call = RecordingHandler::Call;
    EXPECT_EQ(handler.calls, (std::vector<Call>{{true, 4, 4, 0x55667788}, {true, 8, 4, 0x11223344}}));
}

TEST_F(Dma, CarriesItsRequester) {
    struct Probe final : RecordingHandler {
        void write(Offset, std::uint64_t, unsigned, Access& access) override { requester = access.requester; }
        std::uint16_t requester = 0;
    } probe;
    add(owner->io("doorbell", 16, probe, {}), 0x2000);
    port->set_requester(0x1234);
    dma_store(*port, GuestAddress(0x2000), std::uint32_t(1));
    EXPECT_EQ(probe.requester, 0x1234);
}

TEST_F(Dma, DoesNotReachTheRegistersOfItsOwnDevice) {
    add(device->io("registers", 16, handler, {}), 0x2000);
    EXPECT_FALSE(dma_store(*port, GuestAddress(0x2000), std::uint32_t(1)));
    EXPECT_TRUE(handler.calls.empty());
    ASSERT_EQ(log.messages.size(), 1u);
    EXPECT_NE(log.messages[0].find("/machine/disk"), std::string::npos);
}

TEST_F(Dma, DoesNotComeBackThroughAnotherDevice) {
    // The guest makes A's DMA write B's doorbell, and B's DMA write A's: A must not be entered twice.
    struct Relay final : RecordingHandler {
        void write(Offset, std::uint64_t, unsigned, Access&) override {
            ++entered;
            reached = dma_store(*port, GuestAddress(target), std::uint32_t(1));
        }
        DmaPort* port = nullptr;
        std::uint64_t target = 0;
        int entered = 0;
        bool reached = true;
    } a, b;
    auto other = map.create_owner("/machine/other");
    auto other_port = map.create_port(space, *other);
    a.port = port.get();
    a.target = 0x3000;
    b.port = other_port.get();
    b.target = 0x2000;
    add(device->io("a", 16, a, {}), 0x2000);
    add(other->io("b", 16, b, {}), 0x3000);
    store(0x2000, 1, 4);
    EXPECT_EQ(a.entered, 1);
    EXPECT_TRUE(a.reached);
    EXPECT_EQ(b.entered, 1);
    EXPECT_FALSE(b.reached);
    store(0x2000, 1, 4);
    EXPECT_EQ(a.entered, 2) << "the guard is off again";
}

TEST_F(Dma, TwoLockFreeDevicesDoNotRecurseForEver) {
    struct Relay final : RecordingHandler {
        void write(Offset, std::uint64_t, unsigned, Access&) override {
            ++entered;
            dma_store(*port, GuestAddress(target), std::uint32_t(1));
        }
        DmaPort* port = nullptr;
        std::uint64_t target = 0;
        int entered = 0;
    } a, b;
    auto other = map.create_owner("/machine/other");
    auto other_port = map.create_port(space, *other);
    a.port = port.get();
    a.target = 0x3000;
    b.port = other_port.get();
    b.target = 0x2000;
    add(device->io("a", 16, a, {.lock_free = true}), 0x2000);
    add(other->io("b", 16, b, {.lock_free = true}), 0x3000);
    store(0x2000, 1, 4);
    EXPECT_GT(a.entered, 1);
    EXPECT_LT(a.entered, 1000);
}

TEST_F(Dma, AWindowIsTheGuestsMemoryUpToTheEndOfItsRange) {
    MemoryRegion& ram = add_ram("ram", 0x1000, 0x2000);
    const DmaWindow window = port->map(GuestAddress(0x1800), 0x10000, true);
    EXPECT_EQ(window.data, ram.bytes().data + 0x800);
    EXPECT_EQ(window.size, 0x1800u);
    port->unmap(window, 0);
}

TEST_F(Dma, WhatWasWrittenThroughAWindowIsDirtyAndNoLongerCode) {
    struct Recorder final : CodeListener {
        void code_overwritten(RamBlock&, std::uint64_t, std::uint64_t) override { ++calls; }
        int calls = 0;
    } recorder;
    add_ram("ram", 0, 0x10000);
    RamBlock& ram = *map.ram_blocks()[0];
    space.add_code_listener(recorder);
    ram.page_flags[2] |= kPageCode;
    map.set_dirty_log(ram, kernel::DirtyClient::Migration, true);
    const DmaWindow window = port->map(GuestAddress(0x1000), 0x4000, true);
    port->unmap(window, 0x1800);
    EXPECT_EQ(map.take_dirty(ram, kernel::DirtyClient::Migration)[0], 0x6u);
    EXPECT_EQ(recorder.calls, 1);
    space.remove_code_listener(recorder);
}

TEST_F(Dma, OnlyMemoryHasWindowsAndOnlyRamWritableOnes) {
    add(owner->io("registers", 16, handler, {}), 0);
    add(*owner->rom("rom", 0x1000, errors), 0x1000);
    EXPECT_EQ(port->map(GuestAddress(0), 16, false).data, nullptr);
    EXPECT_EQ(port->map(GuestAddress(0x9000), 16, false).data, nullptr);
    EXPECT_EQ(port->map(GuestAddress(0x1000), 16, true).data, nullptr);
    EXPECT_EQ(port->map(GuestAddress(0x1000), 0, false).data, nullptr);
    const DmaWindow rom = port->map(GuestAddress(0x1000), 16, false);
    EXPECT_NE(rom.data, nullptr);
    port->unmap(rom, 0);
    port->unmap(port->map(GuestAddress(0), 16, false), 16);
}

TEST_F(Dma, AWindowOutlivesTheMemorysOwner) {
    auto card = map.create_owner("/machine/card");
    MemoryRegion* ram = card->ram("card.ram", 0x1000, errors);
    add(*ram, 0);
    const DmaWindow window = port->map(GuestAddress(0), 0x1000, true);
    card.reset();
    static_cast<std::uint8_t*>(window.data)[0] = 1;
    port->unmap(window, 1);
    EXPECT_EQ(port->map(GuestAddress(0), 1, true).data, nullptr);
}

}  // namespace
}  // namespace backplane::test
