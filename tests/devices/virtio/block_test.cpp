// The block device, driven over every transport.
#include "driver.h"
#include "fakes.h"

#include <gtest/gtest.h>

#include <numeric>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kFlush = 1u << 9, kConfigWce = 1u << 11, kDiscard = 1u << 13, kWriteZeroes = 1u << 14;
constexpr std::uint32_t kIn = 0, kOut = 1, kFlushRequest = 4, kGetId = 8, kDiscardRequest = 11,
                        kZeroRequest = 13;

struct Header {
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t sector;
};

class BlockOn : public ::testing::TestWithParam<Kind> {
  protected:
    explicit BlockOn(Kind kind, const Properties& more = {})
        : node(testing::fake<FakeBlock>(bench.add("fake-block", "node"))) {
        Properties properties{{"drive", "node"}, {"serial", "S-1234"}};
        properties.insert(properties.end(), more.begin(), more.end());
        driver = std::make_unique<Driver>(bench, kind, "blk", properties);
        driver->start(~std::uint64_t{0} & ~virtio_feature::kEventIndex, 1);
        std::iota(node.data.begin(), node.data.end(), std::uint8_t{0});
    }
    BlockOn() : BlockOn(GetParam()) {}

    /// Sends a request; gives its status, or -1 when it has not come back.
    int request(const Header& header, std::vector<Piece> data) {
        begin(header, std::move(data));
        return finish();
    }
    void begin(const Header& header, std::vector<Piece> data) {
        status = driver->place(std::uint8_t{0xee});
        data.insert(data.begin(), Piece{driver->place(header), sizeof header});
        data.push_back({status, 1, true});
        driver->ring(0).add(data);
        driver->ring(0).notify();
    }
    int finish() {
        used = driver->ring(0).take_used();
        return used.size() == 1 ? *driver->at(status) : -1;
    }
    DeviceBench bench;
    FakeBlock& node;
    std::unique_ptr<Driver> driver;
    std::uint64_t status = 0;
    std::vector<Ring::Used> used;
};

TEST_P(BlockOn, ShowsItsCapacityInSectors) {
    EXPECT_EQ(driver->registers().config(0, 4), 128u);
    EXPECT_EQ(driver->registers().config(20, 4), 512u) << "blk_size";
    EXPECT_EQ(driver->registers().config(12, 4), 254u) << "seg_max";
}

TEST_P(BlockOn, ReadsSectorsIntoScatteredMemory) {
    const std::uint64_t first = driver->allocate(512), second = driver->allocate(1024);
    EXPECT_EQ(request({kIn, 0, 3}, {{first, 512, true}, {second, 1024, true}}), 0);
    EXPECT_EQ(std::memcmp(driver->at(first), &node.data[3 * 512], 512), 0);
    EXPECT_EQ(std::memcmp(driver->at(second), &node.data[4 * 512], 1024), 0);
    EXPECT_EQ(used[0].length, 1537u);
    EXPECT_EQ(driver->registers().interrupts(), 1u);
}

TEST_P(BlockOn, WritesSectors) {
    const std::vector<std::uint8_t> bytes(1024, 0x5a);
    EXPECT_EQ(request({kOut, 0, 7}, {{driver->place(bytes.data(), bytes.size()), 1024}}), 0);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), node.data.begin() + 7 * 512));
    EXPECT_EQ(node.operations, std::vector{BlockOperation::Write});
}

TEST_P(BlockOn, FlushesAndTellsItsSerial) {
    EXPECT_EQ(request({kFlushRequest, 0, 0}, {}), 0);
    EXPECT_EQ(node.operations, std::vector{BlockOperation::Flush});
    const std::uint64_t id = driver->allocate(20);
    EXPECT_EQ(request({kGetId, 0, 0}, {{id, 20, true}}), 0);
    EXPECT_STREQ(reinterpret_cast<const char*>(driver->at(id)), "S-1234");
}

