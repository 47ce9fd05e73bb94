#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSector = 0x40000;
constexpr std::uint32_t both(std::uint32_t value) { return value << 16 | value; }
constexpr std::uint32_t kReady = both(0x80);

/// Two 16-bit chips on a 32-bit bus, as on the RISC-V virt board but with four blocks.
class Pflash01 : public ::testing::Test {
  protected:
    void put(std::uint64_t offset, std::uint32_t value) { bench.write(offset, value, 4); }
    std::uint32_t get(std::uint64_t offset) { return std::uint32_t(bench.read(offset, 4)); }
    void command(std::uint64_t offset, std::uint32_t code) { put(offset, both(code)); }
    void erase(std::uint64_t offset) {
        command(offset, 0x20);
        command(offset, 0xd0);
    }
    DeviceBench bench{"cfi.pflash01",
                      {{"num-blocks", "4"},
                       {"sector-length", "262144"},
                       {"width", "4"},
                       {"device-width", "2"},
                       {"id0", "137"},
                       {"id1", "24"}}};
};

TEST_F(Pflash01, ShowsTheArrayAfterReset) {
    EXPECT_EQ(get(0), 0u);
    command(0, 0x70);
    bench.reset();
    EXPECT_EQ(get(0), 0u);
}

TEST_F(Pflash01, StatusIsReadyOnEachChip) {
    command(0, 0x70);
    EXPECT_EQ(get(0), kReady);
    command(0, 0xff);
    EXPECT_EQ(get(0), 0u);
}

TEST_F(Pflash01, IdentifiesItself) {
    command(0, 0x90);
    EXPECT_EQ(get(0), both(0x89));
    EXPECT_EQ(get(4), both(0x18));
    EXPECT_EQ(get(8), 0u) << "the block is not locked";
    EXPECT_EQ(get(kSector), both(0x89));
}

TEST_F(Pflash01, AnswersACfiQuery) {
    command(0x55 * 4, 0x98);
    EXPECT_EQ(get(0x10 * 4), both('Q'));
    EXPECT_EQ(get(0x11 * 4), both('R'));
    EXPECT_EQ(get(0x12 * 4), both('Y'));
    EXPECT_EQ(get(0x13 * 4), both(1)) << "Intel's command set";
    EXPECT_EQ(get(0x27 * 4), both(19)) << "a chip of 512 KiB";
    EXPECT_EQ(get(0x2d * 4), both(3)) << "four blocks";
    EXPECT_EQ(get(0x2f * 4) | get(0x30 * 4) << 8, both(0x200)) << "of 128 KiB";
    EXPECT_EQ(get(0x31 * 4), both('P'));
}

TEST_F(Pflash01, EraseSetsABlockAndNoOther) {
    erase(kSector + 0x100);
    EXPECT_EQ(get(0), kReady);
    command(0, 0xff);
    EXPECT_EQ(get(kSector - 4), 0u);
    EXPECT_EQ(get(kSector), 0xffffffffu);
    EXPECT_EQ(get(2 * kSector - 4), 0xffffffffu);
    EXPECT_EQ(get(2 * kSector), 0u);
}

TEST_F(Pflash01, ProgrammingClearsBits) {
    erase(0);
    command(0, 0x40);
    put(8, 0x12345678);
    command(0, 0x40);
    put(8, 0xffff0000);
    EXPECT_EQ(get(0), kReady);
    command(0, 0xff);
    EXPECT_EQ(get(8), 0x12340000u);
    EXPECT_EQ(get(4), 0xffffffffu);
}

TEST_F(Pflash01, TheBufferProgramsManyWords) {
    erase(0);
    command(0x1000, 0xe8);
    EXPECT_EQ(get(0x1000), kReady);
    put(0x1000, both(3));
    for (std::uint32_t i = 0; i < 4; ++i) put(0x1000 + 4 * i, i);
    command(0x1000, 0xd0);
    EXPECT_EQ(get(0x1000), kReady);
    command(0, 0xff);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(get(0x1000 + 4 * i), i);
    EXPECT_EQ(get(0x1010), 0xffffffffu);
    EXPECT_EQ(get(0xffc), 0xffffffffu);
}

