// Loads an ELF executable's segments. Follows "System V Application Binary Interface", chapters 4 and 5 (draft of
// 10 June 2013), and the RISC-V ELF psABI. 64-bit little-endian RISC-V executables only.
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
    std::uint64_t entry = 0;  ///< physical
    std::uint64_t end = 0;    ///< behind the last segment
    std::vector<ElfSegment> segments;
};

bool is_elf(Bytes file);
/// False and a reason that does not name the file.
bool read_elf(Bytes file, ElfImage& image, Errors& errors);

}  // namespace backplane::elf