TEST_P(BlockOn, DiscardsAndZeroesRanges) {
    struct Range {
        std::uint64_t sector;
        std::uint32_t count, flags;
    };
    EXPECT_EQ(request({kZeroRequest, 0, 0}, {{driver->place(Range{2, 2, 0}), 16}}), 0);
    EXPECT_EQ(std::count(node.data.begin() + 1024, node.data.begin() + 2048, 0), 1024);
    EXPECT_EQ(request({kDiscardRequest, 0, 0}, {{driver->place(Range{4, 1, 0}), 16}}), 0);
    EXPECT_EQ(request({kDiscardRequest, 0, 0}, {{driver->place(Range{4, 1, 1}), 16}}), 2)
        << "unmap is not for discard";
    EXPECT_EQ(request({kZeroRequest, 0, 0}, {{driver->place(Range{127, 2, 0}), 16}}), 1) << "past the end";
    EXPECT_EQ(node.operations, (std::vector{BlockOperation::WriteZeroes, BlockOperation::Discard}));
}

TEST_P(BlockOn, RefusesWhatLiesPastTheEndOrIsNoWholeSector) {
    const std::uint64_t buffer = driver->allocate(1024);
    EXPECT_EQ(request({kIn, 0, 127}, {{buffer, 1024, true}}), 1);
    EXPECT_EQ(request({kIn, 0, ~std::uint64_t{0}}, {{buffer, 512, true}}), 1);
    EXPECT_EQ(request({kIn, 0, 0}, {{buffer, 100, true}}), 1);
    EXPECT_EQ(request({99, 0, 0}, {{buffer, 512, true}}), 2) << "an unknown type";
    EXPECT_TRUE(node.operations.empty());
    EXPECT_FALSE(driver->needs_reset());
}

TEST_P(BlockOn, ReportsTheNodesErrors) {
    node.answer = BlockStatus::IoError;
    EXPECT_EQ(request({kOut, 0, 0}, {{driver->allocate(512), 512}}), 1);
}

TEST_P(BlockOn, KeepsAWriteThatTheHostHasNoRoomFor) {
    bench.focus(driver->function());
    node.answer = BlockStatus::NoSpace;
    EXPECT_EQ(request({kOut, 0, 0}, {{driver->allocate(512), 512}}), -1);
    node.answer = BlockStatus::Ok;
    bench.save_state();
    EXPECT_EQ(finish(), 0) << "its last chance";
}

TEST_P(BlockOn, KeepsRequestsThatAreNotDoneYet) {
    node.hold = true;
    const std::uint64_t buffer = driver->allocate(512);
    EXPECT_EQ(request({kIn, 0, 1}, {{buffer, 512, true}}), -1);
    EXPECT_EQ(driver->registers().interrupts(), 0u);
    node.let_go();
    EXPECT_EQ(finish(), 0);
    EXPECT_EQ(driver->registers().interrupts(), 1u);
}

/// The node may not have been done with it when the machine stopped: it is finished when the machine is saved.
TEST_P(BlockOn, WhatWasFinishedToBeSavedIsNotDoneAgain) {
    bench.focus(driver->function());
    node.hold = true;
    EXPECT_EQ(request({kIn, 0, 1}, {{driver->allocate(512), 512, true}}), -1);
    const auto state = bench.save_state();
    node.hold = false;
    node.operations.clear();
    bench.load_state(state);
    bench.advance_ns(1'000'000);
    EXPECT_EQ(driver->ring(0).take_used().size(), 1u) << "no driver bears an answer twice";
    EXPECT_TRUE(node.operations.empty());
}

TEST_P(BlockOn, AResetWaitsForWhatIsInTheWorks) {
    node.hold = true;
    request({kIn, 0, 1}, {{driver->allocate(512), 512, true}});
    ASSERT_EQ(node.held.size(), 1u);
    driver->registers().set_status(0);
    EXPECT_TRUE(node.held.empty());
    EXPECT_EQ(driver->registers().status(), 0u);
    node.hold = false;
    driver->start(0, 1);
    EXPECT_EQ(request({kIn, 0, 0}, {{driver->allocate(512), 512, true}}), 0) << "and it works again";
}

