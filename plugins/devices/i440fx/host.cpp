#include "host.h"

#include <backplane/bus.h>
#include <backplane/plugin.h>
#include <backplane/property.h>

namespace backplane::i440fx {
namespace {

constexpr std::uint64_t kEverything = 0;  // 2^64 bytes
constexpr std::uint64_t kPortCount = 64u << 10;
constexpr Port kAddressPort{0xcf8};
constexpr Port kDataPort{0xcfc};
constexpr int kBelowRam = -1;
constexpr std::uint32_t kConfigurationEnable = 1u << 31;
constexpr std::uint64_t kGiB = 1u << 30;
constexpr std::uint64_t k4GiB = 4 * kGiB;
constexpr std::uint64_t kIoApicBase = 0xfec00000;  // 4.1: the APIC configuration space begins here

constexpr std::uint64_t ones(unsigned size) { return ~std::uint64_t{0} >> (64 - 8 * size); }
constexpr std::uint64_t up_to_gib(std::uint64_t value) { return (value + kGiB - 1) & ~(kGiB - 1); }

}  // namespace

Host::Host(Object& object)
    : context_(device_context(object)),
      memory_(context_.memory().io("pci", kEverything, unclaimed_, {.unaligned = true})),
      ports_(&context_.memory().container("pci-io", kPortCount)) {
    context_.add_outputs("intx", kLines);
    StateTable& group = context_.state().group(
        {.name = "configuration_address",
         .present = [](const void* host) { return static_cast<const Host*>(host)->save_address_; },
         .context = this});
    describe(group, "CONFADD", address_);
}

bool Host::realize(Errors& errors) {
    Object* bus = context_.create_bus("pci-bus", "pci.0", errors);
    if (!bus) return false;
    bus_ = query<PciBus>(*bus);
    bus_->set_bridge(*this);
    Object* function = bus->create_child(function_type_, function_type_, errors);
    if (!function || !function->set_property("addr", "00.0", errors) ||
        !bus->realize_child(*function, errors))
        return false;
    controller_ = query<MemoryController>(*function);
    if (controller_) return true;
    errors.fail("pci-type: '" + function_type_ +
                "' is no memory controller for this bridge; leave it at I440FX");
    return false;
}

bool Host::connect(MemoryRegion& system, MemoryRegion& ports, MemoryRegion& ram, Errors& errors) {
    if (connected_ || !controller_) {
        errors.fail(connected_ ? "the host bridge is connected already"
                               : "the host bridge is not realized yet");
        return false;
    }
    for (unsigned place = 1; place < 256; ++place)
        if (bus_->device(std::uint8_t(place))) {
            errors.fail("the host bridge is connected before devices are plugged into its bus");
            return false;
        }
    connected_ = true;
    ports_ = &ports;
    MemoryFactory& factory = context_.memory();
    // A cycle goes out to the bus where it is no configuration cycle, so what others put at CF9h lies over these.
    MemoryRegion& address = factory.io("pci-conf-idx", 4, address_port_, {.maximum = 4});
    MemoryRegion& data = factory.io("pci-conf-data", 4, data_port_, {.maximum = 4, .unaligned = true});
    return system.add(memory_, Offset(0), kBelowRam, errors) &&
           ports.add(address, Offset(kAddressPort.value), 0, errors) &&
           ports.add(data, Offset(kDataPort.value), 0, errors) &&
           controller_->connect(system, memory_, ram, errors);
}

MemoryRegion& Host::smram() { return controller_ && controller_->smram() ? *controller_->smram() : memory_; }

void Host::reset(ResetPhase phase) {
    if (phase == ResetPhase::Hold)
        for (unsigned line = 0; line < kLines; ++line) context_.wire_at("intx", line)->set(levels_[line]);
}

/// As the boards with this bridge are wired: slot 1 has its INTA# on the first line, each further one begins one later.
unsigned Host::interrupt_line(unsigned device, unsigned pin) const {
    return (device + pin + kLines - 1) % kLines;
}

void Host::set_interrupt_line(unsigned line, int level) {
    levels_[line] = level;
    context_.wire_at("intx", line)->set(level);
}

PcHostBridge::Hole Host::hole_below_4g() const {
    return below_4g_ < kIoApicBase ? Hole{below_4g_, kIoApicBase - below_4g_} : Hole{};
}

PcHostBridge::Hole Host::hole_above_4g() const {
    if (!hole64_always_ || above_4g_ > ~std::uint64_t{0} - k4GiB - 2 * kGiB) return {};
    const std::uint64_t start = up_to_gib(k4GiB + above_4g_);
    return {start, up_to_gib(hole64_size_)};
}

bool Host::configured() const { return (address_ & kConfigurationEnable) != 0; }
PciAddress Host::target() const { return PciAddress::from_requester(std::uint16_t(address_ >> 8)); }
unsigned Host::register_of(Offset offset) const { return (address_ & 0xfc) + unsigned(offset.value); }

std::uint64_t Host::AddressPort::read(Offset, unsigned size, Access&) {
    return size == 4 ? host_.address_ : ones(size);
}

void Host::AddressPort::write(Offset, std::uint64_t value, unsigned size, Access& access) {
    if (size == 4 && !access.debug()) host_.address_ = std::uint32_t(value);
}

std::uint64_t Host::DataPort::read(Offset offset, unsigned size, Access& access) {
    if (!host_.configured()) return ones(size);
    const unsigned first = host_.register_of(offset);
    if (first % size == 0) return host_.bus_->config_read(host_.target(), first, size, access);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= std::uint64_t{host_.bus_->config_read(host_.target(), first + i, 1, access)} << 8 * i;
    return value;
}

void Host::DataPort::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (!host_.configured() || access.debug()) return;
    const unsigned first = host_.register_of(offset);
    const auto store = [&](unsigned at, unsigned bytes, std::uint64_t part) {
        host_.bus_->config_write(host_.target(), at, bytes, std::uint32_t(part & ones(bytes)), access);
    };
    if (first % size == 0) return store(first, size, value);
    for (unsigned i = 0; i < size; ++i) store(first + i, 1, value >> 8 * i);
}

