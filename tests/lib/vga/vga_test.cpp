// The VGA's registers, planes and pictures, without a bus.
#include "tests/lib/vga/fakes.h"

#include <lib/vga/chip.h>
#include <lib/vga/picture.h>

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace backplane::vga {
namespace {

/// What a look told of.
struct Changes final : ScreenChanges {
    void drawn(const ScreenArea& area) override {
        top = std::min(top, area.y);
        bottom = std::max(bottom, area.y + area.height);
        left = std::min(left, area.x);
        right = std::max(right, area.x + area.width);
        any = true;
    }
    void copied(std::uint32_t, std::uint32_t, const ScreenArea&) override {}
    void replaced() override { replacements++; }
    void pointer_changed() override {}
    void pointer_moved() override {}
    std::uint32_t top = ~0u, bottom = 0, left = ~0u, right = 0;
    unsigned replacements = 0;
    bool any = false;
};

class Vga : public ::testing::Test, Listener {
  protected:
    Vga() {
        chip.connect(ram);
        out(0x3c2, 0x03);  // at 3Dxh, memory answers
    }
    void registers_changed() override {}

    void out(std::uint16_t port, unsigned value) { chip.write_port(port, std::uint8_t(value)); }
    unsigned in(std::uint16_t port) { return chip.read_port(port, false); }
    void set(std::uint16_t port, unsigned index, unsigned value) {
        out(port, index);
        out(std::uint16_t(port + 1), value);
    }
    void sr(unsigned index, unsigned value) { set(0x3c4, index, value); }
    void cr(unsigned index, unsigned value) { set(0x3d4, index, value); }
    void gr(unsigned index, unsigned value) { set(0x3ce, index, value); }
    void ar(unsigned index, unsigned value) {
        in(0x3da);
        out(0x3c0, index);
        out(0x3c0, value);
    }
    void colour(unsigned index, unsigned red, unsigned green, unsigned blue) {
        out(0x3c8, index);
        for (const unsigned primary : {red, green, blue}) out(0x3c9, primary);
    }
    /// 80 × 25 characters of 16 lines, as a BIOS sets it, or as many lines of `pitch` in a mode of planes.
    void text_mode() {
        sr(2, 3), sr(3, 0), sr(4, 2);
        gr(5, 0x10), gr(6, 0x0e), gr(8, 0xff);
        crtc(0x4f, 0x28, 0x8f, 0x4f, 0xa3, 0x1f);
        cr(0x0a, 0x20);
        palette(0x0c);
    }
    void crtc(unsigned across, unsigned pitch, unsigned down, unsigned lines, unsigned mode,
              unsigned underline) {
        cr(0x11, 0);
        cr(0x01, across), cr(0x07, 0x02 | 0x10), cr(0x09, lines | 0x40), cr(0x12, down), cr(0x13, pitch);
        cr(0x14, underline), cr(0x17, mode), cr(0x18, 0xff);
    }
    void palette(unsigned mode) {
        for (unsigned i = 0; i < 16; ++i) {
            ar(i, i);
            colour(i, i * 4, i, 63 - i);
        }
        ar(0x10, mode), ar(0x12, 0x0f), ar(0x13, mode & 1 ? 0 : 8), ar(0x14, 0);
        in(0x3da);
        out(0x3c0, 0x20);
    }
    static std::uint32_t shown(unsigned i) {
        const auto wide = [](unsigned v) { return v << 2 | (v & 1) * 3; };
        return wide(i * 4) << 16 | wide(i) << 8 | wide(63 - i);
    }
    Changes look() {
        std::vector<std::uint64_t> pages(1);
        for (std::size_t i = 0; i < ram.pages.size(); ++i) pages[0] |= std::uint64_t{ram.pages[i]} << i;
        ram.pages.assign(ram.pages.size(), false);
        Changes changes;
        picture.refresh(nullptr, DirtyMemory(pages), changes);
        return changes;
    }
    std::uint32_t pixel(unsigned x, unsigned y) { return picture.surface().row(y)[x] & 0xffffff; }
    std::uint8_t plane(unsigned number, unsigned address) { return ram.contents[4 * address + number]; }

    HandClock clock;
    Ram ram;
    Chip chip{clock, *this};
    Picture picture{chip};
};

TEST_F(Vga, RegistersKeepWhatTheyHave) {
    sr(2, 0xff);
    EXPECT_EQ(in(0x3c5), 0x0fu);
    gr(5, 0xff);
    EXPECT_EQ(in(0x3cf), 0x7bu);
    EXPECT_EQ(in(0x3cc), 0x03u);
    cr(0x0e, 0x12);
    EXPECT_EQ(in(0x3d5), 0x12u);
    EXPECT_EQ(in(0x3b5), 0xffu) << "the registers of a monochrome adapter are elsewhere";
    out(0x3c2, 0x02);
    EXPECT_EQ(in(0x3b5), 0x12u) << "now they are";
    EXPECT_EQ(in(0x3d5), 0xffu);
}

TEST_F(Vga, TimingIsProtectedButForOneBitOfTheSplit) {
    cr(0x00, 0x5f), cr(0x07, 0x1f), cr(0x11, 0x80);
    cr(0x00, 0x11), cr(0x07, 0xe0);
    out(0x3d4, 0x00);
    EXPECT_EQ(in(0x3d5), 0x5fu);
    out(0x3d4, 0x07);
    EXPECT_EQ(in(0x3d5), 0x0fu);
}

TEST_F(Vga, AttributesTakeIndexAndValueInTurn) {
    ar(0x05, 0x2a);
    out(0x3c0, 0x05);
    EXPECT_EQ(in(0x3c1), 0x2au);
    in(0x3da);
    out(0x3c0, 0x25);  // the picture is shown: the palette cannot be changed
    out(0x3c0, 0x11);
    out(0x3c0, 0x05);
    EXPECT_EQ(in(0x3c1), 0x2au);
}

TEST_F(Vga, ColoursComeInThrees) {
    colour(7, 0x3f, 0x15, 0x2a);
    EXPECT_EQ(chip.colour(7), 0xff57a8u);
    out(0x3c8, 7);
    out(0x3c9, 1);
    out(0x3c9, 2);
    EXPECT_EQ(chip.colour(7), 0xff57a8u) << "the third is missing";
    out(0x3c7, 7);
    EXPECT_EQ(in(0x3c7), 3u);
    EXPECT_EQ(in(0x3c9), 0x3fu);
    EXPECT_EQ(in(0x3c9), 0x15u);
    EXPECT_EQ(in(0x3c9), 0x2au);
    EXPECT_EQ(chip.read_port(0x3c9, true), chip.read_port(0x3c9, true)) << "a look changes nothing";
}

TEST_F(Vga, RetraceComesOnceInAPicture) {
    text_mode();
    cr(0x00, 0x5f), cr(0x06, 0xbf), cr(0x10, 0x9c), cr(0x11, 0x0e), cr(0x07, 0x1f);
    unsigned begun = 0, shown_lines = 0, before = 0;
    for (unsigned i = 0; i < 60'000; ++i) {
        clock.now = std::uint64_t{i} * 1'000'000'000 / 60'000;
        const unsigned status = in(0x3da);
        begun += (status & 8) && !before;
        before = status & 8;
        shown_lines += !(status & 1);
    }
    EXPECT_EQ(begun, 60u);
    EXPECT_GT(shown_lines, 60'000u / 2);
}

TEST_F(Vga, PlanesAreWrittenAsTheModesSay) {
    gr(6, 0x05), sr(2, 0x0f), sr(4, 0x06), gr(8, 0xff);
    chip.write_memory(10, 0x5a);  // mode 0
    for (unsigned p = 0; p < 4; ++p) EXPECT_EQ(plane(p, 10), 0x5a);
    gr(0, 0x05), gr(1, 0x0f);  // set and reset
    chip.read_memory(10, false);
    chip.write_memory(10, 0);
    EXPECT_EQ(plane(0, 10), 0xff);
    EXPECT_EQ(plane(1, 10), 0x00);
    gr(1, 0), gr(3, 0x18 | 4), gr(8, 0xf0);  // exclusive or, turned by four, the upper half alone
    chip.read_memory(10, false);
    chip.write_memory(10, 0x0f);
    EXPECT_EQ(plane(0, 10), 0x0f);
    EXPECT_EQ(plane(1, 10), 0xf0);
    gr(3, 0), gr(8, 0xff), gr(5, 1);  // mode 1: the latches
    chip.read_memory(10, false);
    chip.write_memory(20, 0x77);
    EXPECT_EQ(plane(0, 20), 0x0f);
    gr(5, 2);  // mode 2: a colour
    chip.write_memory(30, 0x09);
    EXPECT_EQ(plane(0, 30), 0xff);
    EXPECT_EQ(plane(1, 30), 0x00);
    EXPECT_EQ(plane(3, 30), 0xff);
    gr(5, 3), gr(0, 0x0f), gr(8, 0xcc);  // mode 3: a mask
    chip.read_memory(40, false);
    chip.write_memory(40, 0x0f);
    EXPECT_EQ(plane(2, 40), 0x0c);
}

TEST_F(Vga, PlanesAreReadOneByOneOrCompared) {
    gr(6, 0x05), sr(2, 0x0f), sr(4, 0x06), gr(8, 0xff), gr(5, 2);
    chip.write_memory(0, 0x06);
    gr(5, 0), gr(4, 1);
    EXPECT_EQ(chip.read_memory(0, false), 0xff);
    gr(4, 3);
    EXPECT_EQ(chip.read_memory(0, false), 0x00);
    gr(5, 8), gr(2, 0x06), gr(7, 0x0f);
    EXPECT_EQ(chip.read_memory(0, false), 0xff);
    gr(2, 0x07);
    EXPECT_EQ(chip.read_memory(0, false), 0x00);
    gr(7, 0x0e);
    EXPECT_EQ(chip.read_memory(0, false), 0xff) << "plane 0 does not count";
}

TEST_F(Vga, WindowIsWhereItIsSaid) {
    sr(2, 0x0f), sr(4, 0x06), gr(8, 0xff);
    gr(6, 0x0c);  // B8000h
    chip.write_memory(0x18000, 1);
    EXPECT_EQ(plane(0, 0), 1);
    EXPECT_EQ(chip.read_memory(0, false), 0xff);
    out(0x3c2, 0x01);  // memory does not answer
    chip.write_memory(0x18000, 2);
    EXPECT_EQ(plane(0, 0), 1);
}

TEST_F(Vga, ChainedMemoryLiesAsItIs) {
    sr(2, 0x0f), sr(4, 0x0e), gr(6, 0x05), gr(8, 0xff);
    for (unsigned i = 0; i < 8; ++i) chip.write_memory(i, std::uint8_t(i + 1));
    for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(ram.contents[i], i + 1);
    EXPECT_TRUE(chip.direct().possible);
    EXPECT_EQ(chip.direct().size, 0x10000u);
    gr(3, 0x10);
    EXPECT_FALSE(chip.direct().possible) << "stores meet the latches";
}

TEST_F(Vga, CharactersAreDrawnAndOnlyThoseThatChange) {
    text_mode();
    for (unsigned y = 0; y < 16; ++y) ram.contents[('A' * 32 + y) * 4 + 2] = y == 3 ? 0x81 : 0;
    Changes first = look();
    EXPECT_EQ(first.replacements, 1u);
    EXPECT_EQ(picture.surface().width, 720u);
    EXPECT_EQ(picture.surface().height, 400u);
    EXPECT_FALSE(look().any);
    chip.write_memory(0x18000 + 2 * (80 + 2), 'A');
    chip.write_memory(0x18000 + 2 * (80 + 2) + 1, 0x24);
    const Changes second = look();
    EXPECT_EQ(second.replacements, 0u);
    EXPECT_EQ(second.left, 18u);
    EXPECT_EQ(second.right, 27u);
    EXPECT_EQ(second.top, 16u);
    EXPECT_EQ(second.bottom, 32u);
    EXPECT_EQ(pixel(18, 19), shown(4));
    EXPECT_EQ(pixel(19, 19), shown(2));
    EXPECT_EQ(pixel(25, 19), shown(4));
    EXPECT_EQ(pixel(26, 19), shown(2)) << "the ninth dot is the background's";
    ScreenText text;
    ASSERT_TRUE(picture.text(text));
    EXPECT_EQ(text.columns, 80u);
    EXPECT_EQ(text.rows, 25u);
    EXPECT_EQ(text.cells[82].character, 'A');
    EXPECT_EQ(text.cells[82].foreground, 4);
    EXPECT_FALSE(text.cursor);
}

TEST_F(Vga, CursorBlinksOverItsCharacter) {
    text_mode();
    cr(0x0a, 14), cr(0x0b, 15), cr(0x0e, 0), cr(0x0f, 1);
    chip.write_memory(0x18000 + 3, 0x07);
    look();
    EXPECT_EQ(pixel(9, 14), shown(7));
    EXPECT_EQ(pixel(9, 13), shown(0));
    clock.now = 200'000'000;
    EXPECT_TRUE(look().any);
    EXPECT_EQ(pixel(9, 14), shown(0));
    ScreenText text;
    ASSERT_TRUE(picture.text(text));
    EXPECT_TRUE(text.cursor);
    EXPECT_EQ(text.cursor_column, 1u);
}

TEST_F(Vga, SplitShowsMemoryFromItsStart) {
    text_mode();
    for (unsigned y = 0; y < 16; ++y) ram.contents[(1 * 32 + y) * 4 + 2] = 0xff;
    chip.write_memory(0x18000, 1);
    chip.write_memory(0x18001, 0x0f);
    cr(0x0c, 1);  // the picture starts at character 256
    cr(0x18, 199), cr(0x07, 0x02), cr(0x09, 0x0f);
    look();
    EXPECT_EQ(pixel(0, 199), shown(0));
    EXPECT_EQ(pixel(0, 200), shown(15));
}

TEST_F(Vga, PlanesAreDrawnLineByLine) {
    sr(1, 1), sr(2, 0x0f), sr(4, 0x06), gr(5, 0), gr(6, 0x05), gr(8, 0xff);
    crtc(0x4f, 0x28, 0x8f, 0, 0xe3, 0);
    palette(0x01);
    look();
    EXPECT_EQ(picture.surface().width, 640u);
    sr(2, 0x05);
    chip.write_memory(80 * 100 + 1, 0x80);
    const Changes changes = look();
    EXPECT_EQ(pixel(8, 100), shown(5));
    EXPECT_EQ(pixel(9, 100), shown(0));
    EXPECT_LE(changes.bottom - changes.top, 16u) << "what shares its page, and no more";
    ar(0x13, 3);
    in(0x3da);
    out(0x3c0, 0x20);
    look();
    EXPECT_EQ(pixel(5, 100), shown(5)) << "three dots to the left";
}

TEST_F(Vga, BytesAreColoursOfTheTable) {
    sr(1, 1), sr(2, 0x0f), sr(4, 0x0e), gr(5, 0x40), gr(6, 0x05), gr(8, 0xff);
    crtc(0x4f, 0x28, 0x8f, 0x01, 0xa3, 0x40);
    palette(0x41);
    colour(200, 1, 2, 3);
    chip.write_memory(320 * 10 + 5, 200);
    look();
    EXPECT_EQ(pixel(10, 20), 0x07080fu);
    EXPECT_EQ(pixel(11, 21), 0x07080fu);
    EXPECT_EQ(pixel(12, 20), shown(0));
}

TEST_F(Vga, ScreenIsBlankWhileItIsSwitchedOff) {
    text_mode();
    chip.write_memory(0x18001, 0x70);
    look();
    EXPECT_EQ(pixel(0, 0), shown(7));
    sr(1, 0x20);
    EXPECT_TRUE(look().any);
    EXPECT_EQ(pixel(0, 0), 0u);
    ScreenText text;
    EXPECT_FALSE(picture.text(text));
}

class LinearPicture : public Vga {
  protected:
    Changes look_at(const Linear& linear, std::uint64_t dirty = 0) {
        Changes changes;
        picture.refresh(&linear, DirtyMemory({&dirty, 1}), changes);
        return changes;
    }
};

TEST_F(LinearPicture, PixelsOfAllDepths) {
    const std::uint8_t bytes[] = {0x34, 0x92, 0x7f, 0x01};
    std::memcpy(ram.contents.data(), bytes, sizeof bytes);
    look_at({.width = 8, .height = 2, .bits = 15, .pitch = 16});
    EXPECT_EQ(pixel(0, 0), 0x218ca5u);
    look_at({.width = 8, .height = 2, .bits = 16, .pitch = 16});
    EXPECT_EQ(pixel(0, 0), 0x9445a5u);
    look_at({.width = 8, .height = 2, .bits = 16, .pitch = 16, .big_endian = true});
    EXPECT_EQ(pixel(0, 0), 0x319294u);
    look_at({.width = 8, .height = 2, .bits = 24, .pitch = 24});
    EXPECT_EQ(pixel(0, 0), 0x7f9234u);
    look_at({.width = 8, .height = 2, .bits = 32, .pitch = 32});
    EXPECT_EQ(pixel(0, 0), 0x7f9234u);
    EXPECT_EQ(picture.surface().pixels, ram.contents.data()) << "shown where it lies";
    look_at({.width = 8, .height = 2, .bits = 32, .pitch = 32, .big_endian = true});
    EXPECT_EQ(pixel(0, 0), 0x92'7f'01u);
}

TEST_F(LinearPicture, RowsOfDirtyPagesAreToldOf) {
    const Linear mode{.width = 64, .height = 100, .bits = 32, .pitch = 1024};
    EXPECT_EQ(look_at(mode).replacements, 1u);
    EXPECT_FALSE(look_at(mode).any);
    const Changes changes = look_at(mode, 1 << 2);
    EXPECT_EQ(changes.top, 8u);
    EXPECT_EQ(changes.bottom, 12u);
}

TEST_F(LinearPicture, WhatLiesPastTheMemoryIsBlack) {
    ram.contents.assign(kTestMemory, 0xff);
    look_at({.width = 256, .height = 4, .bits = 32, .pitch = 1024, .start = kTestMemory - 2048});
    EXPECT_EQ(pixel(0, 1), 0xffffffu);
    EXPECT_EQ(pixel(0, 2), 0u);
    EXPECT_EQ(pixel(255, 3), 0u);
}

}  // namespace
}  // namespace backplane::vga
