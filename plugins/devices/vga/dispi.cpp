#include "dispi.h"

#include <algorithm>

namespace backplane::vga {
namespace {

constexpr std::uint16_t kOldest = 0xb0c0, kNewest = 0xb0c5;
constexpr std::uint16_t kMostWidth = 16000, kMostHeight = 12000, kMostBits = 32;

// ENABLE
constexpr std::uint16_t kEnabled = 0x01, kCapabilities = 0x02, kEightBits = 0x20, kKeepMemory = 0x80;
constexpr std::uint16_t kEnableBits = 0xff;

bool has_depth(std::uint16_t bits) {
    return bits == 4 || bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

}  // namespace

void Dispi::describe_state(StateTable& state) {
    describe(state, "dispi_index", index_);
    describe_array(state, "dispi", registers_);
}

void Dispi::reset() { registers_[ID] = kNewest; }

bool Dispi::enabled() const { return (registers_[ENABLE] & kEnabled) != 0; }
bool Dispi::eight_bit_colours() const { return enabled() && (registers_[ENABLE] & kEightBits) != 0; }

std::uint64_t Dispi::line_bytes() const {
    const std::uint64_t width = registers_[VIRT_WIDTH];
    return bits() == 4 ? width / 2 : width * ((bits() + 7) / 8);
}

std::uint16_t Dispi::read(unsigned index) const {
    if (index == MEMORY_64K) return std::uint16_t(memory_ >> 16);
    if (index >= kRegisters) return 0;
    if (registers_[ENABLE] & kCapabilities) {
        if (index == XRES) return kMostWidth;
        if (index == YRES) return kMostHeight;
        if (index == BPP) return kMostBits;
    }
    return registers_[index];
}

bool Dispi::write(unsigned index, std::uint16_t value) {
    switch (index) {
    case ID:
        if (value >= kOldest && value <= kNewest) registers_[ID] = value;
        return false;
    case XRES:
        if (value >= 1 && value <= kMostWidth) registers_[XRES] = value & ~7;
        break;
    case YRES:
        if (value >= 1 && value <= kMostHeight) registers_[YRES] = value;
        break;
    case BPP:
        if (value == 0) value = 8;
        if (has_depth(value)) registers_[BPP] = value;
        break;
    case BANK: registers_[BANK] = std::uint16_t(value & ((memory_ >> 16) - 1)); return false;
    case VIRT_WIDTH:
    case X_OFFSET:
    case Y_OFFSET: registers_[index] = value; break;
    case ENABLE: {
        const bool on = (value & kEnabled) != 0 && !enabled();
        registers_[ENABLE] = value & kEnableBits;
        if (on) {
            registers_[VIRT_WIDTH] = registers_[XRES];
            registers_[X_OFFSET] = registers_[Y_OFFSET] = 0;
        }
        registers_[BANK] = 0;
        fit();
        return on && !(value & kKeepMemory);
    }
    default: return false;
    }
    if (enabled()) fit();
    return false;
}

void Dispi::settle() {
    registers_[BANK] = std::uint16_t(registers_[BANK] & ((memory_ >> 16) - 1));
    registers_[XRES] = std::min(registers_[XRES], kMostWidth);
    registers_[YRES] = std::min(registers_[YRES], kMostHeight);
    if (enabled()) fit();
}

/// The picture lies within the memory: what does not is made smaller.
void Dispi::fit() {
    if (!has_depth(registers_[BPP])) registers_[BPP] = 8;
    registers_[XRES] = std::max<std::uint16_t>(registers_[XRES], 8);
    registers_[YRES] = std::max<std::uint16_t>(registers_[YRES], 1);
    registers_[VIRT_WIDTH] = std::max(registers_[VIRT_WIDTH], registers_[XRES]);
    if (line_bytes() * registers_[YRES] > memory_ || registers_[VIRT_WIDTH] > kMostWidth)
        registers_[VIRT_WIDTH] = registers_[XRES];
    const std::uint64_t lines = memory_ / std::max<std::uint64_t>(line_bytes(), 1);
    registers_[YRES] =
        std::uint16_t(std::min<std::uint64_t>(registers_[YRES], std::max<std::uint64_t>(lines, 1)));
    registers_[VIRT_HEIGHT] = std::uint16_t(std::min<std::uint64_t>(lines, 0xffff));
    registers_[X_OFFSET] =
        std::min<std::uint16_t>(registers_[X_OFFSET], registers_[VIRT_WIDTH] - registers_[XRES]);
    registers_[Y_OFFSET] =
        std::min<std::uint16_t>(registers_[Y_OFFSET], registers_[VIRT_HEIGHT] - registers_[YRES]);
}

std::optional<Linear> Dispi::picture(bool big_endian) const {
    if (!enabled() || bits() == 4) return std::nullopt;
    Linear made;
    made.width = registers_[XRES];
    made.height = registers_[YRES];
    made.bits = bits();
    made.pitch = std::uint32_t(line_bytes());
    made.start =
        registers_[Y_OFFSET] * line_bytes() + std::uint64_t{registers_[X_OFFSET]} * ((bits() + 7) / 8);
    made.big_endian = big_endian;
    return made;
}

}  // namespace backplane::vga
