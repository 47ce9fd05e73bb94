// Prints an Instruction after its row's operand letters (riscv.inc explains them).
#include "disassembler.h"

#include "../decoder/table.h"
#include "../privileged/privileged.h"

#include <cstdio>

namespace backplane::riscv {
namespace {

constexpr std::string_view kRegisters[32] = {
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr std::string_view kFloatRegisters[32] = {"ft0", "ft1", "ft2",  "ft3",  "ft4", "ft5", "ft6",  "ft7",
                                                  "fs0", "fs1", "fa0",  "fa1",  "fa2", "fa3", "fa4",  "fa5",
                                                  "fa6", "fa7", "fs2",  "fs3",  "fs4", "fs5", "fs6",  "fs7",
                                                  "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11"};
constexpr std::string_view kRoundingModes[8] = {"rne", "rtz",     "rdn",     "rup",
                                                "rmm", "unknown", "unknown", "dyn"};

std::string hexadecimal(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

/// "rw" for a set of FENCE: input, output, reads, writes from bit 3 down.
std::string fence_set(unsigned set) {
    if (set == 0) return "unknown";
    std::string text;
    for (unsigned i = 0; i < 4; ++i)
        if (set & 8u >> i) text += "iorw"[i];
    return text;
}

std::string operand(char letter, const Instruction& instruction, std::uint64_t pc) {
    switch (letter) {
    case 'd': return std::string(kRegisters[instruction.rd]);
    case 's': return std::string(kRegisters[instruction.rs1]);
    case 't': return std::string(kRegisters[instruction.rs2]);
    case 'D': return std::string(kFloatRegisters[instruction.rd]);
    case 'S': return std::string(kFloatRegisters[instruction.rs1]);
    case 'T': return std::string(kFloatRegisters[instruction.rs2]);
    case 'U': return std::string(kFloatRegisters[instruction.rs3]);
    case 'i': return std::to_string(instruction.immediate);
    case 'u': return hexadecimal(static_cast<std::uint32_t>(instruction.immediate) >> 12);
    case 'b': return hexadecimal(pc + static_cast<std::uint64_t>(std::int64_t{instruction.immediate}));
    case 'h': return hexadecimal(static_cast<std::uint32_t>(instruction.immediate));
    case 'z': return std::to_string(instruction.zimm);
    case 'p': return fence_set(instruction.predecessors);
    case 'x': return fence_set(instruction.successors);
    case 'c': return csr_name(instruction.csr);
    case 'm':
        return instruction.rm == kDynamicRounding ? "" : "," + std::string(kRoundingModes[instruction.rm]);
    case 'n': return instruction.rm == 0 ? "" : "," + std::string(kRoundingModes[instruction.rm]);
    default: return std::string(1, letter);
    }
}

}  // namespace

std::string_view register_name(unsigned number) { return kRegisters[number & 31]; }
std::string_view float_register_name(unsigned number) { return kFloatRegisters[number & 31]; }

std::string disassemble(const Instruction& instruction, std::uint64_t pc) {
    if (instruction.opcode == Opcode::ILLEGAL)
        return (instruction.length == 2 ? ".2byte    " : ".4byte    ") + hexadecimal(instruction.bits);
    const Row& row = rows()[instruction.row];
    std::string text(row.mnemonic);
    if (instruction.aq || instruction.rl) text += '.';
    if (instruction.aq) text += "aq";
    if (instruction.rl) text += "rl";
    if (row.operands.empty()) return text;
    text.resize(text.size() < 9 ? 10 : text.size() + 1, ' ');
    for (const char letter : row.operands) text += operand(letter, instruction, pc);
    return text;
}

}  // namespace backplane::riscv
