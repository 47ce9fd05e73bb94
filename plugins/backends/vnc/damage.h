// What of a picture a client does not have yet: tiles of 16 by 16 pixels.
#pragma once

#include <backplane/screen.h>

#include <vector>

namespace backplane::vnc {

class Damage {
  public:
    static constexpr std::uint32_t kTile = 16;

    /// Another picture, nothing of which is known.
    void resize(std::uint32_t width, std::uint32_t height);
    /// What lies outside of the picture is left out.
    void add(const ScreenArea& area);
    bool empty() const { return count_ == 0; }
    void clear();
    /// What the client shows of an area was moved there from (from_x, from_y): what it did not have there, it has not here.
    void copied(std::uint32_t from_x, std::uint32_t from_y, const ScreenArea& to);
    /// Takes out up to about `most_pixels` (at least one tile), as rectangles no wider than `widest`, from
    /// the top, of tiles that touch `within`.
    std::vector<ScreenArea> take(const ScreenArea& within, std::uint64_t most_pixels, std::uint32_t widest);

  private:
    ScreenArea clipped(std::uint32_t column, std::uint32_t row, std::uint32_t columns,
                       std::uint32_t rows) const;
    static bool touches(const std::vector<bool>& tiles, std::uint32_t columns, const ScreenArea& area);
    bool whole(std::uint32_t column, std::uint32_t row, std::uint32_t columns) const;

    std::uint32_t width_ = 0, height_ = 0, columns_ = 0, rows_ = 0;
    std::size_t count_ = 0;  ///< tiles that are set
    std::vector<bool> tiles_;
};

}  // namespace backplane::vnc
