// Fuzz target: what a user gives a board to boot from. Any bytes are either refused with a reason or taken, and a tree
// that is taken can have its /chosen written. The first byte chooses: a device tree or an ELF file.
// Of its own it makes mutations of a tree and an ELF header.
#include "plugins/boards/riscv-virt/device_tree.h"
#include "tests/fuzz/fuzz.h"
#include <backplane/text.h>

#include <lib/elf.h>

#include <elf.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using namespace backplane;
using namespace backplane::riscv_virt;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "boot_files_fuzz: %s\n", what);
    std::abort();
}

void try_tree(Bytes bytes) {
    ErrorText errors;
    const bool whole = check_device_tree(bytes, errors);
    require(whole != errors.failed(), "a tree is refused with a reason, or taken without one");
    if (!whole) return;
    TreeBytes tree(bytes.begin(), bytes.end());
    ErrorText writing;
    const ChosenContents chosen{
        .arguments = "console=ttyS0", .initrd_start = 1, .initrd_end = 2, .seed = TreeBytes(32)};
    if (set_chosen(tree, chosen, writing)) {
        ErrorText again;
        require(check_device_tree(Bytes(tree.data(), tree.size()), again), "a written tree is whole");
        const std::size_t seed = seed_offset(tree);
        require(seed == 0 || seed + 32 <= tree.size(), "the seed lies in the tree");
    }
}

void try_elf(Bytes bytes) {
    ErrorText errors;
    elf::ElfImage image;
    const bool taken = elf::is_elf(bytes) && elf::read_elf(bytes, image, errors);
    if (!taken) return;
    require(!errors.failed(), "an ELF file is taken without a reason");
    for (const elf::ElfSegment& segment : image.segments) {
        require(segment.bytes.size <= segment.memory_size, "a segment's bytes fit its memory");
        if (segment.bytes.empty()) continue;
        require(segment.bytes.data >= bytes.data && segment.bytes.end() <= bytes.end(),
                "a segment lies in the file");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // A file comes in memory of its own, aligned as the host aligns it.
    const std::vector<std::uint8_t> file(data + 1, data + size);
    if (data[0] & 1) try_elf(Bytes(file.data(), file.size()));
    else try_tree(Bytes(file.data(), file.size()));
    return 0;
}

namespace {

std::vector<std::uint8_t> own_tree() {
    TreeContents contents;
    contents.harts = {{0, "rv64imafdc", {"i", "m"}, "riscv,sv48"}, {1, "rv64imafdc", {"i"}, "riscv,sv48"}};
    contents.ram_size = 128 << 20;
    TreeBytes tree;
    ErrorText errors;
    require(make_device_tree(contents, tree, errors), "the board's own tree is made");
    tree.insert(tree.begin(), 0);
    return tree;
}

std::vector<std::uint8_t> own_elf() {
    struct {
        Elf64_Ehdr header{};
        Elf64_Phdr segments[2]{};
        std::uint8_t bytes[64]{};
    } file;
    std::memcpy(file.header.e_ident, ELFMAG, SELFMAG);
    file.header.e_ident[EI_CLASS] = ELFCLASS64;
    file.header.e_ident[EI_DATA] = ELFDATA2LSB;
    file.header.e_ident[EI_VERSION] = EV_CURRENT;
    file.header.e_type = ET_EXEC;
    file.header.e_machine = EM_RISCV;
    file.header.e_version = EV_CURRENT;
    file.header.e_entry = 0x80000000;
    file.header.e_phoff = sizeof file.header;
    file.header.e_ehsize = sizeof file.header;
    file.header.e_phentsize = sizeof(Elf64_Phdr);
    file.header.e_phnum = 2;
    for (unsigned i = 0; i < 2; ++i) {
        Elf64_Phdr& segment = file.segments[i];
        segment.p_type = PT_LOAD;
        segment.p_offset = sizeof file.header + sizeof file.segments + i * 32;
        segment.p_paddr = segment.p_vaddr = 0x80000000 + i * 0x1000;
        segment.p_filesz = 32;
        segment.p_memsz = 64;
    }
    std::vector<std::uint8_t> bytes(sizeof file + 1, 1);
    std::memcpy(bytes.data() + 1, &file, sizeof file);
    return bytes;
}

}  // namespace

namespace backplane::test {

const unsigned kFuzzRounds = 8000;

FuzzInput fuzz_input(std::mt19937& random, unsigned round) {
    static const FuzzInput kSeeds[] = {own_tree(), own_elf()};
    FuzzInput input = kSeeds[round % 2];
    if (round < 2) return input;
    // Headers are where it hurts: half of the changes go there.
    for (unsigned changes = 1 + random() % 6; changes; --changes) {
        const std::size_t span = random() % 2 ? std::min<std::size_t>(input.size(), 200) : input.size();
        input[1 + random() % (span - 1)] = std::uint8_t(random() % 4 ? random() : (random() % 2 ? 0xff : 0));
    }
    if (random() % 4 == 0) input.resize(1 + random() % input.size());
    return input;
}

}  // namespace backplane::test