TEST_F(Pflash01, ABufferThatIsNotConfirmedProgramsNothing) {
    erase(0);
    command(0, 0xe8);
    put(0, both(0));
    put(0, 0);
    command(0, 0xff);
    command(0, 0x70);
    EXPECT_EQ(get(0), both(0xb0));
    command(0, 0x50);
    command(0, 0x70);
    EXPECT_EQ(get(0), 0u) << "as OVMF looks for a flash";
    command(0, 0x60);
    EXPECT_EQ(get(0), kReady);
    put(0, both(0xd0));
    command(0, 0xff);
    EXPECT_EQ(get(0), 0xffffffffu);
}

TEST_F(Pflash01, ABufferThatIsTooLongIsASequenceError) {
    command(0, 0xe8);
    put(0, both(1024));
    EXPECT_EQ(get(0), both(0xb0));
}

TEST_F(Pflash01, WritesOutsideOfTheBuffersWindowAreASequenceError) {
    command(0, 0xe8);
    put(0, both(1));
    put(0, 0);
    put(kSector, 0);
    EXPECT_EQ(get(0), both(0xb0));
}

TEST_F(Pflash01, AnEraseThatIsNotConfirmedErasesNothing) {
    command(0, 0x20);
    command(0, 0xff);
    EXPECT_EQ(get(0), both(0xb0));
    command(0, 0xff);
    EXPECT_EQ(get(0), 0u);
}

TEST_F(Pflash01, UnknownCommandsShowTheArray) {
    command(0, 0x70);
    command(0, 0x33);
    EXPECT_EQ(get(0), 0u);
}

TEST_F(Pflash01, NarrowReadsTakeTheirLanes) {
    command(0, 0x90);
    EXPECT_EQ(bench.read(0, 1), 0x89u);
    EXPECT_EQ(bench.read(2, 1), 0x89u);
    EXPECT_EQ(bench.read(4, 2), 0x18u);
}

TEST(Pflash01Properties, AGeometryThatCannotBeIsRefused) {
    DeviceBench bench;
    EXPECT_NE(bench.try_add("cfi.pflash01", "a",
                            {{"num-blocks", "3"}, {"sector-length", "262000"}, {"width", "4"}}),
              "");
    EXPECT_NE(
        bench.try_add("cfi.pflash01", "c", {{"num-blocks", "0"}, {"sector-length", "4096"}, {"width", "1"}}),
        "");
    EXPECT_NE(bench.try_add("cfi.pflash01", "b",
                            {{"num-blocks", "4"}, {"sector-length", "262144"}, {"width", "3"}}),
              "");
}

TEST(Pflash01Properties, AnyNumberOfBlocksWillDo) {
    DeviceBench bench("cfi.pflash01", {{"num-blocks", "3"}, {"sector-length", "4096"}, {"width", "1"}});
    bench.write(0, 0x98, 1);
    EXPECT_EQ(bench.read(0x27, 1), 14u) << "a power of two that it fits in";
    EXPECT_EQ(bench.read(0x2d, 1), 2u);
    bench.write(0x2fff, 0x40, 1);
    bench.write(0x2fff, 0x5a, 1);
    bench.write(0, 0xff, 1);
    EXPECT_EQ(bench.read(0x2fff, 1), 0u) << "nothing was erased yet";
    bench.write(0x2000, 0x20, 1);
    bench.write(0x2000, 0xd0, 1);
    bench.write(0x2fff, 0x40, 1);
    bench.write(0x2fff, 0x5a, 1);
    bench.write(0, 0xff, 1);
    EXPECT_EQ(bench.read(0x2fff, 1), 0x5au);
}

}  // namespace
}  // namespace backplane::testing
