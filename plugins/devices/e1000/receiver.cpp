#include "receiver.h"

#include <algorithm>
#include <cstring>

namespace backplane::e1000 {
namespace {

constexpr std::size_t kLeast = 60, kMost = 1518, kMostTagged = 1522, kMostLong = 16384;
constexpr std::size_t kHeader = 14, kType = 12, kTag = 4, kCrc = 4;

// Status of a descriptor (3.2.3.1)
constexpr std::uint8_t kDone = 0x01, kEnd = 0x02, kIgnoreChecksum = 0x04, kVlanPacket = 0x08;

constexpr std::uint32_t kAddressValid = 1u << 31;

bool multicast(Bytes frame) { return frame.data[0] & 1; }
bool broadcast(Bytes frame) {
    return std::all_of(frame.data, frame.data + 6, [](std::uint8_t byte) { return byte == 0xff; });
}

}  // namespace

bool Receiver::tagged(Bytes frame) const {
    return (unsigned{frame.data[kType]} << 8 | frame.data[kType + 1]) == registers_[Reg::VET] &&
           frame.size >= kHeader + kTag;
}

/// 13.4.22: BSIZE, with and without BSEX.
std::uint32_t Receiver::buffer_size() const {
    const unsigned code = registers_[Reg::RCTL] >> 16 & 3;
    if (registers_[Reg::RCTL] & kSizeExtension && code != 0) return 32768u >> code;
    return 2048u >> code;
}

bool Receiver::address_matches(Bytes frame) const {
    const std::uint32_t control = registers_[Reg::RCTL];
    if (broadcast(frame) && control & kBroadcastAccept) return true;
    if (control & (multicast(frame) ? kMulticastAll : kUnicastAll)) return true;
    for (unsigned i = 0; i < 16; ++i) {
        const std::uint32_t low = registers_.addresses[2 * i], high = registers_.addresses[2 * i + 1];
        const std::uint8_t bytes[] = {std::uint8_t(low),       std::uint8_t(low >> 8),
                                      std::uint8_t(low >> 16), std::uint8_t(low >> 24),
                                      std::uint8_t(high),      std::uint8_t(high >> 8)};
        if (high & kAddressValid && std::memcmp(bytes, frame.data, sizeof bytes) == 0) return true;
    }
    if (!multicast(frame)) return false;
    // 13.5.1: twelve bits of the address, which ones RCTL.MO says, are a bit's number.
    constexpr unsigned kShifts[] = {4, 3, 2, 0};
    const unsigned value = unsigned{frame.data[5]} << 8 | frame.data[4];
    const unsigned bit = value >> kShifts[control >> 12 & 3] & 0xfff;
    return registers_.multicast[bit / 32] >> bit % 32 & 1;
}

bool Receiver::vlan_matches(Bytes frame) const {
    if (!(registers_[Reg::RCTL] & kVlanFilter) || !tagged(frame)) return true;
    const unsigned vlan = (unsigned{frame.data[kHeader]} << 8 | frame.data[kHeader + 1]) & 0xfff;
    return registers_.vlans[vlan / 32] >> vlan % 32 & 1;
}

bool Receiver::wanted(Bytes frame) const {
    if (frame.size < kHeader) return false;
    const std::size_t most = registers_[Reg::RCTL] & kLongPackets ? kMostLong
                             : tagged(frame)                      ? kMostTagged
                                                                  : kMost;
    return frame.size + kCrc <= most && vlan_matches(frame) && address_matches(frame);
}

bool Receiver::receive(Bytes frame) {
    if (!wanted(frame)) return true;
    std::vector<std::uint8_t> bytes(frame.begin(), frame.end());
    bytes.resize(std::max(bytes.size(), kLeast));
    std::uint32_t vlan = 0;
    if (registers_[Reg::CTRL] & kVlanMode && tagged(frame)) {
        vlan = kAddressValid | unsigned{bytes[kHeader]} << 8 | bytes[kHeader + 1];
        bytes.erase(bytes.begin() + kType, bytes.begin() + kType + kTag);
    }
    if (!(registers_[Reg::RCTL] & kStripCrc)) bytes.resize(bytes.size() + kCrc);
    const Ring ring = ring_of(registers_, Reg::RDBAL, Reg::RDBAH, Reg::RDLEN, Reg::RDH, Reg::RDT);
    if (ring.owned() < (bytes.size() + buffer_size() - 1) / buffer_size()) {
        registers_.count(kNoBuffers);
        host_.raise(kOverrun);
        return false;
    }
    count(frame, bytes.size());
    store(bytes, vlan, ring);
    return true;
}

void Receiver::count(Bytes frame, std::size_t size) {
    registers_.count(kReceivedAll);
    registers_.count(kReceivedGood);
    if (broadcast(frame)) registers_.count(kReceivedBroadcast);
    else if (multicast(frame)) registers_.count(kReceivedMulticast);
    registers_.count_octets(kReceivedOctets, size);
    registers_.count_octets(kReceivedGoodOctets, size);
}

void Receiver::store(const std::vector<std::uint8_t>& bytes, std::uint32_t vlan, Ring ring) {
    for (std::size_t at = 0; at < bytes.size();) {
        const std::size_t size = std::min<std::size_t>(buffer_size(), bytes.size() - at);
        const auto buffer = dma_load<std::uint64_t>(host_.memory(), GuestAddress(ring.descriptor()));
        // A descriptor without a buffer is passed over with its bytes (3.2.3).
        if (buffer != 0) host_.memory().write(GuestAddress(buffer), {bytes.data() + at, size});
        at += size;
        const std::uint8_t status = std::uint8_t(kDone | kIgnoreChecksum | (at == bytes.size() ? kEnd : 0) |
                                                 (vlan != 0 ? kVlanPacket : 0));
        const std::uint64_t answer = std::uint64_t{vlan & 0xffff} << 48 | std::uint64_t{status} << 32 | size;
        constexpr std::uint64_t kAnswerAt = 8;
        dma_store(host_.memory(), GuestAddress(ring.descriptor() + kAnswerAt), answer);
        ring.step();
    }
    registers_[Reg::RDH] = ring.head;
    const unsigned threshold = registers_[Reg::RCTL] >> 8 & 3;
    const bool few = ring.owned() <= ring.count >> (threshold + 1);
    host_.raise(kReceiveTimer | (few ? kFewDescriptors : 0));
}

}  // namespace backplane::e1000
