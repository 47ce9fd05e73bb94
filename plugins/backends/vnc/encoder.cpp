#include "encoder.h"

#include "palette.h"

#include <algorithm>
#include <new>

#include <zlib.h>

namespace backplane::vnc {

struct Deflater::Stream {
    z_stream zlib{};
    Stream() {
        if (deflateInit(&zlib, 1) != Z_OK) throw std::bad_alloc();
    }
    ~Stream() { deflateEnd(&zlib); }
};

Deflater::Deflater() = default;
Deflater::~Deflater() = default;

Buffer Deflater::deflate(View bytes) {
    if (!stream_) stream_ = std::make_unique<Stream>();
    z_stream& zlib = stream_->zlib;
    Buffer out(deflateBound(&zlib, uLong(bytes.size())) + 64);
    zlib.next_in = const_cast<Bytef*>(bytes.data());
    zlib.avail_in = 0;
    zlib.next_out = out.data();
    zlib.avail_out = uInt(out.size());
    if (applied_ != level_) deflateParams(&zlib, applied_ = level_, Z_DEFAULT_STRATEGY);
    zlib.avail_in = uInt(bytes.size());
    while (::deflate(&zlib, Z_SYNC_FLUSH) == Z_OK && zlib.avail_out == 0) {
        const std::size_t full = out.size();
        out.resize(2 * full);
        zlib.next_out = out.data() + full;
        zlib.avail_out = uInt(full);
    }
    out.resize(out.size() - zlib.avail_out);
    return out;
}

void put_rectangle(Buffer& out, const ScreenArea& area, std::int32_t encoding) {
    put16(out, area.x);
    put16(out, area.y);
    put16(out, area.width);
    put16(out, area.height);
    put32(out, std::uint32_t(encoding));
}

void Encoder::put(Buffer& out, const Picture& picture) {
    put_rectangle(out, picture.area, std::int32_t(encoding));
    switch (encoding) {
    case Encoding::Raw: return put_raw(out, picture);
    case Encoding::Hextile: return put_hextile(out, picture);
    case Encoding::Zrle: return put_zrle(out, picture);
    case Encoding::Tight: return put_tight(out, picture);
    }
}

void Encoder::put_raw(Buffer& out, const Picture& picture) const {
    out.reserve(out.size() + picture.pixels.size() * format.bytes());
    for (const std::uint32_t pixel : picture.pixels) format.put_pixel(out, pixel);
}

namespace {

/// A tile of a picture, from its left and top.
struct Tile {
    const Picture& picture;
    std::uint32_t x, y, width, height;

