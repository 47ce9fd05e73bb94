#include <lib/elf.h>

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace backplane::elf {
namespace {

/// A structure at an offset of the file; false when it is not all there.
template <class T>
bool load(Bytes file, std::uint64_t offset, T& value) {
    if (offset > file.size || file.size - offset < sizeof value) return false;
    std::memcpy(&value, file.data + offset, sizeof value);
    return true;
}

bool check_header(const Elf64_Ehdr& header, Errors& errors) {
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
        errors.fail("is not a 64-bit little-endian ELF file");
        return false;
    }
    if (header.e_machine != EM_RISCV) {
        errors.fail("is an ELF file for another machine than RISC-V");
        return false;
    }
    if (header.e_phentsize != sizeof(Elf64_Phdr)) {
        errors.fail("has program headers of an unknown size");
        return false;
    }
    return true;
}

}  // namespace

bool is_elf(Bytes file) { return file.size >= SELFMAG && std::memcmp(file.data, ELFMAG, SELFMAG) == 0; }

bool read_elf(Bytes file, ElfImage& image, Errors& errors) {
    Elf64_Ehdr header;
    if (!load(file, 0, header)) {
        errors.fail("ends within its ELF header");
        return false;
    }
    if (!check_header(header, errors)) return false;
    image = {};
    image.entry = header.e_entry;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr program;
        const std::uint64_t at = std::uint64_t{i} * sizeof program;
        if (header.e_phoff > file.size || !load(file, header.e_phoff + at, program)) {
            errors.fail("ends within its program headers");
            return false;
        }
        if (program.p_type != PT_LOAD || program.p_memsz == 0) continue;
        if (program.p_offset > file.size || program.p_filesz > file.size - program.p_offset ||
            program.p_filesz > program.p_memsz || program.p_memsz > ~std::uint64_t{0} - program.p_paddr) {
            errors.fail("has a segment that passes the end of the file or of memory");
            return false;
        }
        image.segments.push_back({program.p_paddr,
                                  program.p_memsz,
                                  {file.data + program.p_offset, std::size_t(program.p_filesz)}});
        image.end = std::max(image.end, program.p_paddr + program.p_memsz);
        // A kernel's entry is virtual; where its segment lies physically, so does the entry.
        if (header.e_entry >= program.p_vaddr && header.e_entry - program.p_vaddr < program.p_memsz)
            image.entry = header.e_entry - program.p_vaddr + program.p_paddr;
    }
    if (image.segments.empty()) {
        errors.fail("has no segment to load");
        return false;
    }
    return true;
}

}  // namespace backplane::elf
