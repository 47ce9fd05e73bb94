// The bit block transfer engine of the CL-GD5446: rectangles of display memory are filled, copied, mixed and expanded from
// patterns and single bits. Follows "CL-GD5446 Technical Reference Manual" 5 (GR20 to GR35) and appendix D.
#pragma once

#include <lib/vga/chip.h>

#include <cstdint>
#include <vector>

namespace backplane::cirrus {

/// What registers say of one transfer.
struct Transfer {
    std::uint32_t width = 1;   ///< bytes to a line
    std::uint32_t height = 1;  ///< lines
    std::uint32_t destination_pitch = 0;
    std::uint32_t source_pitch = 0;
    std::uint32_t destination = 0;  ///< bytes from the start of memory
    std::uint32_t source = 0;
    std::uint8_t mode = 0;       ///< GR30
    std::uint8_t extension = 0;  ///< GR33
    std::uint8_t operation = 0;  ///< GR32
    std::uint8_t skip = 0;       ///< GR2F: what is left out at the left edge
    std::uint32_t foreground = 0, background = 0;
    std::uint16_t key = 0;  ///< GR34, GR35: the colour that is left out
};

class Blitter {
  public:
    /// `memory`: of a power of two of bytes, in which all addresses wrap.
    void connect(MemoryRegion& memory) { memory_ = &memory; }
    void describe_state(StateTable& state);

    /// Carries it out, or begins to: one whose source is the processor waits for feed().
    void start(const Transfer& transfer);
    /// Is a transfer waiting for the processor's bytes?
    bool wants() const { return lines_left_ != 0; }
    void feed(std::uint8_t byte);
    void stop() { lines_left_ = 0; }
    /// What a stream said fits together.
    void settle();

  private:
    unsigned pixel_bytes() const { return (transfer_.mode >> 4 & 3) + 1u; }
    bool has(std::uint8_t mode_bit) const { return (transfer_.mode & mode_bit) != 0; }
    bool extended(std::uint8_t bit) const { return (transfer_.extension & bit) != 0; }
    void fill();
    void copy();
    void copy_pattern();
    void expand();
    void expand_line(std::uint32_t y, const std::uint8_t* bits, unsigned first_bit, bool repeats);
    void take_line(const std::uint8_t* line);
    void put(std::uint32_t at, std::uint32_t colour, unsigned bytes);
    std::uint8_t& byte(std::uint32_t at) { return memory_->bytes().data[at & mask()]; }
    std::uint8_t byte(std::uint32_t at) const { return memory_->bytes().data[at & mask()]; }
    std::uint32_t mask() const { return std::uint32_t(memory_->size() - 1); }
    std::uint32_t line_at(std::uint32_t y) const {
        return transfer_.destination + y * step(transfer_.destination_pitch);
    }
    std::uint32_t step(std::uint32_t pitch) const { return backwards() ? 0u - pitch : pitch; }
    bool backwards() const { return (transfer_.mode & 1) != 0; }
    void changed();

    MemoryRegion* memory_ = nullptr;
    Transfer transfer_;
    std::uint32_t lines_left_ = 0;  ///< that the processor is to send
    std::uint32_t line_bytes_ = 0;  ///< of one
    std::vector<std::uint8_t> fed_;
};

/// What GR32 makes of a source and what is there already.
std::uint8_t raster_operation(std::uint8_t code, std::uint8_t source, std::uint8_t destination);
bool is_raster_operation(std::uint8_t code);

}  // namespace backplane::cirrus
