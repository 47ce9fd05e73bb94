// A part of a picture that is on its way to a client, with the pixels that it had.
#pragma once

#include <backplane/screen.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace backplane::vnc {

struct Picture {
    ScreenArea area;
    std::vector<std::uint32_t> pixels;  ///< width * height, 0x00rrggbb
};

/// A part of a picture, and where it is on the screen.
struct Block {
    const std::uint32_t* pixels = nullptr;  ///< the first one
    std::size_t stride = 0;                 ///< pixels from one row to the next
    ScreenArea area;

    Block(const Picture& picture)
        : pixels(picture.pixels.data()), stride(picture.area.width), area(picture.area) {}
    /// The part of `whole` from (x, y) on, as far as that goes.
    Block(const Block& whole, std::uint32_t x, std::uint32_t y, std::uint32_t width, std::uint32_t height)
        : pixels(whole.row(y) + x),
          stride(whole.stride),
          area{whole.area.x + x, whole.area.y + y, std::min(width, whole.area.width - x),
               std::min(height, whole.area.height - y)} {}

    std::uint32_t width() const { return area.width; }
    std::uint32_t height() const { return area.height; }
    std::size_t size() const { return std::size_t{area.width} * area.height; }
    const std::uint32_t* row(std::uint32_t y) const { return pixels + y * stride; }
    /// False as soon as `visit` says it of a pixel.
    template <class Visit>
    bool all(const Visit& visit) const {
        for (std::uint32_t y = 0; y < height(); ++y)
            for (const std::uint32_t *pixel = row(y), *end = pixel + width(); pixel < end; ++pixel)
                if (!visit(*pixel)) return false;
        return true;
    }
    /// Calls `visit` with parts of at most size by size, row by row.
    template <class Visit>
    void parts(std::uint32_t size, const Visit& visit) const {
        for (std::uint32_t y = 0; y < height(); y += size)
            for (std::uint32_t x = 0; x < width(); x += size) visit(Block(*this, x, y, size, size));
    }
};

}  // namespace backplane::vnc
