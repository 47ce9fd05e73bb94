// What ends an instruction before it is done.
#pragma once

#include <cstdint>

namespace backplane::x86 {

/// SDM 3A, table 6-1.
enum class Vector : std::uint8_t {
    DivideError = 0,
    Debug = 1,
    Nmi = 2,
    Breakpoint = 3,
    Overflow = 4,
    BoundRange = 5,
    InvalidOpcode = 6,
    DeviceNotAvailable = 7,
    DoubleFault = 8,
    InvalidTss = 10,
    SegmentNotPresent = 11,
    StackFault = 12,
    GeneralProtection = 13,
    PageFault = 14,
    MathFault = 16,
    AlignmentCheck = 17,
    MachineCheck = 18,
    SimdFault = 19,
};

/// An exception of the guest's, thrown inside of the executor: an instruction that throws has changed nothing of the state.
/// (A C++ exception, for an instruction may fault at each of its accesses, and nothing else is to be done between there
/// and the helper that called it.)
struct GuestFault {
    Vector vector{};
    bool has_error = false;
    std::uint32_t error = 0;
};

/// A debugger watches what was to be accessed: the instruction is to be run again, alone.
struct Abandoned {};

[[noreturn]] inline void undefined_opcode() { throw GuestFault{Vector::InvalidOpcode}; }
[[noreturn]] inline void general_protection(std::uint32_t error = 0) {
    throw GuestFault{Vector::GeneralProtection, true, error};
}

}  // namespace backplane::x86
