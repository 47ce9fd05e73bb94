// The registers that Bochs added to the VGA for modes of any size: an index and a data port, or words in memory.
// (docs/specs/standard-vga; Bochs, "VBE display API".)
#pragma once

#include <lib/vga/picture.h>

#include <array>
#include <optional>

namespace backplane::vga {

class Dispi {
  public:
    enum Register : unsigned {
        ID,
        XRES,
        YRES,
        BPP,
        ENABLE,
        BANK,
        VIRT_WIDTH,
        VIRT_HEIGHT,
        X_OFFSET,
        Y_OFFSET,
        MEMORY_64K,
        kRegisters,
    };

    void set_memory(std::uint64_t bytes) { memory_ = bytes; }
    void describe_state(StateTable& state);
    void reset();
    std::uint16_t index() const { return index_; }
    void select(std::uint16_t index) { index_ = index; }
    std::uint16_t read(unsigned index) const;
    /// True when a mode was switched on whose memory is to be cleared.
    bool write(unsigned index, std::uint16_t value);
    /// What a stream said fits together, or is put right.
    void settle();

    bool enabled() const;
    bool eight_bit_colours() const;
    /// Bytes from the start of memory to where the window at A0000h is; while enabled.
    std::uint32_t bank_start() const { return std::uint32_t{registers_[BANK]} << 16; }
    /// Bytes of all of its lines.
    std::uint64_t picture_bytes() const { return line_bytes() * registers_[YRES]; }
    /// The picture, unless it is off or one of four planes.
    std::optional<Linear> picture(bool big_endian) const;

  private:
    std::uint32_t bits() const { return registers_[BPP]; }
    std::uint64_t line_bytes() const;
    void fit();

    std::uint64_t memory_ = 0;
    std::uint16_t index_ = 0;
    std::array<std::uint16_t, kRegisters> registers_{};
};

}  // namespace backplane::vga
