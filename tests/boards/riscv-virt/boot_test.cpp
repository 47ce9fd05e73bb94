// -bios, -kernel, -initrd, -append, -dtb: what is where, and what is refused.
#include "virt.h"

#include <gtest/gtest.h>
#include <libfdt.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <filesystem>
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
    EXPECT_EQ(text_at(board, 0x90200000, 7), "ramdisk");
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
    EXPECT_EQ(address("linux,initrd-start"), 0x90200000u);
    EXPECT_EQ(address("linux,initrd-end"), 0x90200007u);
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

TEST_F(RiscvVirtBoot, TheTreeIsAtTheEndOfRam) {
    BoardOptions options = virt();
    options.ram_size = std::uint64_t{5} << 30;
    BoardBench board(options);
    EXPECT_EQ(tree(board), 0x1bfe00000u);
}

/// Sizes in MiB, and where the ramdisk begins.
struct RamdiskPlace {
    std::uint64_t ram, ramdisk, start;
};

TEST_F(RiscvVirtBoot, ALargeRamdiskMakesWayForTheTree) {
    for (const RamdiskPlace& place : {RamdiskPlace{128, 1, 0x84200000},
                                      {128, 62, 0x84000000},
                                      {128, 80, 0x82e00000},
                                      {2048, 600, 0xa0200000}}) {
        const std::string path = file("initrd", "ramdisk");
        std::filesystem::resize_file(path, place.ramdisk << 20);
        BoardOptions options = virt({{"kernel", file("kernel", "kernel")}, {"initrd", path}});
        options.ram_size = place.ram << 20;
        BoardBench board(options);
        EXPECT_EQ(text_at(board, place.start, 7), "ramdisk") << place.ramdisk << " MiB of " << place.ram;
        EXPECT_EQ(board.load(tree(board), 4), 0xedfe0dd0u);
    }
}

TEST_F(RiscvVirtBoot, AProgramsHeadersMayLieWhereNoMemoryIs) {
    BoardBench board(virt({{"firmware", file("fw.elf", elf(0x7ffffffc, 0x80000000, "headcode"))}}));
    EXPECT_EQ(text_at(board, 0x80000000, 4), "code");
    EXPECT_EQ(start(board), 0x80000000u);
}

TEST_F(RiscvVirtBoot, WhatAProgramWantsZeroIsZeroAfterAReset) {
    std::string program = elf(0x80000000, 0x80000000, "code");
    const std::uint64_t memory_size = 4096;
    std::memcpy(program.data() + 64 + offsetof(Elf64_Phdr, p_memsz), &memory_size, sizeof memory_size);
    BoardBench board(virt({{"firmware", file("fw.elf", program)}}));
    board.store(0x80000000, 0xdead, 4);
    board.store(0x80000800, 0xdead, 4);
    board.machine().reset();
    EXPECT_EQ(text_at(board, 0x80000000, 4), "code");
    EXPECT_EQ(board.load(0x80000800, 4), 0u);
}

/// What starts where with which files: `flash0`, `flash1` and `kernel` are given, `firmware` as -bios has it.
struct FlashCase {
    const char* firmware;
    bool flash0, flash1, kernel;
    std::uint64_t start, payload;
    std::uint32_t offered;  ///< bytes of the kernel in fw_cfg
};

class RiscvVirtFlash : public RiscvVirtBoot, public ::testing::WithParamInterface<FlashCase> {
  protected:
    BoardOptions with_flashes(bool flash0, bool flash1, kernel::PropertyList properties) {
        for (const auto& [name, there] : {std::pair("flash0", flash0), {"flash1", flash1}}) {
            if (!there) continue;
            const std::string path = file(name, name);
            std::filesystem::resize_file(path, 32 << 20);
            backends_.push_back({"blockdev-file", name, {{"filename", path}}, "blockdevs"});
            properties.emplace_back(std::string("p") + name, name);
        }
        BoardOptions options = virt(std::move(properties));
        options.backends = backends_;
        return options;
    }

  private:
    std::vector<BoardBackend> backends_;
};

TEST_P(RiscvVirtFlash, OnlyTheFirstIsAPlaceForFirmware) {
    const FlashCase& c = GetParam();
    kernel::PropertyList properties;
    if (*c.firmware) properties.emplace_back("firmware", c.firmware);
    if (c.kernel) properties.emplace_back("kernel", file("kernel", "kernel"));
    BoardBench board(with_flashes(c.flash0, c.flash1, properties));
    EXPECT_EQ(start(board), c.start);
    EXPECT_EQ(payload(board), c.payload);
    if (c.flash1) {
        EXPECT_EQ(text_at(board, 0x22000000, 6), "flash1");
    }
    board.store(0x10100008, 0x0800, 2);
    EXPECT_EQ(board.load(0x10100000, 1), c.offered);
}

INSTANTIATE_TEST_SUITE_P(Files, RiscvVirtFlash,
                         ::testing::Values(FlashCase{"", true, true, false, 0x80000000, 0x20000000, 0},
                                           FlashCase{"", true, true, true, 0x80000000, 0x20000000, 6},
                                           FlashCase{"", false, true, false, 0x80000000, 0, 0},
                                           FlashCase{"", false, true, true, 0x80000000, 0x80200000, 0},
                                           FlashCase{"none", true, true, false, 0x20000000, 0, 0},
                                           FlashCase{"none", true, false, true, 0x20000000, 0x80000000, 0},
                                           FlashCase{"none", false, true, true, 0x80000000, 0x80000000, 0}));

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

TEST_F(RiscvVirtBoot, SwitchesOfWhatIsNotThereMayBeOff) {
    BoardBench board(virt({{"acpi", "off"},
                           {"acpi", "auto"},
                           {"aia", "none"},
                           {"graphics", "off"},
                           {"iommu-sys", "auto"},
                           {"usb", "off"},
                           {"dt-compatible", "acme,board"}}));
    const auto bytes = board.bytes(tree(board), 64 << 10);
    EXPECT_STREQ(static_cast<const char*>(fdt_getprop(bytes.data(), 0, "compatible", nullptr)), "acme,board");
}

std::string tree_of_version(std::uint32_t version, std::uint32_t readable_from) {
    std::string tree(4096, '\0');
    fdt_create_empty_tree(tree.data(), int(tree.size()));
    fdt_set_version(tree.data(), version);
    fdt_set_last_comp_version(tree.data(), readable_from);
    return tree;
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
        {{{"kernel", file("outside", elf(0x1000000, 0x1000000, "code"))}}, "RAM is 0x80000000-0x87ffffff"},
        {{{"initrd", file("initrd", "x")}}, "-kernel"},
        {{{"append", "quiet"}}, "-kernel"},
        {{{"dtb", file("bad.dtb", "no tree")}}, "device tree"},
        {{{"dtb", file("v3.dtb", tree_of_version(3, 3))}}, "version 3"},
        {{{"dtb", file("v7.dtb", tree_of_version(7, 1))}}, "version 7"},
        {{{"dtb", file("v15.dtb", tree_of_version(15, 15))}}, "version 15"},
        {{{"dtb", file("v18.dtb", tree_of_version(18, 18))}}, "version 18"},
        {{{"dtb", file("confused.dtb", tree_of_version(16, 17))}}, "version 16"},
        {{{"acpi", "on"}}, "acpi=off"},
        {{{"aia", "aplic-imsic"}}, "aia=none"},
        {{{"graphics", "on"}}, "graphics=off"},
        {{{"iommu-sys", "on"}}, "iommu-sys=off"},
        {{{"usb", "on"}}, "usb=off"},
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
