#include <backplane/fw_cfg.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kSelector = 0;
constexpr std::uint64_t kData = 1;
constexpr std::uint16_t kSignature = 0;
constexpr std::uint16_t kId = 1;

class FwCfgIo : public ::testing::Test {
  protected:
    std::uint64_t read(std::uint64_t port, unsigned size = 1) { return bench.read(port, size, "ports"); }
    void select(std::uint16_t key) { bench.write(kSelector, key, 2, "ports"); }
    DeviceBench bench{"fw_cfg_io"};
};

TEST_F(FwCfgIo, BytesComeFromEitherPort) {
    select(kSignature);
    EXPECT_EQ(read(kData), unsigned('Q'));
    EXPECT_EQ(read(kSelector), unsigned('E'));
    EXPECT_EQ(read(kData), unsigned('M'));
}

TEST_F(FwCfgIo, WordsReadAsZeroAndTakeNothing) {
    select(kSignature);
    EXPECT_EQ(read(kSelector, 2), 0u);
    EXPECT_EQ(read(kData), unsigned('Q'));
}

TEST_F(FwCfgIo, OnlyAWordAtTheFirstPortSelects) {
    select(kSignature);
    read(kData);
    bench.write(kSelector, 0, 1, "ports");
    bench.write(kData, 0, 1, "ports");
    EXPECT_EQ(read(kData), unsigned('E'));
}

TEST_F(FwCfgIo, TheDmaRegisterReadsAsItsSignature) {
    EXPECT_EQ(bench.read(0, 4, "dma"), 0x554d4551u);
    EXPECT_EQ(bench.read(4, 4, "dma"), 0x47464320u);
    EXPECT_EQ(bench.read(7, 1, "dma"), 0x47u);
    select(kId);
    EXPECT_EQ(read(kData), 3u);
}

TEST_F(FwCfgIo, ADebuggerTakesNoByte) {
    select(kSignature);
    EXPECT_EQ(bench.peek(kData, 1, "ports"), unsigned('Q'));
    EXPECT_EQ(read(kData), unsigned('Q'));
}

TEST(FwCfgIoProperties, WithoutDmaTheIdSaysSo) {
    DeviceBench bench("fw_cfg_io", {{"dma_enabled", "off"}});
    bench.write(kSelector, kId, 2, "ports");
    EXPECT_EQ(bench.read(kData, 1, "ports"), 1u);
    EXPECT_EQ(bench.read(0, 4, "dma"), 0u);
}

}  // namespace
}  // namespace backplane::testing
