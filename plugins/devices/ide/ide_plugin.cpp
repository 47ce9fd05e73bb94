// The plugin "ide": the controller of the PIIX3, its buses, disks and CD drives.
#include "bus.h"
#include "cd.h"
#include "disk.h"
#include "piix3_ide.h"

#include <backplane/plugin.h>

#include <algorithm>
#include <array>

namespace backplane::ide {

namespace {

/// What every drive has, but for its medium.
constexpr std::array kDriveProperties{
    property<&DriveBase::serial_>({.name = "serial", .summary = "serial number, 20 bytes"}),
    property<&DriveBase::model_>({.name = "model", .summary = "model, 40 bytes"}),
    property<&DriveBase::version_>(
        {.name = "ver", .summary = "firmware revision, 8 bytes", .default_text = "2.5+"}),
    property<&DriveBase::wwn_>({.name = "wwn", .summary = "world wide name; 0: none", .default_text = "0"}),
    property<&DriveBase::unit_>({.name = "unit",
                                 .summary = "0: master, 1: slave, 2: the first that is free",
                                 .default_text = "2",
                                 .maximum = 2}),
    property<&DriveBase::bootindex_>(
        {.name = "bootindex", .summary = "place in the boot order; -1: none", .default_text = "-1"}),
};

template <std::size_t Size>
constexpr auto with_drive_properties(const std::array<PropertyInfo, Size>& own) {
    std::array<PropertyInfo, kDriveProperties.size() + Size> all{};
    std::ranges::copy(kDriveProperties, all.begin());
    std::ranges::copy(own, all.begin() + kDriveProperties.size());
    return all;
}

constexpr auto kDiskProperties = with_disk_settings<Disk>(with_drive_properties(std::array{
    property<&DriveBase::drive_>({.name = "drive", .summary = "the block node that holds the data"}),
    property<&Disk::cylinders_>({.name = "cyls",
                                 .summary = "cylinders; 0: of the partition table or the size",
                                 .default_text = "0",
                                 .maximum = 65535}),
    property<&Disk::heads_>({.name = "heads", .summary = "heads; 0: 16", .default_text = "0", .maximum = 16}),
    property<&Disk::sectors_>(
        {.name = "secs", .summary = "sectors; 0: 63", .default_text = "0", .maximum = 255}),
    enum_property<&Disk::translation_>({.name = "bios-chs-trans",
                                        .summary = "how firmware makes its cylinders and heads of the disk's",
                                        .default_text = "auto",
                                        .choices = "none|lba|large|rechs|auto"}),
    size_property<&Disk::discard_granularity_>(
        {.name = "discard_granularity",
         .summary =
             "bytes that the guest best gives back at a time; 0: it cannot (no TRIM); 4294967295: a sector",
         .default_text = "4294967295",
         .maximum = 0xffffffff}),
    property<&Disk::rotation_rate_>({.name = "rotation_rate",
                                     .summary = "turns per minute; 1: a solid-state disk, 0: nothing is said",
                                     .default_text = "0"}),
}));

constexpr auto kCdProperties = with_disk_settings<CdDrive>(with_drive_properties(std::array{
    medium_property<&CdDrive::change_medium>(
        {.name = "drive", .summary = "the block node that is the disc; without one there is none"}),
}));

constexpr InterfaceInfo kDiskInterfaces[] = {offers<Disk, Device>(), offers<Disk, Drive>(),
                                             offers<Disk, Bootable>()};
constexpr InterfaceInfo kCdInterfaces[] = {offers<CdDrive, Device>(), offers<CdDrive, Drive>(),
                                           offers<CdDrive, Bootable>(), offers<CdDrive, MediumDrive>()};
constexpr InterfaceInfo kBusInterfaces[] = {offers<IdeBusPart, Bus>(), offers<IdeBusPart, IdeBus>(),
                                            offers<IdeBusPart, FirmwarePlace>()};

constexpr InterfaceInfo kPiix3Interfaces[] = {offers<Piix3Ide, Device>(), offers<Piix3Ide, AtaDisks>()};

constexpr RegionInfo kPiix3Regions[] = {
    {.name = "ide0-command", .summary = "command block of the first channel"},
    {.name = "ide0-control", .summary = "control block of the first channel", .size = 1},
    {.name = "ide1-command", .summary = "command block of the second channel"},
    {.name = "ide1-control", .summary = "control block of the second channel", .size = 1},
};
constexpr WireInfo kPiix3Wires[] = {{.name = "irq", .summary = "INTRQ of each channel", .count = 2}};

constexpr HistoryRow kDriveHistory[] = {{"2.4", "ver", "2.4.0"}};

constexpr TypeInfo kTypes[] = {
    {.name = "IDE",
     .parent = "bus",
     .summary = "IDE bus",
     .interfaces = kBusInterfaces,
     .instance_init = make_part<IdeBusPart>,
     .instance_finalize = free_part<IdeBusPart>},
    device_type<Piix3Ide>({.name = "piix3-ide",
                           .parent = "pci-device",
                           .summary = "IDE controller of the PIIX3",
                           .user_creatable = true,
                           .category = "Storage",
                           .interfaces = kPiix3Interfaces,
                           .regions = kPiix3Regions,
                           .wires = kPiix3Wires,
                           .architecture = "x86_64"}),
    device_type<Disk>({.name = "ide-hd",
                       .summary = "IDE disk",
                       .user_creatable = true,
                       .bus = "IDE",
                       .category = "Storage",
                       .interfaces = kDiskInterfaces,
                       .properties = kDiskProperties,
                       .history = kDriveHistory}),
    device_type<CdDrive>({.name = "ide-cd",
                          .summary = "IDE CD drive",
                          .user_creatable = true,
                          .bus = "IDE",
                          .category = "Storage",
                          .interfaces = kCdInterfaces,
                          .properties = kCdProperties,
                          .history = kDriveHistory}),
};

}  // namespace
}  // namespace backplane::ide

BACKPLANE_PLUGIN("ide", "1.0", "Backplane", backplane::ide::kTypes)
