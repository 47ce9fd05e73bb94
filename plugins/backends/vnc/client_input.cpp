// What a client says once it is in, and the news that are no pictures ("The RFB Protocol", pseudo-encodings).
#include "client.h"

#include <backplane/input_lights.h>

#include <algorithm>
#include <utility>

namespace backplane::vnc {
namespace {

enum Pseudo : std::int32_t {
    kDesktopSize = -223,
    kPointer = -239,
    kPointerMode = -257,
    kExtendedKeys = -258,
    kLights = -261,
    kExtendedSize = -308,
    kFences = -312,
    kContinuous = -313,
    kAlphaPointer = -314,
};
// Levels, from 0 to 9
constexpr std::int32_t kCompression = -256, kQuality = -32;

// Messages to clients
constexpr std::uint8_t kFence = 248, kEndOfContinuous = 150;
constexpr std::uint32_t kFenceBefore = 1, kFenceAfter = 2, kFenceNext = 4, kFenceRequest = 1u << 31;

/// Of ExtendedDesktopSize: because of this client; the request went on to the guest.
constexpr unsigned kThisClient = 1, kForwarded = 4;

/// In relative mode, what does not move is there.
constexpr std::int32_t kStandsStill = 0x7fff;

}  // namespace

/// Is it one of those that are no pixels?
bool Client::know(Known& known, std::int32_t encoding) {
    switch (encoding) {
    case std::int32_t(Encoding::CopyRect): return known.copy = true;
    case kDesktopSize: return known.size = true;
    case kPointer: return known.pointer = true;
    case kPointerMode: return known.pointer_mode = true;
    case kExtendedKeys: return known.keys = true;
    case kLights: return known.lights = true;
    case kExtendedSize: return known.extended_size = true;
    case kFences: return known.fences = true;
    case kContinuous: return known.continuous = true;
    case kAlphaPointer: return known.alpha_pointer = true;
    default: break;
    }
    if (encoding >= kCompression && encoding < kCompression + 10) settings_.level = encoding - kCompression;
    else if (encoding >= kQuality && encoding < kQuality + 10) quality_ = encoding - kQuality;
    else return false;
    return true;
}

/// The first kind of pixels that is known here; Raw all know.
void Client::set_encodings(const std::vector<std::int32_t>& encodings) {
    constexpr Encoding kServed[] = {Encoding::Raw, Encoding::Hextile, Encoding::Tight, Encoding::Zrle};
    const Known before = known_;
    known_ = {};
    settings_.level = 1;
    quality_ = -1;
    std::optional<Encoding> first;
    for (const std::int32_t encoding : encodings)
        if (!know(known_, encoding) && !first)
            for (const Encoding served : kServed)
                if (std::int32_t(served) == encoding) first = served;
    settings_.encoding = first.value_or(Encoding::Raw);
    greet(before);
}

/// Tells what is there for a client that knows it, the first time.
void Client::greet(const Known& before) {
    if (known_.extended_size && !before.extended_size) size_news_ = true;
    if ((known_.pointer && !before.pointer) || (known_.alpha_pointer && !before.alpha_pointer))
        pointer_news_ = true;
    if (known_.keys && !before.keys) keys_news_ = true;
    if (!known_.pointer_mode) told_places_.reset();
    if (!known_.lights) told_lights_.reset();
    Buffer words;
    if (known_.continuous && !before.continuous) put8(words, kEndOfContinuous);
    if (known_.fences && !before.fences) {
        put8(words, kFence);
        words.insert(words.end(), 3, 0);
        put32(words, kFenceRequest);
        put8(words, 0);
    }
    if (!known_.continuous) continuous_.reset();
    if (!known_.copy)
        for (const ScreenMove& move : std::exchange(moves_, {})) damage_.add(move.to);
    say(words);
}

void Client::update_wanted(bool incremental, const ScreenArea& area) {
    if (!incremental) damage_.add(area);
    wanted_ = area;
    host_.waits();
}

void Client::continuous_updates(bool on, const ScreenArea& area) {
    if (on) {
        continuous_ = area;
        return host_.waits();
    }
    continuous_.reset();
    Buffer words;
    put8(words, kEndOfContinuous);
    say(words);
}

void Client::fence(std::uint32_t flags, View payload) {
    if (!(flags & kFenceRequest)) return;  // an answer
    Buffer words;
    put8(words, kFence);
    words.insert(words.end(), 3, 0);
    put32(words, flags & (kFenceBefore | kFenceAfter | kFenceNext));
    put8(words, unsigned(payload.size()));
    put_bytes(words, payload);
    say(words);
}

void Client::key(bool down, std::uint32_t symbol, std::uint32_t scan_code) {
    hands_.key(down, symbol, scan_code, host_.lights() & input_lights::kCapsLock);
    host_.used();
}

void Client::pointer(unsigned buttons, std::uint16_t x, std::uint16_t y) {
    if (told_places_ && !*told_places_) hands_.pointer_by(buttons, x - kStandsStill, y - kStandsStill);
    else hands_.pointer_at(buttons, x, y, width_, height_);
    host_.used();
}

void Client::size_wanted(std::uint16_t width, std::uint16_t height) {
    host_.size_wanted(width, height);
    size_answer_ = kForwarded;
}

// --- news

/// How many rectangles they are.
unsigned Client::put_news(Buffer& out) {
    unsigned count = 0;
    const auto put_empty = [&](std::uint32_t x, std::int32_t encoding) {
        put_rectangle(out, {x, 0, 0, 0}, encoding);
        ++count;
    };
    if (std::exchange(keys_news_, false)) put_empty(0, kExtendedKeys);
    if (const bool places = hands_.takes_places(); known_.pointer_mode && told_places_ != places) {
        told_places_ = places;
        put_empty(places, kPointerMode);
    }
    if (const std::uint32_t lights = known_.lights ? host_.lights() : 0;
        known_.lights && told_lights_ != lights) {
        told_lights_ = lights;
        put_empty(0, kLights);
        put8(out, lights);  // the bits are those of the set
    }
    if (size_answer_ && known_.extended_size) {
        put_size(out, kThisClient, *size_answer_);
        ++count;
    }
    size_answer_.reset();
    if (std::exchange(pointer_news_, false) && (known_.pointer || known_.alpha_pointer)) {
        put_pointer(out, host_.pointer());
        ++count;
    }
    return count;
}

/// DesktopSize, or ExtendedDesktopSize with one screen that is all of it.
void Client::put_size(Buffer& out, unsigned reason, unsigned status) const {
    if (!known_.extended_size) return put_rectangle(out, {0, 0, width_, height_}, kDesktopSize);
    put_rectangle(out, {reason, status, width_, height_}, kExtendedSize);
    put32(out, 1u << 24);  // one screen, and padding
    put32(out, 0);         // its number
    put32(out, 0);         // its place
    put16(out, width_);
    put16(out, height_);
    put32(out, 0);  // flags
}

namespace {

/// Premultiplied, as the encoding has it.
std::uint32_t part_of(std::uint32_t pixel, unsigned shift) {
    return (pixel >> shift & 255) * (pixel >> 24) / 255;
}

}  // namespace

/// One that is not seen has no size: clients show one of their own.
void Client::put_pointer(Buffer& out, const ScreenPointer& shape) const {
    const bool seen = shape.visible && shape.pixels;
    const ScreenArea area =
        seen ? ScreenArea{shape.hot_x, shape.hot_y, shape.width, shape.height} : ScreenArea{};
    const std::size_t count = std::size_t{area.width} * area.height;
    put_rectangle(out, area, known_.alpha_pointer ? kAlphaPointer : kPointer);
    if (known_.alpha_pointer) {
        put32(out, std::uint32_t(Encoding::Raw));
        for (std::size_t i = 0; i < count; ++i) {
            for (const unsigned shift : {16, 8, 0}) put8(out, part_of(shape.pixels[i], shift));
            put8(out, shape.pixels[i] >> 24);
        }
        return;
    }
    settings_.format.put_pixels(out, shape.pixels, count);
    for (std::uint32_t y = 0; y < area.height; ++y)
        for (std::uint32_t x = 0; x < area.width; x += 8) {
            unsigned mask = 0;
            for (std::uint32_t bit = 0; bit < 8 && x + bit < area.width; ++bit)
                mask |= unsigned(shape.pixels[std::size_t{y} * area.width + x + bit] >> 31) << (7 - bit);
            put8(out, mask);
        }
}

}  // namespace backplane::vnc
