// What the controller does to frames before they leave: checksums, and long TCP and UDP frames in segments (317453,
// sections 3.5 and 3.6).
#pragma once

#include <backplane/abi.h>

#include <cstdint>
#include <vector>

namespace backplane::e1000 {

/// Where a checksum goes: the sum of [start, end], both inside, at an offset. `end` 0: up to the frame's end.
struct ChecksumPlace {
    std::uint8_t start = 0, offset = 0;
    std::uint16_t end = 0;
};

/// A context descriptor (3.3.6).
struct OffloadContext {
    ChecksumPlace ip, transport;
    std::uint8_t header_size = 0;
    std::uint16_t segment_size = 0;
    bool ipv4 = false, tcp = false;
};

/// What the data descriptors of one frame ask for.
struct OffloadRequest {
    bool segment = false, ip_checksum = false, transport_checksum = false;
};

/// Nothing where the frame is too short for it.
void insert_checksum(std::vector<std::uint8_t>& frame, const ChecksumPlace& place);

class FrameSink {
  public:
    virtual void frame_ready(std::vector<std::uint8_t>& frame) = 0;

  protected:
    ~FrameSink() = default;
};

/// Hands over the frame, or the segments that it makes. Returns how many.
std::uint32_t offload(std::vector<std::uint8_t>& frame, const OffloadContext& context,
                      const OffloadRequest& request, FrameSink& sink);

}  // namespace backplane::e1000
