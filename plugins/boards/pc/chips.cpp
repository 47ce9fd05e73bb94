// The chips on the ISA bus, with the ports and lines that they always had. A chip whose settings are not named here has
// them as its own defaults.
#include "board.h"

namespace backplane::pc {
namespace {

struct Setting {
    const char* property;
    const char* value;
};
/// A property that holds another chip of the board, which stands ahead of this one.
struct ChipLink {
    const char* property;
    const char* chip;
};
struct IsaChip {
    const char* name;
    const char* type;
    Slice<const Setting> settings{};
    Slice<const ChipLink> links{};
    bool (PcBoard::*wanted)() const = nullptr;  ///< null: always
};

constexpr Setting kSlavePic[] = {
    {"iobase", "160"}, {"elcr_addr", "1233"}, {"elcr_mask", "222"}, {"master", "off"}};
constexpr Setting kMasterPic[] = {
    {"iobase", "32"}, {"elcr_addr", "1232"}, {"elcr_mask", "248"}, {"master", "on"}};
constexpr Setting kLowDma[] = {{"base", "0"}, {"page-base", "128"}, {"dshift", "0"}};
constexpr Setting kHighDma[] = {{"base", "192"}, {"page-base", "136"}, {"dshift", "1"}};

constexpr ChipLink kLowDmaLink[] = {{"cascade", "dma1"}}, kSlavePicLink[] = {{"cascade", "i8259-slave"}};
constexpr ChipLink kSpeakerLink[] = {{"pit", "pit"}};
constexpr ChipLink kPointerLinks[] = {{"i8042", "i8042"}, {"vmport", "vmport"}};

constexpr IsaChip kIsaChips[] = {
    {"dma1", "i8257", kLowDma},
    {"dma2", "i8257", kHighDma, kLowDmaLink},
    {"i8259-slave", "isa-i8259", kSlavePic, {}, &PcBoard::has_pic},
    {"i8259", "isa-i8259", kMasterPic, kSlavePicLink, &PcBoard::has_pic},
    {"fdc", "isa-fdc"},
    {"rtc", "mc146818rtc"},
    {"pit", "isa-pit", {}, {}, &PcBoard::has_pit},
    {"pcspk", "isa-pcspk", {}, kSpeakerLink, &PcBoard::has_pit},
    {"i8042", "i8042", {}, {}, &PcBoard::has_i8042},
    {"vmport", "vmport", {}, {}, &PcBoard::has_vmport},
    {"vmmouse", "vmmouse", {}, kPointerLinks, &PcBoard::has_vmmouse},
    {"port92", "port92"},
    {"ioport80", "ioport80"},
    {"ioportF0", "ioportF0"},
};

}  // namespace

bool PcBoard::build_isa(BoardContext& context, Errors& errors) {
    for (const IsaChip& row : kIsaChips) {
        if (row.wanted && !(this->*row.wanted)()) continue;
        Object* object = context.create_on(*isa_bus_, row.type, row.name, errors);
        if (!object) return false;
        chips_[row.name] = object;
        for (const Setting& setting : row.settings)
            if (!object->set_property(setting.property, setting.value, errors)) return false;
        for (const ChipLink& link : row.links)
            if (!object->set_link(link.property, &chip(link.chip), errors)) return false;
        if (!context.realize(*object, errors)) return false;
    }
    return true;
}

/// -serial and -parallel: each that the user has or would have.
bool PcBoard::build_byte_ports(BoardContext& context, Errors& errors) {
    for (unsigned index = 0; index < kSerialPorts; ++index) {
        Object* chardev = context.serial(index);
        has_serial_port_ |= chardev != nullptr;
        if (!build_byte_port(context, "isa-serial", "serial", index, chardev, errors)) return false;
    }
    auto* printers = static_cast<ParallelPorts*>(context.host_interface(ParallelPorts::kId));
    for (unsigned index = 0; printers && index < kParallelPorts; ++index)
        if (!build_byte_port(context, "isa-parallel", "parallel", index, printers->parallel(index), errors))
            return false;
    return true;
}

bool PcBoard::build_byte_port(BoardContext& context, const char* type, const std::string& name,
                              unsigned index, Object* chardev, Errors& errors) {
    if (!chardev) return true;
    const std::string number = std::to_string(index);
    Object* port = context.create_on(*isa_bus_, type, name + number, errors);
    return port && port->set_property("index", number, errors) &&
           port->set_link("chardev", chardev, errors) && context.realize(*port, errors);
}

/// -fda, -fdb and -drive if=floppy, and the drive that is there without them.
bool PcBoard::build_floppies(BoardContext& context, Errors& errors) {
    Object* bus = chip("fdc").child("floppy-bus.0");
    for (unsigned unit = 0; unit < kFloppyDrives; ++unit) {
        const BoardDrive drive = context.drive("floppy", unit);
        if (!drive.node) continue;
        Object* floppy = context.create_on(*bus, "floppy", "floppy" + std::to_string(unit), errors);
        if (!floppy || !floppy->set_property("unit", std::to_string(unit), errors) ||
            !floppy->set_link("drive", drive.node, errors) || !context.realize(*floppy, errors))
            return false;
    }
    return true;
}

}  // namespace backplane::pc
