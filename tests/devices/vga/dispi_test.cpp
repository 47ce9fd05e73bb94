// Bochs' registers: which pictures they make, and what becomes of those that make no sense.
#include "plugins/devices/vga/dispi.h"

#include <gtest/gtest.h>

namespace backplane::vga {
namespace {

constexpr std::uint64_t kMemory = 1 << 20;
constexpr unsigned kEnabled = 0x01, kKeepMemory = 0x80, kCapabilities = 0x02;

class Bochs : public ::testing::Test {
  protected:
    Bochs() {
        dispi.set_memory(kMemory);
        dispi.reset();
    }
    bool set(unsigned width, unsigned height, unsigned bits, unsigned enable = kEnabled) {
        dispi.write(Dispi::ENABLE, 0);
        dispi.write(Dispi::XRES, std::uint16_t(width));
        dispi.write(Dispi::YRES, std::uint16_t(height));
        dispi.write(Dispi::BPP, std::uint16_t(bits));
        return dispi.write(Dispi::ENABLE, std::uint16_t(enable));
    }
    Linear shown() { return dispi.picture(false).value_or(Linear{}); }
    Dispi dispi;
};

TEST_F(Bochs, APictureIsWhatItsRegistersSay) {
    EXPECT_TRUE(set(320, 200, 32)) << "its memory is cleared";
    EXPECT_EQ(shown(), (Linear{.width = 320, .height = 200, .bits = 32, .pitch = 1280}));
    EXPECT_EQ(dispi.picture_bytes(), 320u * 200 * 4);
    EXPECT_FALSE(set(320, 200, 16, kEnabled | kKeepMemory));
    dispi.write(Dispi::VIRT_WIDTH, 400);
    dispi.write(Dispi::X_OFFSET, 8);
    dispi.write(Dispi::Y_OFFSET, 2);
    EXPECT_EQ(shown(),
              (Linear{.width = 320, .height = 200, .bits = 16, .pitch = 800, .start = 2 * 800 + 16}));
    dispi.write(Dispi::ENABLE, 0);
    EXPECT_FALSE(dispi.picture(false).has_value());
}

TEST_F(Bochs, FourPlanesAreTheVgas) {
    set(640, 480, 4);
    EXPECT_FALSE(dispi.picture(false).has_value());
    EXPECT_EQ(dispi.picture_bytes(), 640u * 480 / 2) << "half a byte for each pixel, of all planes";
}

TEST_F(Bochs, APictureLargerThanMemoryIsMadeLower) {
    set(1024, 768, 32);
    EXPECT_EQ(shown().height, kMemory / 4096);
    EXPECT_EQ(dispi.read(Dispi::YRES), kMemory / 4096);
}

TEST_F(Bochs, WhatIsNoDepthLeavesTheOldOne) {
    set(320, 200, 16);
    dispi.write(Dispi::BPP, 17);
    EXPECT_EQ(dispi.read(Dispi::BPP), 16u);
}

TEST_F(Bochs, PitchAndStartStayWithinMemory) {
    set(320, 200, 32);
    dispi.write(Dispi::VIRT_WIDTH, 100);
    EXPECT_EQ(shown().pitch, 1280u) << "never below the width";
    dispi.write(Dispi::VIRT_WIDTH, 0xffff);
    EXPECT_EQ(shown().pitch, 1280u);
    dispi.write(Dispi::Y_OFFSET, 0xffff);
    EXPECT_LE(shown().start + std::uint64_t{199} * 1280 + 1280, kMemory);
}

TEST_F(Bochs, BanksOutsideOfMemoryWrap) {
    set(320, 200, 32);
    dispi.write(Dispi::BANK, kMemory / 65536 + 3);
    EXPECT_EQ(dispi.bank_start(), 3u << 16);
}

TEST_F(Bochs, TellsWhatItCan) {
    EXPECT_EQ(dispi.read(Dispi::ID), 0xb0c5u);
    EXPECT_EQ(dispi.read(Dispi::MEMORY_64K), kMemory >> 16);
    dispi.write(Dispi::ENABLE, kCapabilities);
    EXPECT_EQ(dispi.read(Dispi::BPP), 32u);
    dispi.write(Dispi::ID, 0xb0c2);
    EXPECT_EQ(dispi.read(Dispi::ID), 0xb0c2u);
    dispi.write(Dispi::ID, 0x1234);
    EXPECT_EQ(dispi.read(Dispi::ID), 0xb0c2u);
}

}  // namespace
}  // namespace backplane::vga
