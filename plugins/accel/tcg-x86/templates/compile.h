// From an instruction to host code that executes it on a guest's state.
#pragma once

#include "../decoder/instruction.h"
#include "assembler.h"

#include <backplane/draft/x86/state.h>

#include <cstring>

namespace backplane::x86 {

/// Executes one instruction whose operands are in `state`, and in memory at `memory`, where it has such an operand. What
/// the instruction writes in registers and flags is in the state afterwards.
using TemplateCode = void (*)(X86State* state, void* memory);

/// Is it one that the host executes (Operation::Template, VectorTemplate, MmxTemplate, X87, BitMemory)?
bool is_template(const Instruction& instruction);

/// The same for all instructions that need the same code: addresses, which are the executor's business, taken out.
Instruction template_key(const Instruction& instruction);

/// Emits the function of a template.
void compile(const Instruction& instruction, Assembler& to);

/// Where the state has vector register `n`: its lower and its upper 16 bytes (SDM 1, 10.5.1 and 13.4.1).
constexpr std::size_t kVectorOffset = 160, kUpperOffset = 576, kMxcsrOffset = 24;
constexpr std::size_t vector_place(unsigned n) { return offsetof(X86State, xsave) + kVectorOffset + 16 * n; }
constexpr std::size_t upper_place(unsigned n) { return offsetof(X86State, xsave) + kUpperOffset + 16 * n; }

/// MXCSR (SDM 1, 10.2.3): the exceptions that are masked; what may be set.
inline constexpr std::uint32_t kMxcsrMasks = 0x1f80, kMxcsrValid = 0xffff;
inline std::uint32_t mxcsr_of(const X86State& state) {
    std::uint32_t value = 0;
    std::memcpy(&value, state.xsave + kMxcsrOffset, sizeof value);
    return value;
}
inline bool masks_all(std::uint32_t mxcsr) { return (mxcsr & kMxcsrMasks) == kMxcsrMasks; }
inline void set_mxcsr_of(X86State& state, std::uint32_t value) {
    std::memcpy(state.xsave + kMxcsrOffset, &value, sizeof value);
}

/// The x87 control word (SDM 1, 8.1.5): none of the exceptions is raised.
inline bool masks_all_of_x87(const X86State& state) {
    constexpr std::uint16_t kMasks = 0x3f;
    std::uint16_t control = 0;
    std::memcpy(&control, state.xsave, sizeof control);
    return (control & kMasks) == kMasks;
}

/// Of RFLAGS: what arithmetic writes.
inline constexpr std::uint64_t kArithmeticFlags =
    rflags::kCarry | rflags::kParity | rflags::kAdjust | rflags::kZero | rflags::kSign | rflags::kOverflow;

}  // namespace backplane::x86
