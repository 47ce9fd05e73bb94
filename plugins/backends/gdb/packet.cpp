#include "packet.h"

#include "hex.h"

#include <utility>

namespace backplane::gdb {

void PacketReader::keep(std::uint8_t byte) {
    if (payload_.size() < kMaximumPayload) payload_ += char(byte);
    else too_long_ = true;
}

std::optional<PacketEvent> PacketReader::feed(std::uint8_t byte) {
    using Kind = PacketEvent::Kind;
    // A dollar begins a packet wherever it stands: who lost the thread finds it again.
    if (byte == '$') {
        payload_.clear();
        too_long_ = false;
        sum_ = 0;
        state_ = State::Payload;
        return std::nullopt;
    }
    switch (state_) {
    case State::Between:
        if (byte == 0x03) return PacketEvent{Kind::Interrupt, {}};
        if (byte == '-') return PacketEvent{Kind::Resend, {}};
        return std::nullopt;  // an acknowledgement, or noise
    case State::Payload:
        if (byte == '#') {
            state_ = State::Checksum;
            return std::nullopt;
        }
        sum_ = std::uint8_t(sum_ + byte);
        if (byte == '}') state_ = State::Escaped;
        else keep(byte);
        return std::nullopt;
    case State::Escaped:
        sum_ = std::uint8_t(sum_ + byte);
        keep(byte ^ 0x20);
        state_ = State::Payload;
        return std::nullopt;
    case State::Checksum:
        expected_ = digit_of(char(byte)) * 16;
        state_ = State::ChecksumLow;
        return std::nullopt;
    case State::ChecksumLow: break;
    }
    state_ = State::Between;
    const int low = digit_of(char(byte));
    if (expected_ < 0 || low < 0 || expected_ + low != sum_) return PacketEvent{Kind::Damaged, {}};
    if (too_long_) return PacketEvent{Kind::TooLong, {}};
    return PacketEvent{Kind::Packet, std::exchange(payload_, {})};
}

std::string framed(std::string_view payload) {
    std::string packet = "$";
    std::uint8_t sum = 0;
    const auto put = [&](char c) {
        packet += c;
        sum = std::uint8_t(sum + static_cast<unsigned char>(c));
    };
    for (const char c : payload) {
        const bool escape = c == '$' || c == '#' || c == '}' || c == '*';
        if (escape) put('}');
        put(escape ? char(c ^ 0x20) : c);
    }
    return packet + "#" + hex_of_number(sum, 2);
}

}  // namespace backplane::gdb
