// Each encoding, read again as its specification says (RFC 6143, 7.7; "The RFB Protocol", Tight), gives the pixels that went in.
#include "plugins/backends/vnc/encoder.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <functional>

#include <jpeglib.h>
#include <zlib.h>

namespace backplane::vnc {
namespace {

/// What a client keeps from one rectangle to the next.
class Inflater {
  public:
    Inflater() { inflateInit(&zlib_); }
    ~Inflater() { inflateEnd(&zlib_); }
    Buffer inflate(View bytes) {
        Buffer out(1 << 17);
        zlib_.next_in = const_cast<Bytef*>(bytes.data());
        zlib_.avail_in = uInt(bytes.size());
        zlib_.next_out = out.data();
        zlib_.avail_out = uInt(out.size());
        EXPECT_EQ(::inflate(&zlib_, Z_SYNC_FLUSH), Z_OK);
        EXPECT_EQ(zlib_.avail_in, 0u);
        out.resize(out.size() - zlib_.avail_out);
        return out;
    }

  private:
    z_stream zlib_{};
};

class Client {
  public:
    /// What so many rectangles show of `area`.
    std::vector<std::uint32_t> decode(View bytes, std::int32_t encoding, const ScreenArea& area,
                                      std::size_t rectangles) {
        std::vector<std::uint32_t> shown(std::size_t{area.width} * area.height, 0xdeadbeef);
        bytes_ = bytes;
        for (; rectangles; --rectangles) {
            const unsigned x = get16(bytes_, 0) - area.x, y = get16(bytes_, 2) - area.y;
            rectangle(encoding);
            for (unsigned row = 0; row < height_; ++row)
                std::copy_n(&pixels_[row * width_], width_, &shown[(y + row) * area.width + x]);
        }
        EXPECT_TRUE(bytes_.empty());
        return shown;
    }
    unsigned jpegs = 0;

  private:
    void rectangle(std::int32_t encoding) {
        width_ = get16(bytes_, 4);
        height_ = get16(bytes_, 6);
        EXPECT_EQ(std::int32_t(get32(bytes_, 8)), encoding);
        bytes_ = bytes_.subspan(12);
        pixels_.assign(std::size_t{width_} * height_, 0xdeadbeef);
        if (encoding == 0) fill(0, 0, width_, height_, [&] { return pixel(4); });
        else if (encoding == 5) tiles(16, [&](auto... tile) { hextile(tile...); });
        else if (encoding == 7) tight();
        else zrle();
    }
    std::uint32_t byte() {
        const std::uint32_t value = bytes_[0];
        bytes_ = bytes_.subspan(1);
        return value;
    }
    std::uint32_t pixel(unsigned count) {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < count; ++i) value |= byte() << 8 * i;
        return value;
    }
    std::uint32_t tight_pixel() {
        const std::uint32_t red = byte(), green = byte();
        return red << 16 | green << 8 | byte();
    }
    void fill(unsigned x, unsigned y, unsigned width, unsigned height,
              const std::function<std::uint32_t()>& next) {
        for (unsigned row = y; row < y + height; ++row)
            for (unsigned column = x; column < x + width; ++column) pixels_[row * width_ + column] = next();
    }
    template <class Visit>
    void tiles(unsigned size, const Visit& visit) {
        for (unsigned y = 0; y < height_; y += size)
            for (unsigned x = 0; x < width_; x += size)
                visit(x, y, std::min(size, width_ - x), std::min(size, height_ - y));
    }
    void packed(unsigned x, unsigned y, unsigned width, unsigned height, unsigned bits,
                const std::vector<std::uint32_t>& palette) {
        unsigned held = 0, left = 0, column = 0;
        fill(x, y, width, height, [&] {
            if (left == 0) held = byte(), left = 8;
            left -= bits;
            const std::uint32_t colour = palette.at(held >> left & ((1u << bits) - 1));
            if (++column == width) left = column = 0;
            return colour;
        });
    }

