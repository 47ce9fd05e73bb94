// What RISC-V harts offer to boards and to the chips around them, beyond their wires.
//
// A hart is an object of a type derived from "riscv-cpu". It has the inputs "irq", one for each bit of mip (3 MSI,
// 7 MTI, 9 SEI, 11 MEI), and the read-only properties "hartid", "isa-string" and "mmu-type".
#pragma once

#include <backplane/abi.h>

namespace backplane::riscv {

/// Offered by the part of type "riscv-cpu". Thread: holding the machine lock.
class HartControl {
  public:
    static constexpr const char* kId = "backplane.riscv-hart/1";
    virtual std::uint64_t hart_id() const = 0;
    /// Ticks per second of `time`.
    virtual std::uint64_t timebase_frequency() const = 0;
    /// mtime was written: `time` is from now on the virtual clock's ticks plus `ticks` (modulo 2^64).
    virtual void set_time_offset(std::uint64_t ticks) = 0;

  protected:
    ~HartControl() = default;
};

/// Offered by the chip that holds mtime. Thread: main, before the machine runs.
class TimeSource {
  public:
    static constexpr const char* kId = "backplane.riscv-time-source/1";
    /// `hart` shall see writes of mtime. It must outlive the chip or be followed by remove_hart().
    virtual void add_hart(HartControl& hart) = 0;
    virtual void remove_hart(HartControl& hart) = 0;

  protected:
    ~TimeSource() = default;
};

}  // namespace backplane::riscv
