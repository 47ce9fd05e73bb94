// The plugin `virtio`: what every virtio device stands on, and the virtio buses.
#include "bus.h"
#include "device_core.h"

#include <backplane/plugin.h>

using namespace backplane;

namespace {

constexpr InterfaceInfo kCoreInterfaces[] = {
    offers<virtio::DeviceCore, Device>(),
    offers<virtio::DeviceCore, VirtioDevice>(),
    offers<virtio::DeviceCore, VirtioBackend>(),
};
constexpr InterfaceInfo kBusInterfaces[] = {
    offers<virtio::VirtioBus, Bus>(),
    offers<virtio::VirtioBus, VirtioTransportBus>(),
    offers<virtio::VirtioBus, FirmwarePlace>(),
};

constexpr TypeInfo bus_type(const char* name, const char* summary) {
    TypeInfo info;
    info.name = name;
    info.parent = "bus";
    info.summary = summary;
    info.interfaces = kBusInterfaces;
    info.instance_init = make_part<virtio::VirtioBus>;
    info.instance_finalize = free_part<virtio::VirtioBus>;
    return info;
}

constexpr HistoryRow kHistory[] = {{"7.1", "queue_reset", "off"}};

constexpr TypeInfo kTypes[] = {
    device_type<virtio::DeviceCore>({.name = "virtio-device",
                                     .parent = "device",
                                     .summary = "What every virtio device stands on",
                                     .abstract = true,
                                     .bus = "virtio",
                                     .interfaces = kCoreInterfaces,
                                     .properties = virtio::DeviceCore::kProperties,
                                     .history = kHistory}),
    bus_type("virtio-mmio-bus", "The place for the device of a virtio-mmio transport"),
    bus_type("virtio-pci-bus", "The place for the device of a virtio PCI function"),
};

BACKPLANE_PLUGIN("virtio", "1.0", "Backplane", kTypes)

}  // namespace
