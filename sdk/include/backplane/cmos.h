// The battery-backed memory of a PC's clock chip, as its board fills it: what firmware reads there of memory sizes, drives
// and the boot order.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by a clock chip with CMOS memory. Thread: main, or holding the machine lock.
class Cmos {
  public:
    static constexpr const char* kId = "backplane.cmos/1";
    /// The first byte that is memory: what lies below is the clock's.
    static constexpr unsigned kFirst = 0x0e;
    static constexpr unsigned kSize = 128;
    /// Byte `index`, from kFirst up to kSize. False for another, or one that the clock keeps its century in. It survives a
    /// reset; a saved machine brings its own.
    virtual bool set_byte(unsigned index, std::uint8_t value) = 0;
    /// What a guest would read there, without side effect; 0xff outside of the chip.
    virtual std::uint8_t byte(unsigned index) const = 0;

  protected:
    ~Cmos() = default;
};

}  // namespace backplane
