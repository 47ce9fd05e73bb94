#include "messages.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace backplane::vnc {
namespace {

// RFC 6143, 7.5, and the registry of "The RFB Protocol"
enum Message : std::uint8_t {
    kSetPixelFormat = 0,
    kSetEncodings = 2,
    kUpdateRequest = 3,
    kKeyEvent = 4,
    kPointerEvent = 5,
    kCutText = 6,
    kContinuousUpdates = 150,
    kFence = 248,
    kSetDesktopSize = 251,
    kExtension = 255,
};
constexpr std::uint8_t kExtendedKey = 0;
/// No client has more encodings than there are.
constexpr std::size_t kMostEncodings = 1024;
constexpr std::size_t kMostFenceBytes = 64;
/// Text of a clipboard that is worth passing over; there is no clipboard to put it into.
constexpr std::uint64_t kMostText = 16 << 20;

ScreenArea area_at(View message, std::size_t at) {
    return {get16(message, at), get16(message, at + 2), get16(message, at + 4), get16(message, at + 6)};
}

}  // namespace

bool MessageReader::refuse(std::string problem) {
    problem_ = std::move(problem);
    pending_.clear();
    return false;
}

bool MessageReader::receive(View bytes) {
    if (!problem_.empty()) return false;
    const std::size_t skipped = std::min(skip_, bytes.size());
    skip_ -= skipped;
    pending_.insert(pending_.end(), bytes.begin() + std::ptrdiff_t(skipped), bytes.end());
    std::size_t at = 0;
    while (at < pending_.size()) {
        const View rest = View(pending_).subspan(at);
        const std::size_t size = size_of(rest);
        if (!problem_.empty()) return false;
        if (size == 0 || size > rest.size()) break;
        if (!handle(rest.first(size))) return false;
        at += size;
        const std::size_t unwanted = std::min(skip_, pending_.size() - at);
        skip_ -= unwanted;
        at += unwanted;
    }
    pending_.erase(pending_.begin(), pending_.begin() + std::ptrdiff_t(at));
    return true;
}

std::size_t MessageReader::size_of(View bytes) {
    switch (bytes[0]) {
    case kSetPixelFormat: return 20;
    case kSetEncodings:
        if (bytes.size() < 4) return 0;
        if (get16(bytes, 2) > kMostEncodings) return refuse("it names too many encodings"), 0;
        return 4 + 4 * std::size_t{get16(bytes, 2)};
    case kUpdateRequest: return 10;
    case kKeyEvent: return 8;
    case kPointerEvent: return 6;
    case kCutText: return 8;
    case kContinuousUpdates: return 10;
    case kFence:
        if (bytes.size() < 9) return 0;
        if (bytes[8] > kMostFenceBytes) return refuse("its fence is too long"), 0;
        return 9 + std::size_t{bytes[8]};
    case kSetDesktopSize: return bytes.size() < 8 ? 0 : 8 + 16 * std::size_t{bytes[6]};
    case kExtension:
        if (bytes.size() < 2) return 0;
        if (bytes[1] != kExtendedKey) break;
        return 12;
    default: break;
    }
    refuse("it sent a message that is not known (" + std::to_string(bytes[0]) + ")");
    return 0;
}

bool MessageReader::handle(View message) {
    switch (message[0]) {
    case kSetPixelFormat: {
        const auto format = PixelFormat::parse(message.subspan(4, PixelFormat::kWireSize));
        if (!format) return refuse("it wants pixels that are not served: true colour of 8, 16 or 32 bits is");
        sink_.set_format(*format);
        break;
    }
    case kSetEncodings: {
        std::vector<std::int32_t> encodings;
        for (std::size_t at = 4; at < message.size(); at += 4)
            encodings.push_back(std::int32_t(get32(message, at)));
        sink_.set_encodings(encodings);
        break;
    }
    case kUpdateRequest: sink_.update_wanted(message[1] != 0, area_at(message, 2)); break;
    case kKeyEvent: sink_.key(message[1] != 0, get32(message, 4), 0); break;
    case kPointerEvent: sink_.pointer(message[1], get16(message, 2), get16(message, 4)); break;
    case kCutText: return handle_text(message);
    default: return handle_extension(message);
    }
    return true;
}

/// A negative length is that of the extended clipboard.
bool MessageReader::handle_text(View header) {
    const std::int64_t length = std::int32_t(get32(header, 4));
    if (std::uint64_t(std::abs(length)) > kMostText) return refuse("its clipboard is larger than 16 MiB");
    skip_ = std::size_t(std::abs(length));
    return true;
}

bool MessageReader::handle_extension(View message) {
    switch (message[0]) {
    case kContinuousUpdates: sink_.continuous_updates(message[1] != 0, area_at(message, 2)); break;
    case kFence: sink_.fence(get32(message, 4), message.subspan(9)); break;
    case kSetDesktopSize: sink_.size_wanted(get16(message, 2), get16(message, 4)); break;
    default: sink_.key(get16(message, 2) != 0, get32(message, 4), get32(message, 8)); break;
    }
    return true;
}

}  // namespace backplane::vnc
