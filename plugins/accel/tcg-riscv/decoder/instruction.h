// An instruction as the translator and the disassembler see it: which one, and its fields. A compressed instruction
// stands here as the 32-bit one that it abbreviates.
#pragma once

#include <cstdint>

namespace backplane::riscv {

enum class Opcode : std::uint16_t {
    ILLEGAL,
#define INST(opcode, mnemonic, encoding, extension, immediate, operands) opcode,
#include "riscv.inc"
#undef INST
    kCount,
};

struct Instruction {
    Opcode opcode = Opcode::ILLEGAL;
    std::uint16_t row = 0;    ///< in rows()
    std::uint8_t length = 4;  ///< bytes
    std::uint8_t rd = 0;
    std::uint8_t rs1 = 0;
    std::uint8_t rs2 = 0;
    std::uint8_t rs3 = 0;
    std::uint8_t rm = 0;
    std::uint8_t zimm = 0;
    std::uint8_t predecessors = 0;
    std::uint8_t successors = 0;
    bool aq = false;
    bool rl = false;
    std::uint16_t csr = 0;
    std::int32_t immediate = 0;
    std::uint32_t bits = 0;  ///< as fetched: 16 of them when length is 2
};

inline constexpr unsigned kDynamicRounding = 7;

}  // namespace backplane::riscv
