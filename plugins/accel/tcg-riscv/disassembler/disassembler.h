// Instructions as the assembler writes them, for `-d in_asm`: the table's own mnemonics, without the assembler's
// aliases.
#pragma once

#include "../decoder/instruction.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace backplane::riscv {

/// "addi      a0,a1,-1". `pc` is the instruction's address: targets are absolute.
std::string disassemble(const Instruction& instruction, std::uint64_t pc);

std::string_view register_name(unsigned number);
std::string_view float_register_name(unsigned number);

}  // namespace backplane::riscv
