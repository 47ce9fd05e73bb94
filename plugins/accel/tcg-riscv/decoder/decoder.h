// From bits to an Instruction.
#pragma once

#include "instruction.h"
#include "table.h"

namespace backplane::riscv {

/// Bytes of the instruction whose first 16 bits are these. Longer encodings than 32 bits do not exist here; their
/// first 32 bits decode as ILLEGAL.
constexpr unsigned instruction_length(std::uint16_t first) { return (first & 3) == 3 ? 4 : 2; }

/// `bits` holds 16 significant bits when instruction_length() says 2. ILLEGAL when no row matches that a hart with
/// `extensions` has.
Instruction decode(std::uint32_t bits, std::uint64_t extensions);

}  // namespace backplane::riscv
