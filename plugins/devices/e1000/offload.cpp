#include "offload.h"

#include <algorithm>

namespace backplane::e1000 {
namespace {

using Frame = std::vector<std::uint8_t>;

std::uint32_t load(const Frame& frame, std::size_t at, unsigned size) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value = value << 8 | (at + i < frame.size() ? frame[at + i] : 0u);
    return value;
}
void store(Frame& frame, std::size_t at, unsigned size, std::uint32_t value) {
    for (unsigned i = 0; i < size; ++i)
        if (at + i < frame.size()) frame[at + i] = std::uint8_t(value >> 8 * (size - 1 - i));
}

std::uint16_t fold(std::uint64_t sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return std::uint16_t(sum);
}

/// 3.5.7: what changes from one segment to the next. `position` and `index` are those of the segment's data.
void adjust_headers(Frame& segment, const OffloadContext& context, std::uint32_t position,
                    std::uint32_t index, bool last) {
    constexpr std::size_t kIpv6Header = 40;
    constexpr std::uint8_t kFinAndPush = 0x09;
    const std::size_t ip = context.ip.start, transport = context.transport.start;
    const auto from = [&segment](std::size_t at) {
        return std::uint32_t(segment.size() > at ? segment.size() - at : 0);
    };
    if (context.ipv4) {
        store(segment, ip + 2, 2, from(ip));
        store(segment, ip + 4, 2, load(segment, ip + 4, 2) + index);
    } else store(segment, ip + 4, 2, from(ip + kIpv6Header));
    if (!context.tcp) return store(segment, transport + 4, 2, from(transport));
    store(segment, transport + 4, 4, load(segment, transport + 4, 4) + position);
    if (!last) store(segment, transport + 13, 1, load(segment, transport + 13, 1) & ~kFinAndPush);
}

/// The driver leaves the sum of the pseudo header there, without the length.
void add_length(Frame& segment, const ChecksumPlace& place) {
    if (segment.size() <= place.start) return;
    store(segment, place.offset, 2, fold(load(segment, place.offset, 2) + segment.size() - place.start));
}

}  // namespace

void insert_checksum(Frame& frame, const ChecksumPlace& place) {
    const std::size_t end =
        place.end == 0 ? frame.size() : std::min<std::size_t>(place.end + 1u, frame.size());
    if (place.start >= end || place.offset + 2u > frame.size()) return;
    std::uint64_t sum = 0;
    for (std::size_t at = place.start; at < end; ++at)
        sum += std::uint64_t{frame[at]} << ((at - place.start) % 2 ? 0 : 8);
    store(frame, place.offset, 2, std::uint16_t(~fold(sum)));
}

std::uint32_t offload(Frame& frame, const OffloadContext& context, const OffloadRequest& request,
                      FrameSink& sink) {
    const auto finish = [&](Frame& one) {
        if (request.transport_checksum) insert_checksum(one, context.transport);
        if (request.ip_checksum) insert_checksum(one, context.ip);
        sink.frame_ready(one);
    };
    const std::size_t header = context.header_size;
    if (!request.segment || context.segment_size == 0 || header == 0 || frame.size() <= header) {
        finish(frame);
        return 1;
    }
    std::uint32_t index = 0;
    for (std::size_t at = header; at < frame.size(); at += context.segment_size, ++index) {
        const std::size_t size = std::min<std::size_t>(context.segment_size, frame.size() - at);
        Frame segment(frame.begin(), frame.begin() + std::ptrdiff_t(header));
        segment.insert(segment.end(), frame.begin() + std::ptrdiff_t(at),
                       frame.begin() + std::ptrdiff_t(at + size));
        adjust_headers(segment, context, std::uint32_t(at - header), index, at + size == frame.size());
        if (request.transport_checksum) add_length(segment, context.transport);
        finish(segment);
    }
    return index;
}

}  // namespace backplane::e1000
