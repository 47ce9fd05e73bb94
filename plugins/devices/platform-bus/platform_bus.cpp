// The window and the interrupt lines that a board keeps free for devices which are plugged in by hand.
//
// There is no device for it yet: the window is empty, and its lines stay low. What is not decoded is a bus error.
#include <backplane/device.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane {
namespace {

class PlatformBus final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];

    explicit PlatformBus(Object& object) : context_(device_context(object)) {}

    bool realize(Errors&) override {
        context_.add_outputs("irq", lines_);
        context_.export_region("memory", context_.memory().container("platform bus", size_));
        return true;
    }

  private:
    DeviceContext& context_;
    std::uint32_t lines_ = 0;
    std::uint64_t size_ = 0;
};

constexpr PropertyInfo PlatformBus::kProperties[] = {
    property<&PlatformBus::lines_>({.name = "num_irqs", .default_text = "32", .maximum = 1024, .minimum = 1}),
    size_property<&PlatformBus::size_>(
        {.name = "mmio_size", .summary = "bytes of the window", .default_text = "32M", .minimum = 4096}),
};

constexpr TypeInfo kTypes[] = {
    device_type<PlatformBus>({
        .name = "platform-bus-device",
        .summary = "window for devices that are plugged in by hand",
        .category = "Misc",
        .interfaces = kDeviceInterfaces<PlatformBus>,
        .properties = PlatformBus::kProperties,
    }),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("platform-bus", "1.0", "Backplane", backplane::kTypes)
