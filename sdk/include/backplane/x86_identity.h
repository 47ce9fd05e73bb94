// What an x86 processor says of itself in registers, for tables that repeat it.
#pragma once

#include <cstdint>

namespace backplane::x86 {

/// Offered by the part of type "x86_64-cpu", once it is realized. Thread: main, or holding the machine lock.
class ProcessorIdentity {
  public:
    static constexpr const char* kId = "backplane.x86-identity/1";
    /// CPUID leaf 1 (SDM 2A): EAX, with family, model and stepping; EDX, with its features.
    virtual std::uint32_t leaf1_eax() const = 0;
    virtual std::uint32_t leaf1_edx() const = 0;

  protected:
    ~ProcessorIdentity() = default;
};

}  // namespace backplane::x86
