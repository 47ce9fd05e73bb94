// The few colours of a part of a picture.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backplane::vnc {

/// Up to `Most` colours, numbered as they come.
template <std::size_t Most>
class Palette {
  public:
    static_assert(Most <= 256, "numbers are bytes");

    /// False when there is no room for another one.
    bool add(std::uint32_t colour) {
        if (size_ && colour == last_) return true;
        std::size_t at = place(colour);
        if (!taken_[at]) {
            if (size_ == Most) return false;
            taken_[at] = true;
            numbers_[at] = std::uint8_t(size_);
            colours_[size_++] = colour;
        }
        last_ = colour;
        return true;
    }
    /// The number of a colour that was added.
    unsigned index(std::uint32_t colour) const { return numbers_[place(colour)]; }
    std::size_t size() const { return size_; }
    std::uint32_t operator[](std::size_t index) const { return colours_[index]; }

  private:
    static constexpr unsigned kBits = Most <= 16 ? 6 : 10;

    /// Where the colour stands, or would.
    std::size_t place(std::uint32_t colour) const {
        std::size_t at = colour * 2654435761u >> (32 - kBits);
        while (taken_[at] && colours_[numbers_[at]] != colour) at = (at + 1) % taken_.size();
        return at;
    }

    std::array<std::uint32_t, Most> colours_{};
    std::array<bool, 1 << kBits> taken_{};
    std::array<std::uint8_t, 1 << kBits> numbers_{};
    std::size_t size_ = 0;
    std::uint32_t last_ = 0;
};

}  // namespace backplane::vnc
