#include <lib/vga/picture.h>

#include <algorithm>
#include <cstring>

namespace backplane::vga {
namespace {

std::uint32_t bytes_of(std::uint32_t bits) { return (bits + 7) / 8; }

std::uint16_t half(const std::uint8_t* from, bool big_endian) {
    std::uint16_t value;
    std::memcpy(&value, from, sizeof value);
    return big_endian ? __builtin_bswap16(value) : value;
}
/// Five or six bits become eight: the highest fill the lowest.
constexpr std::uint32_t widen5(std::uint32_t value) { return value << 3 | value >> 2; }
constexpr std::uint32_t widen6(std::uint32_t value) { return value << 2 | value >> 4; }

}  // namespace

void Picture::refresh_linear(const Linear& linear, const DirtyMemory& dirty, ScreenChanges& changes) {
    const MutableBytes memory = chip_.memory();
    const std::uint64_t row_bytes = std::uint64_t{linear.width} * bytes_of(linear.bits);
    const std::uint64_t last_row = linear.start + std::uint64_t{linear.height - 1} * linear.pitch;
    const bool inside = last_row + row_bytes <= memory.size;
    const Colours palette = linear.bits == 8 ? colours(true) : Colours{};
    const bool new_look = linear != linear_ || palette != colours_;
    linear_ = linear;
    colours_ = palette;
    bool whole;
    // Pixels that are what a surface has are shown where they lie.
    if (linear.bits == 32 && !linear.big_endian && inside && linear.start % 4 == 0 && linear.pitch % 4 == 0) {
        whole = kind_ != Kind::Linear || new_look || surface_.pixels != memory.data + linear.start;
        kind_ = Kind::Linear;
        surface_.width = linear.width;
        surface_.height = linear.height;
        surface_.stride = linear.pitch;
        surface_.pixels = memory.data + linear.start;
        if (whole) return changes.replaced();
    } else {
        whole = resize(Kind::Linear, linear.width, linear.height, changes) || new_look;
    }
    if (!whole && !dirty.any()) return;
    const bool own = surface_.pixels == reinterpret_cast<const std::uint8_t*>(pixels_.data());
    std::uint32_t first = 0, lines = 0;
    const auto tell = [&] {
        if (lines) changes.drawn({0, first, linear.width, lines});
        lines = 0;
    };
    for (std::uint32_t y = 0; y < linear.height; ++y) {
        const std::uint64_t at = linear.start + std::uint64_t{y} * linear.pitch;
        const bool there = at + row_bytes <= memory.size;
        if (!whole && !(there && dirty.any(at, row_bytes))) {
            tell();
            continue;
        }
        if (own && there) draw_linear_line(linear, memory.data + at, line(y));
        else if (own) std::fill_n(line(y), linear.width, 0);
        if (lines++ == 0) first = y;
    }
    tell();
}

void Picture::draw_linear_line(const Linear& linear, const std::uint8_t* from, std::uint32_t* to) const {
    const bool big = linear.big_endian;
    switch (linear.bits) {
    case 8:
        for (std::uint32_t x = 0; x < linear.width; ++x) to[x] = colours_[from[x]];
        return;
    case 15:
        for (std::uint32_t x = 0; x < linear.width; ++x) {
            const std::uint32_t pixel = half(from + 2 * x, big);
            to[x] = widen5(pixel >> 10 & 31) << 16 | widen5(pixel >> 5 & 31) << 8 | widen5(pixel & 31);
        }
        return;
    case 16:
        for (std::uint32_t x = 0; x < linear.width; ++x) {
            const std::uint32_t pixel = half(from + 2 * x, big);
            to[x] = widen5(pixel >> 11) << 16 | widen6(pixel >> 5 & 63) << 8 | widen5(pixel & 31);
        }
        return;
    case 24:
        for (std::uint32_t x = 0; x < linear.width; ++x, from += 3)
            to[x] = big ? std::uint32_t(from[0]) << 16 | std::uint32_t(from[1]) << 8 | from[2]
                        : std::uint32_t(from[2]) << 16 | std::uint32_t(from[1]) << 8 | from[0];
        return;
    default:
        std::memcpy(to, from, std::size_t{linear.width} * 4);
        if (big)
            for (std::uint32_t x = 0; x < linear.width; ++x) to[x] = __builtin_bswap32(to[x]);
    }
}

}  // namespace backplane::vga
