// The frame of the remote protocol (GDB manual, appendix E.1): $payload#checksum, acknowledged until both agree not to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace backplane::gdb {

/// Payload bytes that a client may send, and is sent, in one packet.
inline constexpr std::size_t kMaximumPayload = 64u << 10;

struct PacketEvent {
    enum class Kind : std::uint8_t {
        Packet,
        Damaged,    ///< the checksum is wrong
        TooLong,    ///< its payload was dropped
        Interrupt,  ///< Ctrl-c between packets
        Resend,     ///< the client got the last packet damaged
    };
    Kind kind = Kind::Packet;
    std::string payload;
};

/// Makes packets of a client's bytes. Keeps at most kMaximumPayload of them.
class PacketReader {
  public:
    /// What the byte completed.
    std::optional<PacketEvent> feed(std::uint8_t byte);
    void reset() { state_ = State::Between; }

  private:
    enum class State : std::uint8_t { Between, Payload, Escaped, Checksum, ChecksumLow };
    void keep(std::uint8_t byte);

    State state_ = State::Between;
    std::string payload_;
    bool too_long_ = false;
    std::uint8_t sum_ = 0;
    int expected_ = 0;  ///< negative: no hexadecimal digits
};

/// A whole packet; what has a meaning in the frame is escaped.
std::string framed(std::string_view payload);

}  // namespace backplane::gdb
