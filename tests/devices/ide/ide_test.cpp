// The IDE controller, disks and CD drives, through their ports.
#include "tests/devices/virtio/fakes.h"

#include <backplane/ata.h>
#include <backplane/boot.h>
#include <backplane/medium.h>
#include <backplane/pci.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <numeric>

namespace backplane::testing {
namespace {

// Ports of the command block, and bits of the status.
constexpr std::uint64_t kData = 0, kFeature = 1, kCount = 2, kLow = 3, kMid = 4, kHigh = 5, kDevice = 6,
                        kCommand = 7;
constexpr std::uint8_t kBusy = 0x80, kReady = 0x40, kRequest = 0x08, kError = 0x01;
constexpr std::uint8_t kLba = 0xe0;
constexpr std::uint64_t kMaster = 0xc000;                   // where the test puts BAR 4
constexpr std::uint64_t kTable = 0x1000, kBuffer = 0x4000;  // in RAM

FakeBlock& storage(Object& object) { return *static_cast<FakeBlock*>(object.part(object.type_name())); }

class Ide : public ::testing::Test {
  protected:
    Ide()
        : host(bench.add("gpex-pcihost", "pci")),
          controller(bench.add("piix3-ide", "ide", {}, "pci")),
          node(storage(bench.add("fake-block", "node"))) {
        std::iota(node.data.begin(), node.data.end(), std::uint8_t{3});
        for (std::size_t i = 0; i < node.data.size(); i += 512) node.data[i] = std::uint8_t(i / 512);
        auto& pci = *query<PciDevice>(controller);
        Access access;
        pci.config_write(pci::kBar0 + 16, 4, kMaster, access);
        pci.config_write(pci::kCommand, 2, pci::kCommandIo | pci::kCommandBusMaster, access);
        bench.focus(controller);
    }
    Object& add(const char* type, const Properties& more = {}) {
        Properties properties{{"drive", "node"}};
        properties.insert(properties.end(), more.begin(), more.end());
        Object& drive = bench.add(type, "drive", properties, "ide.0");
        bench.focus(controller);
        return drive;
    }
    std::uint64_t in(std::uint64_t port, unsigned size = 1) { return bench.read(port, size, "ide0-command"); }
    void out(std::uint64_t port, std::uint64_t value, unsigned size = 1) {
        bench.write(port, value, size, "ide0-command");
    }
    void address(std::uint32_t sector, std::uint8_t count) {
        out(kCount, count);
        out(kLow, sector & 0xff);
        out(kMid, sector >> 8 & 0xff);
        out(kHigh, sector >> 16 & 0xff);
        out(kDevice, kLba | (sector >> 24 & 15));
    }
    std::vector<std::uint8_t> data(std::size_t size) {
        std::vector<std::uint8_t> bytes;
        while (bytes.size() < size) {
            const std::uint64_t word = in(kData, 2);
            bytes.push_back(std::uint8_t(word));
            bytes.push_back(std::uint8_t(word >> 8));
        }
        return bytes;
    }
    std::string text(const std::vector<std::uint8_t>& identity, unsigned word, unsigned length) {
        std::string result;
        for (unsigned i = 0; i < length; ++i) result += char(identity[2 * word + (i ^ 1)]);
        return result;
    }
    void packet(const std::vector<std::uint8_t>& bytes, std::uint16_t limit = 0xfffe,
                std::uint8_t feature = 0) {
        out(kDevice, 0xa0);
        out(kFeature, feature);
        out(kMid, limit & 0xff);
        out(kHigh, limit >> 8);
        out(kCommand, 0xa0);
        for (std::size_t i = 0; i < 12; i += 2)
            out(kData, (i < bytes.size() ? bytes[i] : 0u) | (i + 1 < bytes.size() ? bytes[i + 1] : 0u) << 8,
                2);
    }
    std::uint64_t master(std::uint64_t port, unsigned size) {
        bench.focus(host);
        const std::uint64_t value = bench.read(kMaster + port, size, "pio");
        bench.focus(controller);
        return value;
    }
    void set_master(std::uint64_t port, std::uint64_t value, unsigned size) {
        bench.focus(host);
        bench.write(kMaster + port, value, size, "pio");
        bench.focus(controller);
    }
    void descriptor(unsigned index, std::uint32_t address, std::uint32_t size, bool last) {
        const std::uint32_t words[] = {address, (size & 0xffff) | (last ? 0x80000000u : 0)};
        std::memcpy(bench.ram().data + kTable + 8 * index, words, sizeof words);
    }
    static constexpr std::uint32_t ram(std::uint64_t at) {
        return std::uint32_t(DeviceBench::kRamBase.value + at);
    }
    int irq() { return bench.output("irq", 0); }

