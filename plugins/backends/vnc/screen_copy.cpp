#include "screen_copy.h"

#include <algorithm>
#include <cstring>

namespace backplane::vnc {
namespace {

/// The highest byte of a screen's pixel says nothing.
constexpr std::uint32_t kColour = 0xffffff;

/// Takes over a row; does it differ?
bool take_row(std::uint32_t* to, const std::uint32_t* from, std::uint32_t count) {
    std::uint32_t difference = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t pixel = from[i] & kColour;
        difference |= to[i] ^ pixel;
        to[i] = pixel;
    }
    return difference != 0;
}

}  // namespace

void ScreenCopy::resize(std::uint32_t width, std::uint32_t height) {
    width_ = width;
    height_ = height;
    pixels_.assign(std::size_t{width} * height, 0);
}

std::vector<ScreenArea> ScreenCopy::update(const ScreenSurface& surface, const ScreenArea& area) {
    std::vector<ScreenArea> changed;
    const std::uint32_t width = std::min(width_, surface.width), height = std::min(height_, surface.height);
    if (area.x >= width || area.y >= height) return changed;
    const std::uint32_t first = area.x / kTile, right = area.x + std::min(area.width, width - area.x);
    const std::uint32_t bottom = area.y + std::min(area.height, height - area.y);
    std::vector<bool> differ(width / kTile + 2);
    for (std::uint32_t top = area.y / kTile * kTile; top < bottom; top += kTile) {
        std::fill(differ.begin(), differ.end(), false);
        const std::uint32_t end = std::min(top + kTile, height);
        for (std::uint32_t y = top; y < end; ++y) {
            std::uint32_t* to = &pixels_[std::size_t{y} * width_];
            const std::uint32_t* from = surface.row(y);
            if (std::memcmp(to + area.x, from + area.x, 4 * std::size_t{right - area.x}) == 0) continue;
            for (std::uint32_t tile = first; tile * kTile < right; ++tile)
                if (take_row(to + tile * kTile, from + tile * kTile, std::min(kTile, width - tile * kTile)))
                    differ[tile] = true;
        }
        for (std::uint32_t tile = first; tile * kTile < right; ++tile) {
            if (!differ[tile]) continue;
            const std::uint32_t from = tile;
            while (differ[tile + 1]) ++tile;
            changed.push_back(
                {from * kTile, top, std::min((tile + 1) * kTile, width) - from * kTile, end - top});
        }
    }
    return changed;
}

Picture ScreenCopy::picture(const ScreenArea& area) const {
    Picture picture{area, {}};
    picture.pixels.resize(std::size_t{area.width} * area.height);
    if (area.x >= width_ || area.y >= height_) return picture;
    const std::uint32_t width = std::min(area.width, width_ - area.x);
    const std::uint32_t height = std::min(area.height, height_ - area.y);
    for (std::uint32_t y = 0; y < height; ++y)
        std::memcpy(&picture.pixels[std::size_t{y} * area.width],
                    &pixels_[std::size_t{area.y + y} * width_ + area.x], 4 * std::size_t{width});
    return picture;
}

}  // namespace backplane::vnc
