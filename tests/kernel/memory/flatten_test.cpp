// What an address space sees of a tree of regions.
#include "tests/kernel/memory/map_scenario.h"

#include <random>

namespace backplane::test {
namespace {

struct Flatten : MapFixture, ::testing::Test {
    std::string seen() {
        std::string text;
        for (const FlatRange& range : space.view()->ranges)
            text += std::string(range.region->name()) + "@" + std::to_string(range.offset) + ":" +
                    std::to_string(range.start) + "+" + std::to_string(range.size) + " ";
        return text;
    }
    MemoryRegion& leaf(const char* name, std::uint64_t size) { return owner->io(name, size, handler, {}); }
    RecordingHandler handler;
};

TEST_F(Flatten, TheHigherPriorityIsSeen) {
    add(leaf("low", 100), 0, 0);
    add(leaf("high", 10), 20, 1);
    EXPECT_EQ(seen(), "low@0:0+20 high@0:20+10 low@30:30+70 ");
}

TEST_F(Flatten, AnOverlapAtEqualPriorityIsRefusedWithBothNames) {
    ASSERT_TRUE(add(leaf("uart", 16), 0));
    EXPECT_FALSE(add(leaf("timer", 16), 8));
    EXPECT_NE(errors.text.find("uart"), std::string::npos);
    EXPECT_NE(errors.text.find("timer"), std::string::npos);
    EXPECT_EQ(seen(), "uart@0:0+16 ");
}

TEST_F(Flatten, ADisabledRegionOverlapsNobody) {
    MemoryRegion& hidden = leaf("hidden", 16);
    hidden.set_enabled(false);
    ASSERT_TRUE(add(hidden, 0));
    EXPECT_TRUE(add(leaf("shown", 16), 0));
    EXPECT_EQ(seen(), "shown@0:0+16 ");
}

TEST_F(Flatten, AContainerCutsItsChildren) {
    MemoryRegion& window = owner->container("window", 32);
    ASSERT_TRUE(window.add(leaf("device", 64), Offset(16), 0, errors));
    add(window, 1000);
    EXPECT_EQ(seen(), "device@0:1016+16 ");
}

TEST_F(Flatten, AnAliasShowsAPartOfItsTarget) {
    MemoryRegion& target = leaf("target", 100);
    add(owner->alias("alias", target, Offset(40), 20), 7);
    EXPECT_EQ(seen(), "target@40:7+20 ");
}

TEST_F(Flatten, AnAliasPastItsTargetsEndShowsNothingThere) {
    MemoryRegion& target = leaf("target", 100);
    add(owner->alias("alias", target, Offset(90), 20), 0);
    EXPECT_EQ(seen(), "target@90:0+10 ");
}

TEST_F(Flatten, AnAliasOfItsOwnContainerShowsWhatElseIsThere) {
    add(leaf("device", 16), 0);
    add(owner->alias("mirror", root, Offset(0), 64), 64);
    EXPECT_EQ(seen(), "device@0:0+16 device@0:64+16 ");
}

TEST_F(Flatten, ARootInsideOfAnotherSeesItsChangesToo) {
    MemoryRegion& bus = owner->container("bus", 0x1000);
    ASSERT_TRUE(add(bus, 0x10000));
    AddressSpace& master = map.create_address_space("master", bus);
    ASSERT_TRUE(bus.add(leaf("device", 16), Offset(0x20), 0, errors));
    ASSERT_EQ(master.view()->ranges.size(), 1u);
    EXPECT_EQ(master.view()->ranges[0].start, 0x20u);
    EXPECT_EQ(seen(), "device@0:65568+16 ");
}

TEST_F(Flatten, RamIsReadOnlyThroughAnAliasThatIs) {
    MemoryRegion& ram = *owner->ram("ram", 0x4000, errors);
    MemoryRegion& alias = owner->alias("alias", ram, Offset(0x1000), 0x1000);
    add(ram, 0);
    add(alias, 0x1000, 1);
    EXPECT_EQ(seen(), "ram@0:0+16384 ");
    alias.set_read_only(true);
    EXPECT_EQ(seen(), "ram@0:0+4096 ram@4096:4096+4096 ram@8192:8192+8192 ");
    store(0x1000, 0x5a, 1);
    EXPECT_FALSE(failed) << "as with ROM";
    EXPECT_EQ(load(0x1000, 1), 0u);
    alias.set_read_only(false);
    store(0x1000, 0x5a, 1);
    EXPECT_EQ(load(0x1000, 1), 0x5au);
    ram.set_read_only(true);
    store(0x1000, 0, 1);
    EXPECT_EQ(load(0x1000, 1), 0x5au);
}

TEST_F(Flatten, NeighboursOfOneRegionBecomeOneRange) {
    MemoryRegion& target = leaf("target", 100);
    add(owner->alias("first", target, Offset(0), 50), 0);
    add(owner->alias("second", target, Offset(50), 50), 50);
    EXPECT_EQ(seen(), "target@0:0+100 ");
}

TEST_F(Flatten, AllOfTheSpaceTakesTwoRanges) {
    add(leaf("all", 0), 0);
    const auto view = space.view();
    ASSERT_EQ(view->ranges.size(), 2u);
    EXPECT_EQ(view->find(~std::uint64_t(0))->region->name(), Str("all"));
    EXPECT_EQ(view->ranges[1].offset, std::uint64_t(1) << 63);
}

TEST_F(Flatten, TheLastByteOfTheSpaceIsSeen) {
    add(leaf("top", 16), ~std::uint64_t(0) - 7);
    EXPECT_EQ(seen(), "top@0:18446744073709551608+8 ");
}

TEST_F(Flatten, ARegionIsMappedOnce) {
    MemoryRegion& device = leaf("device", 16);
    ASSERT_TRUE(add(device, 0));
    EXPECT_FALSE(add(device, 100));
    EXPECT_NE(errors.text.find("already"), std::string::npos);
}

TEST_F(Flatten, AContainerDoesNotContainItself) {
    MemoryRegion& outer = owner->container("outer", 64);
    MemoryRegion& inner = owner->container("inner", 64);
    ASSERT_TRUE(outer.add(inner, Offset(0), 0, errors));
    EXPECT_FALSE(inner.add(outer, Offset(0), 0, errors));
    EXPECT_FALSE(outer.add(outer, Offset(0), 0, errors));
}

TEST_F(Flatten, ATransactionPublishesOnce) {
    struct Counter final : MemoryListener {
        void map_changed(const MapChange& change) override {
            ++changes;
            added += int(change.added.size);
        }
        int added = 0;
        int changes = 0;
    } counter;
    space.add_listener(counter);
    EXPECT_EQ(counter.changes, 1) << "the view as it is when the listener comes";
    {
        const kernel::MapTransaction transaction(map);
        add(leaf("a", 16), 0);
        add(leaf("b", 16), 16);
        EXPECT_EQ(counter.changes, 1);
    }
    EXPECT_EQ(counter.changes, 2);
    EXPECT_EQ(counter.added, 2);
    space.remove_listener(counter);
}

TEST_F(Flatten, WhoLooksInTheMidstOfATransactionSeesWhatChangedSoFar) {
    Access access;
    const auto ranges_elsewhere = [&] {
        std::size_t ranges = 0;
        std::thread([&] { ranges = space.view()->ranges.size(); }).join();
        return ranges;
    };
    const kernel::MapTransaction transaction(map);
    add(*owner->ram("a", 0x1000, errors), 0);
    EXPECT_EQ(ranges_elsewhere(), 0u) << "but not who has no lock";
    space.store(GuestAddress(8), 0x55, 1, access);
    EXPECT_FALSE(access.failed);
    EXPECT_EQ(ranges_elsewhere(), 1u);
    add(*owner->ram("b", 0x1000, errors), 0x1000);
    EXPECT_EQ(space.view()->ranges.size(), 2u);
    add(*owner->ram("c", 0x1000, errors), 0x2000);
    std::uint8_t byte = 0;
    EXPECT_TRUE(space.read(GuestAddress(0x2000), {&byte, 1}, access));
}

/// Takes another listener off at the first change that it hears of.
struct Remover final : MemoryListener {
    void map_changed(const MapChange& change) override {
        ++changes;
        if (change.added.size) space->remove_listener(*victim);
    }
    void dirty_log_changed(RamBlock&, bool) override { space->remove_listener(*victim); }
    void pages_cleaned(RamBlock&) override { ++changes; }
    AddressSpace* space = nullptr;
    MemoryListener* victim = nullptr;
    int changes = 0;
};

TEST_F(Flatten, AListenerThatWasTakenOffHearsNoMore) {
    Remover first, second;
    first.space = second.space = &space;
    first.victim = &second;
    second.victim = &second;
    space.add_listener(first);
    space.add_listener(second);
    second.changes = 0;
    add(leaf("a", 16), 0);
    EXPECT_EQ(second.changes, 0);
    EXPECT_EQ(first.changes, 2);
    space.remove_listener(first);
}

TEST_F(Flatten, AListenerThatWasTakenOffHearsNoMoreOfDirtyLogs) {
    add_ram("ram", 0x1000, 0x1000);
    RamBlock& ram = *space.view()->find(0x1000)->block;
    Remover first, second;
    first.space = second.space = &space;
    first.victim = second.victim = &second;
    space.add_listener(first);  // takes off what is not there yet
    space.add_listener(second);
    struct Deaf final : MemoryListener {
        void map_changed(const MapChange&) override {}
        void dirty_log_changed(RamBlock&, bool) override { ++heard; }
        int heard = 0;
    } deaf;
    space.add_listener(deaf);
    first.victim = &deaf;
    map.set_dirty_log(ram, kernel::DirtyClient::Display, true);
    EXPECT_EQ(deaf.heard, 0);
    space.remove_listener(first);
}

TEST_F(Flatten, AReplacedRegionIsOneChangeWithoutAGap) {
    struct Watcher final : MemoryListener {
        void map_changed(const MapChange& change) override {
            ++changes;
            removed = change.removed.size;
            added = change.added.size;
        }
        int changes = 0;
        std::size_t removed = 0;
        std::size_t added = 0;
    } watcher;
    MemoryRegion& below = leaf("below", 16);
    MemoryRegion& above = leaf("above", 16);
    add(below, 0);
    space.add_listener(watcher);
    {
        const kernel::MapTransaction transaction(map);
        root.remove(below);
        add(above, 0);
    }
    EXPECT_EQ(watcher.changes, 2);
    EXPECT_EQ(watcher.removed, 1u);
    EXPECT_EQ(watcher.added, 1u);
    space.remove_listener(watcher);
}

TEST_F(Flatten, OnlySpacesThatReachTheRegionAreRenderedAnew) {
    MemoryRegion& other_root = owner->container("other", 64);
    AddressSpace& other = map.create_address_space("other", other_root);
    MemoryRegion& shown = owner->container("shown", 32);
    MemoryRegion& window = owner->alias("window", shown, Offset(0), 32);
    ASSERT_TRUE(other_root.add(window, Offset(0), 0, errors));
    const std::uint64_t here = space.view()->generation;
    const std::uint64_t there = other.view()->generation;
    add(leaf("a", 16), 0);
    EXPECT_NE(space.view()->generation, here);
    EXPECT_EQ(other.view()->generation, there) << "nothing of this space changed";
    ASSERT_TRUE(shown.add(leaf("b", 16), Offset(0), 0, errors));
    EXPECT_NE(other.view()->generation, there) << "an alias reaches what changed";
    map.destroy_address_space(other);
}

TEST_F(Flatten, AChangeThatShowsNothingNewIsNotPublished) {
    add(leaf("device", 16), 0);
    const auto before = space.view();
    add(leaf("behind", 16), 0, -1);
    EXPECT_EQ(space.view(), before);
}

TEST_F(Flatten, WhatAnOwnerMadeGoesWithIt) {
    auto device = map.create_owner("/machine/device");
    MemoryRegion& bar = device->io("bar", 16, handler, {});
    add(owner->alias("window", bar, Offset(0), 16), 100);
    add(bar, 0);
    EXPECT_EQ(seen(), "bar@0:0+16 bar@0:100+16 ");
    device.reset();
    EXPECT_EQ(seen(), "");
}

TEST_F(Flatten, ASpaceSeesNothingOnceItsRootIsGone) {
    auto device = map.create_owner("/machine/device");
    MemoryRegion& bus = device->container("bus master", 0);
    AddressSpace& master = map.create_address_space("device", bus);
    ASSERT_TRUE(bus.add(device->io("bar", 16, handler, {}), Offset(0), 0, errors));
    ASSERT_EQ(master.view()->ranges.size(), 1u);
    device.reset();
    EXPECT_TRUE(master.view()->ranges.empty());
    map.destroy_address_space(master);
}

TEST_F(Flatten, RegionsOfAnotherMachineAreRefused) {
    MapFixture other;
    EXPECT_FALSE(add(other.owner->container("foreign", 16), 0));
    EXPECT_NE(errors.text.find("another machine"), std::string::npos);
}

TEST(FlattenRandom, AgreesWithAnOracleForEachAddress) {
    for (unsigned seed = 0; seed < 300 && !::testing::Test::HasFailure(); ++seed) {
        std::mt19937 random(seed);
        std::vector<std::uint8_t> script(40 + random() % 200);
        for (std::uint8_t& byte : script) byte = std::uint8_t(random());
        SCOPED_TRACE("seed " + std::to_string(seed));
        MapScenario(script).run();
    }
}

}  // namespace
}  // namespace backplane::test