    DeviceBench bench;
    Object& host;
    Object& controller;
    FakeBlock& node;
};

TEST_F(Ide, AnEmptyChannelSaysSo) {
    EXPECT_EQ(in(kCommand), 0u);
    out(kDevice, 0xa0);
    EXPECT_EQ(in(kDevice), 0u);
}

TEST_F(Ide, ADiskTellsWhatItIs) {
    add("ide-hd", {{"serial", "S-17"}});
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    out(kDevice, 0xa0);
    out(kCommand, 0xec);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(in(kCommand), kReady | 0x10u | kRequest);
    EXPECT_EQ(irq(), 0) << "reading the status takes the interrupt back";
    const auto identity = data(512);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    EXPECT_EQ(text(identity, 10, 20), "S-17                ");
    EXPECT_EQ(text(identity, 27, 13), "QEMU HARDDISK");
    EXPECT_EQ(identity[120] | identity[121] << 8, 128) << "sectors";
    EXPECT_EQ(std::accumulate(identity.begin(), identity.end(), 0u) & 0xff, 0u) << "checksum";
}

TEST_F(Ide, BothKindsOfDriveTellTheirWorldWideName) {
    for (const char* type : {"ide-hd", "ide-cd"}) {
        SCOPED_TRACE(type);
        Object& drive = add(type, {{"wwn", "0x5000c50011223344"}});
        out(kDevice, 0xa0);
        out(kCommand, type == std::string_view("ide-hd") ? 0xec : 0xa1);
        const auto identity = data(512);
        const auto word = [&](unsigned at) { return identity[2 * at] | identity[2 * at + 1] << 8; };
        EXPECT_EQ(word(87) & 0x0100, 0x0100);
        EXPECT_EQ(word(108), 0x5000);
        EXPECT_EQ(word(109), 0xc500);
        EXPECT_EQ(word(111), 0x3344);
        bench.remove(drive);
        bench.focus(controller);
    }
}

TEST_F(Ide, ADisksGeometryIsThatOfItsPartitionTable) {
    std::fill_n(node.data.begin(), 512, std::uint8_t{0});
    std::uint8_t* entry = node.data.data() + 446;
    entry[5] = 3;   // the last head
    entry[6] = 4;   // the last sector
    entry[12] = 1;  // its size
    node.data[510] = 0x55;
    const auto& disks = *query<AtaDisks>(controller);
    EXPECT_EQ(disks.disk_geometry(0).cylinders, 0u) << "no disk";
    const auto geometry = [&](const Properties& properties) {
        Object& disk = add("ide-hd", properties);
        out(kDevice, 0xa0);
        out(kCommand, 0xec);
        const auto identity = data(512);
        const AtaGeometry told = disks.disk_geometry(0);
        EXPECT_EQ(identity[2] | identity[3] << 8u, told.cylinders);
        EXPECT_EQ(identity[6], told.heads);
        EXPECT_EQ(identity[12], told.sectors);
        bench.remove(disk);
        return std::vector<std::uint32_t>{told.cylinders, told.heads, told.sectors,
                                          std::uint32_t(told.translation)};
    };
    using Row = std::vector<std::uint32_t>;
    EXPECT_EQ(geometry({}), Row({2, 16, 63, 0})) << "a table has a signature";
    node.data[511] = 0xaa;
    EXPECT_EQ(geometry({}), Row({8, 4, 4, 0}));
    EXPECT_EQ(geometry({{"secs", "32"}}), Row({2, 16, 32, 0})) << "its user knows better";
    EXPECT_EQ(geometry({{"cyls", "1025"}}), Row({1025, 16, 63, 1})) << "more than firmware counts";
    entry[5] = 31;
    EXPECT_EQ(geometry({}), Row({2, 16, 63, 2})) << "firmware had more heads than a disk has";
    EXPECT_EQ(geometry({{"bios-chs-trans", "rechs"}}), Row({2, 16, 63, 3}));
}

TEST_F(Ide, FirmwareFindsADriveByItsPlace) {
    struct Path final : TextSink {
        void append(Str more) override { text += more.view(); }
        std::string text;
    } path;
    Object& drive = bench.add("ide-cd", "cd", {{"unit", "1"}, {"bootindex", "7"}}, "ide.1");
    auto* bootable = query<Bootable>(drive);
    ASSERT_NE(bootable, nullptr);
    EXPECT_EQ(bootable->boot_index(), 7);
    bootable->boot_path(path);
    EXPECT_EQ(path.text, "") << "nobody says where the controller is";
}

TEST_F(Ide, ReadsSectorsWithAnInterruptForEach) {
    add("ide-hd");
    address(5, 2);
    out(kCommand, 0x20);
    for (unsigned sector = 5; sector < 7; ++sector) {
        EXPECT_EQ(irq(), 1);
        in(kCommand);
        const auto bytes = data(512);
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), node.data.begin() + 512 * sector));
    }
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, ReadsSeveralSectorsAsOneBlock) {
    add("ide-hd");
    out(kCount, 4);
    out(kCommand, 0xc6);
    address(8, 6);
    out(kCommand, 0xc4);
    const unsigned before = bench.output_changes("irq", 0);
    const auto first = data(4 * 512);
    const auto second = data(2 * 512);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), node.data.begin() + 512 * 8));
    EXPECT_TRUE(std::equal(second.begin(), second.end(), node.data.begin() + 512 * 12));
    EXPECT_LE(bench.output_changes("irq", 0) - before, 1u);
}

