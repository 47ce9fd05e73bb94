// -bios, -kernel, -initrd, -append, -dtb: what is where, and what is refused.
#include "virt.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <elf.h>

namespace backplane::testing {
namespace {

class RiscvVirtBoot : public ::testing::Test {
  protected:
    ~RiscvVirtBoot() override {
        for (const std::string& file : files_) std::remove(file.c_str());
    }
    std::string file(const std::string& name, const std::string& contents) {
        const std::string path = ::testing::TempDir() + "riscv-virt-" + name;
        std::ofstream(path, std::ios::binary) << contents;
        files_.push_back(path);
        return path;
    }
    static std::uint64_t start(BoardBench& board) { return board.load(0x1018, 8); }
    static std::uint64_t tree(BoardBench& board) { return board.load(0x1020, 8); }
    static std::uint64_t payload(BoardBench& board) { return board.load(0x1038, 8); }
    static std::string text_at(BoardBench& board, std::uint64_t address, std::size_t size) {
        const auto bytes = board.bytes(address, size);
        return {bytes.begin(), bytes.end()};
    }

    static std::string elf(std::uint64_t address, std::uint64_t entry, const std::string& contents) {
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_machine = EM_RISCV;
        header.e_entry = entry;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        header.e_phnum = 1;
        Elf64_Phdr program{};
        program.p_type = PT_LOAD;
        program.p_offset = sizeof header + sizeof program;
        program.p_vaddr = program.p_paddr = address;
        program.p_filesz = program.p_memsz = contents.size();
        return std::string(reinterpret_cast<char*>(&header), sizeof header) +
               std::string(reinterpret_cast<char*>(&program), sizeof program) + contents;
    }

