// One comparator of the HPET; see hpet.h.
#pragma once

#include <backplane/device.h>

namespace backplane::hpet {

class Hpet;

class Comparator {
  public:
    /// `number`: 0–31 in its HPET.
    void set_up(Hpet& hpet, unsigned number, Clock& clock);
    /// Of the first comparator of an array, into the group that stands for each.
    void describe_state(StateTable& state);

    /// 32-bit words of its 32 bytes of registers.
    std::uint32_t read(unsigned word) const;
    void write(unsigned word, std::uint32_t value);
    /// The counter was started, stopped or set, or the machine loaded: when does it match next?
    void schedule() { arm(false); }
    void cancel() { timer_.cancel(); }
    /// The level that it drives its line to, and which line.
    bool raised() const;
    unsigned route() const;

  private:
    bool has(std::uint32_t flag) const { return (configuration_ & flag) != 0; }
    void write_configuration(std::uint32_t value);
    void write_comparator(unsigned half, std::uint32_t value);
    std::uint64_t mask() const;
    bool periodic() const;
    void arm(bool just_matched);
    void expired();
    void accumulate(std::uint64_t counter);
    void interrupt();

    Hpet* hpet_ = nullptr;
    unsigned number_ = 0;
    OwnedTimer<&Comparator::expired> timer_{*this};
    std::uint32_t configuration_ = 0;
    std::uint64_t comparator_ = ~std::uint64_t{0};
    std::uint64_t period_ = 0;
    std::uint64_t fsb_ = 0;
    std::uint8_t set_halves_ = 0;  ///< VAL_SET is on, still for these halves of the comparator
};

}  // namespace backplane::hpet