TEST_F(Ide, WritesSectors) {
    add("ide-hd");
    address(9, 1);
    out(kCommand, 0x30);
    EXPECT_EQ(irq(), 0) << "the first block comes without one";
    EXPECT_NE(in(kCommand)&kRequest, 0u);
    for (unsigned i = 0; i < 256; ++i) out(kData, 0x5a5a, 2);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(node.data[9 * 512], 0x5a);
    EXPECT_EQ(node.data[10 * 512 - 1], 0x5a);
    EXPECT_EQ(node.data[10 * 512], 10);
}

TEST_F(Ide, CylindersHeadsAndSectorsAreCountedFromOne) {
    add("ide-hd");
    out(kCount, 1);
    out(kLow, 2);  // sector 2 of head 1: the 64th behind the first
    out(kMid, 0);
    out(kHigh, 0);
    out(kDevice, 0xa1);
    out(kCommand, 0x20);
    EXPECT_EQ(in(kData, 2) & 0xff, 64u);
}

TEST_F(Ide, FortyEightBitsComeInTwoWrites) {
    add("ide-hd");
    for (const std::uint64_t port : {kCount, kLow, kMid, kHigh}) out(port, 0);
    address(100, 1);
    out(kCommand, 0x24);
    EXPECT_EQ(in(kData, 2) & 0xff, 100u);
}

TEST_F(Ide, WhatIsNotThereIsNotFound) {
    add("ide-hd");
    address(127, 2);
    out(kCommand, 0x20);
    EXPECT_EQ(in(kCommand), kReady | 0x10u | kError);
    EXPECT_EQ(in(kFeature), 0x10u) << "ID not found";
    out(kCommand, 0x55);
    EXPECT_EQ(in(kFeature), 0x04u) << "an unknown command is aborted";
}

TEST_F(Ide, AMediumsErrorIsUncorrectable) {
    add("ide-hd");
    node.answer = BlockStatus::IoError;
    address(1, 1);
    out(kCommand, 0x20);
    EXPECT_EQ(in(kCommand)&kError, kError);
    EXPECT_EQ(in(kFeature), 0x40u);
}

TEST_F(Ide, TheBusMasterFollowsItsTable) {
    add("ide-hd");
    descriptor(0, ram(kBuffer), 512, false);
    descriptor(1, ram(kBuffer + 0x1000), 1024, true);
    set_master(4, ram(kTable), 4);
    address(20, 3);
    out(kCommand, 0xc8);
    EXPECT_EQ(irq(), 0);
    set_master(0, 9, 1);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(master(2, 1) & 7, 4u) << "interrupt, no longer active";
    EXPECT_EQ(std::memcmp(bench.ram().data + kBuffer, &node.data[20 * 512], 512), 0);
    EXPECT_EQ(std::memcmp(bench.ram().data + kBuffer + 0x1000, &node.data[21 * 512], 1024), 0);
    set_master(2, 4, 1);
    EXPECT_EQ(master(2, 1) & 4, 0u);
}

