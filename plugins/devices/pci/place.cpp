// Where a device is to be plugged in, the property "addr"; and what systems call it, "acpi-index".
#include "device.h"

#include <charconv>
#include <cstdio>

namespace backplane::pci {
namespace {

std::optional<unsigned> hexadecimal(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Another PCI device below `object` with this acpi-index?
bool has_acpi_index(Object& object, std::uint32_t index, const DevicePart* besides) {
    const auto* device = static_cast<const DevicePart*>(object.part("pci-device"));
    if (device && device != besides && device->acpi_index_ == index) return true;
    for (std::size_t i = 0; i < object.child_count(); ++i)
        if (has_acpi_index(*object.child_at(i), index, besides)) return true;
    return false;
}

}  // namespace

std::optional<std::uint8_t> parse_place(std::string_view text) {
    const std::size_t dot = text.find('.');
    const std::optional<unsigned> device = hexadecimal(text.substr(0, dot));
    const std::optional<unsigned> function =
        dot == std::string_view::npos ? std::optional<unsigned>(0) : hexadecimal(text.substr(dot + 1));
    if (!device || !function || *device > 31 || *function > 7) return std::nullopt;
    return std::uint8_t(*device << 3 | *function);
}

std::string place_text(unsigned place) {
    char text[24];
    std::snprintf(text, sizeof text, "%02x.%x", place >> 3, place & 7);
    return text;
}

int DevicePart::wanted_place() const {
    const std::optional<std::uint8_t> place = parse_place(wanted_address_);
    return place ? int(*place) : -1;
}

/// What systems make a name of, "eno3".
bool DevicePart::check_acpi_index(std::uint64_t index, Errors& errors) const {
    constexpr std::uint32_t kMost = 16383;
    if (index > kMost) errors.fail("acpi-index should be less or equal to " + std::to_string(kMost));
    else if (index != 0 && has_acpi_index(root_of(object_), std::uint32_t(index), this))
        errors.fail("a PCI device with acpi-index = " + std::to_string(index) +
                    " already exists; give each its own");
    else return true;
    return false;
}

}  // namespace backplane::pci
