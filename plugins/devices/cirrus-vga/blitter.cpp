#include "blitter.h"

#include <algorithm>
#include <cstring>

namespace backplane::cirrus {
namespace {

// GR30
constexpr std::uint8_t kBackwards = 0x01, kToProcessor = 0x02, kFromProcessor = 0x04, kTransparent = 0x08;
constexpr std::uint8_t kPattern = 0x40, kExpand = 0x80;
// GR33
constexpr std::uint8_t kWords = 0x01, kInverted = 0x02, kSolid = 0x04;

constexpr unsigned kPatternLines = 8;
constexpr std::uint32_t kMostLineBytes = 0x2000;

}  // namespace

std::uint8_t raster_operation(std::uint8_t code, std::uint8_t s, std::uint8_t d) {
    switch (code) {
    case 0x00: return 0;
    case 0x05: return s & d;
    case 0x06: return d;
    case 0x09: return s & ~d;
    case 0x0b: return std::uint8_t(~d);
    case 0x0d: return s;
    case 0x0e: return 0xff;
    case 0x50: return ~s & d;
    case 0x59: return s ^ d;
    case 0x6d: return s | d;
    case 0x90: return std::uint8_t(~(s | d));
    case 0x95: return std::uint8_t(~(s ^ d));
    case 0xad: return std::uint8_t(s | ~d);
    case 0xd0: return std::uint8_t(~s);
    case 0xd6: return std::uint8_t(~s | d);
    case 0xda: return std::uint8_t(~(s & d));
    default: return d;
    }
}

bool is_raster_operation(std::uint8_t code) {
    constexpr std::uint8_t kCodes[] = {0x00, 0x05, 0x06, 0x09, 0x0b, 0x0d, 0x0e, 0x50,
                                       0x59, 0x6d, 0x90, 0x95, 0xad, 0xd0, 0xd6, 0xda};
    return std::ranges::find(kCodes, code) != std::end(kCodes);
}

void Blitter::describe_state(StateTable& state) {
    describe(state, "width", transfer_.width, 1);
    describe(state, "height", transfer_.height, 1);
    describe(state, "destination_pitch", transfer_.destination_pitch);
    describe(state, "source_pitch", transfer_.source_pitch);
    describe(state, "destination", transfer_.destination);
    describe(state, "source", transfer_.source);
    describe(state, "mode", transfer_.mode);
    describe(state, "extension", transfer_.extension);
    describe(state, "operation", transfer_.operation);
    describe(state, "skip", transfer_.skip);
    describe(state, "foreground", transfer_.foreground);
    describe(state, "background", transfer_.background);
    describe(state, "key", transfer_.key);
    describe(state, "lines_left", lines_left_, {.maximum = kMostLineBytes});
    describe(state, "line_bytes", line_bytes_, {.maximum = kMostLineBytes * 4});
    describe_bytes<kMostLineBytes * 4>(state, "fed", fed_);
}

void Blitter::settle() {
    transfer_.width = std::clamp(transfer_.width, 1u, kMostLineBytes);
    transfer_.height = std::clamp(transfer_.height, 1u, kMostLineBytes);
    lines_left_ = std::min(lines_left_, transfer_.height);
    if (line_bytes_ == 0 || fed_.size() >= line_bytes_) stop();
}

void Blitter::start(const Transfer& transfer) {
    transfer_ = transfer;
    stop();
    fed_.clear();
    if (has(kToProcessor) || !is_raster_operation(transfer.operation)) return;
    if (has(kFromProcessor)) {
        const std::uint32_t pixels = (transfer_.width + pixel_bytes() - 1) / pixel_bytes();
        line_bytes_ = has(kExpand) ? (pixels + 7) / 8 : transfer_.width;
        if (extended(kWords) || !has(kExpand)) line_bytes_ = (line_bytes_ + 3) & ~3u;
        lines_left_ = has(kPattern) ? 0 : transfer_.height;
        return;
    }
    if (extended(kSolid) && has(kPattern) && has(kExpand)) fill();
    else if (has(kExpand)) expand();
    else if (has(kPattern)) copy_pattern();
    else copy();
    changed();
}

void Blitter::feed(std::uint8_t byte) {
    fed_.push_back(byte);
    if (fed_.size() < line_bytes_) return;
    take_line(fed_.data());
    fed_.clear();
    if (--lines_left_ == 0) changed();
}

/// A line that came from the processor.
void Blitter::take_line(const std::uint8_t* line) {
    const std::uint32_t y = transfer_.height - lines_left_;
    if (has(kExpand)) return expand_line(y, line, 0, false);
    const unsigned bytes = has(kTransparent) ? pixel_bytes() : 1;
    for (std::uint32_t x = 0; x + bytes <= transfer_.width; x += bytes) {
        std::uint32_t colour = 0;
        std::memcpy(&colour, line + x, bytes);
        put(line_at(y) + x, colour, bytes);
    }
}

/// One pixel, lowest byte first, through the operation; not where the result is the colour that is left out.
void Blitter::put(std::uint32_t at, std::uint32_t colour, unsigned bytes) {
    std::uint32_t result = 0;
    for (unsigned i = 0; i < bytes; ++i)
        result |=
            std::uint32_t{raster_operation(transfer_.operation, std::uint8_t(colour >> 8 * i), byte(at + i))}
            << 8 * i;
    if (has(kTransparent) && !has(kExpand)) {
        const std::uint32_t key = bytes == 1 ? transfer_.key & 0xffu : transfer_.key;
        const std::uint32_t compared = bytes == 1 ? 0xff : 0xffff;
        if ((result & compared) == key) return;
    }
    for (unsigned i = 0; i < bytes; ++i) byte(at + i) = std::uint8_t(result >> 8 * i);
}

void Blitter::fill() {
    const unsigned bytes = pixel_bytes();
    for (std::uint32_t y = 0; y < transfer_.height; ++y)
        for (std::uint32_t x = 0; x < transfer_.width; x += bytes)
            put(line_at(y) + x, transfer_.foreground, bytes);
}

/// Memory to memory, in the order that overlapping rectangles need: forwards, or backwards from the last byte.
void Blitter::copy() {
    const bool back = backwards();
    const unsigned bytes = has(kTransparent) ? std::min(pixel_bytes(), 2u) : 1;
    const std::uint32_t mask = this->mask();
    for (std::uint32_t y = 0; y < transfer_.height; ++y) {
        const std::uint32_t to = line_at(y), from = transfer_.source + y * step(transfer_.source_pitch);
        const std::uint32_t first_to = (back ? to - transfer_.width + 1 : to) & mask;
        const std::uint32_t first_from = (back ? from - transfer_.width + 1 : from) & mask;
        const bool straight = transfer_.operation == 0x0d && !has(kTransparent) &&
                              first_to + transfer_.width <= mask + 1 &&
                              first_from + transfer_.width <= mask + 1;
        if (straight && (back ? first_to >= first_from
                              : first_to <= first_from || first_to >= first_from + transfer_.width)) {
            std::uint8_t* memory = memory_->bytes().data;
            std::memmove(memory + first_to, memory + first_from, transfer_.width);
            continue;
        }
        for (std::uint32_t x = 0; x < transfer_.width; x += bytes) {
            const std::uint32_t offset = back ? 0u - x - (bytes - 1) : x;
            std::uint32_t colour = 0;
            for (unsigned i = 0; i < bytes; ++i) colour |= std::uint32_t{byte(from + offset + i)} << 8 * i;
            put(to + offset, colour, bytes);
        }
    }
}

/// Eight lines of eight pixels over and over. The source's lowest bits say which line comes first.
void Blitter::copy_pattern() {
    const unsigned bytes = pixel_bytes();
    const std::uint32_t pitch = bytes == 3 ? 32 : 8 * bytes, first = transfer_.source & 7;
    const std::uint32_t pattern = transfer_.source & ~7u;
    const std::uint32_t left = bytes == 3 ? transfer_.skip & 0x1fu : (transfer_.skip & 7u) * bytes;
    for (std::uint32_t y = 0; y < transfer_.height; ++y) {
        const std::uint32_t line = pattern + (first + y) % kPatternLines * pitch;
        for (std::uint32_t x = left; x + bytes <= transfer_.width + bytes - 1; x += bytes) {
            std::uint32_t colour = 0;
            for (unsigned i = 0; i < bytes; ++i)
                colour |= std::uint32_t{byte(line + x % (8 * bytes) + i)} << 8 * i;
            put(line_at(y) + x, colour, bytes);
        }
    }
}

/// Bits become pixels, the highest first: a pattern of eight bytes over and over, or a line after the other.
void Blitter::expand() {
    const std::uint32_t pixels = (transfer_.width + pixel_bytes() - 1) / pixel_bytes();
    std::uint32_t at = transfer_.source;
    for (std::uint32_t y = 0; y < transfer_.height; ++y) {
        if (has(kPattern)) {
            const std::uint8_t bits = byte((transfer_.source & ~7u) + (transfer_.source + y) % kPatternLines);
            expand_line(y, &bits, 0, true);
            continue;
        }
        std::vector<std::uint8_t> line((pixels + 7) / 8);
        for (std::uint8_t& bits : line) bits = byte(at++);
        if (extended(kWords)) at += (4 - line.size() % 4) % 4;
        expand_line(y, line.data(), 0, false);
    }
}

void Blitter::expand_line(std::uint32_t y, const std::uint8_t* bits, unsigned first_bit, bool repeats) {
    const unsigned bytes = pixel_bytes();
    const std::uint32_t left = bytes == 3 ? (transfer_.skip & 0x1fu) / 3 : transfer_.skip & 7u;
    const std::uint32_t pixels = (transfer_.width + bytes - 1) / bytes;
    for (std::uint32_t x = left; x < pixels; ++x) {
        const std::uint32_t bit = first_bit + x;
        const bool set = bits[repeats ? 0 : bit / 8] >> (7 - bit % 8) & 1;
        const bool inverted = extended(kInverted);
        if (has(kTransparent) && set == inverted) continue;
        const bool front = has(kTransparent) ? true : set != inverted;
        const std::uint32_t colour = has(kTransparent) && inverted ? transfer_.background
                                     : front                       ? transfer_.foreground
                                                                   : transfer_.background;
        const std::uint32_t at = line_at(y) + x * bytes;
        for (unsigned i = 0; i < bytes && x * bytes + i < transfer_.width; ++i)
            byte(at + i) = raster_operation(transfer_.operation, std::uint8_t(colour >> 8 * i), byte(at + i));
    }
}

/// From the first byte to the last, in whole, or all where addresses wrapped.
void Blitter::changed() {
    const std::uint64_t span =
        std::uint64_t{transfer_.height - 1} * transfer_.destination_pitch + transfer_.width;
    std::uint64_t first = transfer_.destination;
    if (backwards()) first = span > first + 1 ? memory_->size() : first + 1 - span;
    if (first + span > memory_->size()) memory_->bytes_changed(Offset(0), memory_->size());
    else memory_->bytes_changed(Offset(first), span);
}

}  // namespace backplane::cirrus
