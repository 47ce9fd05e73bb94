#include "new_flow.h"

#include <algorithm>
#include <cstring>

namespace backplane::net {

namespace {

constexpr std::size_t kEthernetHeader = 14;
constexpr unsigned kTypeIpv4 = 0x0800, kTypeIpv6 = 0x86dd;
constexpr unsigned kIcmp = 1, kTcp = 6, kUdp = 17;
constexpr unsigned kEchoRequest = 8;
constexpr unsigned kSyn = 0x02, kAck = 0x10;
constexpr unsigned kDhcpPort = 67, kTftpPort = 69;
constexpr std::uint32_t kBroadcast = 0xffffffff;

unsigned be16(Bytes bytes, std::size_t at) { return unsigned(bytes[at]) << 8 | bytes[at + 1]; }

Bytes from(Bytes bytes, std::size_t at) {
    return at <= bytes.size ? Bytes(bytes.data + at, bytes.size - at) : Bytes();
}

/// `segment` begins with the header of TCP or UDP.
std::optional<NewFlow> of_segment(unsigned protocol, Bytes segment, Bytes address, bool own_service) {
    if (segment.size < 8) return std::nullopt;
    NewFlow flow;
    std::ranges::copy(address, flow.source.begin());
    flow.source[16] = segment[0];
    flow.source[17] = segment[1];
    if (protocol == kTcp) {
        const bool opening = segment.size > 13 && (segment[13] & (kSyn | kAck)) == kSyn;
        return opening ? std::optional(flow) : std::nullopt;
    }
    const unsigned port = be16(segment, 2);
    if (own_service && (port == kDhcpPort || port == kTftpPort)) return std::nullopt;
    flow.datagram = true;
    return flow;
}

std::optional<NewFlow> of_ipv4(Bytes packet, std::uint32_t host) {
    if (packet.size < 20 || packet[0] >> 4 != 4) return std::nullopt;
    const std::size_t header = std::size_t(packet[0] & 0x0f) * 4;
    const unsigned protocol = packet[9];
    std::uint32_t destination = 0;
    std::memcpy(&destination, packet.data + 16, sizeof destination);
    // What a fragment belongs to is known to who puts it together.
    if (be16(packet, 6) & 0x3fff) return NewFlow{};
    const Bytes segment = from(packet, std::max<std::size_t>(header, 20));
    if (protocol == kIcmp)
        return segment.size > 0 && segment[0] == kEchoRequest && destination != host
                   ? std::optional(NewFlow{})
                   : std::nullopt;
    if (protocol != kTcp && protocol != kUdp) return std::nullopt;
    return of_segment(protocol, segment, Bytes(packet.data + 12, 4),
                      destination == host || destination == kBroadcast);
}

std::optional<NewFlow> of_ipv6(Bytes packet) {
    if (packet.size < 40 || packet[0] >> 4 != 6) return std::nullopt;
    const unsigned protocol = packet[6];
    if (protocol != kTcp && protocol != kUdp) return std::nullopt;
    return of_segment(protocol, from(packet, 40), Bytes(packet.data + 8, 16), false);
}

}  // namespace

std::optional<NewFlow> new_flow(Bytes frame, std::uint32_t host) {
    if (frame.size < kEthernetHeader) return std::nullopt;
    const unsigned type = be16(frame, 12);
    const Bytes packet = from(frame, kEthernetHeader);
    if (type == kTypeIpv4) return of_ipv4(packet, host);
    return type == kTypeIpv6 ? of_ipv6(packet) : std::nullopt;
}

}  // namespace backplane::net
