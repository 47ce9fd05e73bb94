// Which frames of a guest make the network open another socket of the host, read from their headers (RFC 791, 768,
// 793, 792, 8200).
#pragma once

#include <backplane/abi.h>

#include <array>
#include <optional>

namespace backplane::net {

struct NewFlow {
    bool datagram = false;  ///< it may belong to a flow that is open already: UDP
    /// The guest's end: address and port.
    std::array<std::uint8_t, 18> source{};
};

/// Nothing when the frame opens no socket. `host`: the network's own address (network order), whose DHCP and TFTP
/// need none.
std::optional<NewFlow> new_flow(Bytes frame, std::uint32_t host);

}  // namespace backplane::net
