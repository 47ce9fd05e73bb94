#include <lib/vga/picture.h>

#include <algorithm>
#include <cstring>

namespace backplane::vga {
namespace {

constexpr unsigned kPageBits = 12;

}  // namespace

bool DirtyMemory::any(std::uint64_t first, std::uint64_t size) const {
    if (!any_ || size == 0) return false;
    const std::uint64_t last = std::min<std::uint64_t>((first + size - 1) >> kPageBits, 64 * pages_.size - 1);
    for (std::uint64_t page = first >> kPageBits; page <= last; ++page)
        if (pages_[page / 64] >> page % 64 & 1) return true;
    return false;
}

/// The attribute controller's way from what the planes say to a colour (AR0 to ARF, AR12, AR14, AR10 bit 7), or that of a byte.
Picture::Colours Picture::colours(bool bytes) const {
    Colours found;
    for (unsigned value = 0; value < 256; ++value) {
        unsigned index = value;
        if (!bytes) {
            index = chip_.ar(value & chip_.ar(0x12) & 0x0f);
            if (chip_.ar(0x10) & 0x80) index = (index & 0x0f) | (chip_.ar(0x14) & 3u) << 4;
            index |= (chip_.ar(0x14) & 0x0cu) << 4;
        }
        found[value] = chip_.colour(index & chip_.dac_mask());
    }
    return found;
}

Picture::Layout Picture::layout() const {
    Layout made;
    const bool graphics = (chip_.ar(0x10) & 1) != 0;
    const unsigned overflow = chip_.cr(0x07);
    made.characters = chip_.cr(0x01) + 1u;
    made.wide = (chip_.sr(1) & 0x08) != 0;
    // Wide characters have no ninth dot here, so that 40 of them are as wide as other modes.
    made.character_dots = graphics || made.wide || (chip_.sr(1) & 1) ? 8 : 9;
    made.width = made.characters * made.character_dots * (made.wide ? 2 : 1);
    made.height = chip_.shown_lines();
    if (chip_.cr(0x17) & 0x04) made.height *= 2;
    made.scan_lines = (chip_.cr(0x09) & 0x1fu) + 1;
    made.repeats = chip_.cr(0x09) & 0x80 ? 2 : 1;
    made.pitch = chip_.cr(0x13) * 2u;
    made.start = (chip_.cr(0x0c) * 256u + chip_.cr(0x0d) + (chip_.cr(0x08) >> 5 & 3u)) & 0xffff;
    made.preset = std::min(chip_.cr(0x08) & 0x1fu, made.scan_lines - 1);
    made.split = chip_.cr(0x18) | (overflow & 0x10u) << 4 | (chip_.cr(0x09) & 0x40u) << 3;
    made.addressing = chip_.cr(0x17);
    made.underline = chip_.cr(0x14);
    made.shift = std::uint8_t(chip_.gr(5) >> 5 & 3);
    const unsigned pan = chip_.ar(0x13);
    if (made.character_dots == 9) made.pan = pan >= 8 ? 0 : pan + 1;
    else made.pan = made.shift >= 2 ? (pan & 6) : (pan & 7);
    made.pan_below = (chip_.ar(0x10) & 0x20) == 0;
    return made;
}

/// How the CRTC's counter of rows becomes an address (CR14, CR17). Addresses of double words count as they do in memory, where
/// the planes lie side by side.
std::uint32_t Picture::address(std::uint32_t counter, std::uint32_t scan_line) const {
    const std::uint8_t mode = layout_.addressing;
    std::uint32_t address = counter & 0xffff;
    if (!(layout_.underline & 0x40) && !(mode & 0x40))
        address = address << 1 | (address >> (mode & 0x20 ? 15 : 13) & 1);
    if (!(mode & 0x01)) address = (address & ~0x2000u) | (scan_line & 1) << 13;
    if (!(mode & 0x02)) address = (address & ~0x4000u) | (scan_line >> 1 & 1) << 14;
    return address & 0xffff;
}

std::uint32_t Picture::planes_at(std::uint32_t address) const {
    std::uint32_t planes;
    std::memcpy(&planes, chip_.memory().data + std::size_t{address} * 4, sizeof planes);
    return planes;
}

/// True when all is to be drawn.
bool Picture::resize(Kind kind, std::uint32_t width, std::uint32_t height, ScreenChanges& changes) {
    const bool same = surface_.width == width && surface_.height == height && surface_.pixels &&
                      surface_.pixels == reinterpret_cast<const std::uint8_t*>(pixels_.data());
    const bool whole = kind_ != kind || !same;
    kind_ = kind;
    if (same) return whole;
    pixels_.assign(std::size_t{width} * height, 0);
    surface_.width = width;
    surface_.height = height;
    surface_.stride = width * 4;
    surface_.pixels = reinterpret_cast<const std::uint8_t*>(pixels_.data());
    changes.replaced();
    return true;
}

void Picture::refresh(const Linear* linear, const DirtyMemory& dirty, ScreenChanges& changes) {
    if (linear) return refresh_linear(*linear, dirty, changes);
    if (!chip_.showing()) return refresh_blank(changes);
    if (chip_.ar(0x10) & 1) return refresh_planes(dirty, changes);
    refresh_text(dirty, changes);
}

void Picture::refresh_blank(ScreenChanges& changes) {
    const std::uint32_t width = surface_.width ? surface_.width : 640,
                        height = surface_.height ? surface_.height : 480;
    if (!resize(Kind::Blank, width, height, changes)) return;
    std::ranges::fill(pixels_, 0);
    changes.drawn({0, 0, width, height});
}

void Picture::refresh_planes(const DirtyMemory& dirty, ScreenChanges& changes) {
    const Layout now = layout();
    const Colours palette = colours(now.shift >= 2);
    const bool new_look = now != layout_ || palette != colours_;
    layout_ = now;
    colours_ = palette;
    const bool whole = resize(Kind::Planes, now.width, now.height, changes) || new_look;
    if (!whole && !dirty.any()) return;
    std::uint32_t row = now.start, scan = now.preset, repeat = 0, first = now.height, last = 0;
    std::uint32_t pan = now.pan, above = 0;
    bool drawn_above = false;
    for (std::uint32_t y = 0; y < now.height; ++y) {
        // The counter's lines may lie anywhere: what one reads is 4 bytes for each of its characters.
        const std::uint32_t reads = address(row, scan);
        const bool again = y > 0 && repeat > 0;
        bool draw = whole || (again ? drawn_above
                                    : dirty.any(std::uint64_t{reads} * 4, (now.characters + 1u) * 8) ||
                                          reads + 2 * now.characters + 2 > 0xffff);
        if (draw && again) std::memcpy(line(y), line(above), std::size_t{now.width} * 4);
        else if (draw) draw_plane_line(row, scan, pan, line(y));
        if (draw) {
            first = std::min(first, y);
            last = y;
        }
        drawn_above = draw;
        above = y;
        if (++repeat >= now.repeats) {
            repeat = 0;
            if (++scan >= now.scan_lines) {
                scan = 0;
                row += now.pitch;
            }
        }
        if (y == now.split) {
            row = scan = repeat = 0;
            if (!now.pan_below) pan = 0;
        }
    }
    if (first <= last) changes.drawn({0, first, now.width, last + 1 - first});
}

/// Eight dots (or four pairs of dots) of each character.
void Picture::draw_plane_line(std::uint32_t row, std::uint32_t scan_line, std::uint32_t pan,
                              std::uint32_t* to) {
    const Layout& now = layout_;
    const unsigned divisor = now.underline & 0x20 ? 2 : now.addressing & 0x08 ? 1 : 0;
    scratch_.resize((std::size_t{now.characters} + 1) * 8);
    std::uint32_t* out = scratch_.data();
    for (std::uint32_t character = 0; character <= now.characters; ++character, out += 8) {
        const std::uint32_t planes = planes_at(address(row + (character >> divisor), scan_line));
        if (now.shift >= 2) {
            for (unsigned i = 0; i < 8; ++i) out[i] = colours_[planes >> 8 * (i / 2) & 0xff];
        } else if (now.shift == 1) {
            for (unsigned i = 0; i < 8; ++i) {
                const std::uint32_t pair = planes >> (i < 4 ? 0 : 8) >> (6 - 2 * (i & 3));
                out[i] = colours_[(pair & 3) | (pair >> 16 & 3) << 2];
            }
        } else {
            for (unsigned i = 0; i < 8; ++i) {
                const std::uint32_t bits = planes >> (7 - i);
                out[i] = colours_[(bits & 1) | (bits >> 7 & 2) | (bits >> 14 & 4) | (bits >> 21 & 8)];
            }
        }
    }
    const std::uint32_t* from = scratch_.data() + pan;
    if (now.wide)
        for (std::uint32_t x = 0; x < now.width; ++x) to[x] = from[x / 2];
    else std::memcpy(to, from, std::size_t{now.width} * 4);
}

}  // namespace backplane::vga
