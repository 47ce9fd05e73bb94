// One decoded x86 instruction: 32 bytes, so that translated code hands it to the executor in registers.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM) volume 2, chapter 2 and appendix A.
#pragma once

#include "table.h"

#include <cstdint>
#include <type_traits>

namespace backplane::x86 {

/// Width of code: CS.D and CS.L (SDM 3A 3.4.5).
enum class CodeSize : std::uint8_t { Code16 = 2, Code32 = 4, Code64 = 8 };

namespace prefix {
inline constexpr std::uint8_t kOperand = 1, kRepne = 2, kRep = 4, kLock = 8, kAddress = 16;
}

inline constexpr std::uint8_t kNoVex = 0xff;

struct Instruction {
    std::uint64_t immediate = 0;  ///< sign-extended where the instruction says so
    std::int32_t displacement = 0;
    std::uint16_t immediate2 = 0;  ///< a far pointer's selector, ENTER's level
    std::uint16_t row_index = 0;
    std::uint8_t length = 0;  ///< bytes
    std::uint8_t opcode = 0;
    std::uint8_t modrm = 0;
    std::uint8_t sib = 0;
    std::uint8_t rex = 0;  ///< W, R, X, B as bits 3–0, of REX or VEX; bit 6: there was a REX prefix
    /// kNoVex, or VEX: vvvv (not inverted) in bits 3–0, L in bit 4.
    std::uint8_t vex = kNoVex;
    std::uint8_t prefixes = 0;      ///< of `prefix`
    std::uint8_t segment = 3;       ///< of the memory operand, with the override (SegmentName)
    std::uint8_t operand_size = 0;  ///< bytes: 1, 2, 4, 8
    std::uint8_t address_size = 0;  ///< bytes: 2, 4, 8
    std::uint8_t memory_size = 0;   ///< bytes of the memory operand; 0 where the row does not say
    CodeSize code_size = CodeSize::Code64;
    std::uint8_t map = 0;        ///< Map
    std::uint8_t mandatory = 0;  ///< Mandatory

    const Row& row() const { return rows()[row_index]; }
    Operation operation() const { return row().operation; }
    bool has_memory() const { return row().modrm && modrm < 0xc0; }
    unsigned mod() const { return modrm >> 6; }
    /// With the fourth bit of REX or VEX.
    unsigned reg() const { return (modrm >> 3 & 7) | (rex & 4) << 1; }
    unsigned rm() const { return (modrm & 7) | (rex & 1) << 3; }
    unsigned opcode_register() const { return (opcode & 7) | (rex & 1) << 3; }
    unsigned extension() const { return modrm >> 3 & 7; }
    bool rex_w() const { return (rex & 8) != 0; }
    bool has(std::uint8_t wanted) const { return (prefixes & wanted) != 0; }
    bool is_vex() const { return vex != kNoVex; }
    unsigned vvvv() const { return vex & 15u; }
    bool long_vector() const { return is_vex() && (vex & 16) != 0; }
    bool is_64bit() const { return code_size == CodeSize::Code64; }
};
static_assert(sizeof(Instruction) == 32);
static_assert(std::is_trivially_copyable_v<Instruction>);

}  // namespace backplane::x86
