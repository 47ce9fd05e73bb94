// The versions of the board, newest first. What devices were in each release stands in their own histories; the
// release of the emulator line that users know gives them their names.
#include "board.h"

#include <backplane/plugin.h>

namespace backplane::pc {
namespace {
template <unsigned Unit>
constexpr PropertyInfo flash_property(const char* name, const char* summary) {
    return {.name = name,
            .kind = PropertyKind::Link,
            .summary = summary,
            .set = [](void* part, const PropertyValue& value, Errors&) {
                static_cast<PcBoard*>(part)->flashes_[Unit] = value.object;
                return true;
            }};
}
}  // namespace

constexpr PropertyInfo PcBoard::kProperties[] = {
    size_property<&PcBoard::max_ram_below_4g_, &PcBoard::check_max_ram>(
        {.name = "max-ram-below-4g",
         .summary = "RAM below the 4 GiB boundary at most",
         .default_text = "3758096384"}),
    enum_property<&PcBoard::acpi_>(
        {.name = "acpi", .summary = "ACPI tables", .default_text = "auto", .choices = kSwitchChoices}),
    enum_property<&PcBoard::pic_>(
        {.name = "pic", .summary = "the 8259s", .default_text = "auto", .choices = kSwitchChoices}),
    enum_property<&PcBoard::pit_>(
        {.name = "pit", .summary = "the 8254", .default_text = "auto", .choices = kSwitchChoices}),
    property<&PcBoard::hpet_>(
        {.name = "hpet", .summary = "high precision event timer", .default_text = "on"}),
    property<&PcBoard::i8042_>({.name = "i8042", .summary = "keyboard controller", .default_text = "on"}),
    property<&PcBoard::graphics_>({.name = "graphics",
                                   .summary = "off: firmware's console is the first serial port",
                                   .default_text = "on"}),
    enum_property<&PcBoard::smm_>({.name = "smm",
                                   .summary = "system management mode; auto: where the accelerator has it",
                                   .default_text = "auto",
                                   .choices = kSwitchChoices}),
    enum_property<&PcBoard::vmport_>(
        {.name = "vmport",
         .summary = "VMware's port and its pointer; auto: where there is an i8042",
         .default_text = "auto",
         .choices = kSwitchChoices}),
    property<&PcBoard::usb_>({.name = "usb", .summary = "a USB controller", .default_text = "off"}),
    property<&PcBoard::sata_>(
        {.name = "sata", .summary = "no difference here: this board has no SATA", .default_text = "on"}),
    property<&PcBoard::smbus_>(
        {.name = "smbus", .summary = "serial memories of modules on the SMBus", .default_text = "on"}),
    property<&PcBoard::floppy_check_>({.name = "fd-bootchk",
                                       .summary = "firmware starts no diskette without a signature",
                                       .default_text = "on"}),
    property<&PcBoard::hmat_>({.name = "hmat",
                               .summary = "an ACPI table of how fast nodes' memory is (-numa hmat-lb)",
                               .default_text = "off"}),
    property<&PcBoard::oem_id_, &PcBoard::check_oem_id>(
        {.name = "x-oem-id", .summary = "OEM ID of ACPI tables, 6 bytes", .default_text = "BOCHS "}),
    property<&PcBoard::oem_table_, &PcBoard::check_oem_table>(
        {.name = "x-oem-table-id",
         .summary = "OEM table ID of ACPI tables, 8 bytes",
         .default_text = "BXPC    "}),
    property<&PcBoard::hyper_transport_hole_>(
        {.name = "x-amd-1tb-hole",
         .summary = "the memory map names what AMD's processors keep below 1 TiB",
         .default_text = "on"}),
    property<&PcBoard::geometry_file_>({.name = "x-bios-geometry",
                                        .summary = "firmware finds a file bios-geometry, also an empty one",
                                        .default_text = "on"}),
    property<&PcBoard::pci_root_uid_>(
        {.name = "x-pci-root-uid", .summary = "_UID of the PCI bus in ACPI", .default_text = "0"}),
    enum_property<&PcBoard::smbios_entry_>(
        {.name = "smbios-entry-point-type",
         .summary = "of the SMBIOS tables: 32 (version 2.8), 64 (3.0), or auto: 32 if they fit",
         .default_text = "auto",
         .choices = "32|64|auto"}),
    flash_property<0>("pflash0",
                      "the block node in the first flash, which the machine starts instead of a ROM"),
    flash_property<1>("pflash1", "the block node in the second flash, for variables"),
    property<&PcBoard::firmware_>({.name = "firmware", .summary = "firmware file"}),
    property<&PcBoard::kernel_>(
        {.name = "kernel", .summary = "kernel that is started: bzImage, Multiboot, ELF with a PVH entry"}),
    property<&PcBoard::initrd_>(
        {.name = "initrd", .summary = "the kernel's RAM disk; a list of modules for Multiboot kernels"}),
    property<&PcBoard::arguments_>({.name = "append", .summary = "the kernel's command line"}),
};

namespace {

constexpr const char* kOld = "old machine types go: use a newer one for a new guest";

constexpr ShortName kDriveInterfaces[] = {
    {"ide", nullptr, 2}, {"floppy", nullptr}, {"pflash", nullptr}, {"virtio", "virtio-blk-pci"}};
constexpr DefaultDrive kDefaultDrives[] = {
    {.interface = "ide", .index = 2, .removable = true, .instead = "ide-cd"},
    {.interface = "floppy", .index = 0, .instead = "floppy|isa-fdc"}};
constexpr ShortName kNicModels[] = {{"virtio", "virtio-net-pci"}};
constexpr ShortName kDisplays[] = {{"std", "VGA"}};
constexpr ShortName kDeviceAliases[] = {{"virtio-blk", "virtio-blk-pci"},
                                        {"virtio-net", "virtio-net-pci"},
                                        {"virtio-rng", "virtio-rng-pci"},
                                        {"virtio-serial", "virtio-serial-pci"},
                                        {"virtio-balloon", "virtio-balloon-pci"}};

constexpr BoardTraits kTraits{
    .max_cpus = 255,
    .default_ram = 128u << 20,
    .max_ram = std::uint64_t{1} << 40,
    .default_cpu = "qemu64",
    .cpu_family = "x86_64-cpu",
    .default_nic = "e1000",
    .drive_interfaces = kDriveInterfaces,
    .nic_models = kNicModels,
    .device_aliases = kDeviceAliases,
    .serial_ports = kSerialPorts,
    .default_drives = kDefaultDrives,
    .memory_slots = 256,
    .parallel_ports = kParallelPorts,
    .serial_instead = "isa-serial",
    .parallel_instead = "isa-parallel",
    .displays = kDisplays,
    .topology_levels = topology_level::kDies | topology_level::kModules,
};
constexpr BoardTraits kTraitsUpTo6_1 = [] {
    BoardTraits past = kTraits;
    past.sockets_first = true;
    return past;
}();

constexpr const char* kType = "pc-i440fx-machine";
constexpr CompatProperty kUpTo7_0[] = {{kType, "x-amd-1tb-hole", "off"}};
constexpr CompatProperty kUpTo5_1[] = {{kType, "x-pci-root-uid", "1"}};
constexpr CompatProperty kUpTo2_5[] = {{kType, "x-bios-geometry", "off"}};

constexpr MachineVersion kVersions[] = {
    {.version = "11.1", .aliases = "pc"},
    {.version = "11.0", .release = "11.0"},
    {.version = "10.2", .release = "10.2"},
    {.version = "10.1", .release = "10.1"},
    {.version = "10.0", .release = "10.0"},
    {.version = "9.2", .release = "9.2"},
    {.version = "9.1", .release = "9.1"},
    {.version = "9.0", .release = "9.0"},
    {.version = "8.2", .release = "8.2"},
    {.version = "8.1", .release = "8.1", .deprecated = kOld},
    {.version = "8.0", .release = "8.0", .deprecated = kOld},
    {.version = "7.2", .release = "7.2", .deprecated = kOld},
    {.version = "7.1", .release = "7.1", .deprecated = kOld},
    {.version = "7.0", .deltas = kUpTo7_0, .release = "7.0", .deprecated = kOld},
    {.version = "6.2", .release = "6.2", .deprecated = kOld},
    {.version = "6.1", .release = "6.1", .traits = &kTraitsUpTo6_1, .deprecated = kOld},
    {.version = "6.0", .release = "6.0", .deprecated = kOld},
    {.version = "5.2", .release = "5.2", .deprecated = kOld},
    {.version = "5.1", .deltas = kUpTo5_1, .release = "5.1", .deprecated = kOld},
    {.version = "5.0", .release = "5.0", .deprecated = kOld},
    {.version = "4.2", .release = "4.2", .deprecated = kOld},
    {.version = "4.1", .release = "4.1", .deprecated = kOld},
    {.version = "4.0", .release = "4.0", .deprecated = kOld},
    {.version = "3.1", .release = "3.1", .deprecated = kOld},
    {.version = "3.0", .release = "3.0", .deprecated = kOld},
    {.version = "2.12", .release = "2.12", .deprecated = kOld},
    {.version = "2.11", .release = "2.11", .deprecated = kOld},
    {.version = "2.10", .release = "2.10", .deprecated = kOld},
    {.version = "2.9", .release = "2.9", .deprecated = kOld},
    {.version = "2.8", .release = "2.8", .deprecated = kOld},
    {.version = "2.7", .release = "2.7", .deprecated = kOld},
    {.version = "2.6", .release = "2.6", .deprecated = kOld},
    {.version = "2.5", .deltas = kUpTo2_5, .release = "2.5", .deprecated = kOld},
    {.version = "2.4", .release = "2.4", .deprecated = kOld, .aliases = "pc-i440fx-trusty"},
};

constexpr InterfaceInfo kInterfaces[] = {
    offers<PcBoard, Board>(),         offers<PcBoard, BootChoice>(),    offers<PcBoard, FirmwareRoot>(),
    offers<PcBoard, AcpiTableList>(), offers<PcBoard, SleepListener>(), offers<PcBoard, ProcessorPlaces>()};

constexpr TypeInfo kTypes[] = {
    {
        .name = kType,
        .parent = "machine",
        .summary = "Standard PC (i440FX + PIIX, 1996)",
        .option_name = "pc-i440fx",
        .is_default = true,
        .interfaces = kInterfaces,
        .properties = PcBoard::kProperties,
        .versions = kVersions,
        .class_data = &kTraits,
        .instance_init = make_part<PcBoard>,
        .instance_finalize = free_part<PcBoard>,
        .architecture = "x86_64",
    },
};

}  // namespace
}  // namespace backplane::pc

BACKPLANE_PLUGIN("pc", "1.0", "Backplane", backplane::pc::kTypes)
