// The high precision event timers: a main counter of 10 ns, and comparators.
//
// Follows Intel, "IA-PC HPET (High Precision Event Timers) Specification" 1.0a; section numbers in the code are its.
//
// The interrupts of the PIT and of the real-time clock go through the chip (inputs "" 0 and 1), so that LegacyReplacement
// can take their lines; the output "" says whether the PIT has its own.
#pragma once

#include "comparator.h"

#include <array>

namespace backplane::hpet {

inline constexpr unsigned kMostTimers = 32;
inline constexpr unsigned kRoutes = 32;
inline constexpr unsigned kPitRoute = 0;
inline constexpr unsigned kRtcRoute = 8;

class Hpet final : public DeviceBase, public IoHandler {
  public:
    explicit Hpet(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

    // For its comparators.
    bool enabled() const;
    bool legacy() const;
    std::uint64_t counter() const;
    /// The virtual time at which the counter will be `ticks` ahead; ~0: never.
    std::uint64_t time_after(std::uint64_t ticks) const;
    bool pending(unsigned number) const { return (status_ >> number & 1) != 0; }
    void set_pending(unsigned number, bool pending);
    void pulse(unsigned route);
    void send(std::uint64_t address, std::uint32_t data);
    void drive();

    // Properties
    std::uint8_t timers_ = 0;
    bool messages_ = false;
    std::uint32_t routes_ = 0;

  private:
    void legacy_changed(unsigned index, int level);
    std::uint32_t read_word(unsigned offset) const;
    void write_word(unsigned offset, std::uint32_t value);
    void write_configuration(std::uint32_t value);
    void write_counter(unsigned half, std::uint32_t value);
    void schedule_all();
    int level_of(unsigned route) const;

    DeviceContext& context_;
    InputOf<&Hpet::legacy_changed> legacy_inputs_{*this};
    Wire& pit_enabled_;
    std::array<Wire*, kRoutes> outputs_{};
    std::array<Comparator, kMostTimers> comparators_;
    std::uint32_t configuration_ = 0;
    std::uint32_t status_ = 0;
    std::uint64_t halted_at_ = 0;  ///< the counter while it stands
    std::uint64_t offset_ = 0;     ///< while it runs: the counter is this and the clock's ticks
    std::uint8_t legacy_levels_[2] = {};
};

}  // namespace backplane::hpet
