// Templates as the engine's native operations: what of an instruction's operands is read and written, and which flags.
// native.cpp has those on general registers, vector.cpp SSE and AVX.
#pragma once

#include "../decoder/instruction.h"

#include <backplane/draft/tcg/builder.h>

#include <optional>

namespace backplane::x86 {

/// A template on general registers as a native operation, its memory operand apart; nothing where the executor is to do
/// it. The bit's number of BT and its like in memory is to be within the operand.
std::optional<tcg::Native> native_of(const Instruction& instruction);
/// The same for an instruction on vectors.
std::optional<tcg::Native> vector_native_of(const Instruction& instruction);

/// Is VEX.vvvv an operand? What is none must be all ones.
bool uses_vvvv(const Instruction& instruction);

}  // namespace backplane::x86
