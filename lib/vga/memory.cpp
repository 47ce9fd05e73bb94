// The processor's way into the four planes (graphics controller, GR0 to GR8, and the sequencer's SR2 and SR4).
#include <lib/vga/chip.h>

#include <bit>
#include <cstring>

namespace backplane::vga {
namespace {

constexpr std::uint8_t kChain4 = 0x08, kOddEvenOff = 0x04;    // SR4
constexpr std::uint8_t kReadCompare = 0x08, kOddEven = 0x10;  // GR5

/// Bit n of four becomes all of byte n.
constexpr std::uint32_t spread(unsigned planes) {
    std::uint32_t mask = 0;
    for (unsigned plane = 0; plane < 4; ++plane)
        if (planes >> plane & 1) mask |= 0xffu << 8 * plane;
    return mask;
}
constexpr std::uint32_t in_all_planes(std::uint8_t value) { return 0x01010101u * value; }

struct Place {
    std::uint32_t first, size;
};
/// GR6, bits 3–2: where in the window memory answers.
constexpr Place kPlaces[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};

}  // namespace

Chip::Direct Chip::direct() const {
    const Place& place = kPlaces[graphics_[6] >> 2 & 3];
    const bool plain = (sequencer_[4] & kChain4) && (sequencer_[2] & 0x0f) == 0x0f && (misc_ & 0x02) &&
                       (graphics_[5] & 0x03) == 0 && !(graphics_[5] & kReadCompare) &&
                       !(graphics_[1] & 0x0f) && graphics_[8] == 0xff && !(graphics_[3] & 0x1f);
    return {plain, place.first, place.size};
}

/// Where in the window's memory: false outside of where it answers.
bool Chip::place(std::uint32_t offset, std::uint32_t& address) const {
    const Place& place = kPlaces[graphics_[6] >> 2 & 3];
    address = offset - place.first;
    return address < place.size && (misc_ & 0x02) != 0;
}

std::uint32_t Chip::latch_at(std::uint32_t address) const {
    const MutableBytes bytes = memory_->bytes();
    std::uint32_t planes;
    std::memcpy(&planes, bytes.data + (std::size_t{address} * 4 & (bytes.size - 1)), sizeof planes);
    return planes;
}

std::uint8_t Chip::read_memory(std::uint32_t offset, bool look) {
    std::uint32_t address;
    if (!place(offset, address)) return 0xff;
    unsigned plane = graphics_[4] & 3;
    if (sequencer_[4] & kChain4) {
        plane = address & 3;
        address >>= 2;
    } else if (graphics_[5] & kOddEven) {
        plane = (plane & 2) | (address & 1);
        address &= ~1u;
    }
    const std::uint32_t planes = latch_at(address);
    if (!look) latch_ = planes;
    if (!(graphics_[5] & kReadCompare)) return std::uint8_t(planes >> 8 * plane);
    // Where all planes that count have the colour that is looked for.
    const std::uint32_t differs = (planes ^ spread(graphics_[2])) & spread(graphics_[7]);
    return std::uint8_t(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

/// Bits of all planes that the processor's byte makes, before they meet the latches; and which may change.
std::uint32_t Chip::combine(std::uint8_t value, std::uint32_t& enabled_bits) const {
    const unsigned mode = graphics_[5] & 3;
    const std::uint8_t rotated = std::rotr(value, graphics_[3] & 7);
    enabled_bits = in_all_planes(graphics_[8]);
    std::uint32_t bits = 0;
    switch (mode) {
    case 0: {
        const std::uint32_t set = spread(graphics_[1]);
        bits = (in_all_planes(rotated) & ~set) | (spread(graphics_[0]) & set);
        break;
    }
    case 1: enabled_bits = ~0u; return latch_;
    case 2: bits = spread(value & 0x0f); break;
    case 3:
        enabled_bits &= in_all_planes(rotated);
        bits = spread(graphics_[0]);
        break;
    }
    switch (graphics_[3] >> 3 & 3) {
    case 1: return bits & latch_;
    case 2: return bits | latch_;
    case 3: return bits ^ latch_;
    default: return bits;
    }
}

void Chip::write_memory(std::uint32_t offset, std::uint8_t value) {
    std::uint32_t address;
    if (!place(offset, address)) return;
    std::uint32_t planes = spread(sequencer_[2] & 0x0f);
    if (sequencer_[4] & kChain4) {
        planes &= spread(1u << (address & 3));
        address >>= 2;
    } else if (!(sequencer_[4] & kOddEvenOff)) {
        planes &= spread(address & 1 ? 0x0a : 0x05);
        address &= ~1u;
    }
    const MutableBytes bytes = memory_->bytes();
    const std::size_t at = std::size_t{address} * 4 & (bytes.size - 1);
    std::uint32_t enabled_bits, old;
    const std::uint32_t made = combine(value, enabled_bits);
    std::memcpy(&old, bytes.data + at, sizeof old);
    const std::uint32_t mixed = (made & enabled_bits) | (latch_ & ~enabled_bits);
    const std::uint32_t now = (mixed & planes) | (old & ~planes);
    if (now == old) return;
    std::memcpy(bytes.data + at, &now, sizeof now);
    memory_->bytes_changed(Offset(at), sizeof now);
}

}  // namespace backplane::vga