    void hextile(unsigned x, unsigned y, unsigned width, unsigned height) {
        const unsigned what = byte();
        if (what & 1) return fill(x, y, width, height, [&] { return pixel(4); });
        if (what & 2) background_ = pixel(4);
        if (what & 4) foreground_ = pixel(4);
        fill(x, y, width, height, [&] { return background_; });
        for (unsigned left = what & 8 ? byte() : 0; left > 0; --left) {
            const unsigned place = byte(), size = byte();
            fill(x + (place >> 4), y + (place & 15), (size >> 4) + 1, (size & 15) + 1,
                 [&] { return foreground_; });
        }
    }

    void zrle() {
        const std::uint32_t size = byte() << 24 | byte() << 16 | byte() << 8 | byte();
        ASSERT_EQ(size, bytes_.size());
        const Buffer plain = zrle_.inflate(bytes_);
        bytes_ = plain;
        tiles(64, [&](unsigned x, unsigned y, unsigned width, unsigned height) {
            const unsigned kind = byte();
            if (kind == 0) return fill(x, y, width, height, [&] { return pixel(3); });
            std::vector<std::uint32_t> palette(kind & 127);
            for (std::uint32_t& colour : palette) colour = pixel(3);
            if (kind == 1) return fill(x, y, width, height, [&] { return palette[0]; });
            if (kind < 128) return packed(x, y, width, height, kind == 2 ? 1 : kind <= 4 ? 2 : 4, palette);
            std::uint32_t colour = 0;
            unsigned run = 0;
            fill(x, y, width, height, [&] {
                if (run == 0) {
                    const unsigned index = byte();
                    colour = palette.at(index & 127);
                    run = 1;
                    if (index & 128)
                        for (unsigned more = 255; more == 255; run += more) more = byte();
                }
                --run;
                return colour;
            });
        });
        EXPECT_TRUE(bytes_.empty());
        bytes_ = {};
    }

    void tight() {
        const unsigned control = byte();
        if (control == 0x80) {
            const std::uint32_t colour = tight_pixel();
            return fill(0, 0, width_, height_, [&] { return colour; });
        }
        if (control == 0x90) return jpeg();
        std::vector<std::uint32_t> palette;
        if (control & 0x40) {
            EXPECT_EQ(byte(), 1u);
            palette.resize(byte() + 1);
            for (std::uint32_t& colour : palette) colour = tight_pixel();
        }
        const std::size_t row = palette.empty()       ? 3 * width_
                                : palette.size() == 2 ? (width_ + 7) / 8
                                                      : width_;
        View rest;
        Buffer plain;
        if (row * height_ >= 12) {
            const std::size_t size = compact();
            plain = tight_[control >> 4 & 3].inflate(bytes_.first(size));
            rest = bytes_.subspan(size);
            bytes_ = plain;
        } else {
            rest = bytes_.subspan(row * height_);
            bytes_ = bytes_.first(row * height_);
        }
        EXPECT_EQ(bytes_.size(), row * height_);
        if (palette.empty()) fill(0, 0, width_, height_, [&] { return tight_pixel(); });
        else packed(0, 0, width_, height_, palette.size() == 2 ? 1 : 8, palette);
        EXPECT_TRUE(bytes_.empty());
        bytes_ = rest;
    }
    std::size_t compact() {
        std::size_t size = 0;
        for (unsigned i = 0, more = 128; i < 3 && more; ++i) {
            const unsigned part = byte();
            more = i < 2 ? part & 128 : 0;
            size |= std::size_t{i < 2 ? part & 127 : part} << 7 * i;
        }
        return size;
    }
    /// As libjpeg reads it, within what the quality promises.
    void jpeg() {
        ++jpegs;
        const std::size_t size = compact();
        jpeg_error_mgr errors;
        jpeg_decompress_struct reader;
        reader.err = jpeg_std_error(&errors);
        jpeg_create_decompress(&reader);
        jpeg_mem_src(&reader, bytes_.data(), size);
        ASSERT_EQ(jpeg_read_header(&reader, TRUE), JPEG_HEADER_OK);
        reader.out_color_space = JCS_EXT_BGRX;
        jpeg_start_decompress(&reader);
        ASSERT_EQ(reader.output_width, width_);
        ASSERT_EQ(reader.output_height, height_);
        for (unsigned y = 0; y < height_; ++y) {
            auto* row = reinterpret_cast<JSAMPLE*>(&pixels_[std::size_t{y} * width_]);
            jpeg_read_scanlines(&reader, &row, 1);
        }
        jpeg_finish_decompress(&reader);
        jpeg_destroy_decompress(&reader);
        for (std::uint32_t& pixel : pixels_) pixel &= 0xffffff;
        bytes_ = bytes_.subspan(size);
    }