TEST_F(Ide, TheBusMasterWritesToTheDisk) {
    add("ide-hd");
    std::memset(bench.ram().data + kBuffer, 0x77, 512);
    descriptor(0, ram(kBuffer), 512, true);
    set_master(4, ram(kTable), 4);
    set_master(0, 1, 1);
    address(30, 1);
    out(kCommand, 0xca);
    EXPECT_EQ(node.data[30 * 512], 0x77);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, WhatIsWrittenWithoutACacheIsOnItsMediumFirst) {
    add("ide-hd", {{"write-cache", "off"}});
    const auto write_sector = [&] {
        node.operations.clear();
        address(9, 1);
        out(kCommand, 0x30);
        for (unsigned i = 0; i < 255; ++i) out(kData, 0x5a5a, 2);
        node.hold = true;
        out(kData, 0x5a5a, 2);
    };
    const std::vector<BlockOperation> flushed{BlockOperation::Write, BlockOperation::Flush};
    write_sector();
    EXPECT_EQ(in(kCommand)&0x80u, 0x80u) << "busy until both are done";
    node.let_go();
    EXPECT_EQ(node.operations, flushed);
    node.let_go();
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    out(kFeature, 0x02);  // SET FEATURES: the cache on
    out(kCommand, 0xef);
    write_sector();
    node.let_go();
    EXPECT_EQ(node.operations.size(), 1u);
    node.hold = false;
    node.operations.clear();
    out(kFeature, 0x82);  // and off
    out(kCommand, 0xef);
    descriptor(0, ram(kBuffer), 512, true);
    set_master(4, ram(kTable), 4);
    set_master(0, 1, 1);
    address(30, 1);
    out(kCommand, 0xca);
    EXPECT_EQ(node.operations, flushed);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

/// ACS-2, 7.10: 48 bits of address and 16 of a count for each range.
class Trim : public Ide {
  protected:
    void trim(const std::vector<std::uint64_t>& ranges, std::uint16_t sectors = 1, std::uint8_t feature = 1) {
        std::memset(bench.ram().data + kBuffer, 0, 4096);
        std::memcpy(bench.ram().data + kBuffer, ranges.data(), ranges.size() * 8);
        descriptor(0, ram(kBuffer), 4096, true);
        set_master(0, 0, 1);
        set_master(4, ram(kTable), 4);
        set_master(0, 1, 1);
        node.operations.clear();
        out(kFeature, feature);
        out(kCount, sectors >> 8);
        out(kCount, sectors & 0xff);
        out(kDevice, kLba);
        out(kCommand, 0x06);
    }
    static constexpr std::uint64_t range(std::uint64_t first, std::uint64_t count) {
        return count << 48 | first;
    }
};

TEST_F(Trim, GivesRangesBack) {
    add("ide-hd");
    node.hold = true;
    trim({range(5, 3), 0, range(40, 1)});
    EXPECT_EQ(in(kCommand), kBusy | kReady | 0x10u);
    ASSERT_EQ(node.held.size(), 1u);
    EXPECT_EQ(node.held[0]->offset, 5 * 512u);
    EXPECT_EQ(node.held[0]->size, 3 * 512u);
    node.let_go();
    EXPECT_EQ(node.operations, std::vector<BlockOperation>(2, BlockOperation::Discard));
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Trim, RangesThatAreDoneAtOnceAreAllTaken) {
    add("ide-hd");
    trim(std::vector<std::uint64_t>(512, range(7, 1)), 8);
    EXPECT_EQ(node.operations.size(), 512u);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    EXPECT_EQ(node.data[8 * 512], 8) << "nothing else is touched";
}

TEST_F(Trim, WhatIsNoRangeOfTheDiskFails) {
    add("ide-hd");
    trim({range(127, 1), range(127, 2)});
    EXPECT_EQ(in(1), 0x10u) << "ID not found";
    EXPECT_EQ(node.operations.size(), 1u);
    trim({range(0, 1)}, 1, 2);
    EXPECT_EQ(in(kCommand)&kError, kError) << "another feature";
    trim({range(0, 1)}, 9);
    EXPECT_EQ(in(kCommand)&kError, kError) << "more than word 105 says";
    node.answer = BlockStatus::Unsupported;
    trim({range(0, 1)});
    EXPECT_EQ(in(kCommand), kReady | 0x10u) << "a host that keeps it is none of the guest's business";
    node.answer = BlockStatus::IoError;
    trim({range(0, 1)});
    EXPECT_EQ(in(kCommand)&kError, kError);
}

TEST_F(Trim, IdentityTells) {
    add("ide-hd");
    out(kDevice, kLba);
    out(kCommand, 0xec);
    const std::vector<std::uint8_t> identity = data(512);
    EXPECT_EQ(identity[2 * 105], 8);
    EXPECT_EQ(identity[2 * 169], 1);
}

TEST_F(Trim, ADiskWithoutItSaysSo) {
    add("ide-hd", {{"discard_granularity", "0"}});
    trim({range(0, 1)});
    EXPECT_EQ(in(kCommand)&kError, kError);
    EXPECT_TRUE(node.operations.empty());
    out(kCommand, 0xec);
    const std::vector<std::uint8_t> identity = data(512);
    EXPECT_EQ(identity[2 * 105], 0);
    EXPECT_EQ(identity[2 * 169], 0);
    const std::string refusal =
        bench.try_add("ide-hd", "odd", {{"drive", "node"}, {"discard_granularity", "1000"}}, "ide.0");
    EXPECT_NE(refusal.find("discard_granularity must be a multiple"), std::string::npos) << refusal;
}

TEST_F(Ide, ATableThatIsTooShortEndsTheCommand) {
    add("ide-hd");
    descriptor(0, ram(kBuffer), 512, true);
    set_master(4, ram(kTable), 4);
    set_master(0, 9, 1);
    address(0, 8);
    out(kCommand, 0xc8);
    EXPECT_EQ(in(kCommand) & (kBusy | kError), kError);
    EXPECT_EQ(irq(), 0) << "the status was read";
}

TEST_F(Ide, StoppingTheBusMasterEndsTheCommand) {
    add("ide-hd");
    node.hold = true;
    descriptor(0, ram(kBuffer), 512, true);
    set_master(4, ram(kTable), 4);
    address(0, 1);
    out(kCommand, 0xc8);
    set_master(0, 9, 1);
    EXPECT_EQ(in(kCommand)&kBusy, kBusy);
    set_master(0, 0, 1);
    EXPECT_EQ(in(kCommand) & (kBusy | kRequest), 0u);
    EXPECT_TRUE(node.held.empty());
}

TEST_F(Ide, ASoftResetGivesTheSignature) {
    add("ide-hd");
    address(0x123456, 9);
    bench.write(0, 4, 1, "ide0-control");
    EXPECT_EQ(in(kCommand), kBusy);
    bench.write(0, 0, 1, "ide0-control");
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    EXPECT_EQ(in(kCount), 1u);
    EXPECT_EQ(in(kLow), 1u);
    EXPECT_EQ(in(kMid), 0u);
    EXPECT_EQ(in(kFeature), 1u) << "device 0 passed";
}

TEST_F(Ide, ADriveAnswersForOneThatIsNotThere) {
    add("ide-hd");
    out(kDevice, 0xb0);
    EXPECT_EQ(in(kDevice), 0xb0u);
    EXPECT_EQ(in(kCount), 1u);
    EXPECT_EQ(in(kCommand), 0u);
    out(kDevice, 0xa0);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, NoInterruptLeavesWhileItIsMasked) {
    add("ide-hd");
    bench.write(0, 2, 1, "ide0-control");
    out(kDevice, 0xa0);
    out(kCommand, 0xec);
    EXPECT_EQ(irq(), 0);
    bench.write(0, 0, 1, "ide0-control");
    EXPECT_EQ(irq(), 1);
}

TEST_F(Ide, ACdDriveIsToldFromADisk) {
    add("ide-cd");
    EXPECT_EQ(in(kCommand), 0u);
    EXPECT_EQ(in(kMid), 0x14u);
    EXPECT_EQ(in(kHigh), 0xebu);
    out(kCommand, 0xec);
    EXPECT_EQ(in(kFeature), 4u);
    out(kCommand, 0xa1);
    const auto identity = data(512);
    EXPECT_EQ(identity[0] | identity[1] << 8, 0x85c0);
    EXPECT_EQ(text(identity, 27, 12), "QEMU DVD-ROM");
}

TEST_F(Ide, ACdDriveReportsItsResetOnce) {
    add("ide-cd");
    packet({0x00});
    EXPECT_EQ(in(kCommand)&kError, kError);
    packet({0x03, 0, 0, 0, 18});
    EXPECT_EQ(in(kMid), 18u);
    const auto sense = data(18);
    EXPECT_EQ(sense[2], 6) << "unit attention";
    EXPECT_EQ(sense[12], 0x29);
    packet({0x00});
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, ACdsBlocksComeInPartsOfTheAskedSize) {
    add("ide-cd");
    packet({0x00});
    packet({0x25});
    const auto capacity = data(8);
    EXPECT_EQ(capacity[3], 31) << "the last block";
    EXPECT_EQ(capacity[6] << 8 | capacity[7], 2048);
    packet({0x28, 0, 0, 0, 0, 2, 0, 0, 2, 0}, 2048);
    for (unsigned block = 2; block < 4; ++block) {
        EXPECT_EQ(in(kCount)&3, 2u);
        EXPECT_EQ(in(kMid) | in(kHigh) << 8, 2048u);
        const auto bytes = data(2048);
        EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), node.data.begin() + 2048 * block));
    }
    EXPECT_EQ(in(kCount)&3, 3u);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, ACdIsReadByTheBusMaster) {
    add("ide-cd");
    packet({0x00});
    descriptor(0, ram(kBuffer), 4096, true);
    set_master(4, ram(kTable), 4);
    set_master(0, 9, 1);
    packet({0x28, 0, 0, 0, 0, 1, 0, 0, 2, 0}, 0, 1);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(std::memcmp(bench.ram().data + kBuffer, &node.data[2048], 4096), 0);
}

