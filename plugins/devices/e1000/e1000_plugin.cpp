// The plugin "e1000".
#include "e1000.h"

#include <backplane/plugin.h>

namespace backplane::e1000 {

constexpr PropertyInfo E1000::kProperties[] = {
    property<&E1000::netdev_>({.name = "netdev", .summary = "the host side of the link"}),
    property<&E1000::mac_>(
        {.name = "mac", .summary = "address; default: the next free from 52:54:00:12:34:56"}),
    property<&E1000::bootindex_>(
        {.name = "bootindex", .summary = "place in the boot order; -1: none", .default_text = "-1"}),
    property<&E1000::init_vet_>(
        {.name = "init-vet", .summary = "VET holds the usual type after a reset", .default_text = "on"}),
};

namespace {

/// iPXE for firmware of both kinds, as distributions package it.
constexpr const char* kBootRom = "efi-e1000.rom";

constexpr RegionInfo kRegions[] = {
    {.name = "registers", .summary = "BAR 0", .size = 0x20000},
    {.name = "ports", .summary = "BAR 1: address and data", .size = 64},
};

constexpr InterfaceInfo kInterfaces[] = {offers<E1000, Device>(), offers<E1000, Bootable>()};
constexpr HistoryRow kHistory[] = {{"6.0", "init-vet", "off"}};

constexpr TypeInfo kTypes[] = {
    device_type<E1000>(
        {.name = "e1000",
         .parent = "pci-device",
         .summary = "Intel Gigabit Ethernet",
         .user_creatable = true,
         .category = "Network",
         .interfaces = kInterfaces,
         .properties = E1000::kProperties,
         .regions = kRegions,
         .history = kHistory,
         .class_init = [](Class& type, const void*) { type.set_default("romfile", kBootRom); }}),
};

}  // namespace
}  // namespace backplane::e1000

BACKPLANE_PLUGIN("e1000", "1.0", "Backplane", backplane::e1000::kTypes)
