#include "damage.h"

#include <algorithm>

namespace backplane::vnc {

void Damage::resize(std::uint32_t width, std::uint32_t height) {
    width_ = width;
    height_ = height;
    columns_ = (width + kTile - 1) / kTile;
    rows_ = (height + kTile - 1) / kTile;
    tiles_.assign(std::size_t{columns_} * rows_, true);
    count_ = tiles_.size();
}

void Damage::add(const ScreenArea& area) {
    if (area.width == 0 || area.height == 0 || area.x >= width_ || area.y >= height_) return;
    const std::uint32_t right = area.x + std::min(area.width, width_ - area.x);
    const std::uint32_t bottom = area.y + std::min(area.height, height_ - area.y);
    for (std::uint32_t row = area.y / kTile; row <= (bottom - 1) / kTile; ++row)
        for (std::uint32_t column = area.x / kTile; column <= (right - 1) / kTile; ++column) {
            auto tile = tiles_[std::size_t{row} * columns_ + column];
            count_ += !tile;
            tile = true;
        }
}

void Damage::clear() {
    tiles_.assign(tiles_.size(), false);
    count_ = 0;
}

bool Damage::touches(const std::vector<bool>& tiles, std::uint32_t columns, const ScreenArea& area) {
    for (std::uint32_t row = area.y / kTile; row <= (area.y + area.height - 1) / kTile; ++row)
        for (std::uint32_t column = area.x / kTile; column <= (area.x + area.width - 1) / kTile; ++column)
            if (tiles[std::size_t{row} * columns + column]) return true;
    return false;
}

void Damage::copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to) {
    if (count_ == 0) return;
    const std::vector<bool> before = tiles_;
    for (std::uint32_t y = to.y; y < to.y + to.height; y = (y / kTile + 1) * kTile)
        for (std::uint32_t x = to.x; x < to.x + to.width; x = (x / kTile + 1) * kTile) {
            const std::uint32_t width = std::min((x / kTile + 1) * kTile, to.x + to.width) - x;
            const std::uint32_t height = std::min((y / kTile + 1) * kTile, to.y + to.height) - y;
            if (touches(before, columns_, {x - to.x + from_x, y - to.y + from_y, width, height}))
                add({x, y, width, height});
        }
}

bool Damage::whole(std::uint32_t column, std::uint32_t row, std::uint32_t columns) const {
    const auto first = tiles_.begin() + std::ptrdiff_t(std::size_t{row} * columns_ + column);
    return std::all_of(first, first + columns, [](bool tile) { return tile; });
}

ScreenArea Damage::clipped(std::uint32_t column, std::uint32_t row, std::uint32_t columns,
                           std::uint32_t rows) const {
    const std::uint32_t x = column * kTile, y = row * kTile;
    return {x, y, std::min(columns * kTile, width_ - x), std::min(rows * kTile, height_ - y)};
}

std::vector<ScreenArea> Damage::take(const ScreenArea& within, std::uint64_t most_pixels,
                                     std::uint32_t widest) {
    constexpr std::uint64_t kTilePixels = std::uint64_t{kTile} * kTile;
    std::vector<ScreenArea> taken;
    if (within.x >= width_ || within.y >= height_ || !within.width || !within.height) return taken;
    const std::uint32_t right = (within.x + std::min(within.width, width_ - within.x) - 1) / kTile + 1;
    const std::uint32_t bottom = (within.y + std::min(within.height, height_ - within.y) - 1) / kTile + 1;
    std::uint64_t left = std::max<std::uint64_t>(1, most_pixels / kTilePixels);
    for (std::uint32_t row = within.y / kTile; row < bottom && count_ && left; ++row)
        for (std::uint32_t column = within.x / kTile; column < right && left; ++column) {
            if (!whole(column, row, 1)) continue;
            const auto most = std::uint32_t(std::min<std::uint64_t>({left, widest / kTile, right - column}));
            std::uint32_t columns = 1, rows = 1;
            while (columns < most && whole(column + columns, row, 1)) ++columns;
            while (row + rows < bottom && std::uint64_t{columns} * (rows + 1) <= left &&
                   whole(column, row + rows, columns))
                ++rows;
            for (std::uint32_t y = row; y < row + rows; ++y)
                std::fill_n(tiles_.begin() + std::ptrdiff_t(std::size_t{y} * columns_ + column), columns,
                            false);
            count_ -= std::size_t{columns} * rows;
            left -= std::uint64_t{columns} * rows;
            taken.push_back(clipped(column, row, columns, rows));
        }
    return taken;
}

}  // namespace backplane::vnc