TEST_F(Ide, BlocksBehindTheLastAreRefused) {
    add("ide-cd");
    packet({0x00});
    packet({0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0});
    EXPECT_EQ(in(kFeature) >> 4, 5u) << "illegal request";
    packet({0xf7});
    EXPECT_EQ(in(kFeature) >> 4, 5u);
}

TEST_F(Ide, ATableOfContentsHasOneTrack) {
    add("ide-cd");
    packet({0x00});
    packet({0x43, 0, 0, 0, 0, 0, 0, 0, 20, 0});
    const auto toc = data(20);
    EXPECT_EQ(toc[1], 18);
    EXPECT_EQ(toc[6], 1);
    EXPECT_EQ(toc[14], 0xaa);
    EXPECT_EQ(toc[19], 32) << "the lead-out begins behind the last block";
}

TEST_F(Ide, AnOpenTrayHasNoDisc) {
    add("ide-cd");
    packet({0x00});
    packet({0x1b, 0, 0, 0, 2});
    packet({0x00});
    EXPECT_EQ(in(kFeature) >> 4, 2u) << "not ready";
    packet({0x1b, 0, 0, 0, 3});
    packet({0x00});
    EXPECT_EQ(in(kFeature) >> 4, 6u) << "another disc";
    packet({0x1e, 0, 0, 0, 1});
    packet({0x1b, 0, 0, 0, 2});
    EXPECT_EQ(in(kFeature) >> 4, 2u) << "locked";
}

