#include "screen_copy.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

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

namespace {

/// The same for the same colours, and mostly another for others.
std::uint64_t sum_of(const std::uint32_t* row, std::uint32_t count) {
    constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
    std::uint64_t lanes[4] = {1, 2, 3, 4};
    std::uint32_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (unsigned lane = 0; lane < 4; ++lane)
            lanes[lane] = (lanes[lane] ^ (row[i + lane] & kColour)) * kFactor;
    for (; i < count; ++i) lanes[0] = (lanes[0] ^ (row[i] & kColour)) * kFactor;
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : lanes) sum = (sum ^ lane >> 29 ^ lane) * kFactor;
    return sum;
}

/// How far up most of the rows that are alone of their kind went; 0: nowhere.
std::int32_t common_shift(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& now) {
    constexpr std::int32_t kTwice = -1;
    constexpr unsigned kEnough = 8;
    std::unordered_map<std::uint64_t, std::int32_t> places;
    for (std::size_t y = 0; y < before.size(); ++y)
        if (const auto [place, first] = places.try_emplace(before[y], std::int32_t(y)); !first)
            place->second = kTwice;
    std::vector<unsigned> votes(2 * now.size());
    std::size_t best = now.size();
    for (std::size_t y = 0; y < now.size(); ++y) {
        const auto place = places.find(now[y]);
        if (place == places.end() || place->second == kTwice || place->second == std::int32_t(y)) continue;
        const std::size_t shift = now.size() + std::size_t(place->second) - y;
        if (++votes[shift] > votes[best]) best = shift;
    }
    return votes[best] < kEnough ? 0 : std::int32_t(best) - std::int32_t(now.size());
}

}  // namespace

std::optional<ScreenMove> ScreenCopy::find_scroll(const ScreenSurface& surface) const {
    std::vector<std::uint64_t> before(height_), now(height_);
    for (std::uint32_t y = 0; y < height_; ++y) {
        before[y] = sum_of(&pixels_[std::size_t{y} * width_], width_);
        now[y] = sum_of(surface.row(y), width_);
    }
    const std::int32_t shift = common_shift(before, now);
    if (shift == 0) return std::nullopt;
    // The longest run of rows that went so far.
    std::uint32_t best = 0, best_end = 0, run = 0;
    for (std::uint32_t y = 0; y < height_; ++y) {
        const std::int64_t from = std::int64_t{y} + shift;
        run = from >= 0 && from < height_ && now[y] == before[std::size_t(from)] ? run + 1 : 0;
        if (run > best) best = run, best_end = y + 1;
    }
    if (best < height_ / 4) return std::nullopt;
    const std::uint32_t top = best_end - best;
    return ScreenMove{0, std::uint32_t(std::int64_t{top} + shift), {0, top, width_, best}};
}

bool ScreenCopy::contains(const ScreenMove& move) const {
    const auto fits = [](std::uint32_t from, std::uint32_t size, std::uint32_t whole) {
        return size > 0 && from < whole && size <= whole - from;
    };
    return fits(move.from_x, move.to.width, width_) && fits(move.to.x, move.to.width, width_) &&
           fits(move.from_y, move.to.height, height_) && fits(move.to.y, move.to.height, height_);
}

void ScreenCopy::move(const ScreenMove& move) {
    const ScreenArea& to = move.to;
    for (std::uint32_t i = 0; i < to.height; ++i) {
        const std::uint32_t row = to.y > move.from_y ? to.height - 1 - i : i;
        std::memmove(&pixels_[std::size_t{to.y + row} * width_ + to.x],
                     &pixels_[std::size_t{move.from_y + row} * width_ + move.from_x],
                     4 * std::size_t{to.width});
    }
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