    std::uint32_t at(std::uint32_t column, std::uint32_t row) const {
        return picture.at(x + column, y + row);
    }
    template <class Visit>
    bool all(const Visit& visit) const {
        for (std::uint32_t row = 0; row < height; ++row)
            for (std::uint32_t column = 0; column < width; ++column)
                if (!visit(at(column, row))) return false;
        return true;
    }
};

template <class Visit>
void for_tiles(const Picture& picture, std::uint32_t size, const Visit& visit) {
    for (std::uint32_t y = 0; y < picture.area.height; y += size)
        for (std::uint32_t x = 0; x < picture.area.width; x += size)
            visit(Tile{picture, x, y, std::min(size, picture.area.width - x),
                       std::min(size, picture.area.height - y)});
}

// RFC 6143, 7.7.4
constexpr unsigned kHextileRaw = 1, kBackground = 2, kForeground = 4, kSubrectangles = 8;

/// The runs of what is not background, each as wide as it is.
Buffer runs_of(const Tile& tile, std::uint32_t background, unsigned& count) {
    Buffer out;
    for (std::uint32_t y = 0; y < tile.height; ++y)
        for (std::uint32_t x = 0; x < tile.width; ++x) {
            if (tile.at(x, y) == background) continue;
            const std::uint32_t first = x;
            while (x + 1 < tile.width && tile.at(x + 1, y) != background) ++x;
            put8(out, first << 4 | y);
            put8(out, (x - first) << 4);
            ++count;
        }
    return out;
}

// RFC 6143, 7.7.6
void put_length(Buffer& out, std::uint32_t length) {
    for (--length; length >= 255; length -= 255) put8(out, 255);
    put8(out, length);
}

std::uint32_t run_at(const Tile& tile, std::uint32_t from) {
    const std::uint32_t end = tile.width * tile.height;
    const std::uint32_t colour = tile.at(from % tile.width, from / tile.width);
    std::uint32_t at = from + 1;
    while (at < end && tile.at(at % tile.width, at / tile.width) == colour) ++at;
    return at - from;
}

/// Of `bits` each, from the highest of a byte on; a row begins with a byte.
template <class Colours>
void put_packed(Buffer& out, const Tile& tile, Colours& colours, unsigned bits) {
    for (std::uint32_t y = 0; y < tile.height; ++y) {
        unsigned byte = 0, used = 0;
        for (std::uint32_t x = 0; x < tile.width; ++x) {
            byte |= unsigned(colours.index(tile.at(x, y))) << (8 - bits - used);
            if ((used += bits) < 8) continue;
            put8(out, byte);
            byte = used = 0;
        }
        if (used) put8(out, byte);
    }
}

void put_zrle_tile(Buffer& out, const Tile& tile, const PixelFormat& format) {
    constexpr std::size_t kMost = 127;
    Palette<kMost> colours;
    const bool few = tile.all([&](std::uint32_t colour) { return colours.add(colour); });
    if (few && colours.size() == 1) {
        put8(out, 1);
        return format.put_compact(out, colours[0]);
    }
    if (few && colours.size() <= 16) {
        put8(out, unsigned(colours.size()));
        for (std::size_t i = 0; i < colours.size(); ++i) format.put_compact(out, colours[i]);
        return put_packed(out, tile, colours, colours.size() == 2 ? 1 : colours.size() <= 4 ? 2 : 4);
    }
    if (!few) {
        put8(out, 0);
        tile.all([&](std::uint32_t colour) {
            format.put_compact(out, colour);
            return true;
        });
        return;
    }
    put8(out, unsigned(128 + colours.size()));
    for (std::size_t i = 0; i < colours.size(); ++i) format.put_compact(out, colours[i]);
    for (std::uint32_t at = 0, run = 0; at < tile.width * tile.height; at += run) {
        run = run_at(tile, at);
        const auto index = unsigned(colours.index(tile.at(at % tile.width, at / tile.width)));
        put8(out, run == 1 ? index : 128 | index);
        if (run > 1) put_length(out, run);
    }
}

// "The RFB Protocol", Tight encoding
constexpr unsigned kFill = 0x80, kExplicitFilter = 0x40, kPaletteFilter = 1;
/// Less than that is not compressed.
constexpr std::size_t kShortest = 12;

void put_compact_length(Buffer& out, std::size_t length) {
    for (unsigned byte = 0; byte < 3; ++byte) {
        const bool more = byte < 2 && length >> 7;
        put8(out, unsigned(byte < 2 ? length & 127 : length) | (more ? 128 : 0));
        if (!more) return;
        length >>= 7;
    }
}

void put_tight_data(Buffer& out, Deflater& deflater, View data) {
    if (data.size() < kShortest) return put_bytes(out, data);
    const Buffer packed = deflater.deflate(data);
    put_compact_length(out, packed.size());
    put_bytes(out, packed);
}

}  // namespace

void Encoder::put_hextile(Buffer& out, const Picture& picture) const {
    for_tiles(picture, 16, [&](const Tile& tile) {
        Palette<2> colours;
        const bool two = tile.all([&](std::uint32_t colour) { return colours.add(colour); });
        unsigned count = 0;
        const Buffer runs = two ? runs_of(tile, colours[0], count) : Buffer{};
        if (!two || count > 255) {
            put8(out, kHextileRaw);
            tile.all([&](std::uint32_t colour) {
                format.put_pixel(out, colour);
                return true;
            });
            return;
        }
        put8(out, kBackground | (count ? kForeground | kSubrectangles : 0));
        format.put_pixel(out, colours[0]);
        if (!count) return;
        format.put_pixel(out, colours[1]);
        put8(out, count);
        put_bytes(out, runs);
    });
}

void Encoder::put_zrle(Buffer& out, const Picture& picture) {
    Buffer tiles;
    for_tiles(picture, 64, [&](const Tile& tile) { put_zrle_tile(tiles, tile, format); });
    zrle_.set_level(level);
    const Buffer packed = zrle_.deflate(tiles);
    put32(out, std::uint32_t(packed.size()));
    put_bytes(out, packed);
}

void Encoder::put_tight(Buffer& out, const Picture& picture) {
    const Tile whole{picture, 0, 0, picture.area.width, picture.area.height};
    Palette<16> colours;
    const bool few = whole.all([&](std::uint32_t colour) { return colours.add(colour); });
    if (few && colours.size() == 1) {
        put8(out, kFill);
        return format.put_tight(out, colours[0]);
    }
    const unsigned stream = !few ? 0 : colours.size() == 2 ? 1 : 2;
    Buffer data;
    put8(out, stream << 4 | (few ? kExplicitFilter : 0));
    if (few) {
        put8(out, kPaletteFilter);
        put8(out, unsigned(colours.size() - 1));
        for (std::size_t i = 0; i < colours.size(); ++i) format.put_tight(out, colours[i]);
        put_packed(data, whole, colours, colours.size() == 2 ? 1 : 8);
    } else {
        data.reserve(picture.pixels.size() * format.tight_bytes());
        for (const std::uint32_t pixel : picture.pixels) format.put_tight(data, pixel);
    }
    tight_[stream].set_level(level);
    put_tight_data(out, tight_[stream], data);
}

}  // namespace backplane::vnc
