// Templates as the engine's native operations: what of an instruction's operands is read and written, and which flags.
// native.cpp has those on general registers, vector.cpp SSE and AVX, x87.cpp x87 and MMX.
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
/// The same for one of x87 or MMX, where none of its exceptions is raised.
std::optional<tcg::Native> x87_native_of(const Instruction& instruction);

/// Operands as a vector instruction has them; `read` and `written` are the caller's to say.
tcg::NativeOperand general_operand(unsigned number, bool wide);
tcg::NativeOperand vector_operand(const Instruction& instruction, unsigned number);

/// Is VEX.vvvv an operand? What is none must be all ones.
bool uses_vvvv(const Instruction& instruction);

}  // namespace backplane::x86
