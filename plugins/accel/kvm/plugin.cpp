// The types of the accelerator and of the kernel's chips.
#include "accelerator.h"
#include "kvm_apic.h"
#include "kvm_i8259.h"
#include "kvm_ioapic.h"
#include "kvm_pit.h"
#include "listing.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::kvm {

constexpr PropertyInfo Kvm::kProperties[4] = {
    property<&Kvm::device_>({.name = "device", .summary = "the kernel's device", .default_text = "/dev/kvm"}),
    enum_property<&Kvm::irqchip_>(
        {.name = "kernel-irqchip",
         .summary =
             "whose interrupt controllers: the machine's (off), the kernel's (on), or of the kernel the local APICs alone (split)",
         .default_text = "off",
         .choices = "off|on|split"}),
    size_property<&Kvm::shadow_memory_>(
        {.name = "kvm-shadow-mem",
         .summary = "memory for the kernel's shadow page tables; 0: its own choice",
         .default_text = "0"}),
    property<&Kvm::dirty_ring_size_, &Kvm::check_dirty_ring>(
        {.name = "dirty-ring-size",
         .summary = "entries of each CPU's ring of changed pages; 0: bitmaps tell of them",
         .default_text = "0"}),
};

constexpr PropertyInfo KvmI8259::kProperties[5] = {
    property<&KvmI8259::iobase_>(
        {.name = "iobase", .summary = "its two ports", .maximum = 0xffff, .required = true}),
    property<&KvmI8259::elcr_addr_>({.name = "elcr_addr",
                                     .summary = "the port of its edge/level register",
                                     .maximum = 0xffff,
                                     .required = true}),
    property<&KvmI8259::elcr_mask_>({.name = "elcr_mask",
                                     .summary = "the bits of that register that can be set",
                                     .default_text = "0xff"}),
    property<&KvmI8259::master_>(
        {.name = "master", .summary = "has the slave on input 2", .default_text = "off"}),
    property<&KvmI8259::cascade_>({.name = "cascade", .summary = "the slave of a master"}),
};

constexpr PropertyInfo KvmIoApic::kProperties[2] = {
    property<&KvmIoApic::version_>({.name = "version",
                                    .summary = "as the version register says; the kernel's is 0x11",
                                    .default_text = "0x20",
                                    .minimum = 0x11}),
    property<&KvmIoApic::bus_>(
        {.name = "bus", .summary = "where messages would go; they stay in the kernel"}),
};

constexpr PropertyInfo KvmApic::kProperties[3] = {
    property<&KvmApic::processor_object_>({.name = "cpu", .summary = "the processor that it belongs to"}),
    property<&KvmApic::bus_>({.name = "bus", .summary = "the message window; messages stay in the kernel"}),
    property<&KvmApic::version_>(
        {.name = "version", .summary = "as the version register says", .default_text = "0x14"}),
};

constexpr PropertyInfo KvmPit::kProperties[2] = {
    property<&KvmPit::iobase_>(
        {.name = "iobase", .summary = "its four ports", .default_text = "0x40", .maximum = 0xffff}),
    enum_property<&KvmPit::lost_ticks_>(
        {.name = "lost_tick_policy",
         .summary = "ticks that the guest was too slow for come later (delay), or never (discard)",
         .default_text = "delay",
         .choices = "delay|discard"}),
};

