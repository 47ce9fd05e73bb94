// The picture as it was last looked at: what differs from it is what clients are told.
#pragma once

#include "picture.h"

#include <backplane/screen.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace backplane::vnc {

/// What stood at (from_x, from_y) stands in `to` as well.
struct ScreenMove {
    std::uint32_t from_x = 0, from_y = 0;
    ScreenArea to;
};

class ScreenCopy {
  public:
    static constexpr std::uint32_t kTile = 16;

    std::uint32_t width() const { return width_; }
    std::uint32_t height() const { return height_; }
    /// Another picture, black at first.
    void resize(std::uint32_t width, std::uint32_t height);
    /// Takes over what is within `area` of a surface of this size. The places that differ, by tiles.
    std::vector<ScreenArea> update(const ScreenSurface& surface, const ScreenArea& area);
    /// Rows of a surface of this size that stand elsewhere in the copy, if there are many: a text that was scrolled. A guess,
    /// which update() makes good.
    std::optional<ScreenMove> find_scroll(const ScreenSurface& surface) const;
    /// Within the picture.
    void move(const ScreenMove& move);
    bool contains(const ScreenMove& move) const;
    /// What lies outside is black.
    Picture picture(const ScreenArea& area) const;

  private:
    std::uint32_t width_ = 0, height_ = 0;
    std::vector<std::uint32_t> pixels_;  ///< 0x00rrggbb
};

}  // namespace backplane::vnc
