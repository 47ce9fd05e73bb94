// What translated code calls for system instructions. Each acts on a HartState whose pc is the instruction's, and
// delivers the exception that it finds.
#pragma once

#include <cstdint>

namespace backplane::riscv::helpers {

/// Delivers `cause` with mtval `value`.
std::uint64_t raise(void* state, std::uint64_t cause, std::uint64_t value);
std::uint64_t environment_call(void* state);
/// EBREAK in the sequence of a semihosting call; sets pc to `next` when it was carried out.
std::uint64_t semihosting_call(void* state, std::uint64_t next);

/// What csr() and change_csr() are told about the instruction, in one word.
struct CsrAccess {
    std::uint16_t number = 0;
    std::uint8_t operation = 0;  ///< CsrOperation
    std::uint8_t rd = 0;
    std::uint32_t bits = 0;  ///< for mtval
    constexpr std::uint64_t pack() const {
        return std::uint64_t{bits} << 32 | std::uint64_t{rd} << 24 | std::uint64_t{operation} << 16 | number;
    }
    static constexpr CsrAccess unpack(std::uint64_t word) {
        return {static_cast<std::uint16_t>(word), static_cast<std::uint8_t>(word >> 16),
                static_cast<std::uint8_t>(word >> 24), static_cast<std::uint32_t>(word >> 32)};
    }
};
/// An access that has no effects beyond the register. Returns its value before.
std::uint64_t csr(void* state, std::uint64_t access, std::uint64_t operand);
/// One that may have: writes rd itself, and returns whether the unit must be left.
std::uint64_t change_csr(void* state, std::uint64_t access, std::uint64_t operand);

/// Both set pc to where they return. `bits` are the instruction's.
std::uint64_t machine_return(void* state, std::uint64_t bits);
std::uint64_t supervisor_return(void* state, std::uint64_t bits);
/// Sets pc to `next` and halts the hart unless there is work.
std::uint64_t wait_for_interrupt(void* state, std::uint64_t bits, std::uint64_t next);
/// What SFENCE.VMA names: rs1 an address, rs2 alone an address space, whose global mappings it leaves.
enum class FenceScope : std::uint8_t { All, Page, AddressSpace };
/// `scope`: of FenceScope.
std::uint64_t fence_vma(void* state, std::uint64_t bits, std::uint64_t scope, std::uint64_t address);
std::uint64_t fence_inval(void* state, std::uint64_t bits);

}  // namespace backplane::riscv::helpers
