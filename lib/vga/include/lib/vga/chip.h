// The registers and the memory of a VGA, without a bus: the part that adapters have in common and build on. Follows the IBM
// PS/2 Video Subsystem reference (registers by their index: SR, CR, GR, AR).
//
// Display memory is four planes of bytes; those of one address lie side by side: plane p of address a is byte 4a + p. In
// chain-4 mode the processor's address is that byte, so that it may be mapped as it is.
#pragma once

#include <backplane/clock.h>
#include <backplane/memory.h>
#include <backplane/state.h>

#include <array>
#include <cstdint>

namespace backplane::vga {

inline constexpr std::uint16_t kFirstPort = 0x3b0;
inline constexpr unsigned kPorts = 0x30;  ///< 3B0h to 3DFh
inline constexpr std::uint32_t kWindowSize = 0x20000;
inline constexpr GuestAddress kWindow{0xa0000};
/// How long a picture takes, in ns: 60 come in a second, as monitors of the day had, whatever clock is chosen.
inline constexpr std::uint64_t kPicture = 1'000'000'000 / 60;

/// What adapters that extend the VGA keep for themselves: they are asked first.
class Extension {
  public:
    enum class Bank : std::uint8_t { Sequencer, Crtc, Graphics };
    /// False: it is the VGA's.
    virtual bool read_indexed(Bank, std::uint8_t /*index*/, std::uint8_t& /*value*/) { return false; }
    virtual bool write_indexed(Bank, std::uint8_t /*index*/, std::uint8_t /*value*/) { return false; }
    /// The colour table has `bits` to a primary.
    virtual unsigned primary_bits() const { return 6; }

  protected:
    ~Extension() = default;
};

/// Who wants to know that what memory or the picture look like may be another now.
class Listener {
  public:
    virtual void registers_changed() = 0;

  protected:
    ~Listener() = default;
};

/// Thread: holding the machine lock.
class Chip {
  public:
    Chip(Clock& clock, Listener& listener) : clock_(clock), listener_(listener) {}
    void extend(Extension& extension) { extension_ = &extension; }
    /// `memory`: RAM of a power of two of at least 256 KiB.
    void connect(MemoryRegion& memory) { memory_ = &memory; }
    void describe_state(StateTable& state);

    std::uint8_t read_port(std::uint16_t port, bool look);
    void write_port(std::uint16_t port, std::uint8_t value);
    /// The window: `offset` from A0000h.
    std::uint8_t read_memory(std::uint32_t offset, bool look);
    void write_memory(std::uint32_t offset, std::uint8_t value);

    /// Is memory in the window as it lies, all planes written (chain-4)? At `first`, from the window's start.
    struct Direct {
        bool possible = false;
        std::uint32_t first = 0;
        std::uint32_t size = 0;
        bool operator==(const Direct&) const = default;
    };
    Direct direct() const;

    std::uint8_t sr(unsigned index) const { return sequencer_[index]; }
    std::uint8_t cr(unsigned index) const { return crtc_[index]; }
    std::uint8_t gr(unsigned index) const { return graphics_[index]; }
    std::uint8_t ar(unsigned index) const { return attribute_[index]; }
    std::uint8_t misc() const { return misc_; }
    /// Does the attribute controller show the picture (PAS), and the sequencer?
    bool showing() const { return (attribute_index_ & 0x20) != 0 && (sequencer_[1] & 0x20) == 0; }
    /// Lines of a picture (CR12 with its bits in CR7).
    unsigned shown_lines() const {
        return (crtc_[0x12] | (crtc_[0x07] & 0x02u) << 7 | (crtc_[0x07] & 0x40u) << 3) + 1;
    }
    std::uint8_t dac_mask() const { return dac_mask_; }
    /// A colour of the table, as 0x00rrggbb.
    std::uint32_t colour(unsigned index) const;
    MutableBytes memory() const { return memory_->bytes(); }

    std::uint64_t now_ns() const { return clock_.now_ns(); }

  private:
    void write_crtc(std::uint8_t value);
    void write_attribute(std::uint8_t value);
    std::uint8_t read_dac(bool look);
    void write_dac(std::uint8_t value);
    std::uint8_t status(bool look);
    bool place(std::uint32_t offset, std::uint32_t& address) const;
    std::uint32_t latch_at(std::uint32_t address) const;
    std::uint32_t combine(std::uint8_t value, std::uint32_t& enabled_bits) const;

    Clock& clock_;
    Listener& listener_;
    Extension* extension_ = nullptr;
    MemoryRegion* memory_ = nullptr;

    std::uint8_t misc_ = 0, feature_ = 0;
    std::uint8_t sequencer_index_ = 0, crtc_index_ = 0, graphics_index_ = 0, attribute_index_ = 0;
    bool attribute_data_ = false;  ///< the next write to 3C0h is one of data
    std::array<std::uint8_t, 8> sequencer_{};
    std::array<std::uint8_t, 0x19> crtc_{};
    std::array<std::uint8_t, 9> graphics_{};
    std::array<std::uint8_t, 0x15> attribute_{};
    std::array<std::uint8_t, 768> dac_{};
    std::array<std::uint8_t, 3> dac_cache_{};
    std::uint8_t dac_mask_ = 0xff, dac_state_ = 0;
    std::uint8_t dac_read_index_ = 0, dac_write_index_ = 0, dac_primary_ = 0;
    std::uint32_t latch_ = 0;
};

}  // namespace backplane::vga
