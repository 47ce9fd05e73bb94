#include "mmio.h"

#include <backplane/plugin.h>
#include <backplane/text.h>

#include <string>

namespace backplane::virtio {

namespace {
constexpr std::uint32_t kUsedBuffer = 1, kConfigChange = 2;  // InterruptStatus (§4.2.2)
constexpr auto kReadOnly = RegisterAccess::ReadOnly;
constexpr auto kWriteOnly = RegisterAccess::WriteOnly;
using Layout = VirtioQueueLayout;
}  // namespace

// Table 4.1 and §4.2.4; the ones of the data path first, as the table is searched in order.
constexpr Register<Mmio> Mmio::kRegisters[] = {
    {.name = "QueueNotify", .offset = 0x050, .access = kWriteOnly, .write = &Mmio::notify_queue},
    {.name = "InterruptStatus", .offset = 0x060, .access = kReadOnly, .storage = &Mmio::interrupt_status_},
    {.name = "InterruptACK", .offset = 0x064, .access = kWriteOnly, .write = &Mmio::acknowledge},
    {.name = "MagicValue", .offset = 0x000, .access = kReadOnly, .reset_value = 0x74726976},
    {.name = "Version", .offset = 0x004, .access = kReadOnly, .read = &Mmio::version},
    {.name = "DeviceID", .offset = 0x008, .access = kReadOnly, .read = &Mmio::device_id},
    {.name = "VendorID", .offset = 0x00c, .access = kReadOnly, .reset_value = 0x554d4551},
    {.name = "DeviceFeatures", .offset = 0x010, .access = kReadOnly, .read = &Mmio::device_features},
    {.name = "DeviceFeaturesSel",
     .offset = 0x014,
     .access = kWriteOnly,
     .storage = &Mmio::device_features_sel_},
    {.name = "DriverFeatures", .offset = 0x020, .access = kWriteOnly, .write = &Mmio::set_driver_features},
    {.name = "DriverFeaturesSel",
     .offset = 0x024,
     .access = kWriteOnly,
     .storage = &Mmio::driver_features_sel_},
    {.name = "GuestPageSize", .offset = 0x028, .access = kWriteOnly, .storage = &Mmio::guest_page_size_},
    {.name = "QueueSel", .offset = 0x030, .access = kWriteOnly, .storage = &Mmio::queue_sel_},
    {.name = "QueueNumMax", .offset = 0x034, .access = kReadOnly, .read = &Mmio::queue_num_max},
    {.name = "QueueNum", .offset = 0x038, .access = kWriteOnly, .write = &Mmio::set_queue_num},
    {.name = "QueueAlign", .offset = 0x03c, .access = kWriteOnly, .storage = &Mmio::queue_align_},
    {.name = "QueuePFN", .offset = 0x040, .read = &Mmio::queue_pfn, .write = &Mmio::set_queue_pfn},
    {.name = "QueueReady", .offset = 0x044, .read = &Mmio::queue_ready, .write = &Mmio::set_queue_ready},
    {.name = "Status", .offset = 0x070, .read = &Mmio::status, .write = &Mmio::set_status},
    {.name = "QueueDescLow",
     .offset = 0x080,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::descriptors, 0>},
    {.name = "QueueDescHigh",
     .offset = 0x084,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::descriptors, 32>},
    {.name = "QueueDriverLow",
     .offset = 0x090,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::driver_area, 0>},
    {.name = "QueueDriverHigh",
     .offset = 0x094,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::driver_area, 32>},
    {.name = "QueueDeviceLow",
     .offset = 0x0a0,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::device_area, 0>},
    {.name = "QueueDeviceHigh",
     .offset = 0x0a4,
     .access = kWriteOnly,
     .write = &Mmio::set_layout<&Layout::device_area, 32>},
    {.name = "SHMSel", .offset = 0x0ac, .access = kWriteOnly},
    {.name = "SHMLen", .offset = 0x0b0, .size = 8, .access = kReadOnly, .reset_value = ~std::uint64_t{0}},
    {.name = "SHMBase", .offset = 0x0b8, .size = 8, .access = kReadOnly, .reset_value = ~std::uint64_t{0}},
    {.name = "QueueReset", .offset = 0x0c0, .write = &Mmio::set_queue_reset},
    {.name = "ConfigGeneration", .offset = 0x0fc, .access = kReadOnly, .read = &Mmio::config_generation},
};

Mmio::Mmio(Object& object) : context_(device_context(object)), irq_(context_.add_outputs("irq", 1)) {
    set_register_log(context_.log());
    describe_registers(context_.state());
    MemoryFactory& memory = context_.memory();
    MemoryRegion& window = memory.container("virtio-mmio", 0x200);
    IgnoredErrors errors;  // both parts fit and do not overlap, so that placing them cannot fail
    window.add(memory.io("virtio-mmio-registers", 0x100, *this, {.implemented_max = 4}), Offset(0), 0,
               errors);
    window.add(memory.io("virtio-mmio-config", 0x100, config_, {}), Offset(0x100), 0, errors);
    context_.export_region("mmio", window);
}

bool Mmio::realize(Errors& errors) {
    // The bus carries the number that ends the transport's own name, so that bus=virtio-mmio-bus.N finds slot N.
    const std::string_view own = context_.object().name();
    const std::size_t digits = own.find_last_not_of("0123456789") + 1;
    const std::string number = digits < own.size() ? std::string(own.substr(digits)) : "0";
    Object* bus = context_.create_bus("virtio-mmio-bus", "virtio-mmio-bus." + number, errors);
    if (!bus) return false;
    bus_ = query<VirtioTransportBus>(*bus);
    bus_->set_transport(*this);
    return true;
}

void Mmio::reset(ResetPhase phase) {
    if (phase == ResetPhase::Hold) irq_.set(0);
}

void Mmio::raise(std::uint32_t bits) {
    interrupt_status_ |= bits;
    irq_.set(1);
}

void Mmio::queue_interrupt(unsigned) { raise(kUsedBuffer); }
void Mmio::config_interrupt() { raise(kConfigChange); }

void Mmio::acknowledge(std::uint64_t value) {
    interrupt_status_ &= ~std::uint32_t(value);
    irq_.set(interrupt_status_ != 0);
}

std::uint64_t Mmio::device_id(Access&) { return backend() ? backend()->device_id() : 0; }

std::uint64_t Mmio::device_features(Access&) {
    if (!backend() || device_features_sel_ > 1) return 0;
    return std::uint32_t(backend()->offered_features() >> (32 * device_features_sel_));
}

void Mmio::set_driver_features(std::uint64_t value) {
    if (!backend() || driver_features_sel_ > 1 || (force_legacy_ && driver_features_sel_ == 1)) return;
    const unsigned shift = 32 * driver_features_sel_;
    const std::uint64_t other = backend()->driver_features() & ~(std::uint64_t{0xffffffff} << shift);
    backend()->set_driver_features(other | value << shift);
}

std::uint64_t Mmio::queue_num_max(Access&) {
    // §4.2.3.2: 0 as well for one that the driver uses already, which is asked of QueueReady or QueuePFN.
    return backend() ? backend()->queue_max_size(queue_sel_) : 0;
}

void Mmio::set_queue_num(std::uint64_t value) {
    if (backend()) backend()->set_queue_size(queue_sel_, value <= 0xffff ? std::uint16_t(value) : 0);
}

std::uint64_t Mmio::queue_pfn(Access&) {
    if (!legacy() || guest_page_size_ == 0) return 0;
    return legacy()->queue_layout(queue_sel_).descriptors.value / guest_page_size_;
}

void Mmio::set_queue_pfn(std::uint64_t value) {
    if (legacy())
        legacy()->set_legacy_queue(queue_sel_, GuestAddress(value * guest_page_size_), queue_align_);
}

std::uint64_t Mmio::queue_ready(Access&) { return modern() && modern()->queue_ready(queue_sel_); }

void Mmio::set_queue_ready(std::uint64_t value) {
    if (modern()) modern()->set_queue_ready(queue_sel_, (value & 1) != 0);
}

void Mmio::set_queue_reset(std::uint64_t value) {
    if (modern() && (value & 1)) modern()->reset_queue(queue_sel_);
}

template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
void Mmio::set_layout(std::uint64_t value) {
    if (!modern()) return;
    VirtioQueueLayout layout = modern()->queue_layout(queue_sel_);
    std::uint64_t& address = (layout.*Area).value;
    address = (address & ~(std::uint64_t{0xffffffff} << Shift)) | value << Shift;
    modern()->set_queue_layout(queue_sel_, layout);
}

void Mmio::notify_queue(std::uint64_t value) {
    // The upper half tells more only under VIRTIO_F_NOTIFICATION_DATA, which is not offered.
    if (backend() && value <= 0xffff) backend()->notify(unsigned(value));
}

std::uint64_t Mmio::status(Access&) { return backend() ? backend()->status() : 0; }

void Mmio::set_status(std::uint64_t value) {
    if (!backend()) return;
    backend()->set_status(std::uint8_t(value));
    if ((value & 0xff) == 0) acknowledge(~std::uint64_t{0});  // §2.4: no notification follows a reset
}

std::uint64_t Mmio::config_generation(Access&) { return modern() ? modern()->config_generation() : 0; }

std::uint64_t Mmio::ConfigWindow::read(Offset offset, unsigned size, Access&) {
    std::uint64_t value = 0;
    if (VirtioBackend* backend = transport_.backend())
        backend->read_config(offset.value, {reinterpret_cast<std::uint8_t*>(&value), size});
    return value;
}

void Mmio::ConfigWindow::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    VirtioBackend* backend = transport_.backend();
    if (backend && !access.debug())
        backend->write_config(offset.value, {reinterpret_cast<const std::uint8_t*>(&value), size});
}

namespace {

constexpr RegionInfo kRegions[] = {{.name = "mmio", .summary = "the transport's registers", .size = 0x200}};
constexpr WireInfo kWires[] = {{.name = "irq", .summary = "queues and configuration"}};

constexpr TypeInfo kTypes[] = {
    device_type<Mmio>({.name = "virtio-mmio",
                       .summary = "Memory-mapped virtio transport",
                       .category = "Misc",
                       .interfaces = kDeviceInterfaces<Mmio>,
                       .properties = Mmio::kProperties,
                       .regions = kRegions,
                       .wires = kWires}),
};

}  // namespace
}  // namespace backplane::virtio

BACKPLANE_PLUGIN("virtio-mmio", "1.0", "Backplane", backplane::virtio::kTypes)
