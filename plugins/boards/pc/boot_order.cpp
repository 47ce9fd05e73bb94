// What firmware starts from: -boot as letters in the CMOS memory, and `bootindex` as the file "bootorder".
#include "board.h"

#include <backplane/cmos.h>
#include <backplane/text.h>

namespace backplane::pc {
namespace {

constexpr std::size_t kMostDrives = 3;
constexpr const char* kOwnOrder = "cad";

/// What CMOS has for a letter ("CMOS memory map", 3Dh: 1 floppy, 2 hard disk, 3 CD, 4 network); 0 for none.
unsigned drive_code(char letter) {
    switch (letter) {
    case 'a':
    case 'b': return 1;
    case 'c': return 2;
    case 'd': return 3;
    case 'n': return 4;
    default: return 0;
    }
}

bool check_order(std::string_view letters, Errors& errors) {
    if (letters.size() > kMostDrives) {
        errors.fail("Too many boot devices for PC: it has 3 at most, and '" + std::string(letters) +
                    "' are " + std::to_string(letters.size()));
        return false;
    }
    for (const char letter : letters) {
        if (drive_code(letter) != 0) continue;
        errors.fail(std::string("Invalid boot device for PC: '") + letter +
                    "'; it has a and b (floppy), c (disk), d (CD) and n (network)");
        return false;
    }
    return true;
}

}  // namespace

bool PcBoard::set_boot_order(Str order, Str once, Errors& errors) {
    if (!check_order(order, errors) || !check_order(once, errors)) return false;
    drives_ = order.empty() ? kOwnOrder : order.view();
    drives_once_ = once.view();
    write_drive_order(once.empty() ? drives_ : drives_once_);
    return true;
}

void PcBoard::set_boot_strict(bool strict) {
    boot_strict_ = strict;
    boot_order_changed();
}

void PcBoard::boot_order_changed() {
    IgnoredErrors none;
    fill_boot_order(none);
}

/// A nibble each: the first two stand in 3Dh, the third in the upper half of 38h. Bit 0 there says that a diskette's boot
/// sector needs no signature.
void PcBoard::write_drive_order(std::string_view letters) {
    unsigned codes[kMostDrives] = {};
    for (std::size_t i = 0; i < letters.size() && i < kMostDrives; ++i) codes[i] = drive_code(letters[i]);
    auto& cmos = *query<Cmos>(chip("rtc"));
    cmos.set_byte(0x3d, std::uint8_t(codes[1] << 4 | codes[0]));
    cmos.set_byte(0x38, std::uint8_t(codes[2] << 4 | (floppy_check_ ? 0 : 1)));
}

/// Users may have changed an index, plugged something in or pulled it out.
void PcBoard::reset(BoardContext& context) {
    boot_order_changed();
    const bool waking = static_cast<MachineSleep*>(context.host_interface(MachineSleep::kId))->waking();
    tell_processors(waking);
    if (waking) return;
    if (drives_once_.empty()) return;
    drives_once_.clear();
    write_drive_order(drives_);
}

bool PcBoard::fill_boot_order(Errors& errors) {
    BootOrder order;
    if (!kernel_rom_.empty()) order.add(0, kernel_rom_);
    return order.put(*query<FwCfg>(chip("fw_cfg")), *machine_, boot_strict_, errors);
}

bool PcBoard::chip_path(const Object& chip, TextSink& out) const {
    const auto bridge = chips_.find("i440fx");
    if (bridge == chips_.end() || bridge->second != &chip) return false;
    out.append("/pci@i0cf8");  // by the port of its first register
    return true;
}

}  // namespace backplane::pc
