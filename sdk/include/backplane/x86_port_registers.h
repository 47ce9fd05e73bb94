// For a port that answers in the registers of the x86 processor that asks it.
#pragma once

#include <cstdint>

namespace backplane::x86 {

/// Offered by accelerators that execute x86 guests (DeviceContext::host_interface). Thread: that of the vCPU which is in the
/// middle of an access to a port, holding the machine lock; `cpu` is its Access::cpu.
class PortRegisters {
  public:
    static constexpr const char* kId = "backplane.x86-port-registers/1";
    /// Its sixteen general registers (SDM 2A, table 3-1), to be changed until close(). Null: not to be had. What the access
    /// itself leaves in RAX comes after.
    virtual std::uint64_t* open(std::uint32_t cpu) = 0;
    virtual void close(std::uint32_t cpu) = 0;
    /// Of one that was opened: ECX of CPUID leaf 1 (SDM 2A), with its features.
    virtual std::uint32_t leaf1_ecx(std::uint32_t cpu) const = 0;
    /// Of its time-stamp counter, in Hz; 0: nobody knows.
    virtual std::uint64_t tsc_frequency(std::uint32_t cpu) const = 0;

  protected:
    ~PortRegisters() = default;
};

}  // namespace backplane::x86
