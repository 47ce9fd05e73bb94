// A function's expansion ROM: the file that is in it, and the register that places it (PCI 3.0, 6.2.5.2).
#include "device.h"
#include "rom_file.h"

#include <algorithm>
#include <bit>

namespace backplane::pci {

bool DevicePart::rom_is_missing(Errors& errors) {
    if (romfile_ != default_rom_) {
        errors.fail("failed to find romfile \"" + romfile_ + "\"; give its path, or where it is with -L");
        return false;
    }
    context_.log().write(
        LogLevel::Warning, "romfile",
        "failed to find romfile \"" + romfile_ +
            "\": the card goes without it; install the package that has it (Debian: ipxe-qemu, seabios), "
            "or leave it out with romfile=");
    return true;
}

bool DevicePart::check_rom_size(std::uint64_t size, Errors& errors) const {
    if (size == kSizeOfFile || std::has_single_bit(size)) return true;
    errors.fail("ROM size " + std::to_string(size) + " is not a power of two");
    return false;
}

/// 6.2.5.2: as large as a power of two, of at least 2 KiB; bit 0 of its register switches it on.
bool DevicePart::add_rom(Errors& errors) {
    const std::string path = find_rom_file(context_, romfile_);
    if (path.empty()) return rom_is_missing(errors);
    std::vector<std::uint8_t> bytes;
    if (!read_rom_file(context_, path, bytes, errors)) return false;
    constexpr std::uint64_t kLeast = 2048;
    if (romsize_ != kSizeOfFile && romsize_ < bytes.size()) {
        errors.fail("romfile \"" + romfile_ + "\" (" + std::to_string(bytes.size()) +
                    " bytes) is too large for ROM size " + std::to_string(romsize_) +
                    "; give a larger romsize");
        return false;
    }
    const std::uint64_t size = romsize_ != kSizeOfFile
                                   ? std::max<std::uint64_t>(romsize_, kLeast)
                                   : std::bit_ceil(std::max<std::uint64_t>(bytes.size(), kLeast));
    MemoryRegion* rom = context_.memory().rom("expansion-rom", size, errors);
    if (!rom) return false;
    std::ranges::copy(bytes, rom->bytes().data);
    rom->bytes_changed(Offset(0), bytes.size());
    romsize_ = std::uint32_t(size);  // which is what users see of it
    bars_[kRom] = {rom, PciBarKind::Memory32, false, std::nullopt};
    set_rom_writable();
    return true;
}

void DevicePart::set_rom_writable() {
    constexpr std::uint32_t kEnable = 1;
    if (const MemoryRegion* rom = bars_[kRom].region)
        config_.set_writable(register_of(kRom), 4, std::uint32_t(~(rom->size() - 1)) | kEnable);
}

}  // namespace backplane::pci
