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

bool refuse(Errors& errors, const char* reason) {
    errors.fail(reason);
    return false;
}

struct Narrow {
    using Header = Elf32_Ehdr;
    using Program = Elf32_Phdr;
};
struct Wide {
    using Header = Elf64_Ehdr;
    using Program = Elf64_Phdr;
};

bool check_identity(Bytes file, ElfMachine wanted, Errors& errors) {
    Elf32_Ehdr header;  // up to the machine, both are alike
    if (!load(file, 0, header)) return refuse(errors, "ends within its ELF header");
    const bool wide = header.e_ident[EI_CLASS] == ELFCLASS64;
    const bool little = header.e_ident[EI_DATA] == ELFDATA2LSB;
    if (wanted == ElfMachine::RiscV) {
        if (!wide || !little) return refuse(errors, "is not a 64-bit little-endian ELF file");
        return header.e_machine == EM_RISCV ||
               refuse(errors, "is an ELF file for another machine than RISC-V");
    }
    if (!little || (!wide && header.e_ident[EI_CLASS] != ELFCLASS32))
        return refuse(errors, "is not a little-endian ELF file of 32 or 64 bits");
    return header.e_machine == EM_386 || header.e_machine == EM_X86_64 ||
           refuse(errors, "is an ELF file for another machine than x86");
}

template <class Program>
bool add_segment(Bytes file, const Program& program, std::uint64_t entry, ElfImage& image, Errors& errors) {
    const std::uint64_t address = program.p_paddr, size = program.p_memsz;
    if (program.p_offset > file.size || program.p_filesz > file.size - program.p_offset ||
        program.p_filesz > size || size > ~std::uint64_t{0} - address)
        return refuse(errors, "has a segment that passes the end of the file or of memory");
    image.segments.push_back({address, size, {file.data + program.p_offset, std::size_t(program.p_filesz)}});
    image.end = std::max(image.end, address + size);
    // A kernel's entry is virtual; where its segment lies physically, so does the entry.
    if (entry >= program.p_vaddr && entry - program.p_vaddr < size)
        image.entry = entry - program.p_vaddr + address;
    return true;
}

template <class Class>
bool read_programs(Bytes file, ElfImage& image, Errors& errors) {
    typename Class::Header header;
    if (!load(file, 0, header)) return refuse(errors, "ends within its ELF header");
    if (header.e_phentsize != sizeof(typename Class::Program))
        return refuse(errors, "has program headers of an unknown size");
    image.entry = header.e_entry;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        typename Class::Program program;
        const std::uint64_t at = std::uint64_t{i} * sizeof program;
        if (header.e_phoff > file.size || !load(file, header.e_phoff + at, program))
            return refuse(errors, "ends within its program headers");
        const bool inside = program.p_offset <= file.size && program.p_filesz <= file.size - program.p_offset;
        if (program.p_type == PT_NOTE && inside)
            image.notes.push_back({file.data + program.p_offset, std::size_t(program.p_filesz)});
        if (program.p_type != PT_LOAD || program.p_memsz == 0) continue;
        if (!add_segment(file, program, header.e_entry, image, errors)) return false;
    }
    return !image.segments.empty() || refuse(errors, "has no segment to load");
}

}  // namespace

bool is_elf(Bytes file) { return file.size >= SELFMAG && std::memcmp(file.data, ELFMAG, SELFMAG) == 0; }

bool read_elf(Bytes file, ElfImage& image, Errors& errors, ElfMachine machine) {
    if (!check_identity(file, machine, errors)) return false;
    image = {};
    image.wide = file.data[EI_CLASS] == ELFCLASS64;
    return image.wide ? read_programs<Wide>(file, image, errors) : read_programs<Narrow>(file, image, errors);
}

/// "Note Section": owner and contents, each padded to 4 bytes, behind a header of three words.
Bytes find_note(const ElfImage& image, Str owner, std::uint32_t type) {
    constexpr std::uint64_t kAlignment = 4;
    const auto padded = [](std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; };
    for (const Bytes notes : image.notes) {
        std::uint64_t at = 0;
        Elf64_Nhdr note;  // the same as Elf32_Nhdr
        while (load(notes, at, note)) {
            const std::uint64_t name = at + sizeof note, contents = name + padded(note.n_namesz);
            if (contents > notes.size || note.n_descsz > notes.size - contents) break;
            const bool same = note.n_namesz == owner.size + 1 &&
                              std::memcmp(notes.data + name, owner.data, owner.size) == 0;
            if (same && note.n_type == type) return {notes.data + contents, note.n_descsz};
            at = contents + padded(note.n_descsz);
        }
    }
    return {};
}

}  // namespace backplane::elf
