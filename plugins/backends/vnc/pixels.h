// What a client's pixels look like (RFC 6143, 7.4). Those of screens are 0x00rrggbb.
#pragma once

#include "bytes.h"

#include <optional>

namespace backplane::vnc {

class PixelFormat {
  public:
    static constexpr std::size_t kWireSize = 16;
    /// That of screens.
    PixelFormat() = default;
    /// None when no pixel can look like that. Colour maps are not served.
    static std::optional<PixelFormat> parse(View wire);
    void put(Buffer& out) const;

    unsigned bytes() const { return bits_ / 8; }
    /// A pixel as it is sent.
    void put_pixel(Buffer& out, std::uint32_t rgb) const { put_low(out, convert(rgb), bytes()); }
    /// The same of `count` of them.
    void put_pixels(Buffer& out, const std::uint32_t* rgb, std::size_t count) const;
    /// ZRLE's CPIXEL (7.7.5): the byte that says nothing is left out.
    void put_compact(Buffer& out, std::uint32_t rgb) const;
    /// Tight's TPIXEL: red, green and blue when they are of 8 bits each in 32.
    void put_tight(Buffer& out, std::uint32_t rgb) const;
    /// The same of `count` of them.
    void put_tight(Buffer& out, const std::uint32_t* rgb, std::size_t count) const;
    /// Has a pixel all that a screen's has? Tight's JPEG is for such ones only.
    bool true_colour() const { return tight(); }

    bool operator==(const PixelFormat&) const = default;

  private:
    std::uint32_t convert(std::uint32_t rgb) const;
    void put_low(Buffer& out, std::uint32_t value, unsigned count) const;
    bool tight() const;

    std::uint8_t bits_ = 32;
    std::uint8_t depth_ = 24;
    bool big_endian_ = false;
    std::uint16_t red_ = 255, green_ = 255, blue_ = 255;  ///< their greatest values
    std::uint8_t red_shift_ = 16, green_shift_ = 8, blue_shift_ = 0;
};

}  // namespace backplane::vnc
