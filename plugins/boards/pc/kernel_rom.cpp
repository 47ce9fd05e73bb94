// What kind of a kernel a file is, and the option ROM that starts it.
#include "kernel_bytes.h"
#include "kernel_plan.h"

#include <numeric>

// loader_rom.S
extern "C" const std::uint8_t backplane_pc_loader_rom[];
extern "C" const std::uint8_t backplane_pc_loader_rom_end[];

namespace backplane::pc {
namespace {

/// Makes all bytes from `start` on add up to 0.
void balance(std::vector<std::uint8_t>& bytes, std::size_t start, std::size_t size, std::size_t at) {
    const auto first = bytes.begin() + std::ptrdiff_t(start);
    bytes[at] = std::uint8_t(bytes[at] - std::accumulate(first, first + std::ptrdiff_t(size), 0u));
}

}  // namespace

std::vector<std::uint8_t> make_loader_rom(KernelKind kind) {
    constexpr std::size_t kUnit = 512, kUnitsAt = 2, kKindAt = 4;
    constexpr std::size_t kPlugAndPlay = 0x20, kPlugAndPlaySize = 0x20, kPlugAndPlayChecksum = 9;
    std::vector<std::uint8_t> rom(backplane_pc_loader_rom, backplane_pc_loader_rom_end);
    rom[kUnitsAt] = std::uint8_t(rom.size() / kUnit);
    rom[kKindAt] = std::uint8_t(kind);
    balance(rom, kPlugAndPlay, kPlugAndPlaySize, kPlugAndPlay + kPlugAndPlayChecksum);
    balance(rom, 0, rom.size(), rom.size() - 1);
    return rom;
}

bool plan_kernel(const KernelFiles& files, KernelPlan& plan, Errors& errors) {
    if (is_linux_kernel(files.kernel)) return plan_linux(files, plan, errors);
    if (is_multiboot_kernel(files.kernel)) return plan_multiboot(files, plan, errors);
    if (is_elf_kernel(files.kernel)) return plan_pvh(files, plan, errors);
    return refuse(errors, "is no kernel that a PC starts: invalid kernel header; it takes a Linux bzImage, a "
                          "Multiboot kernel, or an ELF file with an entry for PVH");
}

std::vector<std::string> split_modules(const std::string& list) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < list.size(); ++at) {
        const bool comma = list[at] == ',';
        const bool twice = comma && at + 1 < list.size() && list[at + 1] == ',';
        if (comma && !twice) parts.emplace_back();
        else parts.back() += list[at];
        if (twice) ++at;
    }
    return parts;
}

}  // namespace backplane::pc