  private:
    std::vector<std::string> files_;
};

TEST_F(RiscvVirtBoot, WithoutFirmwareTheMachineStartsInMemory) {
    BoardBench board(virt({{"firmware", "none"}}));
    EXPECT_EQ(start(board), 0x80000000u);
    EXPECT_EQ(board.load(0x80000000, 8), 0u);
    EXPECT_EQ(payload(board), 0u);
}

TEST_F(RiscvVirtBoot, FirmwareOfTheUser) {
    BoardBench board(virt({{"firmware", file("fw", "firmware")}}));
    EXPECT_EQ(text_at(board, 0x80000000, 8), "firmware");
}

TEST_F(RiscvVirtBoot, AnElfFileGoesWhereItSays) {
    BoardBench board(virt({{"firmware", file("fw.elf", elf(0x80100000, 0x80100004, "code"))}}));
    EXPECT_EQ(text_at(board, 0x80100000, 4), "code");
    EXPECT_EQ(start(board), 0x80100004u);
}

TEST_F(RiscvVirtBoot, AKernelIsWhatFirmwareStarts) {
    BoardOptions options = virt({{"kernel", file("kernel", "kernel")},
                                 {"initrd", file("initrd", "ramdisk")},
                                 {"append", "console=ttyS0 quiet"}});
    options.ram_size = 512 << 20;
    BoardBench board(options);
    EXPECT_EQ(start(board), 0x80000000u);
    EXPECT_EQ(payload(board), 0x80200000u);
    EXPECT_EQ(text_at(board, 0x80200000, 6), "kernel");
    EXPECT_EQ(text_at(board, 0x88200000, 7), "ramdisk");
    EXPECT_EQ(tree(board), 0x9fe00000u);
    const auto bytes = board.bytes(tree(board), 256 << 10);
    const int chosen = fdt_path_offset(bytes.data(), "/chosen");
    EXPECT_STREQ(static_cast<const char*>(fdt_getprop(bytes.data(), chosen, "bootargs", nullptr)),
                 "console=ttyS0 quiet");
    const auto address = [&](const char* name) {
        int size = 0;
        const void* data = fdt_getprop(bytes.data(), chosen, name, &size);
        return data && size == 8 ? fdt64_ld(static_cast<const fdt64_t*>(data)) : 0;
    };
    EXPECT_EQ(address("linux,initrd-start"), 0x88200000u);
    EXPECT_EQ(address("linux,initrd-end"), 0x88200007u);
}

TEST_F(RiscvVirtBoot, AKernelWithoutFirmwareStartsItself) {
    BoardBench board(virt({{"firmware", "none"}, {"kernel", file("kernel", "kernel")}}));
    EXPECT_EQ(start(board), 0x80000000u);
    EXPECT_EQ(payload(board), 0x80000000u);
    EXPECT_EQ(text_at(board, 0x80000000, 6), "kernel");
}

TEST_F(RiscvVirtBoot, TheInitialRamdiskKeepsClearOfTheKernel) {
    std::string kernel(64, '\0');
    const std::uint64_t size = 40 << 20;
    std::memcpy(kernel.data() + 16, &size, sizeof size);
    std::memcpy(kernel.data() + 56, "RSC\x05", 4);
    BoardOptions options = virt({{"kernel", file("kernel", kernel)}, {"initrd", file("initrd", "ramdisk")}});
    options.ram_size = 64 << 20;
    BoardBench board(options);
    EXPECT_EQ(text_at(board, 0x80200000 + size, 7), "ramdisk");
}

TEST_F(RiscvVirtBoot, TheTreeStaysInTheFirstThreeGigabytes) {
    BoardOptions options = virt();
    options.ram_size = std::uint64_t{4} << 30;
    BoardBench board(options);
    EXPECT_EQ(tree(board), 0xbfe00000u);
}

TEST_F(RiscvVirtBoot, ATreeOfTheUserGetsItsChosenNode) {
    std::vector<std::uint8_t> own(4096);
    ASSERT_EQ(fdt_create_empty_tree(own.data(), int(own.size())), 0);
    ASSERT_EQ(fdt_setprop_string(own.data(), 0, "model", "mine"), 0);
    BoardBench board(virt({{"dtb", file("own.dtb", {own.begin(), own.end()})},
                           {"kernel", file("kernel", "kernel")},
                           {"append", "quiet"}}));
    const auto bytes = board.bytes(tree(board), 128 << 10);
    EXPECT_STREQ(static_cast<const char*>(fdt_getprop(bytes.data(), 0, "model", nullptr)), "mine");
    const int chosen = fdt_path_offset(bytes.data(), "/chosen");
    ASSERT_GE(chosen, 0);
    EXPECT_STREQ(static_cast<const char*>(fdt_getprop(bytes.data(), chosen, "bootargs", nullptr)), "quiet");
}

TEST_F(RiscvVirtBoot, TheTreeCanBeWrittenToAFile) {
    const std::string path = file("dump.dtb", "");
    BoardBench board(virt({{"dumpdtb", path}}));
    std::ifstream stream(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(fdt_check_header(bytes.data()), 0);
}

/// Each refusal says which option, which file, and why.
struct Refused {
    kernel::PropertyList properties;
    const char* reason;
};

TEST_F(RiscvVirtBoot, WhatCannotBeBootedIsRefusedWithAReason) {
    std::string truncated = elf(0x80000000, 0x80000000, "code").substr(0, 80);
    std::string foreign = elf(0x80000000, 0x80000000, "code");
    foreign[18] = 62;  // e_machine: x86-64
    std::string beyond = elf(0x80000000, 0x80000000, "code");
    beyond[64 + 32 + 4] = 1;  // p_filesz: 4 GiB more
    const Refused cases[] = {
        {{{"firmware", "/does/not/exist"}}, "/does/not/exist"},
        {{{"kernel", "/does/not/exist"}}, "/does/not/exist"},
        {{{"kernel", file("empty", "")}}, "empty"},
        {{{"kernel", file("gz", "\x1f\x8b\x08")}}, "gzip"},
        {{{"kernel", file("zboot", std::string("MZ\0\0zimg", 8))}}, "EFI"},
        {{{"kernel", file("truncated", truncated)}}, "program headers"},
        {{{"kernel", file("foreign", foreign)}}, "another machine"},
        {{{"kernel", file("beyond", beyond)}}, "segment"},
        {{{"kernel", file("outside", elf(0x1000000, 0x1000000, "code"))}}, "does not fit"},
        {{{"initrd", file("initrd", "x")}}, "-kernel"},
        {{{"append", "quiet"}}, "-kernel"},
        {{{"dtb", file("bad.dtb", "no tree")}}, "device tree"},
        {{{"dumpdtb", "/does/not/exist/x.dtb"}}, "dumpdtb"},
    };
    for (const Refused& refused : cases) {
        const std::string reason = refusal(virt(refused.properties));
        EXPECT_NE(reason.find(refused.reason), std::string::npos)
            << refused.properties[0].first << "=" << refused.properties[0].second << ": '" << reason << "'";
    }
}

}  // namespace
}  // namespace backplane::testing
