#include "memory_module.h"
#include "memory_registers.h"
#include "processor_registers.h"
#include "slot_bus.h"
#include "slot_reports.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::hotplug {
namespace {

constexpr const char* kProcessorKind = "x86-cpu";
constexpr const char* kMemoryKind = "dimm";

void* make_bus(Object& object, const void* kind, Errors&) {
    return new SlotBusPart(object, static_cast<const char*>(kind));
}

constexpr InterfaceInfo kBusInterfaces[] = {offers<SlotBusPart, Bus>(), offers<SlotBusPart, SlotBus>()};
constexpr InterfaceInfo kProcessorInterfaces[] = {offers<ProcessorRegisters, Device>(),
                                                  offers<ProcessorRegisters, AcpiSlots>(),
                                                  offers<ProcessorRegisters, SlotReports>()};
constexpr InterfaceInfo kMemoryInterfaces[] = {offers<MemoryRegisters, Device>(),
                                               offers<MemoryRegisters, AcpiSlots>(),
                                               offers<MemoryRegisters, SlotReports>()};
constexpr InterfaceInfo kReportInterfaces[] = {offers<ReportCommands, CommandHandler>()};
constexpr InterfaceInfo kDimmInterfaces[] = {offers<Dimm, Device>(), offers<Dimm, MemoryModule>()};

constexpr PropertyInfo kProcessorProperties[] = {
    property<&ProcessorRegisters::slot_count_>({.name = "slots",
                                                .summary = "places that a processor may be in",
                                                .default_text = "0",
                                                .maximum = 4096}),
    property<&ProcessorRegisters::bitmap_>(
        {.name = "bitmap",
         .summary = "a bitmap of processors: guests hear of new ones, and let go of none",
         .default_text = "off"}),
};
constexpr PropertyInfo kMemoryProperties[] = {property<&MemoryRegisters::slot_count_>(
    {.name = "slots", .summary = "places that a module may be in", .default_text = "0", .maximum = 4096})};
constexpr PropertyInfo kDimmProperties[] = {
    property<&Dimm::backend_>({.name = "memdev", .summary = "the memory backend that it is"}),
    property<&Dimm::address_>(
        {.name = "addr", .summary = "where it lies; 0: where there is room", .default_text = "0"}),
    property<&Dimm::slot_>(
        {.name = "slot", .summary = "the slot that it is in; -1: a free one", .default_text = "-1"}),
    property<&Dimm::node_>({.name = "node", .summary = "the node that it belongs to", .default_text = "0"}),
};
constexpr RegionInfo kDimmRegions[] = {{.name = "memory", .summary = "its backend's"}};
constexpr RegionInfo kRegions[] = {{.name = "ports", .summary = "what a guest's ACPI code reads and writes"}};
constexpr HistoryRow kProcessorHistory[] = {{"2.6", "bitmap", "on"}};

constexpr ArgumentInfo kReport[] = {{.name = "info", .kind = ArgumentKind::Object}};
constexpr EventInfo kEvents[] = {{.name = "ACPI_DEVICE_OST",
                                  .summary = "the guest reports of a device that comes or goes",
                                  .members = kReport}};

constexpr TypeInfo kTypes[] = {
    {.name = "x86-cpu-slots",
     .parent = "bus",
     .summary = "places of x86 processors on a board",
     .interfaces = kBusInterfaces,
     .class_data = kProcessorKind,
     .instance_init = make_bus,
     .instance_finalize = free_part<SlotBusPart>},
    {.name = "dimm-slots",
     .parent = "bus",
     .summary = "places of memory modules on a board",
     .interfaces = kBusInterfaces,
     .class_data = kMemoryKind,
     .instance_init = make_bus,
     .instance_finalize = free_part<SlotBusPart>},
    device_type<Dimm>({.name = "pc-dimm",
                       .summary = "DIMM memory module",
                       .user_creatable = true,
                       .bus = kMemoryKind,
                       .category = "Misc",
                       .interfaces = kDimmInterfaces,
                       .properties = kDimmProperties,
                       .regions = kDimmRegions}),
    device_type<MemoryRegisters>({.name = "acpi-memory-hotplug",
                                  .summary = "ACPI registers of memory modules that come and go",
                                  .category = "Misc",
                                  .interfaces = kMemoryInterfaces,
                                  .properties = kMemoryProperties,
                                  .regions = kRegions,
                                  .events = kEvents}),
    device_type<ProcessorRegisters>({.name = "acpi-cpu-hotplug",
                                     .summary = "ACPI registers of processors that come and go",
                                     .category = "Misc",
                                     .interfaces = kProcessorInterfaces,
                                     .properties = kProcessorProperties,
                                     .regions = kRegions,
                                     .history = kProcessorHistory,
                                     .events = kEvents}),
    {.name = "acpi-slot-reports",
     .parent = "service",
     .summary = "shows in monitors what guests report of slots",
     .interfaces = kReportInterfaces,
     .commands = kReportCommands,
     .instance_init = make_part<ReportCommands>,
     .instance_finalize = free_part<ReportCommands>},
};

}  // namespace
}  // namespace backplane::hotplug

BACKPLANE_PLUGIN("acpi-hotplug", "1.0", "Backplane", backplane::hotplug::kTypes)
