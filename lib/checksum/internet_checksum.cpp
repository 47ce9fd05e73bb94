#include <lib/internet_checksum.h>

#include <cstring>

namespace backplane::checksum {

namespace {

std::uint16_t big16(Bytes bytes, std::size_t at) { return std::uint16_t(bytes[at] << 8 | bytes[at + 1]); }

/// The one's complement sum in host order, to be folded; the order of bytes does not matter to it (RFC 1071, 2B).
std::uint64_t sum(Bytes bytes) {
    std::uint64_t total = 0;
    std::size_t i = 0;
    for (; i + 4 <= bytes.size; i += 4) {
        std::uint32_t word;
        std::memcpy(&word, bytes.data + i, 4);
        total += word;
    }
    std::uint8_t rest[4] = {};
    for (std::size_t j = 0; i + j < bytes.size; ++j) rest[j] = bytes[i + j];
    std::uint32_t word;
    std::memcpy(&word, rest, 4);
    return total + word;
}

std::uint16_t fold(std::uint64_t total) {
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return std::uint16_t(total);
}

Bytes part(Bytes bytes, std::size_t offset, std::size_t size) { return {bytes.data + offset, size}; }

constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100;

}  // namespace

bool complete_checksum(MutableBytes frame, std::size_t start, std::size_t offset) {
    if (start + offset + 2 > frame.size) return false;
    std::uint16_t value = std::uint16_t(~fold(sum({frame.data + start, frame.size - start})));
    if (value == 0) value = 0xffff;  // the same number, and not UDP's "no checksum" (RFC 768)
    std::memcpy(frame.data + start + offset, &value, 2);
    return true;
}

bool checksum_valid(Bytes frame) {
    std::size_t at = 12;
    if (frame.size < 14 + 20) return false;
    if (big16(frame, at) == kVlan) at += 4;
    if (at + 2 + 20 > frame.size) return false;
    const std::uint16_t type = big16(frame, at);
    const std::size_t ip = at + 2;
    std::size_t transport, length;
    std::uint8_t protocol;
    Bytes addresses;
    if (type == kIpv4) {
        const std::size_t header = (frame[ip] & 15) * 4u;
        length = big16(frame, ip + 2);
        if (frame[ip] >> 4 != 4 || header < 20 || (big16(frame, ip + 6) & 0x3fff) || length < header)
            return false;
        protocol = frame[ip + 9];
        addresses = part(frame, ip + 12, 8);
        transport = ip + header;
        length -= header;
    } else if (type == kIpv6 && ip + 40 <= frame.size) {
        protocol = frame[ip + 6];  // extension headers are left to the driver
        length = big16(frame, ip + 4);
        addresses = part(frame, ip + 8, 32);
        transport = ip + 40;
    } else {
        return false;
    }
    if (length > frame.size || transport > frame.size - length) return false;
    if (protocol == kTcp ? length < 20 : protocol != kUdp || length < 8 || big16(frame, transport + 6) == 0)
        return false;
    const std::uint8_t pseudo[4] = {0, protocol, std::uint8_t(length >> 8), std::uint8_t(length)};
    return fold(sum(addresses) + sum({pseudo, 4}) + sum(part(frame, transport, length))) == 0xffff;
}

}  // namespace backplane::checksum
