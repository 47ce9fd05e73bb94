#include <backplane/isa.h>
#include <backplane/testing/bench.h>
#include <backplane/text.h>

#include <gtest/gtest.h>

#include <numeric>
#include <string_view>

namespace backplane::testing {
namespace {

constexpr std::string_view kChannels = "dma-chan";
constexpr std::string_view kControl = "dma-cont";
constexpr unsigned kStatus = 0, kCommand = 0, kRequest = 1, kSingleMask = 2, kMode = 3, kClearFlipFlop = 4,
                   kMasterClear = 5, kClearMask = 6, kAllMask = 7;

/// A device that has `bytes` to give, or takes what there is, at most `most` at a time.
class Peripheral final : public IsaDmaDevice {
  public:
    std::uint32_t transfer(IsaDmaChannel& channel, std::uint32_t position, std::uint32_t length) override {
        ++calls;
        seen_length = length;
        if (gives) {
            const std::uint32_t size =
                std::min({most, length - position, std::uint32_t(bytes.size() - given)});
            const std::uint32_t moved = channel.write(position, {bytes.data() + given, size});
            given += moved;
            if (given == bytes.size()) channel.set_request(0);
            return position + moved;
        }
        std::vector<std::uint8_t> part(std::min(most, length - position));
        const std::uint32_t moved = channel.read(position, part);
        bytes.insert(bytes.end(), part.begin(), part.begin() + moved);
        if (position + moved == length) channel.set_request(0);
        return position + moved;
    }
    std::vector<std::uint8_t> bytes;
    std::size_t given = 0;
    std::uint32_t most = 100;
    std::uint32_t seen_length = 0;
    unsigned calls = 0;
    bool gives = true;
};

class I8257 : public ::testing::Test {
  protected:
    I8257() {
        first_ =
            &bench.add("i8257", "first", {{"base", "0"}, {"page-base", "0x80"}, {"pageh-base", "0x480"}});
        second_ = &bench.add("i8257", "second",
                             {{"base", "0xc0"},
                              {"page-base", "0x88"},
                              {"pageh-base", "0x488"},
                              {"dshift", "1"},
                              {"cascade", "first"}});
        bench.focus(*first_);
        peripheral.bytes.resize(300);
        std::iota(peripheral.bytes.begin(), peripheral.bytes.end(), std::uint8_t{1});
    }
    IsaDmaChannel* take(unsigned number, IsaDmaDevice* device) {
        reason.clear();
        return query<IsaDma>(*second_)->take_channel(number, device, reason);
    }
    void control(unsigned index, unsigned value) { bench.write(index << shift, value, 1, kControl); }
    unsigned status() { return unsigned(bench.read(0, 1, kControl)); }
    void word(unsigned index, unsigned value) {
        control(kClearFlipFlop, 0);
        bench.write(index << shift, value & 0xff, 1, kChannels);
        bench.write(index << shift, value >> 8, 1, kChannels);
    }
    unsigned word(unsigned index) {
        control(kClearFlipFlop, 0);
        const auto low = unsigned(bench.read(index << shift, 1, kChannels));
        return unsigned(bench.read(index << shift, 1, kChannels)) << 8 | low;
    }
    /// Page registers of channel 2 or 6, which are the first of their group: the bench's RAM at 0x80000000.
    void pages(unsigned page) {
        bench.write(0, page, 1, "dma-page");
        bench.write(0, 0x80, 1, "dma-pageh");
    }
    /// Channel 2 (6), as firmware programs it.
    void program(unsigned mode, unsigned page, unsigned address, unsigned count) {
        control(kSingleMask, 6);
        control(kMode, mode | 2);
        word(4, address);
        word(5, count);
        pages(page);
        control(kSingleMask, 2);
    }
    std::vector<std::uint8_t> memory(std::size_t at, std::size_t size) {
        return {bench.ram().data + at, bench.ram().data + at + size};
    }
    std::vector<std::uint8_t> given(std::size_t at, std::size_t size) {
        return {peripheral.bytes.begin() + std::ptrdiff_t(at),
                peripheral.bytes.begin() + std::ptrdiff_t(at + size)};
    }

    DeviceBench bench;
    Object* first_ = nullptr;
    Object* second_ = nullptr;
    Peripheral peripheral;
    ErrorText reason;
    unsigned shift = 0;
};

TEST_F(I8257, RegistersHaveTwoBytesEach) {
    word(0, 0x1234);
    word(1, 0x5678);
    EXPECT_EQ(word(0), 0x1234u);
    EXPECT_EQ(word(1), 0x5678u);
    EXPECT_EQ(bench.peek(0, 1, kChannels), 0x34u);
    EXPECT_EQ(bench.peek(0, 1, kChannels), 0x34u) << "a debugger leaves the flip-flop";
}

TEST_F(I8257, ADevicesBytesGoToMemory) {
    IsaDmaChannel* channel = take(2, &peripheral);
    ASSERT_NE(channel, nullptr) << reason.text();
    program(0x44, 0x12, 0x3400, 299);
    channel->set_request(1);
    EXPECT_EQ(status() & 0xf0, 0x40u);
    bench.advance_ns(1);
    EXPECT_EQ(memory(0x123400, 300), peripheral.bytes);
    EXPECT_EQ(peripheral.seen_length, 300u);
    EXPECT_EQ(peripheral.calls, 3u);
    EXPECT_EQ(status(), 0x04u) << "terminal count of channel 2";
    EXPECT_EQ(status(), 0x00u) << "reading clears it";
    EXPECT_EQ(word(4), 0x3400u + 300);
    EXPECT_EQ(word(5), 0xffffu);
    EXPECT_EQ(bench.read(kAllMask, 1, kControl), 0x0fu) << "masked at its end";
}

TEST_F(I8257, MemorysBytesGoToADevice) {
    peripheral.gives = false;
    peripheral.bytes.clear();
    bench.ram().data[0x20005] = 0x5a;
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x48, 0x02, 0x0000, 9);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.bytes.size(), 10u);
    EXPECT_EQ(peripheral.bytes[5], 0x5au);
}

