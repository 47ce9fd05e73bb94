// Kernels made for tests: the smallest files of each format that are taken.
#pragma once

#include "plugins/boards/pc/kernel_bytes.h"
#include "plugins/boards/pc/kernel_plan.h"

#include <cstring>
#include <string>
#include <vector>

namespace backplane::pc::test {

using File = std::vector<std::uint8_t>;

/// A bzImage of protocol 2.15 with four sectors of setup beside its boot sector.
inline File linux_file(std::uint16_t version = 0x20f, std::size_t body = 5008) {
    constexpr std::size_t kSetup = 5 * 512;
    File file(kSetup + body, 0xf4);
    std::fill_n(file.begin(), 0x268, 0);
    file[0x1f1] = 4;
    put_at(file, 0x1f4, std::uint32_t(body / 16));
    put_at(file, 0x1fe, std::uint16_t{0xaa55});
    std::memcpy(file.data() + 0x202, "HdrS", 4);
    put_at(file, 0x206, version);
    file[0x211] = 1;
    put_at(file, 0x22c, std::uint32_t{0x7fffffff});
    put_at(file, 0x238, std::uint32_t{2047});
    return file;
}

/// A Multiboot kernel that is placed by its header.
inline File multiboot_file(std::uint32_t flags = 0x10003) {
    File file(256, 0xf4);
    constexpr std::uint32_t kMagic = 0x1badb002, kBase = 0x200000;
    std::size_t at = 0;
    for (const std::uint32_t value : {kMagic, flags, std::uint32_t(0) - kMagic - flags, kBase, kBase,
                                      std::uint32_t(0), kBase + 0x1000, kBase + 0x20}) {
        put_at(file, at, value);
        at += 4;
    }
    return file;
}

/// A 32-bit ELF file with one segment at 2 MiB and a PVH entry within it.
inline File pvh_file(std::uint32_t type = 18, std::uint32_t entry = 0x200100) {
    File file(0x200, 0);
    const auto word = [&](std::size_t at, std::uint32_t value) { put_at(file, at, value); };
    std::memcpy(file.data(),
                "\x7f"
                "ELF\x01\x01\x01",
                7);
    word(0x10, 2 | 3 << 16);  // executable, i386
    word(0x14, 1);
    word(0x18, 0x200000);
    word(0x1c, 0x34);
    put_at(file, 0x28, std::uint16_t{52});
    put_at(file, 0x2a, std::uint16_t{32});
    put_at(file, 0x2c, std::uint16_t{2});
    const std::uint32_t load[] = {1, 0, 0x200000, 0x200000, 0x200, 0x1000, 7, 0x1000};
    const std::uint32_t note[] = {4, 0x80, 0, 0, 20, 20, 4, 4};
    for (unsigned i = 0; i < 8; ++i) {
        word(0x34 + 4 * i, load[i]);
        word(0x54 + 4 * i, note[i]);
    }
    const std::uint32_t contents[] = {4, 4, type, 0x006e6558, entry};  // "Xen"
    for (unsigned i = 0; i < 5; ++i) word(0x80 + 4 * i, contents[i]);
    return file;
}

}  // namespace backplane::pc::test
