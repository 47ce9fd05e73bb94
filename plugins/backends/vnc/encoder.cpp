#include "encoder.h"

#include "jpeg.h"

namespace backplane::vnc {

void put_rectangle(Buffer& out, const ScreenArea& area, std::int32_t encoding) {
    put16(out, area.x);
    put16(out, area.y);
    put16(out, area.width);
    put16(out, area.height);
    put32(out, std::uint32_t(encoding));
}

std::size_t Encoder::put(Buffer& out, const Picture& picture) {
    const Block block(picture);
    if (settings.encoding == Encoding::Tight) return put_tight(out, block);
    put_rectangle(out, picture.area, std::int32_t(settings.encoding));
    if (settings.encoding == Encoding::Hextile) put_hextile(out, block);
    else if (settings.encoding == Encoding::Zrle) put_zrle(out, block);
    else settings.format.put_pixels(out, picture.pixels.data(), picture.pixels.size());
    return 1;
}

namespace {

// RFC 6143, 7.7.4
constexpr unsigned kHextileRaw = 1, kBackground = 2, kForeground = 4, kSubrectangles = 8;

/// The runs of what is not background, each as wide as it is.
Buffer runs_of(const Block& tile, std::uint32_t background, unsigned& count) {
    Buffer out;
    for (std::uint32_t y = 0; y < tile.height(); ++y)
        for (std::uint32_t x = 0; x < tile.width(); ++x) {
            const std::uint32_t* row = tile.row(y);
            if (row[x] == background) continue;
            const std::uint32_t first = x;
            while (x + 1 < tile.width() && row[x + 1] != background) ++x;
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

/// Pixels in a row, also past the end of a line, that are of one colour each.
template <class Visit>
void for_runs(const Block& tile, const Visit& visit) {
    std::uint32_t colour = tile.pixels[0], run = 0;
    tile.all([&](std::uint32_t pixel) {
        if (pixel != colour) {
            visit(colour, run);
            colour = pixel;
            run = 0;
        }
        ++run;
        return true;
    });
    visit(colour, run);
}

/// Of `bits` each, from the highest of a byte on; a row begins with a byte.
template <class Colours>
void put_packed(Buffer& out, const Block& block, const Colours& colours, unsigned bits) {
    for (std::uint32_t y = 0; y < block.height(); ++y) {
        const std::uint32_t* row = block.row(y);
        unsigned byte = 0, used = 0;
        for (std::uint32_t x = 0; x < block.width(); ++x) {
            byte |= colours.index(row[x]) << (8 - bits - used);
            if ((used += bits) < 8) continue;
            put8(out, byte);
            byte = used = 0;
        }
        if (used) put8(out, byte);
    }
}

void put_zrle_tile(Buffer& out, const Block& tile, const PixelFormat& format) {
    Palette<127> colours;
    if (!tile.all([&](std::uint32_t colour) { return colours.add(colour); })) {
        put8(out, 0);
        tile.all([&](std::uint32_t colour) {
            format.put_compact(out, colour);
            return true;
        });
        return;
    }
    const bool packed = colours.size() <= 16;
    put8(out, unsigned(packed ? colours.size() : 128 + colours.size()));
    for (std::size_t i = 0; i < colours.size(); ++i) format.put_compact(out, colours[i]);
    if (colours.size() == 1) return;
    if (packed) return put_packed(out, tile, colours, colours.size() == 2 ? 1 : colours.size() <= 4 ? 2 : 4);
    for_runs(tile, [&](std::uint32_t colour, std::uint32_t run) {
        put8(out, run == 1 ? colours.index(colour) : 128 | colours.index(colour));
        if (run > 1) put_length(out, run);
    });
}

}  // namespace

void Encoder::put_hextile(Buffer& out, const Block& block) const {
    const PixelFormat& format = settings.format;
    block.parts(16, [&](const Block& tile) {
        Palette<2> colours;
        const bool two = tile.all([&](std::uint32_t colour) { return colours.add(colour); });
        unsigned count = 0;
        const Buffer runs = two ? runs_of(tile, colours[0], count) : Buffer{};
        if (!two || count > 255) {
            put8(out, kHextileRaw);
            for (std::uint32_t y = 0; y < tile.height(); ++y)
                format.put_pixels(out, tile.row(y), tile.width());
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

void Encoder::put_zrle(Buffer& out, const Block& block) {
    plain_.clear();
    block.parts(64, [&](const Block& tile) { put_zrle_tile(plain_, tile, settings.format); });
    const std::size_t at = out.size();
    put32(out, 0);
    zrle_.deflate(plain_, settings.level, out);
    set32(out, at, std::uint32_t(out.size() - at - 4));
}

// --- "The RFB Protocol", Tight encoding

namespace {

constexpr unsigned kFill = 0x80, kJpeg = 0x90, kExplicitFilter = 0x40, kPaletteFilter = 1;
/// Less than that is not compressed.
constexpr std::size_t kShortest = 12;
/// Parts with more colours than a palette has are cut until they are of so many pixels.
constexpr std::size_t kSmallestCut = 64 * 64;
/// A JPEG of less is larger than its pixels.
constexpr std::size_t kSmallestJpeg = 32 * 32;

template <class Colours>
bool few_colours(const Block& block, Colours& colours) {
    return block.all([&](std::uint32_t colour) { return colours.add(colour); });
}

void put_compact_length(Buffer& out, std::size_t length) {
    for (unsigned byte = 0; byte < 3; ++byte) {
        const bool more = byte < 2 && length >> 7;
        put8(out, unsigned(byte < 2 ? length & 127 : length) | (more ? 128 : 0));
        if (!more) return;
        length >>= 7;
    }
}

}  // namespace

/// What has few colours is one rectangle; else it is cut in halves, so that what has few in it is found.
std::size_t Encoder::put_tight(Buffer& out, const Block& block) {
    TightColours colours;
    const bool few = few_colours(block, colours);
    if (few || block.size() <= kSmallestCut) {
        put_rectangle(out, block.area, std::int32_t(Encoding::Tight));
        if (few) put_tight_palette(out, block, colours);
        else put_tight_colours(out, block);
        return 1;
    }
    const auto half = [](std::uint32_t size) { return (size / 2 + 15) / 16 * 16; };
    if (block.width() >= block.height()) {
        const std::uint32_t x = half(block.width());
        return put_tight(out, Block(block, 0, 0, x, block.height())) +
               put_tight(out, Block(block, x, 0, block.width(), block.height()));
    }
    const std::uint32_t y = half(block.height());
    return put_tight(out, Block(block, 0, 0, block.width(), y)) +
           put_tight(out, Block(block, 0, y, block.width(), block.height()));
}

void Encoder::put_tight_palette(Buffer& out, const Block& block, const TightColours& colours) {
    if (colours.size() == 1) {
        put8(out, kFill);
        return settings.format.put_tight(out, colours[0]);
    }
    if (colours.size() > 2 && 2 * colours.size() >= block.size()) return put_tight_colours(out, block);
    const unsigned stream = colours.size() == 2 ? 1 : 2;
    put8(out, stream << 4 | kExplicitFilter);
    put8(out, kPaletteFilter);
    put8(out, unsigned(colours.size() - 1));
    for (std::size_t i = 0; i < colours.size(); ++i) settings.format.put_tight(out, colours[i]);
    plain_.clear();
    put_packed(plain_, block, colours, colours.size() == 2 ? 1 : 8);
    put_tight_data(out, stream);
}

void Encoder::put_tight_colours(Buffer& out, const Block& block) {
    plain_.clear();
    if (settings.quality >= 0 && settings.format.true_colour() && block.size() >= kSmallestJpeg) {
        put_jpeg(plain_, block, settings.quality);
        put8(out, kJpeg);
        put_compact_length(out, plain_.size());
        return put_bytes(out, plain_);
    }
    put8(out, 0);
    for (std::uint32_t y = 0; y < block.height(); ++y)
        settings.format.put_tight(plain_, block.row(y), block.width());
    put_tight_data(out, 0);
}

void Encoder::put_tight_data(Buffer& out, unsigned stream) {
    if (plain_.size() < kShortest) return put_bytes(out, plain_);
    Buffer packed;
    tight_[stream].deflate(plain_, settings.level, packed);
    put_compact_length(out, packed.size());
    put_bytes(out, packed);
}

}  // namespace backplane::vnc
