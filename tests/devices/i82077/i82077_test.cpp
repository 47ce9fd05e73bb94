// The floppy controller and its drives, through its ports: alone with programmed I/O, and behind a DMA controller.
#include "tests/devices/pc_bridges.h"
#include "tests/devices/virtio/fakes.h"

#include <backplane/floppy.h>
#include <backplane/isa.h>
#include <backplane/medium.h>
#include <backplane/text.h>

namespace backplane::testing {
namespace {

using Values = std::vector<unsigned>;

constexpr unsigned kDor = 2, kMsr = 4, kFifo = 5, kDir = 7;  // from 3F0h
constexpr unsigned kRead = 0xe6, kWrite = 0xc5, kVerify = 0x56, kFormat = 0x4d, kReadId = 0x4a,
                   kScanEqual = 0xd1, kScanLow = 0xd9, kSpecify = 3, kSenseDrive = 4, kRecalibrate = 7,
                   kSenseInterrupt = 8, kDump = 0x0e, kSeek = 0x0f, kConfigure = 0x13, kLock = 0x94;
constexpr std::size_t kSector = 512, kTrack = 18 * kSector, kDisk = 2 * 80 * kTrack;

FakeBlock& storage(Object& object) { return *static_cast<FakeBlock*>(object.part(object.type_name())); }

/// What both ways of reaching it share; `io` is a drive's controller.
class Floppy : public ::testing::Test {
  protected:
    explicit Floppy(DeviceBench& bench) : bench_(bench) {}

    void make_disk(std::size_t size = kDisk) {
        node = &storage(bench_.add("fake-block", "node"));
        node->data.resize(size);
        for (std::size_t i = 0; i < size; ++i) node->data[i] = std::uint8_t(i / kSector * 7 + i % 251);
    }
    Object& insert() { return bench_.add("floppy", "a", {{"drive", "node"}}, "fdc"); }

    virtual unsigned in(unsigned port) = 0;
    virtual void out(unsigned port, unsigned value) = 0;
    virtual int irq() = 0;

    void command(const Values& bytes) {
        for (const unsigned byte : bytes) out(kFifo, byte);
    }
    Values result() {
        Values bytes;
        while ((in(kMsr)&0xc0) == 0xc0 && bytes.size() < 20) bytes.push_back(in(kFifo));
        return bytes;
    }
    Values ask(const Values& bytes) {
        command(bytes);
        return result();
    }
    std::vector<std::uint8_t> sectors(std::size_t first, std::size_t count) const {
        const auto from = node->data.begin() + std::ptrdiff_t(first * kSector);
        return {from, from + std::ptrdiff_t(count * kSector)};
    }

    DeviceBench& bench_;
    FakeBlock* node = nullptr;
};

struct Alone {
    DeviceBench bench;
    Object& fdc = bench.add("isa-fdc", "fdc");
};

/// Without a bus: each byte goes through the data port.
class FloppyPio : protected Alone, public Floppy {
  protected:
    FloppyPio() : Floppy(Alone::bench) { use(); }
    void use() { bench_.focus(Alone::fdc); }
    void start() {
        make_disk();
        insert();
        use();
        ask({kSpecify, 0xdf, 0x03});
    }
    unsigned in(unsigned port) override {
        return unsigned(port == kDir ? bench_.read(0, 1, "rate") : bench_.read(port - 1, 1, "registers"));
    }
    void out(unsigned port, unsigned value) override {
        if (port == kDir) bench_.write(0, value, 1, "rate");
        else bench_.write(port - 1, value, 1, "registers");
    }
    int irq() override { return bench_.output("irq"); }
    FloppyGeometry geometry(unsigned unit) { return query<FloppyDrives>(Alone::fdc)->floppy_geometry(unit); }
    std::vector<std::uint8_t> data(std::size_t size) {
        std::vector<std::uint8_t> bytes;
        while (bytes.size() < size) bytes.push_back(std::uint8_t(in(kFifo)));
        return bytes;
    }
};

TEST_F(FloppyPio, RegistersAtReset) {
    EXPECT_EQ(in(1), 0xc0u);
    EXPECT_EQ(in(kDor), 0x0cu);
    EXPECT_EQ(in(3), 0u);
    EXPECT_EQ(in(kMsr), 0x80u);
    EXPECT_EQ(in(kFifo), 0u);
    EXPECT_EQ(in(kDir), 0x80u) << "no diskette";
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(ask({kSenseInterrupt}), Values{0x80});
}

TEST_F(FloppyPio, AResetIsToldOfFourDrives) {
    out(kDor, 0x08);
    EXPECT_EQ(in(kMsr), 0u);
    out(kDor, 0x0c);
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0xc0, 0}));
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0xc1, 0}));
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0xc2, 0}));
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0xc3, 0}));
    EXPECT_EQ(ask({kSenseInterrupt}), Values{0x80});
}

