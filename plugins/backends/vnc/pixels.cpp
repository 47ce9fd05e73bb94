#include "pixels.h"

#include <bit>
#include <cstring>

namespace backplane::vnc {

std::optional<PixelFormat> PixelFormat::parse(View wire) {
    PixelFormat format;
    format.bits_ = wire[0];
    format.depth_ = wire[1];
    format.big_endian_ = wire[2] != 0;
    format.red_ = get16(wire, 4);
    format.green_ = get16(wire, 6);
    format.blue_ = get16(wire, 8);
    format.red_shift_ = wire[10];
    format.green_shift_ = wire[11];
    format.blue_shift_ = wire[12];
    if (format.bits_ != 8 && format.bits_ != 16 && format.bits_ != 32) return std::nullopt;
    if (wire[3] == 0) return std::nullopt;
    const auto fits = [&](std::uint32_t most, unsigned shift) {
        return most > 0 && (most & (most + 1)) == 0 && shift < format.bits_ &&
               (std::uint64_t{most} << shift) >> format.bits_ == 0;
    };
    if (!fits(format.red_, format.red_shift_) || !fits(format.green_, format.green_shift_) ||
        !fits(format.blue_, format.blue_shift_))
        return std::nullopt;
    return format;
}

void PixelFormat::put(Buffer& out) const {
    put8(out, bits_);
    put8(out, depth_);
    put8(out, big_endian_);
    put8(out, 1);
    put16(out, red_);
    put16(out, green_);
    put16(out, blue_);
    put8(out, red_shift_);
    put8(out, green_shift_);
    put8(out, blue_shift_);
    out.insert(out.end(), 3, 0);
}

std::uint32_t PixelFormat::convert(std::uint32_t rgb) const {
    const auto part = [](std::uint32_t value, std::uint32_t most, unsigned shift) {
        return (value * (most + 1) >> 8) << shift;
    };
    return part(rgb >> 16 & 255, red_, red_shift_) | part(rgb >> 8 & 255, green_, green_shift_) |
           part(rgb & 255, blue_, blue_shift_);
}

void PixelFormat::put_low(Buffer& out, std::uint32_t value, unsigned count) const {
    for (unsigned i = 0; i < count; ++i) put8(out, value >> 8 * (big_endian_ ? count - 1 - i : i));
}

void PixelFormat::put_pixels(Buffer& out, const std::uint32_t* rgb, std::size_t count) const {
    if (std::endian::native == std::endian::little && *this == PixelFormat{}) {
        const std::size_t at = out.size();
        out.resize(at + 4 * count);
        std::memcpy(out.data() + at, rgb, 4 * count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) put_pixel(out, rgb[i]);
}

void PixelFormat::put_compact(Buffer& out, std::uint32_t rgb) const {
    const std::uint32_t used = std::uint32_t{red_} << red_shift_ | std::uint32_t{green_} << green_shift_ |
                               std::uint32_t{blue_} << blue_shift_;
    const std::uint32_t value = convert(rgb);
    if (bits_ != 32 || depth_ > 24) return put_low(out, value, bytes());
    if (used >> 24 == 0) return put_low(out, value, 3);
    if ((used & 255) == 0) return put_low(out, value >> 8, 3);
    put_low(out, value, 4);
}

bool PixelFormat::tight() const {
    return bits_ == 32 && depth_ == 24 && red_ == 255 && green_ == 255 && blue_ == 255;
}

void PixelFormat::put_tight(Buffer& out, std::uint32_t rgb) const {
    if (!tight()) return put_pixel(out, rgb);
    for (const unsigned shift : {16, 8, 0}) put8(out, rgb >> shift);
}

void PixelFormat::put_tight(Buffer& out, const std::uint32_t* rgb, std::size_t count) const {
    if (!tight()) return put_pixels(out, rgb, count);
    std::size_t at = out.size();
    out.resize(at + 3 * count);
    for (std::size_t i = 0; i < count; ++i, at += 3) {
        out[at] = std::uint8_t(rgb[i] >> 16);
        out[at + 1] = std::uint8_t(rgb[i] >> 8);
        out[at + 2] = std::uint8_t(rgb[i]);
    }
}

}  // namespace backplane::vnc