TEST_F(I8257, AMaskedChannelWaits) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x44, 0, 0, 299);
    control(kAllMask, 0x0f);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.calls, 0u);
    control(kCommand, 0x04);
    control(kClearMask, 0);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.calls, 0u) << "the controller is disabled";
    control(kCommand, 0);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.calls, 3u);
}

TEST_F(I8257, AddressesWrapWithinTheirPage) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x44, 0x01, 0xfff0, 299);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(memory(0x1fff0, 16), given(0, 16));
    EXPECT_EQ(memory(0x10000, 284), given(16, 284));
}

TEST_F(I8257, AddressesCanGoDown) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x64, 0x00, 0x1000, 299);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(bench.ram().data[0x1000], peripheral.bytes[0]);
    EXPECT_EQ(bench.ram().data[0x1000 - 299], peripheral.bytes[299]);
    EXPECT_EQ(word(4), 0x1000u - 300);
}

TEST_F(I8257, VerifyTouchesNoMemory) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x40, 0x00, 0x1000, 299);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.given, 300u);
    EXPECT_EQ(memory(0x1000, 300), std::vector<std::uint8_t>(300));
}

TEST_F(I8257, AutoinitializationBeginsAnew) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x54, 0x00, 0x1000, 199);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.given, 300u);
    EXPECT_EQ(memory(0x1000, 100), given(200, 100));
    EXPECT_EQ(word(5), 99u);
    EXPECT_EQ(bench.read(kAllMask, 1, kControl), 0x0bu);
}

TEST_F(I8257, ADeviceWithNothingToGiveIsAskedWhenItAsks) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x44, 0, 0, 299);
    peripheral.most = 0;
    channel->set_request(1);
    bench.advance_ns(1'000'000);
    EXPECT_EQ(peripheral.calls, 1u);
    peripheral.most = 300;
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.given, 300u);
}

TEST_F(I8257, WordsHaveTwiceTheReach) {
    bench.focus(*second_);
    shift = 1;
    IsaDmaChannel* channel = take(6, &peripheral);
    ASSERT_NE(channel, nullptr) << reason.text();
    program(0x44, 0x03, 0xfff0, 149);
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(memory(0x3ffe0, 32), given(0, 32)) << "bit 0 of the page does not count";
    EXPECT_EQ(memory(0x20000, 268), given(32, 268));
    EXPECT_EQ(word(4), (0xfff0u + 150) & 0xffff);
}

TEST_F(I8257, AFinishedChannelGoesOnWhereItWas) {
    IsaDmaChannel* channel = take(2, &peripheral);
    peripheral.bytes.resize(400);
    program(0x44, 0x00, 0x1000, 299);
    channel->set_request(1);
    bench.advance_ns(1);
    control(kSingleMask, 2);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.seen_length, 65536u);
    EXPECT_EQ(memory(0x1000, 400), peripheral.bytes);
}

TEST_F(I8257, PageRegistersStandInTheirOwnOrder) {
    for (unsigned i = 0; i < 3; ++i) bench.write(i, 0x10 + i, 1, "dma-page");
    bench.write(0, 0x77, 1, "dma-page-refresh");
    for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(bench.read(i, 1, "dma-page"), 0x10 + i);
    EXPECT_EQ(bench.read(0, 1, "dma-page-refresh"), 0x77u);
}

TEST_F(I8257, ASoftwareRequestStaysUntilItIsServed) {
    control(kRequest, 6);
    EXPECT_EQ(status(), 0x40u);
    take(2, &peripheral);
    program(0x84, 0, 0, 299);
    bench.advance_ns(1);
    EXPECT_EQ(peripheral.given, 300u);
    EXPECT_EQ(status(), 0x04u);
}

TEST_F(I8257, MasterClearMasksAll) {
    control(kClearMask, 0);
    control(kCommand, 4);
    control(kRequest, 5);
    control(kMasterClear, 0);
    EXPECT_EQ(bench.read(kAllMask, 1, kControl), 0x0fu);
    EXPECT_EQ(status(), 0u);
}

TEST_F(I8257, AChannelHasOneDevice) {
    Peripheral other;
    ASSERT_NE(take(2, &peripheral), nullptr);
    EXPECT_EQ(take(2, &other), nullptr);
    EXPECT_NE(reason.text().find("channel 2 is in use"), std::string::npos);
    EXPECT_NE(take(2, nullptr), nullptr);
    EXPECT_NE(take(2, &other), nullptr);
    EXPECT_EQ(take(4, &peripheral), nullptr);
    EXPECT_EQ(take(8, &peripheral), nullptr);
    EXPECT_NE(reason.text().find("channel 8"), std::string::npos);
}

TEST_F(I8257, StateGoesOnElsewhere) {
    IsaDmaChannel* channel = take(2, &peripheral);
    program(0x44, 0x02, 0x1000, 299);
    peripheral.most = 0;
    channel->set_request(1);
    bench.advance_ns(1);
    const auto saved = bench.save_state();
    bench.reset();
    control(kMasterClear, 0);
    bench.load_state(saved);
    EXPECT_EQ(bench.save_state(), saved);
    peripheral.most = 300;
    channel->set_request(1);
    bench.advance_ns(1);
    EXPECT_EQ(memory(0x21000, 300), peripheral.bytes);
}

}  // namespace
}  // namespace backplane::testing
