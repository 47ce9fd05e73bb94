// A monitor's own description, as VESA EDID 1.4 lays it out.
#include <lib/edid.h>

#include <gtest/gtest.h>

#include <numeric>

namespace backplane {
namespace {

unsigned pixels_across(const EdidBlock& block) { return block[56] | (block[58] & 0xf0u) << 4; }
unsigned pixels_down(const EdidBlock& block) { return block[59] | (block[61] & 0xf0u) << 4; }

TEST(Edid, BeginsAndSumsUpAsItMust) {
    const EdidBlock block = edid_of({});
    EXPECT_EQ(block[0], 0);
    for (unsigned i = 1; i < 7; ++i) EXPECT_EQ(block[i], 0xff);
    EXPECT_EQ(block[7], 0);
    EXPECT_EQ(block[18], 1);
    EXPECT_EQ(block[19], 4);
    EXPECT_EQ(std::accumulate(block.begin(), block.end(), 0u) & 0xff, 0u);
}

TEST(Edid, FirstTimingIsThePreferredMode) {
    const EdidBlock block = edid_of({.width = 1920, .height = 1080, .refresh_mhz = 60'000});
    EXPECT_EQ(pixels_across(block), 1920u);
    EXPECT_EQ(pixels_down(block), 1080u);
    const unsigned clock = (block[54] | block[55] << 8) * 10'000u;
    const unsigned all_across = 1920 + (block[57] | (block[58] & 15u) << 8);
    const unsigned all_down = 1080 + (block[60] | (block[61] & 15u) << 8);
    EXPECT_NEAR(double(clock) / (all_across * all_down), 60.0, 0.1);
    EXPECT_TRUE(block[24] & 0x02) << "3.6.4: the first timing is the native one";
}

TEST(Edid, NamesNoModeThatTheMonitorIsTooSmallFor) {
    const EdidBlock small = edid_of({.width = 640, .height = 480});
    EXPECT_EQ(small[35] & 0x21, 0x20) << "640 x 480 and not 800 x 600";
    for (unsigned at = 38; at < 54; ++at) EXPECT_EQ(small[at], 1) << "no standard timing";
    const EdidBlock large =
        edid_of({.width = 640, .height = 480, .greatest_width = 1920, .greatest_height = 1200});
    EXPECT_EQ(large[38], 1920 / 8 - 31);
    EXPECT_EQ(large[39] >> 6, 3) << "16:9";
    EXPECT_EQ(large[40], 1920 / 8 - 31);
    EXPECT_EQ(large[41] >> 6, 0) << "16:10";
}

TEST(Edid, SizesOutOfRangeAreTakenAsTheNearest) {
    const EdidBlock block = edid_of({.width = 100'000, .height = 0});
    EXPECT_EQ(pixels_across(block), 4095u);
    EXPECT_EQ(pixels_down(block), 1u);
}

TEST(Edid, NameIsEndedByALineFeed) {
    const EdidBlock block = edid_of({.name = "Screen"});
    const std::string_view text(reinterpret_cast<const char*>(block.data()) + 90 + 5, 13);
    EXPECT_EQ(block[93], 0xfc);
    EXPECT_EQ(text, "Screen\n      ");
}

}  // namespace
}  // namespace backplane