/// A CD drive, and what a user does with it.
class CdChange : public Ide {
  protected:
    CdChange() : object(add("ide-cd")), drive(*query<MediumDrive>(object)) { packet({0x00}); }
    bool insert(const char* name) {
        ErrorText errors;
        return object.set_link("drive", name ? &bench.add("fake-block", name) : nullptr, errors);
    }
    /// Sense key and code of a command without data; 0: it went well.
    unsigned sense(const std::vector<std::uint8_t>& bytes) {
        packet(bytes);
        if (!(in(kCommand)&kError)) return 0;
        packet({0x03, 0, 0, 0, 18});
        const auto data = Ide::data(18);
        return data[2] << 16 | data[12] << 8 | data[13];
    }
    /// The media event, and whether a disc is there (2) and the tray open (1).
    std::pair<unsigned, unsigned> event() {
        packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8});
        const auto data = Ide::data(8);
        return {data[4], data[5]};
    }
    Object& object;
    MediumDrive& drive;
};

TEST_F(CdChange, AnotherDiscIsReportedOnce) {
    drive.move_tray(true);
    EXPECT_EQ(sense({0x00}), 0x023a00u) << "no medium";
    EXPECT_TRUE(insert("other"));
    EXPECT_EQ(sense({0x00}), 0x023a00u) << "the tray is open";
    drive.move_tray(false);
    EXPECT_EQ(sense({0x00}), 0x062800u) << "it may have changed";
    EXPECT_EQ(sense({0x00}), 0u);
}

