// The plugin "usb": the bus, its controller, and what is plugged into it.
#include "bus.h"
#include "hid.h"
#include "hub.h"
#include "listing.h"
#include "storage.h"
#include "uhci.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::usb {
namespace {

constexpr InterfaceInfo kBusInterfaces[] = {offers<BusPart, Bus>(), offers<BusPart, UsbBus>(),
                                            offers<BusPart, FirmwarePlace>()};
template <class T>
constexpr InterfaceInfo kFunctionInterfaces[] = {offers<T, Device>(), offers<T, UsbFunction>()};
template <class T>
constexpr InterfaceInfo kInputInterfaces[] = {offers<T, Device>(), offers<T, UsbFunction>(),
                                              offers<T, InputDevice>()};

constexpr PropertyInfo kPortRow = property<&Function::port_>(
    {.name = "port",
     .summary = "where it is plugged in: 1, or 2.4 behind a hub; empty: where there is room"});
constexpr auto kStorageProperties = with_disk_settings<Storage>(std::array{
    kPortRow,
    property<&Storage::drive_>(
        {.name = "drive", .summary = "the block node that it shows", .required = true}),
    property<&Storage::serial_>({.name = "serial", .summary = "serial number"}),
    property<&Storage::removable_>(
        {.name = "removable", .summary = "says that its medium can be removed", .default_text = "off"}),
    property<&Storage::bootindex_>(
        {.name = "bootindex", .summary = "place in the boot order; -1: none", .default_text = "-1"}),
});
constexpr InterfaceInfo kStorageInterfaces[] = {offers<Storage, Device>(), offers<Storage, UsbFunction>(),
                                                offers<Storage, Bootable>()};

constexpr PropertyInfo kFunctionProperties[] = {kPortRow};

constexpr InterfaceInfo kKeyboardInterfaces[] = {offers<Keyboard, Device>(), offers<Keyboard, UsbFunction>(),
                                                 offers<Keyboard, InputDevice>(),
                                                 offers<Keyboard, InputLights>()};

template <class T>
constexpr TypeInfo input_type(const char* name, const char* summary,
                              Slice<const InterfaceInfo> interfaces = kInputInterfaces<T>) {
    return device_type<T>({.name = name,
                           .summary = summary,
                           .user_creatable = true,
                           .bus = "usb",
                           .category = "Input",
                           .interfaces = interfaces,
                           .properties = kFunctionProperties});
}

constexpr RegionInfo kControllerRegions[] = {
    {.name = "registers", .summary = "BAR 4: registers of the host controller", .size = 32}};

constexpr InterfaceInfo kListingInterfaces[] = {offers<UsbListing, CommandHandler>()};

constexpr TypeInfo kTypes[] = {
    {
        .name = "usb-bus",
        .parent = "bus",
        .summary = "USB",
        .interfaces = kBusInterfaces,
        .instance_init = make_part<BusPart>,
        .instance_finalize = free_part<BusPart>,
    },
    device_type<Uhci>({
        .name = "piix3-usb-uhci",
        .parent = "pci-device",
        .summary = "USB 1.1 host controller of the 82371SB",
        .user_creatable = true,
        .category = "USB",
        .interfaces = kDeviceInterfaces<Uhci>,
        .regions = kControllerRegions,
    }),
    device_type<Hub>({
        .name = "usb-hub",
        .summary = "USB hub with eight ports",
        .user_creatable = true,
        .bus = "usb",
        .category = "Bridge",
        .interfaces = kFunctionInterfaces<Hub>,
        .properties = kFunctionProperties,
    }),
    device_type<Storage>({
        .name = "usb-storage",
        .summary = "USB disk",
        .user_creatable = true,
        .bus = "usb",
        .category = "Storage",
        .interfaces = kStorageInterfaces,
        .properties = kStorageProperties,
    }),
    input_type<Keyboard>("usb-kbd", "USB keyboard", kKeyboardInterfaces),
    input_type<Mouse>("usb-mouse", "USB mouse"),
    input_type<Tablet>("usb-tablet", "USB tablet, a pointer with absolute positions"),
    {
        .name = "usb-listing",
        .parent = "service",
        .summary = "shows USBs in monitors",
        .interfaces = kListingInterfaces,
        .commands = kListingCommands,
        .instance_init = make_part<UsbListing>,
        .instance_finalize = free_part<UsbListing>,
    },
};

}  // namespace
}  // namespace backplane::usb

BACKPLANE_PLUGIN("usb", "1.0", "Backplane", backplane::usb::kTypes)
