#include <backplane/fw_cfg.h>
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstring>

namespace backplane::testing {
namespace {

constexpr std::uint64_t kRead = 2, kSkip = 4, kSelect = 8, kWrite = 16, kError = 1;

class Sink final : public Errors {
  public:
    void fail(Str message) override { text = message.view(); }
    std::string text;
};

std::uint64_t swap(std::uint64_t value, unsigned size) {
    std::uint64_t result = 0;
    for (unsigned i = 0; i < size; ++i) result = result << 8 | (value >> 8 * i & 0xff);
    return result;
}

class FwCfgMem : public ::testing::Test {
  protected:
    FwCfg& fw_cfg() { return *query<FwCfg>(bench.device()); }
    void add(const char* name, const std::string& contents) {
        ASSERT_TRUE(fw_cfg().set_file(
            name, {reinterpret_cast<const std::uint8_t*>(contents.data()), contents.size()}, errors))
            << errors.text;
    }
    /// As a little-endian guest writes the big-endian registers.
    void select(std::uint16_t key) { bench.write(0, swap(key, 2), 2, "selector"); }
    std::uint64_t data(unsigned size) { return bench.read(0, size, "data"); }
    /// Runs a DMA request at kRamBase and returns its control word afterwards.
    std::uint64_t dma(std::uint64_t control, std::uint32_t length, std::uint64_t address) {
        const std::uint64_t base = DeviceBench::kRamBase.value;
        const auto put = [this](std::uint64_t at, std::uint64_t value, unsigned size) {
            for (unsigned i = 0; i < size; ++i)
                bench.ram()[at + i] = std::uint8_t(value >> 8 * (size - 1 - i));
        };
        put(0, control, 4);
        put(4, length, 4);
        put(8, address, 8);
        bench.write(0, swap(base >> 32, 4), 4, "dma");
        bench.write(4, swap(base & 0xffffffff, 4), 4, "dma");
        return std::uint64_t{bench.ram()[0]} << 24 | bench.ram()[1] << 16 | bench.ram()[2] << 8 |
               bench.ram()[3];
    }
    Sink errors;
    DeviceBench bench{"fw_cfg_mem"};
    static constexpr std::uint64_t kBuffer = DeviceBench::kRamBase.value + 0x1000;
};

TEST_F(FwCfgMem, SignatureIsSelectedAfterReset) { EXPECT_EQ(data(4), 0x554d4551u); }

TEST_F(FwCfgMem, DataIsBytesInOrderWhateverTheWidth) {
    select(0);
    EXPECT_EQ(data(1), unsigned('Q'));
    EXPECT_EQ(data(2), unsigned('E' | 'M' << 8));
    EXPECT_EQ(data(1), unsigned('U'));
    EXPECT_EQ(data(8), 0u) << "zeros follow the end";
}

TEST_F(FwCfgMem, TheIdSaysThatThereIsDma) {
    select(1);
    EXPECT_EQ(data(4), 3u);
}

TEST_F(FwCfgMem, WhatDoesNotExistReadsAsZero) {
    select(0x1234);
    EXPECT_EQ(data(8), 0u);
}

TEST_F(FwCfgMem, NumbersAreLittleEndianInItems) {
    ASSERT_TRUE(set_fw_cfg_number(fw_cfg(), FwCfgKey::CpuCount, std::uint16_t{4}, errors));
    select(5);
    EXPECT_EQ(data(2), 4u);
}

TEST_F(FwCfgMem, TheDirectoryListsFilesByName) {
    add("etc/second", "bb");
    add("etc/first", "a");
    select(0x19);
    EXPECT_EQ(swap(data(4), 4), 2u);
    EXPECT_EQ(swap(data(4), 4), 1u);
    EXPECT_EQ(swap(data(2), 2), 0x20u);
    data(2);
    char name[56];
    for (char& c : name) c = char(data(1));
    EXPECT_STREQ(name, "etc/first");
    EXPECT_EQ(swap(data(4), 4), 2u);
    EXPECT_EQ(swap(data(2), 2), 0x21u);
    select(0x21);
    EXPECT_EQ(data(2), unsigned('b' | 'b' << 8));
}

TEST_F(FwCfgMem, DmaReadsWhatItSelects) {
    add("file", "contents");
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kRead, 8, kBuffer), 0u);
    EXPECT_EQ(std::memcmp(bench.ram().data + 0x1000, "contents", 8), 0);
}