TEST_F(FloppyPio, TheGateHoldsTheInterruptBack) {
    out(kDor, 0x00);
    out(kDor, 0x04);
    EXPECT_EQ(irq(), 0);
    out(kDor, 0x0c);
    EXPECT_EQ(irq(), 1);
}

TEST_F(FloppyPio, ASoftwareResetKeepsWhatIsLocked) {
    ask({kConfigure, 0, 0x57, 9});
    ask({kSpecify, 0xdf, 0x02});
    out(kMsr, 0x80);
    EXPECT_EQ(ask({kDump}), (Values{0, 0, 0, 0, 0xdf, 0x02, 0, 0, 0x60, 0}));
    ask({kConfigure, 0, 0x57, 9});
    EXPECT_EQ(ask({kLock}), Values{0x10});
    out(kMsr, 0x80);
    EXPECT_EQ(ask({kDump}), (Values{0, 0, 0, 0, 0xdf, 0x02, 0, 0x80, 0x57, 9}));
    EXPECT_EQ(irq(), 0) << "POLL is off";
    EXPECT_EQ(ask({0x14}), Values{0});
}

TEST_F(FloppyPio, WhatIsNoCommandIsSaidToBeNone) {
    EXPECT_EQ(ask({0x18}), Values{0x80});
    EXPECT_EQ(ask({0x10}), Values{0x90});
    EXPECT_EQ(in(kMsr), 0x80u);
}

TEST_F(FloppyPio, ASectorComesByteByByte) {
    start();
    command({0x46, 0, 0, 0, 2, 2, 2, 0x1b, 0xff});
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(in(kMsr), 0xf0u);
    EXPECT_EQ(data(kSector), sectors(1, 1));
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(in(kMsr), 0xd0u);
    EXPECT_EQ(result(), (Values{0x40, 0x80, 0, 1, 0, 1, 2})) << "nobody gave a terminal count";
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(in(kMsr), 0x80u);
}

TEST_F(FloppyPio, ASectorIsWrittenByteByByte) {
    start();
    command({0x45, 5, 3, 1, 18, 2, 18, 0x1b, 0xff});
    EXPECT_EQ(result(), (Values{0x45, 0x01, 0, 3, 1, 18, 2})) << "drive B is not there";
    command({0x45, 4, 3, 1, 18, 2, 18, 0x1b, 0xff});
    EXPECT_EQ(in(kMsr), 0xb0u);
    for (unsigned i = 0; i < kSector; ++i) out(kFifo, i * 3 & 0xff);
    EXPECT_EQ(result(), (Values{0x44, 0x80, 0, 4, 1, 1, 2}));
    const auto written = sectors((3 * 2 + 1) * 18 + 17, 1);
    EXPECT_EQ(written[5], 15u);
    EXPECT_EQ(written[511], 511u * 3 & 0xff);
}

