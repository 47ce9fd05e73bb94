// What the interrupt chips of a PC hold, and the one description of it. A chip may be a device that does all by itself, or
// the face of one that the host's kernel has: both hold this, so that a machine that was saved with one loads with the
// other.
//
// Names follow the 8259A data sheet (Intel 231468-003), the 82093AA (290566-001) and the Intel SDM volume 3A, chapter 11.
#pragma once

#include <backplane/state.h>

#include <bit>
#include <cstdint>

namespace backplane::chips {

class I8259Registers {
  protected:
    void describe_registers(StateTable& state);
    /// A line of `info pic`.
    void write_text(TextSink& out, bool master) const;

    std::uint8_t requests_ = 0;  ///< latched edges
    std::uint8_t mask_ = 0;
    std::uint8_t in_service_ = 0;
    std::uint8_t lines_ = 0;
    std::uint8_t level_triggered_ = 0;
    std::uint8_t lowest_ = 7;  ///< the input of the lowest priority
    std::uint8_t vector_base_ = 0;
    std::uint8_t expected_ = 0;  ///< the number of the initialization word that comes next; 0: none does
    bool all_level_triggered_ = false;
    bool single_ = false;
    bool icw4_follows_ = false;
    bool read_in_service_ = false;
    bool poll_ = false;
    bool special_mask_ = false;
    bool automatic_end_ = false;
    bool rotate_automatically_ = false;
    bool fully_nested_ = false;
};

class IoApicRegisters {
  protected:
    static constexpr unsigned kPins = 24;
    static constexpr std::uint64_t kMasked = 1u << 16;  ///< of an entry (3.2.4)

    void describe_registers(StateTable& state);
    /// Lines of `info pic`.
    void write_text(TextSink& out, unsigned version) const;

    std::uint8_t select_ = 0;
    std::uint32_t id_ = 0;
    std::uint64_t entries_[kPins] = {};
    std::uint32_t levels_ = 0;
};

/// 256 vectors, a bit each: IRR, ISR and TMR (SDM 3A 11.8.4).
struct InterruptSet {
    std::uint32_t words[8] = {};

    bool has(unsigned vector) const { return (words[vector / 32] >> vector % 32 & 1) != 0; }
    void set(unsigned vector, bool on) {
        const std::uint32_t bit = 1u << vector % 32;
        words[vector / 32] = on ? words[vector / 32] | bit : words[vector / 32] & ~bit;
    }
    /// The highest; -1: none.
    int highest() const {
        for (int word = 7; word >= 0; --word)
            if (words[word]) return word * 32 + 31 - std::countl_zero(words[word]);
        return -1;
    }
};

/// The local vector table, in the order of its registers (SDM 3A 11.5.1).
enum Lvt : unsigned { LvtTimer, LvtThermal, LvtPerformance, LvtLint0, LvtLint1, LvtError, kLvtCount };

class LocalApicRegisters {
  protected:
    static constexpr std::uint32_t kSpuriousReset = 0xff;
    static constexpr std::uint32_t kFormatReset = 0xffffffff;

    void describe_registers(StateTable& state);

    std::uint64_t base_ = 0;
    std::uint8_t task_priority_ = 0;
    std::uint32_t logical_destination_ = 0;
    std::uint32_t destination_format_ = 0;
    std::uint32_t spurious_ = 0;
    std::uint32_t error_status_ = 0;
    std::uint32_t new_errors_ = 0;
    std::uint32_t command_low_ = 0;
    std::uint32_t command_high_ = 0;
    std::uint32_t lvt_[kLvtCount] = {};
    InterruptSet requested_;
    InterruptSet in_service_;
    InterruptSet level_triggered_;
    std::uint8_t lint_levels_[2] = {};
    bool external_message_ = false;  ///< an ExtINT came as a message and was not acknowledged yet
};

/// The local APIC's timer (SDM 3A 11.5.4). Its clock is 1 GHz before the divider.
class ApicTimerRegisters {
  protected:
    void describe_registers(StateTable& state);
    std::uint64_t divisor() const;

    std::uint32_t initial_count_ = 0;
    std::uint32_t divide_ = 0;
    std::uint64_t started_ = 0;   ///< ns: when the count was the initial one
    std::uint64_t deadline_ = 0;  ///< IA32_TSC_DEADLINE; 0: none
};

}  // namespace backplane::chips
