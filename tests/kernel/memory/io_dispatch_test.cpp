// How an access on the bus reaches a handler: sizes, bytes and their order, locks, intent.
#include "tests/kernel/memory/fixture.h"

#include <gtest/gtest.h>

#include <cstddef>

namespace backplane::test {
namespace {

using Call = RecordingHandler::Call;
using Calls = std::vector<Call>;

struct IoDispatch : MapFixture, ::testing::Test {
    void device(const IoTraits& traits, std::uint64_t size = 64) {
        add(owner->io("device", size, handler, traits), 0x1000);
    }
    RecordingHandler handler;
};

TEST_F(IoDispatch, AnAccessThatTheHandlerImplementsArrivesAsItIs) {
    device({});
    handler.next_value = 0x11223344;
    EXPECT_EQ(load(0x1004, 4), 0x11223344u);
    store(0x1008, 0xaabb, 2);
    EXPECT_EQ(handler.calls, (Calls{{false, 4, 4, 0}, {true, 8, 2, 0xaabb}}));
    EXPECT_FALSE(failed);
}

/// As a plugin has them that was built when the traits ended before implemented_max.
TEST_F(IoDispatch, TraitsOfAnOlderPluginAreReadAtTheirSize) {
    IoTraits older{.maximum = 4, .implemented_max = 1};
    older.struct_size = offsetof(IoTraits, implemented_max);
    device(older);
    store(0x1000, 0xaabbccdd, 4);
    EXPECT_EQ(handler.calls, (Calls{{true, 0, 4, 0xaabbccdd}}));
    store(0x1000, 0, 8);
    EXPECT_TRUE(failed);
}

TEST_F(IoDispatch, WhatAHandlerReturnsAboveTheSizeIsDropped) {
    device({});
    handler.next_value = ~std::uint64_t(0);
    EXPECT_EQ(load(0x1000, 2), 0xffffu);
}

TEST_F(IoDispatch, AWideAccessIsSplitLowestOffsetFirst) {
    device({.implemented_max = 4});
    store(0x1008, 0x1122334455667788, 8);
    EXPECT_EQ(handler.calls, (Calls{{true, 8, 4, 0x55667788}, {true, 12, 4, 0x11223344}}));
    handler.next_value = 0xa5;
    EXPECT_EQ(load(0x1008, 8), 0xa5000000a5u);
}

TEST_F(IoDispatch, ANarrowAccessBecomesTheWordAroundIt) {
    device({.implemented_min = 4, .implemented_max = 4});
    handler.next_value = 0x11223344;
    EXPECT_EQ(load(0x1001, 1), 0x33u);
    store(0x1002, 0xbeef, 2);
    EXPECT_EQ(handler.calls, (Calls{{false, 0, 4, 0}, {true, 0, 4, 0xbeef0000}}));
}

TEST_F(IoDispatch, ANarrowAccessAcrossTwoWordsBecomesBoth) {
    device({.implemented_min = 4, .implemented_max = 4, .unaligned = true});
    store(0x1003, 0xbeef, 2);
    EXPECT_EQ(handler.calls, (Calls{{true, 0, 4, 0xef000000}, {true, 4, 4, 0xbe}}));
}

TEST_F(IoDispatch, ABigEndianRegionHasItsHighByteFirst) {
    device({.endian = Endian::Big});
    handler.next_value = 0x11223344;
    EXPECT_EQ(load(0x1000, 4), 0x44332211u);
    store(0x1000, 0x44332211, 4);
    EXPECT_EQ(handler.calls.back(), (Call{true, 0, 4, 0x11223344}));
}

TEST_F(IoDispatch, ABigEndianRegionIsSplitHighPartFirst) {
    device({.implemented_max = 4, .endian = Endian::Big});
    store(0x1000, 0x8877665544332211, 8);
    EXPECT_EQ(handler.calls, (Calls{{true, 0, 4, 0x11223344}, {true, 4, 4, 0x55667788}}));
}

TEST_F(IoDispatch, ANarrowAccessToABigEndianWordTakesTheMatchingByte) {
    device({.implemented_min = 4, .implemented_max = 4, .endian = Endian::Big});
    handler.next_value = 0x11223344;
    EXPECT_EQ(load(0x1000, 1), 0x11u);
    EXPECT_EQ(load(0x1003, 1), 0x44u);
    store(0x1001, 0x5a, 1);
    EXPECT_EQ(handler.calls.back(), (Call{true, 0, 4, 0x005a0000}));
}

TEST_F(IoDispatch, ASizeThatTheRegionDoesNotTakeIsABusError) {
    device({.minimum = 4, .maximum = 4});
    load(0x1000, 1);
    EXPECT_TRUE(failed);
    load(0x1000, 8);
    EXPECT_TRUE(failed);
    load(0x1000, 4);
    EXPECT_FALSE(failed);
    EXPECT_EQ(handler.calls.size(), 1u);
    ASSERT_EQ(log.keys.size(), 2u);
    EXPECT_EQ(log.keys[0], log.keys[1]) << "the log's own key lets it speak once";
}

TEST_F(IoDispatch, AnUnalignedAccessIsABusErrorUnlessTheRegionTakesIt) {
    device({});
    load(0x1002, 4);
    EXPECT_TRUE(failed);
    EXPECT_TRUE(handler.calls.empty());
}

TEST_F(IoDispatch, AnUnalignedAccessIsPassedOnWhereTheRegionTakesIt) {
    device({.unaligned = true});
    load(0x1002, 4);
    EXPECT_FALSE(failed);
    EXPECT_EQ(handler.calls, (Calls{{false, 2, 4, 0}}));
}

TEST_F(IoDispatch, AWordThatPassesTheRegionsEndIsABusError) {
    device({.implemented_min = 8, .implemented_max = 8}, 12);
    load(0x1008, 4);
    EXPECT_TRUE(failed);
    EXPECT_TRUE(handler.calls.empty());
}

TEST_F(IoDispatch, AnUnassignedAddressIsABusErrorAndLoggedOnce) {
    EXPECT_EQ(load(0x5000, 4), 0u);
    EXPECT_TRUE(failed);
    store(0x5000, 1, 4);
    EXPECT_TRUE(failed);
    EXPECT_EQ(log.messages.size(), 1u);
}

TEST_F(IoDispatch, AnAccessAcrossTwoRegionsIsDoneByteByByte) {
    device({}, 4);
    MemoryRegion& ram = add_ram("ram", 0x1004, 0x1000);
    ram.bytes()[0] = 0x7f;
    handler.next_value = 0x22;
    EXPECT_EQ(load(0x1002, 4), 0x007f2222u);
    EXPECT_FALSE(failed);
}

TEST_F(IoDispatch, AnAccessIsWhollyOfTheRegionThatItBeginsIn) {
    device({}, 4);
    RecordingHandler other;
    add(owner->io("over", 1, other, {}), 0x1001, 1);
    handler.next_value = 0x44332211;
    other.next_value = 0x99;
    EXPECT_EQ(load(0x1000, 4), 0x44332211u);
    store(0x1000, 0x88776655, 4);
    EXPECT_EQ(load(0x1001, 1), 0x99u);
    const std::vector<RecordingHandler::Call> whole{{false, 0, 4, 0}, {true, 0, 4, 0x88776655}};
    const std::vector<RecordingHandler::Call> one{{false, 0, 1, 0}};
    EXPECT_EQ(handler.calls, whole);
    EXPECT_EQ(other.calls, one);
}

TEST_F(IoDispatch, AWindowOntoARegionLetsNoAccessPastItsEnd) {
    MemoryRegion& hidden = owner->io("hidden", 8, handler, {});
    add(owner->alias("window", hidden, Offset(0), 2), 0x1000);
    load(0x1000, 4);
    EXPECT_TRUE(failed);
}

TEST_F(IoDispatch, AnAccessThatIsHalfUnassignedFailsAsAWhole) {
    device({}, 4);
    EXPECT_EQ(load(0x1002, 4), 0u);
    EXPECT_TRUE(failed);
}

TEST_F(IoDispatch, AnAccessAtTheVeryEndDoesNotWrap) {
    add_ram("ram", 0, 0x1000);
    load(~std::uint64_t(0) - 1, 4);
    EXPECT_TRUE(failed);
}

TEST_F(IoDispatch, ASizeThatNoBusHasIsABusError) {
    add_ram("ram", 0, 0x1000);
    for (const unsigned size : {0u, 3u, 5u, 16u}) {
        load(0, size);
        EXPECT_TRUE(failed) << size;
        store(0, 0, size);
        EXPECT_TRUE(failed) << size;
    }
}

TEST_F(IoDispatch, TheHandlerLearnsThatADebuggerAsks) {
    device({});
    Access access{Intent::Debug};
    space.load(GuestAddress(0x1000), 4, access);
    EXPECT_EQ(handler.intent, Intent::Debug);
}

struct LockProbe final : RecordingHandler {
    explicit LockProbe(MachineLock& l) : lock(l) {}
    std::uint64_t read(Offset, unsigned, Access&) override {
        held = lock.held();
        return 0;
    }
    MachineLock& lock;
    bool held = false;
};

TEST_F(IoDispatch, TheHandlerRunsUnderTheMachineLock) {
    LockProbe probe(lock);
    add(owner->io("device", 16, probe, {}), 0);
    load(0, 4);
    EXPECT_TRUE(probe.held);
    EXPECT_FALSE(lock.held());
}

TEST_F(IoDispatch, ALockFreeHandlerRunsWithoutIt) {
    LockProbe probe(lock);
    probe.held = true;
    add(owner->io("device", 16, probe, {.lock_free = true}), 0);
    load(0, 4);
    EXPECT_FALSE(probe.held);
    EXPECT_FALSE(failed);
}

TEST_F(IoDispatch, ARememberedRangeOfADeviceThatIsGoneIsABusError) {
    auto device = map.create_owner("/machine/device");
    RecordingHandler gone;
    add(device->io("bar", 16, gone, {}), 0x2000);
    const std::shared_ptr<const FlatView> view = space.view();
    const FlatRange& range = *view->find(0x2000);
    device.reset();
    Access access;
    space.load_io(range, Offset(0), 4, access);
    EXPECT_TRUE(access.failed);
    EXPECT_TRUE(gone.calls.empty());
}

TEST_F(IoDispatch, ARememberedRangeIsReadAtAnOffsetOfItsRegion) {
    MemoryRegion& device_region = owner->io("device", 64, handler, {});
    add(owner->alias("part", device_region, Offset(32), 16), 0x3000);
    const std::shared_ptr<const FlatView> view = space.view();
    const FlatRange& range = *view->find(0x3004);
    Access access;
    space.load_io(range, Offset(36), 4, access);
    EXPECT_EQ(handler.calls, (Calls{{false, 36, 4, 0}}));
    space.store_io(range, Offset(16), 0, 4, access);
    EXPECT_TRUE(access.failed) << "an offset that the range does not show";
}

TEST_F(IoDispatch, ARegionMayMoveItselfInItsOwnHandler) {
    struct Mover final : RecordingHandler {
        void write(Offset, std::uint64_t value, unsigned, Access&) override {
            region->set_offset(Offset(value));
        }
        MemoryRegion* region = nullptr;
    } mover;
    mover.region = &owner->io("bar", 16, mover, {});
    add(*mover.region, 0x1000);
    store(0x1000, 0x2000, 4);
    EXPECT_FALSE(failed);
    EXPECT_EQ(space.view()->find(0x1000), nullptr);
    EXPECT_NE(space.view()->find(0x2000), nullptr);
}

}  // namespace
}  // namespace backplane::test
