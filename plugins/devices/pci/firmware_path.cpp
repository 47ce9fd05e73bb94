// What firmware calls a function: a name by its class and its place on the bus. "PCI Bus Binding to IEEE 1275-1994" 2.1:
// 2.2.1.3 (unit addresses) and 2.5 (names by class).
#include "bus.h"
#include "device.h"

#include <backplane/text.h>

namespace backplane::pci {
namespace {

struct ClassName {
    std::uint16_t code;  ///< base class << 8 | sub-class
    const char* name;
};
constexpr ClassName kNames[] = {
    {0x0000, "vga"},  {0x0100, "scsi"},       {0x0101, "ide"},      {0x0102, "fdc"},
    {0x0103, "ipi"},  {0x0104, "raid"},       {0x0200, "ethernet"}, {0x0201, "token-ring"},
    {0x0202, "fddi"}, {0x0203, "atm"},        {0x0300, "display"},  {0x0600, "host"},
    {0x0601, "isa"},  {0x0604, "pci-bridge"}, {0x0c03, "usb"},
};

}  // namespace

bool DevicePart::firmware_path(TextSink& out) const {
    if (!bus_) return false;
    const auto* bus = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
    if (!bus || !bus->firmware_path(out)) return false;
    const unsigned code = config_.get(kClassCode + 1, 2);
    const unsigned function = place_ & 7;
    std::string text;
    for (const ClassName& row : kNames)
        if (row.code == code) text = row.name;
    if (text.empty()) text = "pci" + hex(config_.get(kVendorId, 2)) + "," + hex(config_.get(kDeviceId, 2));
    out.append("/" + text + "@" + hex(place_ >> 3) + (function ? "," + hex(function) : ""));
    return true;
}

bool BusPart::firmware_path(TextSink& out) const {
    return object_.parent() && firmware_path_of(*object_.parent(), out);
}

}  // namespace backplane::pci
