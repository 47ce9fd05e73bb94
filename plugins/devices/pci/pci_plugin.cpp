// The PCI framework: buses, and what all PCI devices have. Interfaces: <backplane/pci.h>.
#include "bus.h"
#include "device.h"
#include "listing.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::pci {
namespace {

constexpr bool kConventional = false;
constexpr bool kExpress = true;

void* make_bus(Object& object, const void* express, Errors&) {
    return new BusPart(object, *static_cast<const bool*>(express));
}

constexpr InterfaceInfo kBusInterfaces[] = {offers<BusPart, Bus>(), offers<BusPart, PciBus>(),
                                            offers<BusPart, FirmwarePlace>()};
constexpr InterfaceInfo kDeviceInterfaces[] = {offers<DevicePart, Device>(), offers<DevicePart, PciDevice>(),
                                               offers<DevicePart, PciVectorEvents>(),
                                               offers<DevicePart, FirmwarePlace>()};

constexpr InterfaceInfo kListingInterfaces[] = {offers<PciListing, Completable>(),
                                                offers<PciListing, CommandHandler>()};

constexpr PropertyInfo kDeviceProperties[] = {
    property<&DevicePart::wanted_address_>(
        {.name = "addr", .summary = "place on the bus, DEVICE[.FUNCTION] in hexadecimal; empty: any"}),
    property<&DevicePart::multifunction_>({.name = "multifunction",
                                           .summary = "function 0 of a device that has others",
                                           .default_text = "off"}),
    property<&DevicePart::romfile_>(
        {.name = "romfile", .summary = "file of the expansion ROM; empty: there is none"}),
    property<&DevicePart::acpi_index_, &DevicePart::check_acpi_index>(
        {.name = "acpi-index",
         .summary = "number by which systems name it, on a board's root bus; 0: none",
         .default_text = "0"}),
    property<&DevicePart::rombar_>(
        {.name = "rombar", .summary = "0: guests see no expansion ROM", .default_text = "-1"}),
    property<&DevicePart::romsize_, &DevicePart::check_rom_size>(
        {.name = "romsize",
         .summary = "bytes of the expansion ROM, a power of two; 4294967295: as its file needs",
         .default_text = "4294967295"}),
};

constexpr TypeInfo kTypes[] = {
    {
        .name = "pci-bus",
        .parent = "bus",
        .summary = "PCI bus",
        .interfaces = kBusInterfaces,
        .class_data = &kConventional,
        .instance_init = make_bus,
        .instance_finalize = free_part<BusPart>,
    },
    {
        .name = "pcie-bus",
        .parent = "pci-bus",
        .summary = "PCI Express bus",
        .class_data = &kExpress,
    },
    device_type<DevicePart>({
        .name = "pci-device",
        .summary = "what every PCI device has",
        .abstract = true,
        .bus = "pci",
        .interfaces = kDeviceInterfaces,
        .properties = kDeviceProperties,
        .instance_post_init = [](Object&, void* part) { static_cast<DevicePart*>(part)->keep_default_rom(); },
    }),
    {
        .name = "pci-listing",
        .parent = "service",
        .summary = "shows PCI buses in monitors",
        .interfaces = kListingInterfaces,
        .commands = kListingCommands,
        .instance_init = make_part<PciListing>,
        .instance_finalize = free_part<PciListing>,
    },
};

}  // namespace
}  // namespace backplane::pci

BACKPLANE_PLUGIN("pci", "1.0", "Backplane", backplane::pci::kTypes)
