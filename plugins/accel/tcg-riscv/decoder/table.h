// What the lines of riscv.inc and compressed.inc mean, worked out at compile time: masks, fields, immediates.
#pragma once

#include "instruction.h"

#include <backplane/draft/riscv/isa.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace backplane::riscv {

/// Registers that a compressed encoding does not spell.
enum class Implicit : std::uint8_t { None = 0, RdRa = 1, RdSp = 2, Rs1Sp = 4 };
constexpr Implicit operator|(Implicit a, Implicit b) {
    return static_cast<Implicit>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool includes(Implicit set, Implicit one) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// Adjacent bits of the encoding that are adjacent in the operand.
struct Segment {
    std::uint8_t from = 0;   ///< lowest bit in the encoding
    std::uint8_t to = 0;     ///< lowest bit in the operand
    std::uint8_t width = 0;  ///< 0: none
};

enum class Field : std::uint8_t {
    Rd,
    Rs1,
    Rs2,
    Rs3,
    Rounding,
    Acquire,
    Release,
    Csr,
    Zimm,
    Predecessors,
    Successors
};
inline constexpr std::size_t kFields = 11;
inline constexpr std::string_view kFieldLetters = "dstumqlczpx";
inline constexpr std::size_t kImmediateSegments = 8;

struct Row {
    Opcode opcode = Opcode::ILLEGAL;
    std::string_view mnemonic;
    std::string_view encoding;
    std::string_view operands;
    std::uint64_t extensions = 0;  ///< all of them are needed
    std::uint32_t mask = 0;
    std::uint32_t value = 0;
    std::array<Segment, kFields> fields{};
    std::array<Segment, kImmediateSegments> immediate{};
    std::uint8_t immediate_bits = 0;  ///< its width with the sign; 0: there is none
    bool immediate_signed = false;
    Implicit implicit = Implicit::None;

    constexpr bool matches(std::uint32_t bits) const { return (bits & mask) == value; }
    constexpr bool has(Field field) const { return fields[static_cast<std::size_t>(field)].width != 0; }
};

/// All rows: the 32-bit ones, then from kFirstCompressed the 16-bit ones.
std::span<const Row> rows();
extern const std::size_t kFirstCompressed;

}  // namespace backplane::riscv