bool Host::no_bypass(const Host&, bool value, Errors& errors) {
    if (!value) return true;
    errors.fail("this machine has no IOMMU that could be bypassed; leave it off");
    return false;
}

constexpr PropertyInfo Host::kProperties[] = {
    size_property<&Host::hole64_size_>({.name = "pci-hole64-size",
                                        .summary = "of the addresses above 4 GiB that go to PCI",
                                        .default_text = "2G",
                                        .maximum = std::uint64_t{1} << 52}),
    size_property<&Host::below_4g_>(
        {.name = "below-4g-mem-size", .summary = "RAM below 4 GiB", .default_text = "0"}),
    size_property<&Host::above_4g_>(
        {.name = "above-4g-mem-size", .summary = "RAM above 4 GiB", .default_text = "0"}),
    property<&Host::hole64_always_>({.name = "x-pci-hole64-fix",
                                     .summary = "the hole above 4 GiB is there before anything is in it",
                                     .default_text = "on"}),
    property<&Host::function_type_>({.name = "pci-type",
                                     .summary = "the type of the bridge's own PCI function",
                                     .default_text = "i440FX"}),
    property<&Host::save_address_>({.name = "x-config-reg-migration-enabled",
                                    .summary = "a saved machine has the configuration address in it",
                                    .default_text = "on"}),
    property<&Host::bypass_iommu_, &Host::no_bypass>(
        {.name = "bypass-iommu", .summary = "only off: there is no IOMMU", .default_text = "off"}),
};

namespace {

constexpr InterfaceInfo kHostInterfaces[] = {offers<Host, Device>(), offers<Host, PcHostBridge>()};
constexpr InterfaceInfo kFunctionInterfaces[] = {offers<I440fx, Device>(),
                                                 offers<I440fx, MemoryController>()};
constexpr HistoryRow kHostHistory[] = {{"2.10", "x-pci-hole64-fix", "off"}};

constexpr WireInfo kHostWires[] = {
    {.name = "intx", .summary = "the lines that the pins of PCI devices share", .count = Host::kLines}};

constexpr TypeInfo kTypes[] = {
    device_type<Host>({
        .name = "i440FX-pcihost",
        .summary = "host bridge of a PC with the 440FX chip set",
        .category = "Bridge",
        .interfaces = kHostInterfaces,
        .properties = Host::kProperties,
        .wires = kHostWires,
        .history = kHostHistory,
    }),
    device_type<I440fx>({
        .name = "i440FX",
        .parent = "pci-device",
        .summary = "82441FX PCI and memory controller",
        .category = "Bridge",
        .interfaces = kFunctionInterfaces,
    }),
};

}  // namespace
}  // namespace backplane::i440fx

BACKPLANE_PLUGIN("i440fx", "1.0", "Backplane", backplane::i440fx::kTypes)