TEST_F(FloppyPio, AWriteProtectedDisketteStaysAsItIs) {
    start();
    node->locked = true;
    EXPECT_EQ(ask({kSenseDrive, 0}), Values{0x78});
    EXPECT_EQ(ask({0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Values{0x40, 0x02, 0, 0, 0, 1, 2}));
    EXPECT_EQ(ask({kFormat, 0, 2, 18, 0x54, 0xf6}), (Values{0x40, 0x02, 0, 0, 0, 1, 2}));
}

TEST_F(FloppyPio, ATrackIsFormatted) {
    start();
    ask({kSeek, 0, 7});
    command({kFormat, 4, 2, 18, 0x54, 0xf6});
    for (unsigned sector = 1; sector <= 18; ++sector)
        for (const unsigned byte : {7u, 1u, sector, 2u}) out(kFifo, byte);
    EXPECT_EQ(result()[0], 0x04u);
    EXPECT_EQ(sectors(15 * 18, 18), std::vector<std::uint8_t>(kTrack, 0xf6));
    EXPECT_NE(sectors(15 * 18 - 1, 1), std::vector<std::uint8_t>(kSector, 0xf6));
    EXPECT_NE(sectors(16 * 18, 1), std::vector<std::uint8_t>(kSector, 0xf6));
}

TEST_F(FloppyPio, SectorsThatAnImageHasNotAreNotFormatted) {
    start();
    const auto before = node->data;
    command({kFormat, 0, 2, 2, 0x54, 0xf6});
    for (const unsigned byte : {0u, 0u, 19u, 2u, 0u, 0u, 1u, 3u}) out(kFifo, byte);
    EXPECT_EQ(result()[0], 0u);
    EXPECT_EQ(node->data, before);
}

TEST_F(FloppyPio, AScanStopsAtTheSectorThatFits) {
    start();
    node->data.assign(kDisk, 5);
    std::fill_n(node->data.begin() + 2 * kSector, kSector, std::uint8_t{9});
    command({kScanEqual, 0, 0, 0, 1, 2, 18, 0x1b, 1});
    for (unsigned i = 0; i < 3 * kSector; ++i) out(kFifo, i % 7 ? 9 : 0xff);
    EXPECT_EQ(result(), (Values{0x00, 0x00, 0x08, 0, 0, 3, 2}));
    command({kScanLow, 0, 0, 0, 1, 2, 18, 0x1b, 1});
    for (unsigned i = 0; i < kSector; ++i) out(kFifo, 6);
    EXPECT_EQ(result(), (Values{0x00, 0x00, 0x00, 0, 0, 1, 2})) << "less, not equal";
    command({0x51, 0, 0, 0, 1, 2, 4, 0x1b, 2});
    for (unsigned i = 0; i < 2 * kSector; ++i) out(kFifo, 4);
    EXPECT_EQ(result(), (Values{0x00, 0x00, 0x04, 1, 0, 1, 2})) << "every second sector, and none fits";
}

TEST_F(FloppyPio, VerifyingMovesNothing) {
    start();
    EXPECT_EQ(ask({kVerify, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Values{0, 0, 0, 1, 0, 1, 2}));
    EXPECT_EQ(node->operations.size(), 18u);
    EXPECT_EQ(ask({kVerify, 0x80, 0, 0, 1, 2, 18, 0x1b, 3}), (Values{0, 0, 0, 0, 0, 4, 2}));
}

TEST_F(FloppyPio, WhatIsNotOnTheDisketteIsNotFound) {
    start();
    const auto read = [this](unsigned c, unsigned h, unsigned r, unsigned n = 2) {
        const Values status = ask({0x46, h << 2, c, h, r, n, 18, 0x1b, 0xff});
        return Values{status[0] & 0xc0u, status[1], status[2]};
    };
    EXPECT_EQ(read(0, 0, 19), (Values{0x40, 0x04, 0}));
    EXPECT_EQ(read(0, 0, 0), (Values{0x40, 0x04, 0}));
    EXPECT_EQ(read(0, 0, 1, 3), (Values{0x40, 0x04, 0}));
    EXPECT_EQ(read(80, 0, 1), (Values{0x40, 0x01, 0}));
    ask({kConfigure, 0, 0x20, 0});
    ask({kSeek, 0, 5});
    EXPECT_EQ(read(6, 0, 1), (Values{0x40, 0x04, 0x10})) << "without implied seeks";
    EXPECT_EQ(ask({0x46, 0, 5, 1, 1, 2, 18, 0x1b, 0xff})[1], 0x04u) << "another head in the identifier";
}

TEST_F(FloppyPio, AnImageThatEndsEarlyHasNoSectorsThere) {
    make_disk(2532 * kSector);
    insert();
    use();
    ask({kSpecify, 0xdf, 0x03});
    EXPECT_EQ(geometry(0).cmos_type, 4u);
    node->answer = BlockStatus::OutOfRange;
    EXPECT_EQ(ask({0x46, 0, 79, 0, 1, 2, 18, 0x1b, 0xff}), (Values{0x40, 0x04, 0, 79, 0, 1, 2}));
    node->answer = BlockStatus::IoError;
    EXPECT_EQ(ask({0x46, 0, 79, 0, 1, 2, 18, 0x1b, 0xff}), (Values{0x40, 0x20, 0x20, 79, 0, 1, 2}));
}

TEST_F(FloppyPio, MarksAreSeenAtTheRateOfTheDisketteAlone) {
    start();
    for (const unsigned rate : {1u, 2u, 3u}) {
        out(kDir, rate);
        EXPECT_EQ(ask({kReadId, 0})[1], 0x01u);
    }
    out(kDir, 0);
    EXPECT_EQ(ask({kReadId, 0}), (Values{0, 0, 0, 0, 0, 1, 2}));
    EXPECT_EQ(ask({kReadId, 4}), (Values{4, 0, 0, 0, 1, 2, 2}));
}

TEST_F(FloppyPio, SeeksEndWithAnInterrupt) {
    start();
    ask({kSeek, 4, 33});
    EXPECT_EQ(irq(), 1);
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0x24, 33}));
    EXPECT_EQ(irq(), 0);
    EXPECT_EQ(ask({kSenseDrive, 0}), Values{0x28});
    ask({0xcf, 0, 3});
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0x20, 36}));
    ask({0x8f, 0, 40});
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0x20, 0}));
    ask({kRecalibrate, 0});
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0x20, 0}));
    ask({kRecalibrate, 1});
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0x71, 0})) << "a drive that is not there";
}

