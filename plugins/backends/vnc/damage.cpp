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

bool Damage::whole(std::uint32_t column, std::uint32_t row, std::uint32_t columns) const {
    const auto first = tiles_.begin() + std::ptrdiff_t(std::size_t{row} * columns_ + column);
    return std::all_of(first, first + columns, [](bool tile) { return tile; });
}

ScreenArea Damage::clipped(std::uint32_t column, std::uint32_t row, std::uint32_t columns,
                           std::uint32_t rows) const {
    const std::uint32_t x = column * kTile, y = row * kTile;
    return {x, y, std::min(columns * kTile, width_ - x), std::min(rows * kTile, height_ - y)};
}

std::vector<ScreenArea> Damage::take(std::uint64_t most_pixels, std::uint32_t widest) {
    constexpr std::uint64_t kTilePixels = std::uint64_t{kTile} * kTile;
    std::vector<ScreenArea> taken;
    std::uint64_t left = std::max<std::uint64_t>(1, most_pixels / kTilePixels);
    for (std::uint32_t row = 0; row < rows_ && count_ && left; ++row)
        for (std::uint32_t column = 0; column < columns_ && left; ++column) {
            if (!whole(column, row, 1)) continue;
            const auto most =
                std::uint32_t(std::min<std::uint64_t>({left, widest / kTile, columns_ - column}));
            std::uint32_t columns = 1, rows = 1;
            while (columns < most && whole(column + columns, row, 1)) ++columns;
            while (row + rows < rows_ && std::uint64_t{columns} * (rows + 1) <= left &&
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
