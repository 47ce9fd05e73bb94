// The register of a guest that cannot go on, at a port or behind a PCI function.
//
// Follows docs/specs/pvpanic of QEMU, whose register guests' drivers know.
#include <backplane/acpi.h>
#include <backplane/device.h>
#include <backplane/guest_health.h>
#include <backplane/isa.h>
#include <backplane/pci.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

#include <lib/aml.h>

namespace backplane {
namespace {

constexpr std::uint8_t kPanicked = 1, kCrashLoaded = 2, kShutDown = 4;
constexpr std::uint8_t kKnown = kPanicked | kCrashLoaded | kShutDown;

/// The register, whatever it is behind.
class PanicRegister final : public IoHandler {
  public:
    explicit PanicRegister(DeviceContext& context) : context_(context) {}
    std::uint64_t read(Offset offset, unsigned, Access&) override { return offset.value == 0 ? events : 0; }
    void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
        if (access.debug() || offset.value != 0) return;
        const auto told = std::uint8_t(value & events);
        if (told != value) context_.log().guest_error("event", "an event was told that pvpanic has not");
        if (told & kPanicked)
            static_cast<GuestHealth*>(context_.host_interface(GuestHealth::kId))->report_panic();
        else if (told & kCrashLoaded) context_.emit_event("GUEST_CRASHLOADED", "{\"action\":\"run\"}");
        else if (told & kShutDown) {
            context_.emit_event("GUEST_PVSHUTDOWN", "");
            context_.request_shutdown("guest-shutdown");
        }
    }
    std::uint8_t events = kKnown;

  private:
    DeviceContext& context_;
};

class IsaPvpanic final : public DeviceBase, public AcpiDevice {
  public:
    static const PropertyInfo kProperties[];
    explicit IsaPvpanic(Object& object) : context_(device_context(object)), register_(context_) {}

    bool realize(Errors& errors) override {
        register_.events = events_;
        MemoryRegion& region = context_.memory().io("pvpanic", 1, register_, kIsaByteRegisters);
        context_.export_region("register", region);
        auto* isa = static_cast<IsaBus*>(context_.bus(IsaBus::kId));
        return !isa || isa->add_ports(context_.object(), region, Port(port_), errors);
    }

    Bytes acpi_terms() override {
        using namespace aml;
        constexpr std::uint64_t kPresent = 0x0f;
        terms_ = device("PEVT", {name("_HID", string("QEMU0001")), name("_CRS", resources({io(port_, 1)})),
                                 operation_region("PEOR", Space::Io, port_, 1),
                                 field("PEOR", FieldAccess::Byte, FieldUpdate::Preserve, {{"PEPT", 8}}),
                                 name("_STA", integer(kPresent)), method("RDPT", 0, {return_(path("PEPT"))}),
                                 method("WRPT", 1, {store(argument(0), path("PEPT"))})});
        return Bytes(terms_);
    }

    DeviceContext& context_;
    PanicRegister register_;
    aml::Term terms_;
    std::uint16_t port_ = 0x505;
    std::uint8_t events_ = kKnown;
};

class PciPvpanic final : public DeviceBase {
  public:
    static const PropertyInfo kProperties[];
    explicit PciPvpanic(Object& object)
        : object_(object), context_(device_context(object)), register_(context_) {}

    bool realize(Errors& errors) override {
        constexpr std::uint64_t kLeastBar = 16;
        register_.events = events_;
        PciDevice& pci = require<PciDevice>(object_, "PCI device");
        pci.set_identity({.vendor = 0x1b36, .device = 0x0011, .class_code = 0x088000, .revision = 1});
        MemoryRegion& region = context_.memory().io("pvpanic", kLeastBar, register_, kIsaByteRegisters);
        context_.export_region("register", region);
        return pci.add_bar(0, region, PciBarKind::Memory32, PciPrefetch::No, errors);
    }

    Object& object_;
    DeviceContext& context_;
    PanicRegister register_;
    std::uint8_t events_ = kKnown;
};

constexpr PropertyInfo kEventsRow{.name = "events",
                                  .summary = "what the guest may tell: 1 panic, 2 crash dump, 4 power-off",
                                  .default_text = "7",
                                  .maximum = kKnown};
constexpr PropertyInfo IsaPvpanic::kProperties[] = {
    property<&IsaPvpanic::port_>({.name = "ioport", .summary = "its port", .default_text = "0x505"}),
    property<&IsaPvpanic::events_>(kEventsRow),
};
constexpr PropertyInfo PciPvpanic::kProperties[] = {property<&PciPvpanic::events_>(kEventsRow)};

constexpr InterfaceInfo kIsaInterfaces[] = {offers<IsaPvpanic, Device>(), offers<IsaPvpanic, AcpiDevice>()};
constexpr HistoryRow kIsaHistory[] = {{"5.1", "events", "1"}};
constexpr RegionInfo kIsaRegions[] = {{.name = "register", .summary = "events", .size = 1}};
constexpr RegionInfo kPciRegions[] = {{.name = "register", .summary = "BAR 0: events", .size = 16}};
constexpr ArgumentInfo kAction[] = {{.name = "action"}};
constexpr EventInfo kEvents[] = {{.name = "GUEST_CRASHLOADED",
                                  .summary = "the guest has crashed, and saves what it was",
                                  .members = kAction},
                                 {.name = "GUEST_PVSHUTDOWN", .summary = "the guest asks to be powered off"}};

constexpr TypeInfo kTypes[] = {
    device_type<IsaPvpanic>({.name = "pvpanic",
                             .summary = "port of a guest that cannot go on",
                             .user_creatable = true,
                             .bus = "isa",
                             .category = "Misc",
                             .interfaces = kIsaInterfaces,
                             .properties = IsaPvpanic::kProperties,
                             .regions = kIsaRegions,
                             .history = kIsaHistory,
                             .events = kEvents,
                             .architecture = "x86_64"}),
    device_type<PciPvpanic>({.name = "pvpanic-pci",
                             .parent = "pci-device",
                             .summary = "register of a guest that cannot go on",
                             .user_creatable = true,
                             .category = "Misc",
                             .interfaces = kDeviceInterfaces<PciPvpanic>,
                             .properties = PciPvpanic::kProperties,
                             .regions = kPciRegions,
                             .events = kEvents}),
};

}  // namespace
}  // namespace backplane

BACKPLANE_PLUGIN("pvpanic", "1.0", "Backplane", backplane::kTypes)