TEST_F(FloppyPio, AStepWithADisketteTellsThatItIsNoNewOne) {
    start();
    EXPECT_EQ(in(kDir), 0x80u);
    ask({kRecalibrate, 0});
    EXPECT_EQ(in(kDir), 0x80u) << "no step was made";
    ask({kSeek, 0, 1});
    EXPECT_EQ(in(kDir), 0u);
    node->resize(720 << 10);
    EXPECT_EQ(in(kDir), 0x80u);
    ask({kSeek, 0, 0});
    EXPECT_EQ(in(kDir), 0u);
    EXPECT_EQ(ask({kReadId, 0})[1], 0x01u);
    out(kDir, 2);
    EXPECT_EQ(ask({kReadId, 0})[1], 0u);
    node->resize(0);
    ask({kSeek, 0, 1});
    EXPECT_EQ(in(kDir), 0x80u) << "none is inside";
}

TEST_F(FloppyPio, ADisketteThatGoesAwayEndsTheCommand) {
    start();
    command({0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
    node->resize(0);
    for (unsigned i = 0; i < kSector; ++i) out(kFifo, 0);
    EXPECT_EQ(result()[1], 0x01u);
}

TEST_F(FloppyPio, UsersChangeTheDiskette) {
    make_disk();
    Object& drive = insert();
    use();
    ask({kSpecify, 0xdf, 0x03});
    ask({kSeek, 0, 1});
    EXPECT_EQ(in(kDir), 0u);
    ErrorText errors;
    EXPECT_TRUE(drive.set_link("drive", nullptr, errors)) << errors.text();
    EXPECT_EQ(node->observer, nullptr);
    ask({kSeek, 0, 0});
    EXPECT_EQ(in(kDir), 0x80u) << "none is inside";
    EXPECT_EQ(ask({0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff})[1], 0x01u);
    Object& other = bench_.add("fake-block", "other");
    storage(other).data.resize(kDisk);
    EXPECT_TRUE(drive.set_link("drive", &other, errors)) << errors.text();
    EXPECT_EQ(in(kDir), 0x80u) << "it is another one";
    ask({kSeek, 0, 1});
    EXPECT_EQ(in(kDir), 0u);
    Object& large = bench_.add("fake-block", "large");
    storage(large).data.resize(4 << 20);
    EXPECT_FALSE(drive.set_link("drive", &large, errors));
    EXPECT_EQ(storage(large).observer, nullptr);
    EXPECT_NE(storage(other).observer, nullptr) << "what was inside stays";
    EXPECT_FALSE(query<MediumDrive>(drive)->has_tray());
}

TEST_F(FloppyPio, ATransferGoesOnAfterALoad) {
    start();
    command({0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
    data(100);
    const auto state = bench_.save_state();
    const auto rest = data(kSector);
    bench_.reset();
    EXPECT_EQ(in(kMsr), 0x80u);
    bench_.load_state(state);
    EXPECT_EQ(data(kSector), rest);
}

TEST_F(FloppyPio, DrivesAreOfTheTypeThatTheirImageNeeds) {
    struct Row {
        std::size_t kibibytes;
        unsigned cmos, sectors;
    };
    constexpr Row kRows[] = {{1440, 4, 18}, {2880, 5, 36}, {720, 4, 18},  {1200, 2, 15}, {360, 2, 15},
                             {320, 2, 15},  {160, 2, 15},  {1680, 4, 18}, {1000, 2, 15}, {100, 2, 15}};
    for (const Row& row : kRows) {
        SCOPED_TRACE(row.kibibytes);
        Alone one;
        storage(one.bench.add("fake-block", "node")).data.resize(row.kibibytes << 10);
        one.bench.add("floppy", "a", {{"drive", "node"}}, "fdc");
        const FloppyGeometry found = query<FloppyDrives>(one.fdc)->floppy_geometry(0);
        EXPECT_EQ(found.cmos_type, row.cmos);
        EXPECT_EQ(found.sectors, row.sectors);
        EXPECT_EQ(query<FloppyDrives>(one.fdc)->floppy_geometry(1).cmos_type, 0u);
    }
}

TEST_F(FloppyPio, WhatDoesNotFitIsRefused) {
    make_disk(4 << 20);
    const std::string large = bench_.try_add("floppy", "a", {{"drive", "node"}}, "fdc");
    EXPECT_NE(large.find("larger than any diskette"), std::string::npos) << large;
    node->data.resize(kDisk);
    const std::string narrow =
        bench_.try_add("floppy", "a", {{"drive", "node"}, {"drive-type", "120"}}, "fdc");
    EXPECT_EQ(narrow, "") << "as many sectors as it has there";
    EXPECT_NE(bench_.try_add("floppy", "b", {{"unit", "0"}}, "fdc").find("unit 0 is in use"),
              std::string::npos);
    EXPECT_NE(bench_.try_add("floppy", "b", {{"unit", "2"}}, "fdc").find("not 2"), std::string::npos);
    EXPECT_EQ(bench_.try_add("floppy", "b", {}, "fdc"), "");
    EXPECT_EQ(geometry(1).cmos_type, 5u) << "what is empty is what fallback says";
    EXPECT_NE(bench_.try_add("floppy", "c", {}, "fdc"), "");
}

/// On the bus of a PC, with its DMA controllers; what they move is in the bench's memory.
class FloppyDma : protected PcBridges, public Floppy {
  protected:
    FloppyDma() : Floppy(PcBridges::bench) {
        bench.add("PIIX3", "south", {{"addr", "01.0"}}, "host");
        bench.add("i8257", "first", {{"base", "0"}, {"page-base", "0x80"}, {"pageh-base", "0x480"}}, "south");
        bench.add("i8257", "second",
                  {{"base", "0xc0"}, {"page-base", "0x88"}, {"dshift", "1"}, {"cascade", "first"}}, "south");
        bench.add("isa-fdc", "fdc", {}, "south");
        make_disk();
        insert();
        ask({kSpecify, 0xdf, 0x02});
    }
    unsigned in(unsigned port) override { return unsigned(PcBridges::in(0x3f0 + port)); }
    void out(unsigned port, unsigned value) override { PcBridges::out(0x3f0 + port, value); }
    int irq() override { return 0; }

    /// Channel 2, from `at` of the bench's memory; 4: to memory, 8: from it.
    void program(unsigned direction, std::uint32_t at, std::uint32_t size) {
        PcBridges::out(0x0a, 6);
        PcBridges::out(0x0b, 0x42 | direction);
        PcBridges::out(0x0c, 0);
        PcBridges::out(0x04, at & 0xff);
        PcBridges::out(0x04, at >> 8 & 0xff);
        PcBridges::out(0x05, (size - 1) & 0xff);
        PcBridges::out(0x05, (size - 1) >> 8);
        PcBridges::out(0x81, at >> 16 & 0xff);
        PcBridges::out(0x481, 0x80);
        PcBridges::out(0x0a, 2);
    }
    Values run(const Values& bytes) {
        command(bytes);
        bench.advance_ns(1);
        return result();
    }
    std::vector<std::uint8_t> memory(std::size_t at, std::size_t size) {
        return {bench.ram().data + at, bench.ram().data + at + size};
    }
};

TEST_F(FloppyDma, SectorsOfBothHeadsGoToMemory) {
    program(4, 0x30000, 20 * kSector);
    EXPECT_EQ(run({kRead, 0, 1, 0, 17, 2, 18, 0x1b, 0xff}), (Values{0, 0, 0, 2, 0, 1, 2}));
    EXPECT_EQ(memory(0x30000, 20 * kSector), sectors(2 * 18 + 16, 20));
}

TEST_F(FloppyDma, TheTerminalCountEndsIt) {
    program(4, 0x30000, kSector + 100);
    EXPECT_EQ(run({kRead, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}), (Values{0, 0, 0, 0, 0, 3, 2}));
    EXPECT_EQ(memory(0x30000, kSector + 100),
              std::vector<std::uint8_t>(node->data.begin(), node->data.begin() + kSector + 100));
    EXPECT_EQ(memory(0x30000 + kSector + 100, 10), std::vector<std::uint8_t>(10, 0));
}

TEST_F(FloppyDma, WhatIsShortOfASectorIsFilledWithZeros) {
    std::fill_n(bench.ram().data + 0x20000, 2 * kSector, std::uint8_t{0x5a});
    program(8, 0x20000, kSector + 2);
    EXPECT_EQ(run({kWrite, 0, 0, 0, 3, 2, 18, 0x1b, 0xff}), (Values{0, 0, 0, 0, 0, 5, 2}));
    EXPECT_EQ(sectors(2, 1), std::vector<std::uint8_t>(kSector, 0x5a));
    EXPECT_EQ(sectors(3, 1)[1], 0x5au);
    EXPECT_EQ(sectors(3, 1)[2], 0u);
}

TEST_F(FloppyDma, AResetForgetsTheCommand) {
    node->hold = true;
    program(4, 0x30000, kSector);
    command({kRead, 0, 0, 0, 1, 2, 18, 0x1b, 0xff});
    EXPECT_EQ(in(kMsr), 0x10u);
    out(kDor, 0);
    out(kDor, 0x0c);
    EXPECT_TRUE(node->held.empty());
    bench.advance_ns(1);
    EXPECT_EQ(memory(0x30000, 4), std::vector<std::uint8_t>(4, 0));
    EXPECT_EQ(ask({kSenseInterrupt}), (Values{0xc0, 0}));
}

TEST_F(FloppyDma, TheChannelBelongsToOneDevice) {
    const std::string reason =
        bench.try_add("isa-fdc", "other", {{"iobase", "0x370"}, {"irq", "5"}}, "south");
    EXPECT_NE(reason.find("DMA channel 2 is in use"), std::string::npos) << reason;
    EXPECT_EQ(bench.try_add("isa-fdc", "other", {{"iobase", "0x370"}, {"irq", "5"}, {"dma", "1"}}, "south"),
              "");
}

}  // namespace
}  // namespace backplane::testing
