// Loads an ELF executable's segments. Follows "System V Application Binary Interface", chapters 4 and 5 (draft of
// 10 June 2013), and the psABIs of RISC-V, i386 and x86-64. Little-endian executables only.
#pragma once

#include <backplane/abi.h>

#include <vector>

namespace backplane::elf {

struct ElfSegment {
    std::uint64_t address = 0;  ///< physical
    std::uint64_t memory_size = 0;
    Bytes bytes{};  ///< inside the file; shorter than memory_size when the rest is zeros
};

struct ElfImage {
    bool wide = true;         ///< 64-bit
    std::uint64_t entry = 0;  ///< physical
    std::uint64_t end = 0;    ///< behind the last segment
    std::vector<ElfSegment> segments;
    std::vector<Bytes> notes;  ///< of PT_NOTE segments, inside the file: to be read by find_note()
};

/// Whose executables are taken.
enum class ElfMachine {
    RiscV,  ///< 64-bit RISC-V
    X86,    ///< i386 and x86-64, 32-bit and 64-bit
};

bool is_elf(Bytes file);
/// False and a reason that does not name the file.
bool read_elf(Bytes file, ElfImage& image, Errors& errors, ElfMachine machine = ElfMachine::RiscV);
/// The contents of a note of that owner and type; empty when there is none.
Bytes find_note(const ElfImage& image, Str owner, std::uint32_t type);

}  // namespace backplane::elf