TEST_F(FwCfgMem, DmaSkips) {
    add("file", "contents");
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kSkip, 3, 0), 0u);
    EXPECT_EQ(dma(kRead, 2, kBuffer), 0u);
    EXPECT_EQ(std::memcmp(bench.ram().data + 0x1000, "te", 2), 0);
}

TEST_F(FwCfgMem, DmaFillsUpWithZeros) {
    add("file", "ab");
    bench.ram()[0x1002] = 0xff;
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kRead, 3, kBuffer), 0u);
    EXPECT_EQ(bench.ram()[0x1002], 0u);
}

TEST_F(FwCfgMem, DmaToNowhereIsAnError) {
    EXPECT_EQ(dma(0 << 16 | kSelect | kRead, 4, 0x10), kError);
    EXPECT_EQ(dma(0 << 16 | kSelect | kRead, 0xffffffff, kBuffer), kError) << "memory ends before that";
}

TEST_F(FwCfgMem, OnlyWritableFilesAreWritten) {
    add("file", "contents");
    bench.ram()[0x1000] = 'X';
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kWrite, 1, kBuffer), kError);
    fw_cfg().set_writable("file", true);
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kWrite, 1, kBuffer), 0u);
    EXPECT_EQ(fw_cfg().file("file")[0], unsigned('X'));
    EXPECT_EQ(dma(0x20 << 16 | kSelect | kWrite, 9, kBuffer), kError) << "beyond its size";
}

TEST_F(FwCfgMem, AnObserverMakesContentsWhenTheyAreSelected) {
    class Maker final : public FwCfgObserver {
      public:
        explicit Maker(FwCfg& target) : fw_cfg(target) {}
        void fw_cfg_selected(Str name) override {
            Sink errors;
            const std::uint8_t made[] = {'n', 'e', 'w'};
            fw_cfg.set_file(name, Bytes(made, sizeof made), errors);
        }
        void fw_cfg_written(Str, std::uint64_t, std::uint64_t) override {}
        FwCfg& fw_cfg;
    } maker(fw_cfg());
    add("file", "old");
    fw_cfg().set_observer("file", &maker);
    select(0x20);
    EXPECT_EQ(data(2), unsigned('n' | 'e' << 8));
    fw_cfg().set_observer("file", nullptr);
}

TEST_F(FwCfgMem, TheDmaRegisterShowsItsSignature) {
    EXPECT_EQ(swap(bench.read(0, 8, "dma"), 8), 0x51454d5520434647u);
}

TEST_F(FwCfgMem, TheDevicesOwnItemsAreRefused) {
    EXPECT_FALSE(fw_cfg().set_item(0, {}, errors));
    EXPECT_FALSE(fw_cfg().set_item(0x20, {}, errors));
    EXPECT_FALSE(fw_cfg().set_file("", {}, errors));
    EXPECT_FALSE(fw_cfg().set_file(std::string(56, 'x'), {}, errors));
}

TEST(FwCfgMemProperties, SlotsLimitTheFiles) {
    DeviceBench bench("fw_cfg_mem", {{"x-file-slots", "1"}});
    FwCfg& fw_cfg = *query<FwCfg>(bench.device());
    Sink errors;
    EXPECT_TRUE(fw_cfg.set_file("a", {}, errors));
    EXPECT_TRUE(fw_cfg.set_file("a", {}, errors));
    EXPECT_FALSE(fw_cfg.set_file("b", {}, errors));
}

}  // namespace
}  // namespace backplane::testing
