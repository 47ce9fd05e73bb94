// Firmware in flash: the first chip ends at 4 GiB and is what starts, the second lies below it and has its variables.
#include "board.h"

#include <backplane/block.h>
#include <backplane/text.h>

namespace backplane::pc {
namespace {

constexpr std::uint64_t kSector = 4096;

}  // namespace

/// An image comes from the machine's own property or from -drive if=pflash.
bool PcBoard::find_flash_images(BoardContext& context, Errors& errors) {
    for (unsigned unit = 0; unit < kFlashes; ++unit) {
        const std::string number = std::to_string(unit);
        Object* drive = context.drive("pflash", unit).node;
        if (drive && flashes_[unit]) {
            BoardPropertyErrors(errors, "pflash" + number)
                .fail("the flash has an image from -drive if=pflash,unit=" + number +
                      " already; leave one of the two out");
            return false;
        }
        if (drive) flashes_[unit] = drive;
    }
    if (flashes_[1] && !flashes_[0]) {
        BoardPropertyErrors(errors, "pflash1").fail("it lies below a first flash: give pflash0 as well");
        return false;
    }
    if (!flashes_[0] || firmware_.empty()) return true;
    BoardPropertyErrors(errors, "firmware")
        .fail("the machine starts what is in its first flash; leave '" + firmware_ + "' or the flash out");
    return false;
}

/// As large as its image.
Object* PcBoard::make_flash(BoardContext& context, unsigned unit, std::uint64_t size, Errors& errors) {
    const std::string name = "system.flash" + std::to_string(unit);
    Object* flash = context.create("cfi.pflash01", name, errors);
    if (!flash || !flash->set_property("num-blocks", std::to_string(size / kSector), errors) ||
        !flash->set_property("sector-length", std::to_string(kSector), errors) ||
        !flash->set_property("width", "1", errors) || !flash->set_property("name", name, errors) ||
        !flash->set_link("drive", flashes_[unit], errors) || !context.realize(*flash, errors))
        return nullptr;
    chips_[name] = flash;
    return flash;
}

/// Its last 128 KiB are also seen below 1 MiB.
bool PcBoard::build_flashes(BoardContext& context, MemoryRegion& pci, Errors& errors) {
    std::uint64_t end = kFourGibibytes;
    for (unsigned unit = 0; unit < kFlashes && flashes_[unit]; ++unit) {
        BoardPropertyErrors named(errors, "pflash" + std::to_string(unit));
        const auto* image = query<BlockBackend>(*flashes_[unit]);
        const std::uint64_t size = image ? image->size() : 0;
        if (size == 0 || size % kSector != 0) {
            named.fail("its image has " + std::to_string(size) + " bytes; it is to have a multiple of 4096");
            return false;
        }
        if (size > end - (kFourGibibytes - kLargestFirmware)) {
            named.fail("its image has " + std::to_string(size) + " bytes; both may have " +
                       std::to_string(kLargestFirmware) + " together");
            return false;
        }
        Object* const flash = make_flash(context, unit, size, named);
        if (!flash) return false;
        MemoryRegion& memory = *device_context(*flash).exported_region("memory");
        end -= size;
        if (!pci.add(memory, Offset(end), 0, errors)) return false;
        if (unit != 0) continue;
        const std::uint64_t tail = std::min<std::uint64_t>(size, kIsaBiosSize);
        MemoryRegion& isa = context.memory().alias("isa-bios", memory, Offset(size - tail), tail);
        if (!pci.add(isa, Offset(kMebibyte - tail), 1, errors)) return false;
    }
    return true;
}

}  // namespace backplane::pc
