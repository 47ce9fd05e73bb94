// The few colours of a tile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backplane::vnc {

/// Up to `Most` colours, numbered as they come.
template <std::size_t Most>
class Palette {
  public:
    /// False when there is no room for another one.
    bool add(std::uint32_t colour) {
        if (size_ && colours_[last_] == colour) return true;
        for (last_ = 0; last_ < size_; ++last_)
            if (colours_[last_] == colour) return true;
        if (size_ == Most) {
            last_ = 0;
            return false;
        }
        colours_[size_++] = colour;  // last_ is its number
        return true;
    }
    /// The number of a colour that was added.
    std::size_t index(std::uint32_t colour) {
        if (colours_[last_] != colour)
            for (last_ = 0; colours_[last_] != colour;) ++last_;
        return last_;
    }
    std::size_t size() const { return size_; }
    std::uint32_t operator[](std::size_t index) const { return colours_[index]; }

  private:
    std::array<std::uint32_t, Most> colours_{};
    std::size_t size_ = 0, last_ = 0;
};

}  // namespace backplane::vnc
