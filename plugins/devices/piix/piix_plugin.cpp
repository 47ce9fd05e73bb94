// The types `PIIX3` and `PIIX4_PM`.
#include "piix3.h"
#include "power_management.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::piix {
namespace {

constexpr PropertyInfo kPowerProperties[] = {
    property<&PowerManagement::smbus_base_>({.name = "smb_io_base",
                                             .summary = "port of the SMBus controller after a reset",
                                             .default_text = "0xb100",
                                             .maximum = 0xffc0}),
    property<&PowerManagement::disable_s3_>(
        {.name = "disable_s3", .summary = "1: no suspending to RAM", .default_text = "0", .maximum = 1}),
    property<&PowerManagement::disable_s4_>(
        {.name = "disable_s4", .summary = "1: no suspending to disk", .default_text = "0", .maximum = 1}),
    property<&PowerManagement::s4_type_>({.name = "s4_val",
                                          .summary = "the sleep type that means suspending to disk",
                                          .default_text = "2",
                                          .maximum = 7}),
    property<&PowerManagement::smm_enabled_>(
        {.name = "smm-enabled", .summary = "APM commands raise SMI", .default_text = "off"}),
    property<&PowerManagement::hot_plug_>(
        {.name = "acpi-root-pci-hotplug",
         .summary = "devices of the bus come and go through ACPI, for which the board's tables have methods",
         .default_text = "on"}),
    property<&PowerManagement::hot_plug_behind_>(
        {.name = "acpi-pci-hotplug-with-bridge-support",
         .summary = "so do those behind bridges that are there from the start",
         .default_text = "on"}),
};

constexpr InterfaceInfo kPowerInterfaces[] = {
    offers<PowerManagement, Device>(), offers<PowerManagement, PowerButton>(),
    offers<PowerManagement, SleepControl>(), offers<PowerManagement, AcpiEvents>(),
    offers<PowerManagement, PciHotPlugNumbers>()};

constexpr WireInfo kBridgeWires[] = {
    {.name = "isa-irq", .direction = WireDirection::Input, .summary = "ISA lines", .count = kIsaInterrupts},
    {.name = "pirq", .direction = WireDirection::Input, .summary = "PCI lines", .count = Piix3::kPirqs},
    {.name = "irq", .summary = "to the interrupt controllers", .count = kIsaInterrupts},
};
constexpr WireInfo kPowerWires[] = {{.name = "", .summary = "SCI"},
                                    {.name = "smi-irq", .summary = "a pulse for each SMI"}};

constexpr EventInfo kPowerEvents[] = {
    {.name = "SUSPEND_DISK", .summary = "the guest has put itself on its disk, and powers off"}};

constexpr TypeInfo kTypes[] = {
    device_type<Piix3>({
        .name = "PIIX3",
        .parent = "pci-device",
        .summary = "82371SB ISA bridge",
        .category = "Bridge",
        .interfaces = kDeviceInterfaces<Piix3>,
        .wires = kBridgeWires,
        .class_init = [](Class& type, const void*) { type.set_default("multifunction", "on"); },
    }),
    device_type<PowerManagement>({
        .name = "PIIX4_PM",
        .parent = "pci-device",
        .summary = "power management of the 82371AB",
        .category = "Bridge",
        .interfaces = kPowerInterfaces,
        .properties = kPowerProperties,
        .wires = kPowerWires,
        .events = kPowerEvents,
    }),
};

}  // namespace
}  // namespace backplane::piix

BACKPLANE_PLUGIN("piix", "1.0", "Backplane", backplane::piix::kTypes)