TEST_F(CdChange, EventsAreToldOneByOne) {
    EXPECT_EQ(event(), std::pair(0u, 2u));
    packet({0x1e, 0, 0, 0, 1});
    EXPECT_TRUE(drive.locked());
    drive.ask_for_medium();
    EXPECT_EQ(event(), std::pair(1u, 2u)) << "a wish";
    packet({0x1e, 0, 0, 0, 0});
    packet({0x1b, 0, 0, 0, 2});
    EXPECT_TRUE(drive.tray_open());
    EXPECT_EQ(event(), std::pair(3u, 1u)) << "a disc went";
    drive.move_tray(false);
    EXPECT_EQ(event(), std::pair(2u, 2u)) << "a disc came";
    EXPECT_EQ(event(), std::pair(0u, 2u));
}

TEST_F(CdChange, AnEmptyDriveClosesWithoutNews) {
    EXPECT_TRUE(insert(nullptr));
    EXPECT_EQ(node.observer, nullptr);
    drive.move_tray(true);
    drive.move_tray(false);
    EXPECT_EQ(event(), std::pair(0u, 0u));
    EXPECT_EQ(sense({0x00}), 0x023a00u);
}

TEST_F(CdChange, ADiscThatIsTakenOutEndsTheCommand) {
    node.hold = true;
    packet({0x28, 0, 0, 0, 0, 0, 0, 0, 2});
    EXPECT_EQ(in(kCommand)&kBusy, kBusy);
    EXPECT_TRUE(insert(nullptr));
    EXPECT_EQ(in(kCommand) & (kBusy | kError), kError);
    EXPECT_EQ(in(kFeature) >> 4, 2u);
    EXPECT_TRUE(insert("other"));
    packet({0xbe, 0, 0, 0, 0, 0, 0, 0, 3, 0xf8}, 2352);
    data(2352);
    EXPECT_TRUE(insert(nullptr)) << "between two blocks";
    EXPECT_EQ(in(kFeature) >> 4, 2u);
}

TEST_F(Ide, ATransferGoesOnWhereItWasSaved) {
    Object& drive = add("ide-hd");
    address(5, 2);
    out(kCommand, 0x20);
    data(100);
    bench.focus(drive);
    const auto saved = bench.save_state();
    bench.focus(controller);
    const auto rest = data(412 + 512);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
    bench.focus(drive);
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    bench.focus(controller);
    EXPECT_EQ(data(412 + 512), rest);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

TEST_F(Ide, RandomRegisterTrafficEndsInADocumentedState) {
    add("ide-hd");
    bench.add("ide-cd", "cd", {}, "ide.0");
    bench.focus(controller);
    std::uint32_t seed = 0x12345678;
    const auto next = [&seed] { return seed = seed * 1664525 + 1013904223, seed >> 8; };
    for (int i = 0; i < 200'000; ++i) {
        const unsigned what = next() % 16;
        const std::uint64_t port = next() % 8;
        const unsigned size = port == 0 ? 2 : 1;
        if (what < 8) out(port, next(), size);
        else if (what < 14) in(port, size);
        else if (what == 14) bench.write(0, next() & 6, 1, "ide0-control");
        else set_master(next() % 8, next(), 1);
    }
    bench.write(0, 4, 1, "ide0-control");
    bench.write(0, 0, 1, "ide0-control");
    out(kDevice, 0xa0);
    EXPECT_EQ(in(kCommand), kReady | 0x10u);
}

}  // namespace
}  // namespace backplane::testing
