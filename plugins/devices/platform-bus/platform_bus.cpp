// The window and the interrupt lines that a board keeps free for devices which users plug in: types
// "platform-bus-device", and the bus "platform-bus" in it. What no device decodes is a bus error.
#include "platform_bus.h"

#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::platform_bus {
namespace {

class PlatformBusDevice final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];

    explicit PlatformBusDevice(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override {
        context_.add_outputs("irq", lines_);
        context_.add_inputs("line", lines_, inputs_);
        MemoryRegion& window = context_.memory().container("platform bus", size_);
        context_.export_region("memory", window);
        Object* bus = context_.create_bus("platform-bus", "platform-bus", errors);
        if (!bus) return false;
        static_cast<PlatformBusPart*>(bus->part("platform-bus"))->set_owner(context_, window, lines_);
        return true;
    }

  private:
    void line_changed(unsigned line, int level) { context_.wire_at("irq", line)->set(level); }

    DeviceContext& context_;
    InputOf<&PlatformBusDevice::line_changed> inputs_{*this};
    std::uint32_t lines_ = 0;
    std::uint64_t size_ = 0;
};

constexpr PropertyInfo PlatformBusDevice::kProperties[] = {
    property<&PlatformBusDevice::lines_>(
        {.name = "num_irqs", .default_text = "32", .maximum = 1024, .minimum = 1}),
    size_property<&PlatformBusDevice::size_>(
        {.name = "mmio_size", .summary = "bytes of the window", .default_text = "32M", .minimum = 4096}),
};

constexpr RegionInfo kRegions[] = {{.name = "memory", .summary = "the window"}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "the lines of the window", .count = 0},
                               {.name = "line",
                                .direction = WireDirection::Input,
                                .summary = "what the bus joins its devices to",
                                .count = 0}};
constexpr InterfaceInfo kBusInterfaces[] = {offers<PlatformBusPart, Bus>(),
                                            offers<PlatformBusPart, PlatformBus>()};

constexpr TypeInfo kTypes[] = {
    device_type<PlatformBusDevice>({
        .name = "platform-bus-device",
        .summary = "window for devices that users plug in",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<PlatformBusDevice>,
        .properties = PlatformBusDevice::kProperties,
        .regions = kRegions,
        .wires = kWires,
    }),
    {.name = "platform-bus",
     .parent = "bus",
     .summary = "bus of devices that no other bus finds",
     .interfaces = kBusInterfaces,
     .instance_init = make_part<PlatformBusPart>,
     .instance_finalize = free_part<PlatformBusPart>},
};

}  // namespace
}  // namespace backplane::platform_bus

BACKPLANE_PLUGIN("platform-bus", "1.0", "Backplane", backplane::platform_bus::kTypes)
