// The parameters of -smbios, as users know them, and the structures that each belongs to.
#pragma once

#include <cstdint>

namespace backplane::smbios {

/// What a parameter of the option takes.
enum class FieldKind { Text, Byte, Word, Quad, Switch, Uuid, Release, DeviceKind, File, Device };

struct FieldRow {
    const char* name;
    std::uint64_t types;  ///< a bit for each that has it
    FieldKind kind;
    const char* summary;
};

inline constexpr unsigned kOemStrings = 11, kPort = 8, kSlot = 9, kOnboard = 41;
/// Bits for types.
template <class... T>
constexpr std::uint64_t of(T... types) {
    return ((std::uint64_t{1} << types) | ...);
}

inline constexpr FieldRow kFields[] = {
    {"vendor", of(0), FieldKind::Text, "of the firmware"},
    {"date", of(0), FieldKind::Text, "of the firmware's release, MM/DD/YYYY"},
    {"release", of(0), FieldKind::Release, "of the firmware, MAJOR.MINOR"},
    {"uefi", of(0), FieldKind::Switch, "the firmware is UEFI"},
    {"manufacturer", of(1, 2, 3, 4, 17), FieldKind::Text, "who made it"},
    {"product", of(1, 2), FieldKind::Text, "what it is called"},
    {"version", of(0, 1, 2, 3, 4), FieldKind::Text, "which it is"},
    {"serial", of(1, 2, 3, 4, 17), FieldKind::Text, "serial number"},
    {"uuid", of(1), FieldKind::Uuid, "in place of the machine's own"},
    {"sku", of(1, 3), FieldKind::Text, "number in stock"},
    {"family", of(1), FieldKind::Text, "of products"},
    {"asset", of(2, 3, 4, 17), FieldKind::Text, "tag as a possession"},
    {"location", of(2), FieldKind::Text, "in the chassis"},
    {"sock_pfx", of(4), FieldKind::Text, "sockets' names ahead of their number"},
    {"part", of(4, 17), FieldKind::Text, "part number"},
    {"max-speed", of(4), FieldKind::Word, "MHz"},
    {"current-speed", of(4), FieldKind::Word, "MHz"},
    {"processor-id", of(4), FieldKind::Quad, "of the processor"},
    {"processor-family", of(4), FieldKind::Word, "number in the specification, 7.5.2"},
    {"external_reference", of(kPort), FieldKind::Text, "a port's name outside"},
    {"internal_reference", of(kPort), FieldKind::Text, "a port's name inside"},
    {"connector_type", of(kPort), FieldKind::Byte, "number in the specification, 7.9.2"},
    {"port_type", of(kPort), FieldKind::Byte, "number in the specification, 7.9.3"},
    {"slot_designation", of(kSlot), FieldKind::Text, "a slot's name"},
    {"slot_type", of(kSlot), FieldKind::Byte, "number in the specification, 7.10.1"},
    {"slot_data_bus_width", of(kSlot), FieldKind::Byte, "number in the specification, 7.10.2"},
    {"current_usage", of(kSlot), FieldKind::Byte, "number in the specification, 7.10.3"},
    {"slot_length", of(kSlot), FieldKind::Byte, "number in the specification, 7.10.4"},
    {"slot_id", of(kSlot), FieldKind::Word, "number in the specification, 7.10.5"},
    {"slot_characteristics1", of(kSlot), FieldKind::Byte, "bits in the specification, 7.10.6"},
    {"slot_characteristics2", of(kSlot), FieldKind::Byte, "bits in the specification, 7.10.7"},
    {"value", of(kOemStrings), FieldKind::Text, "a string of the maker's; may be given several times"},
    {"path", of(kOemStrings), FieldKind::File, "a file that holds such a string"},
    {"loc_pfx", of(17), FieldKind::Text, "memory's place ahead of its number"},
    {"bank", of(17), FieldKind::Text, "memory's bank"},
    {"speed", of(17), FieldKind::Word, "of memory, MT/s"},
    {"designation", of(kOnboard), FieldKind::Text, "name of a device of the board"},
    {"kind", of(kOnboard), FieldKind::DeviceKind,
     "other, unknown, video, scsi, ethernet, tokenring, sound, pata, sata or sas"},
    {"instance", of(kOnboard), FieldKind::Byte, "its number among those of its kind"},
    {"pcidev", of(kSlot, kOnboard), FieldKind::Device, "the id of the PCI device"},
};

}  // namespace backplane::smbios
