// One counter of the 8254, on a time line of clock ticks: nothing runs; what it shows follows from when it was loaded. The
// chip may be a device of the machine or the host's kernel's: both are described by this.
#pragma once

#include <backplane/state.h>

#include <optional>

namespace backplane::i8254 {

/// A number of the counter's clock pulses since the machine began.
using Tick = std::int64_t;

inline constexpr std::uint64_t kFrequency = 1'193'182;  // Hz
/// Of a time of the machine, in ns.
constexpr Tick tick_of(std::uint64_t ns) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    return Tick(ns / kSecond * kFrequency + ns % kSecond * kFrequency / kSecond);
}

/// The first time that is of it.
constexpr std::uint64_t time_of(Tick tick) {
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const auto ticks = std::uint64_t(tick);
    return ticks / kFrequency * kSecond + (ticks % kFrequency * kSecond + kFrequency - 1) / kFrequency;
}

class Counter {
  public:
    /// What the control word and the read-back command say.
    void write_control(std::uint8_t control, Tick now);
    void latch_count(Tick now);
    void latch_status(Tick now);
    /// A byte at the counter's port.
    void write(std::uint8_t value, Tick now);
    std::uint8_t read(Tick now);
    std::uint8_t peek(Tick now) const { return Counter(*this).read(now); }

    void set_gate(bool level, Tick now);
    bool gate() const { return gate_; }
    bool output(Tick now) const;
    unsigned mode() const { return mode_ & 2 ? mode_ & 3 : mode_; }
    /// A count that was written during a period takes over when that is through.
    void settle(Tick now);
    /// After settle(): the next tick at which OUT rises, as things are; none when it does not.
    std::optional<Tick> next_rise(Tick now) const;

    /// What PCs find at power-on: a square wave of the longest period, gated.
    void power_on(bool gate, Tick now);
    /// Describes the members of this and of the next `count - 1` elements of its array.
    void describe(StateTable& table, std::uint32_t count);
    bool plausible() const;

  protected:
    std::uint32_t modulus() const { return bcd_ ? 10'000 : 0x10000; }
    std::uint32_t written_count() const;
    std::uint16_t as_register(std::uint32_t value) const;
    Tick elapsed(Tick now) const;
    std::uint32_t value(Tick now) const;
    std::uint8_t status(Tick now) const;
    void count_written(Tick now);
    void load(Tick now);
    void stop(Tick now);
    /// When a count that was written during a period takes over (modes 2 and 3), and the position where it begins.
    struct Change {
        Tick at;
        Tick start;
    };
    std::optional<Change> pending_change() const;

    std::uint8_t access_ = 3;  ///< RW: 1 low byte, 2 high byte, 3 one after the other
    std::uint8_t mode_ = 3;    ///< as written: 6 and 7 are 2 and 3
    bool bcd_ = false;
    bool gate_ = false;
    bool running_ = false;
    bool loaded_ = false;        ///< a count has been loaded since the control word
    bool null_count_ = true;     ///< a count has been written and not loaded
    bool ever_written_ = false;  ///< a count has been written since the control word
    std::uint16_t register_ = 0;
    std::uint32_t count_ = 0x10000;  ///< what was loaded
    Tick start_ = 0;                 ///< when, while it runs
    Tick held_ = 0;                  ///< how far it had come, while it does not
    Tick written_at_ = 0;

    bool write_high_ = false;  ///< the high byte is written next
    std::uint8_t low_byte_ = 0;
    bool read_high_ = false;
    std::uint8_t latched_bytes_ = 0;  ///< of the latched count that are not yet read
    std::uint16_t latched_count_ = 0;
    bool status_latched_ = false;
    std::uint8_t latched_status_ = 0;
};

}  // namespace backplane::i8254