    View bytes_;
    unsigned width_ = 0, height_ = 0;
    std::vector<std::uint32_t> pixels_;
    std::uint32_t background_ = 0, foreground_ = 0;
    Inflater zrle_;
    std::array<Inflater, 4> tight_;
};

/// Of that many colours, in runs of a few pixels.
Picture picture(std::uint32_t width, std::uint32_t height, std::uint32_t colours) {
    Picture made{{3, 5, width, height}, {}};
    std::uint32_t state = colours * 2654435761u + 1, colour = 0;
    for (std::uint32_t left = width * height, run = 0; left > 0; --left) {
        if (run == 0) {
            state = state * 1664525 + 1013904223;
            run = 1 + (state >> 28);
            colour = (state >> 8) % colours * 0x10307 & 0xffffff;
        }
        --run;
        made.pixels.push_back(colour);
    }
    return made;
}

TEST(VncEncodings, GiveThePixelsThatWentIn) {
    for (const Encoding encoding : {Encoding::Raw, Encoding::Hextile, Encoding::Tight, Encoding::Zrle}) {
        Encoder encoder;
        encoder.settings.encoding = encoding;
        Client client;
        for (const auto& [width, height] : {std::pair{1u, 1u}, {16u, 16u}, {70u, 130u}, {129u, 65u}})
            for (const std::uint32_t colours : {1u, 2u, 3u, 5u, 16u, 17u, 127u, 128u, 256u, 257u, 5000u}) {
                const Picture given = picture(width, height, colours);
                Buffer out;
                encoder.settings.level = int(colours % 10);
                const std::size_t count = encoder.put(out, given);
                EXPECT_EQ(client.decode(out, std::int32_t(encoding), given.area, count), given.pixels)
                    << int(encoding) << " " << width << "x" << height << " " << colours;
            }
    }
}

TEST(VncEncodings, TightFindsWhatHasFewColoursAmongWhatHasMany) {
    Picture given{{0, 0, 256, 256}, std::vector<std::uint32_t>(256 * 256, 0x123456)};
    for (std::uint32_t y = 0; y < 64; ++y)
        for (std::uint32_t x = 0; x < 64; ++x) given.pixels[y * 256 + x] = (y * 64 + x) * 0x10305 & 0xffffff;
    Encoder encoder;
    encoder.settings.encoding = Encoding::Tight;
    Buffer out;
    const std::size_t count = encoder.put(out, given);
    EXPECT_GT(count, 1u);
    EXPECT_EQ(Client().decode(out, 7, given.area, count), given.pixels);
}

TEST(VncEncodings, TightsJpegIsNearToThePixels) {
    Picture given{{0, 0, 64, 64}, {}};
    for (std::uint32_t y = 0; y < 64; ++y)
        for (std::uint32_t x = 0; x < 64; ++x) given.pixels.push_back(x * 4 << 16 | y * 4 << 8 | (x + y));
    Encoder encoder;
    encoder.settings.encoding = Encoding::Tight;
    encoder.settings.quality = 8;
    Buffer out;
    encoder.put(out, given);
    Client client;
    const std::vector<std::uint32_t> seen = client.decode(out, 7, given.area, 1);
    EXPECT_EQ(client.jpegs, 1u);
    for (std::size_t i = 0; i < seen.size(); ++i)
        for (const unsigned shift : {16, 8, 0})
            ASSERT_NEAR(int(seen[i] >> shift & 255), int(given.pixels[i] >> shift & 255), 16) << i;
}

TEST(VncEncodings, PixelsTakeTheClientsForm) {
    // RGB 565, the most significant byte first.
    const Buffer wire{16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0};
    Encoder encoder;
    encoder.settings.format = PixelFormat::parse(wire).value();
    Buffer out;
    encoder.put(out, {{0, 0, 2, 1}, {0xff0000, 0x0000ff}});
    EXPECT_EQ(Buffer(out.begin() + 12, out.end()), (Buffer{0xf8, 0x00, 0x00, 0x1f}));
}

}  // namespace
}  // namespace backplane::vnc