TEST_P(BlockOn, AMachineResetDoesTheSame) {
    node.hold = true;
    request({kIn, 0, 1}, {{driver->allocate(512), 512, true}});
    bench.reset();
    EXPECT_TRUE(node.held.empty());
    EXPECT_EQ(driver->backend().status(), 0u);
}

TEST_P(BlockOn, WithoutAFlushCommandWritesReachTheMedium) {
    driver->start(0, 1);
    EXPECT_EQ(request({kOut, 0, 0}, {{driver->allocate(512), 512}}), 0);
    EXPECT_EQ(node.operations, (std::vector{BlockOperation::Write, BlockOperation::Flush}));
}

TEST_P(BlockOn, TheWriteCacheCanBeSwitchedOff) {
    driver->start(kFlush | kConfigWce, 1);
    EXPECT_EQ(driver->registers().config(32, 1), 1u);
    driver->registers().set_config(32, 0, 1);
    EXPECT_EQ(driver->registers().config(32, 1), 0u);
    EXPECT_EQ(request({kOut, 0, 0}, {{driver->allocate(512), 512}}), 0);
    EXPECT_EQ(node.operations, (std::vector{BlockOperation::Write, BlockOperation::Flush}));
    driver->registers().set_config(0, 7, 4);
    EXPECT_EQ(driver->registers().config(0, 4), 128u) << "the capacity is read-only";
}

TEST_P(BlockOn, TellsOfANewSize) {
    node.resize(32 << 10);
    EXPECT_EQ(driver->registers().config(0, 4), 64u);
    EXPECT_EQ(driver->registers().interrupts(), 2u);
}

TEST_P(BlockOn, ARequestWithoutRoomForItsStatusBreaksTheDevice) {
    driver->ring(0).add({{driver->place(Header{kFlushRequest, 0, 0}), 16}});
    driver->ring(0).notify();
    EXPECT_TRUE(driver->needs_reset());
    EXPECT_EQ(driver->ring(0).used_index(), 0u);
    driver->start(0, 1);
    EXPECT_EQ(request({kFlushRequest, 0, 0}, {}), 0);
}

std::string kind_name(const ::testing::TestParamInfo<Kind>& parameter) {
    constexpr const char* kNames[] = {"MmioLegacy", "MmioModern", "PciLegacy", "PciModern"};
    return kNames[int(parameter.param)];
}
INSTANTIATE_TEST_SUITE_P(Virtio, BlockOn,
                         ::testing::Values(Kind::MmioLegacy, Kind::MmioModern, Kind::PciLegacy,
                                           Kind::PciModern),
                         kind_name);

TEST(Block, SaysWhatItsPropertiesLack) {
    DeviceBench bench;
    bench.add("virtio-mmio", "slot0");
    EXPECT_EQ(bench.try_add("virtio-blk-device", "disk", {}, "slot0"),
              "drive property not set; name a block node with drive=ID");
    bench.add("fake-block", "node");
    EXPECT_NE(bench.try_add("virtio-blk-device", "disk", {{"drive", "node"}, {"queue-size", "3"}}, "slot0")
                  .find("queue-size"),
              std::string::npos);
    EXPECT_NE(
        bench
            .try_add("virtio-blk-device", "disk", {{"drive", "node"}, {"logical_block_size", "513"}}, "slot0")
            .find("logical_block_size"),
        std::string::npos);
    EXPECT_EQ(bench.try_add("virtio-blk-device", "disk", {{"drive", "node"}}, "slot0"), "");
    EXPECT_NE(bench.try_add("virtio-blk-device", "other", {{"drive", "node"}}, "slot0").find("room for one"),
              std::string::npos);
}

TEST(Block, AReadOnlyNodeIsAReadOnlyDevice) {
    DeviceBench bench;
    auto& node = fake<FakeBlock>(bench.add("fake-block", "node"));
    node.locked = true;
    Driver driver(bench, Kind::MmioModern, "blk", {{"drive", "node"}});
    EXPECT_TRUE(driver.registers().features() & 1u << 5);
}

}  // namespace
}  // namespace backplane::testing