namespace {

constexpr InterfaceInfo kAccelerator[] = {
    offers<Kvm, Accelerator>(),        offers<Kvm, AcceleratorDebug>(), offers<Kvm, ChipReplacements>(),
    offers<Kvm, MessageSink>(),        offers<Kvm, Doorbells>(),        offers<Kvm, x86::SystemManagement>(),
    offers<Kvm, x86::PortRegisters>(), offers<Kvm, VmAccess>()};
constexpr InterfaceInfo kI8259[] = {offers<KvmI8259, Device>(), offers<KvmI8259, x86::InterruptAcknowledge>(),
                                    offers<KvmI8259, InterruptControllerText>()};
constexpr InterfaceInfo kIoApic[] = {offers<KvmIoApic, Device>(),
                                     offers<KvmIoApic, InterruptControllerText>()};
constexpr InterfaceInfo kPit[] = {offers<KvmPit, Device>(), offers<KvmPit, IntervalTimer>()};
constexpr InterfaceInfo kApic[] = {offers<KvmApic, Device>(), offers<KvmApic, NmiInput>(),
                                   offers<KvmApic, LocalApicView>()};
constexpr InterfaceInfo kListing[] = {offers<KvmListing, CommandHandler>()};
constexpr InterfaceInfo kApicBus[] = {offers<KvmApicBus, Device>(), offers<KvmApicBus, x86::ApicBus>()};

// As those of the chips that they stand for.
constexpr RegionInfo kI8259Regions[] = {
    {.name = "registers", .summary = "commands and mask", .size = 2},
    {.name = "elcr", .summary = "which requests are level-triggered", .size = 1},
};
constexpr WireInfo kI8259Wires[] = {
    {.name = "", .summary = "INT"},
    {.name = "", .direction = WireDirection::Input, .summary = "IR0 to IR7", .count = 8},
};
constexpr RegionInfo kIoApicRegions[] = {{.name = "ioapic", .size = 0x1000}};
constexpr WireInfo kIoApicWires[] = {
    {.name = "", .direction = WireDirection::Input, .count = KVM_IOAPIC_NUM_PINS}};
constexpr RegionInfo kApicBusRegions[] = {{.name = "apic-msi", .size = x86::kMessageSize}};
constexpr WireInfo kApicWires[] = {{.name = "lint",
                                    .direction = WireDirection::Input,
                                    .summary = "LINT0, the 8259's, and LINT1",
                                    .count = 2}};
constexpr RegionInfo kPitRegions[] = {
    {.name = "registers", .summary = "the three counters and the control word", .size = 4}};
constexpr WireInfo kPitWires[] = {
    {.name = "", .summary = "OUT 0"},
    {.name = "", .direction = WireDirection::Input, .summary = "1: the HPET is in its place"}};

constexpr HistoryRow kIoApicHistory[] = {{"2.7", "version", "0x11"}};

constexpr TypeInfo kTypes[] = {
    {
        .name = "kvm-accel",
        .parent = "accelerator",
        .summary = "the host's own processor, through the kernel's KVM",
        .option_name = "kvm",
        .interfaces = kAccelerator,
        .properties = Kvm::kProperties,
        .instance_init = make_part<Kvm>,
        .instance_finalize = free_part<Kvm>,
        .architecture = "x86_64",
    },
    device_type<KvmI8259>({.name = "kvm-i8259",
                           .summary = "the kernel's 8259A interrupt controller",
                           .bus = "isa",
                           .category = "Misc",
                           .interfaces = kI8259,
                           .properties = KvmI8259::kProperties,
                           .regions = kI8259Regions,
                           .wires = kI8259Wires}),
    device_type<KvmIoApic>({.name = "kvm-ioapic",
                            .summary = "the kernel's I/O APIC",
                            .category = "Misc",
                            .interfaces = kIoApic,
                            .properties = KvmIoApic::kProperties,
                            .regions = kIoApicRegions,
                            .wires = kIoApicWires,
                            .history = kIoApicHistory}),
    device_type<KvmPit>({.name = "kvm-pit",
                         .summary = "the kernel's 8254 interval timer",
                         .bus = "isa",
                         .category = "Misc",
                         .interfaces = kPit,
                         .properties = KvmPit::kProperties,
                         .regions = kPitRegions,
                         .wires = kPitWires}),
    device_type<KvmApicBus>({.name = "kvm-apic-bus",
                             .summary = "the kernel's window for interrupt messages",
                             .category = "Misc",
                             .interfaces = kApicBus,
                             .regions = kApicBusRegions}),
    device_type<KvmApic>({.name = "kvm-apic",
                          .summary = "the kernel's local APIC",
                          .category = "Misc",
                          .interfaces = kApic,
                          .properties = KvmApic::kProperties,
                          .wires = kApicWires}),
    {
        .name = "kvm-listing",
        .parent = "service",
        .summary = "tells monitors of KVM",
        .interfaces = kListing,
        .commands = kListingCommands,
        .instance_init = make_part<KvmListing>,
        .instance_finalize = free_part<KvmListing>,
    },
};

}  // namespace
}  // namespace backplane::kvm

BACKPLANE_PLUGIN("kvm", "1.0", "Backplane", backplane::kvm::kTypes)
