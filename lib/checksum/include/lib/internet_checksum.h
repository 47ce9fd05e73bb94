// Internet checksums (RFC 1071) of Ethernet frames.
#pragma once

#include <backplane/abi.h>

namespace backplane::checksum {

/// Completes a checksum that the driver left partial (VIRTIO 1.2, §5.1.6.2): sums [start, end) and stores the
/// result at start + offset. False when that lies outside of the frame.
bool complete_checksum(MutableBytes frame, std::size_t start, std::size_t offset);

/// Is this a TCP or UDP frame over IPv4 or IPv6, not a fragment, whose checksum is there and right?
bool checksum_valid(Bytes frame);

}  // namespace backplane::checksum
