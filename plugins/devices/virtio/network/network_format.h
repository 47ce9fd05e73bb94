// Feature bits, the packet header and commands of the network device (VIRTIO 1.2, §5.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace backplane::virtio::net {

// §5.1.3
inline constexpr std::uint64_t kCsum = 1u << 0, kGuestCsum = 1u << 1, kMtu = 1u << 3, kMac = 1u << 5,
                               kMrgRxbuf = 1u << 15, kStatus = 1u << 16, kCtrlVq = 1u << 17,
                               kCtrlRx = 1u << 18, kCtrlVlan = 1u << 19, kCtrlRxExtra = 1u << 20,
                               kGuestAnnounce = 1u << 21, kMq = 1u << 22, kCtrlMacAddr = 1u << 23;

/// §5.1.6. Without num_buffers (10 bytes) for a legacy driver that does not merge buffers.
struct Header {
    std::uint8_t flags;
    std::uint8_t gso_type;
    std::uint16_t hdr_len;
    std::uint16_t gso_size;
    std::uint16_t csum_start;
    std::uint16_t csum_offset;
    std::uint16_t num_buffers;
};
inline constexpr std::size_t kShortHeader = 10;
static_assert(sizeof(Header) == 12);
inline constexpr std::uint8_t kNeedsCsum = 1, kDataValid = 2;
inline constexpr std::uint8_t kGsoNone = 0;

// Configuration space (§5.1.4), in bytes from its start, and the status in it.
inline constexpr std::size_t kMacAt = 0, kStatusAt = 6, kPairsAt = 8, kMtuAt = 10;
inline constexpr std::uint16_t kLinkUp = 1, kAnnounce = 2;
inline constexpr std::uint16_t kPairs = 1;  ///< of queues

// Commands (§5.1.6.5): class and command.
inline constexpr std::uint8_t kRx = 0;  ///< the command is a ReceiveFilter::Mode
inline constexpr std::uint8_t kMacClass = 1, kTableSet = 0, kAddrSet = 1;
inline constexpr std::uint8_t kVlan = 2, kVlanAdd = 0, kVlanDel = 1;
inline constexpr std::uint8_t kAnnounceClass = 3, kAnnounceAck = 0;
inline constexpr std::uint8_t kMqClass = 4, kPairsSet = 0;
inline constexpr std::uint8_t kAckOk = 0, kAckError = 1;

inline constexpr std::size_t kShortestFrame = 14, kLongestFrame = 65550;

}  // namespace backplane::virtio::net
