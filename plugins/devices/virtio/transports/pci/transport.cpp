#include "transport.h"

#include <backplane/plugin.h>

#include <algorithm>
#include <bit>
#include <string>

namespace backplane::virtio {

namespace {

// §4.1.4: types of capabilities, and where things lie, as the field has it.
constexpr std::uint8_t kCommonType = 1, kNotifyType = 2, kIsrType = 3, kDeviceType = 4, kConfigAccessType = 5;
constexpr unsigned kCommonAt = 0x40, kIsrAt = 0x50, kDeviceAt = 0x60, kNotifyAt = 0x70,
                   kConfigAccessAt = 0x84, kMsixAt = 0x98, kMsixOfLegacyAt = 0x40;
constexpr std::uint32_t kWindow = 0x1000;
constexpr unsigned kLegacyBar = 0, kMsixBar = 1, kModernBar = 4;
constexpr std::uint32_t kNotifyMultiplier = 4;
constexpr std::uint32_t kMostQueues = 1024;
constexpr std::uint8_t kQueueIsr = 1, kConfigIsr = 2;  // §4.1.4.5

constexpr std::uint16_t kVendor = 0x1af4;
/// §4.1.2.1: device IDs of transitional functions, by virtio device type.
std::uint16_t transitional_id(std::uint16_t device_type) {
    switch (device_type) {
    case virtio_id::kNetwork: return 0x1000;
    case virtio_id::kBlock: return 0x1001;
    case virtio_id::kBalloon: return 0x1002;
    case virtio_id::kConsole: return 0x1003;
    case virtio_id::kEntropy: return 0x1005;
    default: return 0;
    }
}

}  // namespace

bool PciTransport::create_backend(Errors& errors) {
    bus_ = context_.create_bus("virtio-pci-bus", "virtio-bus", errors);
    if (!bus_) return false;
    query<VirtioTransportBus>(*bus_)->set_transport(*this);
    device_ = bus_->create_child(row_.backend, "virtio-backend", errors);
    if (!device_) return false;
    context_.object().forward_properties(*device_);
    common_.describe_state(state_, context_.log());
    legacy_window_.registers().describe_state(state_, context_.log());
    describe(state_, "isr", isr_);
    describe(state_, "config_vector", config_vector_, {.reset_value = kNoVector, .maximum = kNoVector});
    return true;
}

bool PciTransport::choose_interfaces(Errors& errors) {
    if (row_.interface == VirtioPciInterface::ModernOnly) disable_legacy_ = Switch::On;
    legacy_ = disable_legacy_ != Switch::On;
    if (legacy_ || !disable_modern_) return true;
    errors.fail(
        "device cannot work as neither modern nor legacy mode is enabled; set disable-modern or disable-legacy "
        "to off");
    return false;
}

bool PciTransport::realize(Errors& errors) {
    pci_ = query<PciDevice>(context_.object());
    if (!choose_interfaces(errors) || !bus_->realize_child(*device_, errors)) return false;
    backend_ = query<VirtioBackend>(*device_);
    if (legacy_ && transitional_id(backend_->device_id()) == 0) {
        errors.fail("'" + std::string(row_.backend) + "' has no legacy interface; set disable-legacy=on");
        return false;
    }
    vectors_.assign(backend_->queue_count(), kNoVector);
    describe_array(state_, "queue_vectors", vectors_, {.reset_value = kNoVector});
    identify();
    if ((legacy_ && !add_legacy(errors)) || (!disable_modern_ && !add_modern(errors)) ||
        !add_vectors(errors)) {
        unrealize();
        return false;
    }
    return true;
}

void PciTransport::unrealize() {
    doorbells_.close();
    if (pci_) pci_->observe_config(nullptr);
}

void PciTransport::identify() {
    const std::uint16_t type = backend_->device_id();
    PciIdentity identity{.vendor = kVendor, .class_code = row_.class_code, .interrupt_pin = 1};
    identity.device = legacy_ ? transitional_id(type) : std::uint16_t(0x1040 + type);
    identity.revision = legacy_ ? 0 : 1;
    identity.subsystem_vendor = kVendor;
    identity.subsystem = legacy_ ? type : 0x1100;
    pci_->set_identity(identity);
}

bool PciTransport::add_vectors(Errors& errors) {
    std::uint32_t count = wanted_vectors_;
    if (count == kAnyVectors) {
        count = row_.vectors == VirtioPciClass::kNoVectors ? 0 : row_.vectors;
        if (row_.vectors == 0)
            count = std::min<std::uint32_t>(2048, std::uint32_t(backend_->queue_count()) + 1);
    }
    if (count > 2048) {
        errors.fail("property 'vectors' is " + std::to_string(count) + "; a PCI function has at most 2048");
        return false;
    }
    if (count == 0) return true;
    if (!pci_->add_msix({.vectors = count,
                         .bar = kMsixBar,
                         .capability_offset = disable_modern_ ? kMsixOfLegacyAt : kMsixAt},
                        errors))
        return false;
    vector_count_ = pci_->msix_vectors();
    return true;
}

bool PciTransport::add_legacy(Errors& errors) {
    const std::uint64_t bytes = std::bit_ceil(LegacyWindow::kRegisterBytes + backend_->config_size());
    MemoryRegion& region = context_.memory().io("virtio-pci", bytes, legacy_window_,
                                                {.maximum = 4, .implemented_max = 4, .unaligned = true});
    doorbells_.add_place({&region, LegacyWindow::kNotifyOffset, 0, true});
    return pci_->add_bar(kLegacyBar, region, PciBarKind::Io, PciPrefetch::No, errors);
}

bool PciTransport::add_modern(Errors& errors) {
    MemoryFactory& memory = context_.memory();
    MemoryRegion& bar = memory.container("virtio-pci-modern", std::bit_ceil(3 * kWindow + notify_size()));
    const IoTraits words{.implemented_max = 4};
    MemoryRegion* windows[] = {
        &memory.io("virtio-pci-common", kWindow, common_, words),
        &memory.io("virtio-pci-isr", kWindow, isr_window_, words),
        &memory.io("virtio-pci-device", kWindow, device_window_, {}),
        &memory.io("virtio-pci-notify", notify_size(), notify_window_, words),
    };
    doorbells_.add_place({windows[3], 0, kNotifyMultiplier, false});
    for (std::uint32_t i = 0; i < 4; ++i)
        if (!bar.add(*windows[i], Offset(i * kWindow), 0, errors)) return false;
    const bool added = pci_->add_bar(kModernBar, bar, PciBarKind::Memory64, PciPrefetch::Yes, errors) &&
                       add_capability(kCommonAt, kCommonType, 0, 0, errors) &&
                       add_capability(kIsrAt, kIsrType, kWindow, 0, errors) &&
                       add_capability(kDeviceAt, kDeviceType, 2 * kWindow, 0, errors) &&
                       add_capability(kNotifyAt, kNotifyType, 3 * kWindow, notify_multiplier(), errors) &&
                       add_capability(kConfigAccessAt, kConfigAccessType, 0, 0, errors);
    if (!added) return false;
    // §4.1.4.9: the driver chooses bar, offset and length, and reads or writes the data behind them.
    pci_->set_config(kConfigAccessAt + 4, 1, 0);
    pci_->set_config(kConfigAccessAt + 12, 4, 0);
    pci_->set_config_writable(kConfigAccessAt + 4, 1, 0xff);
    for (unsigned field : {8u, 12u, 16u}) pci_->set_config_writable(kConfigAccessAt + field, 4, ~0u);
    pci_->observe_config(this);
    return true;
}

bool PciTransport::add_capability(unsigned at, std::uint8_t type, std::uint32_t offset, std::uint32_t extra,
                                  Errors& errors) {
    const bool longer = type == kNotifyType || type == kConfigAccessType;
    const unsigned size = longer ? 20 : 16;
    if (pci_->add_capability(pci::kCapabilityVendor, size, at, errors) == 0) return false;
    pci_->set_config(at + 2, 1, size);
    pci_->set_config(at + 3, 1, type);
    pci_->set_config(at + 4, 1, kModernBar);
    pci_->set_config(at + 8, 4, offset);
    pci_->set_config(at + 12, 4, type == kNotifyType ? notify_size() : kWindow);
    if (longer) pci_->set_config(at + 16, 4, extra);
    return true;
}

void PciTransport::reset(ResetPhase phase) {
    if (phase == ResetPhase::Hold) forget_driver();
}

bool PciTransport::after_load(Errors& errors) {
    const auto exists = [this](std::uint32_t vector) {
        return valid_vector(std::uint16_t(vector)) == vector;
    };
    if (exists(config_vector_) && std::ranges::all_of(vectors_, exists)) return true;
    errors.fail("a queue has an interrupt vector that does not exist");
    return false;
}

/// From DRIVER_OK on the driver may notify (§3.1.1); the few that do so before reach the registers' handlers.
void PciTransport::update_doorbells() {
    if (ioeventfd_ && (backend_->status() & virtio_status::kDriverOk))
        doorbells_.open(unsigned(backend_->queue_count()));
    else doorbells_.close();
}

void PciTransport::forget_driver() {
    doorbells_.close();
    isr_ = 0;
    config_vector_ = kNoVector;
    std::fill(vectors_.begin(), vectors_.end(), kNoVector);
    pci_->set_interrupt(0);
}

void PciTransport::set_status(std::uint8_t status) {
    backend_->set_status(status);
    if (status != 0) return update_doorbells();
    forget_driver();
    common_.forget();
    legacy_window_.registers().forget();
}

std::uint8_t PciTransport::read_isr(const Access& access) {
    const std::uint8_t value = isr_;
    if (!access.debug()) {
        isr_ = 0;
        pci_->set_interrupt(0);
    }
    return value;
}

void PciTransport::raise(std::uint8_t bits, std::uint16_t vector) {
    if (pci_->msix_enabled()) {
        if (vector != kNoVector) pci_->msix_notify(vector);
        return;
    }
    isr_ |= bits;
    pci_->set_interrupt(1);
}

void PciTransport::queue_interrupt(unsigned queue) { raise(kQueueIsr, queue_vector(queue)); }
void PciTransport::config_interrupt() { raise(kConfigIsr, config_vector()); }

std::uint64_t PciTransport::IsrWindow::read(Offset offset, unsigned, Access& access) {
    return offset.value == 0 ? transport_.read_isr(access) : 0;
}

std::uint64_t PciTransport::DeviceWindow::read(Offset offset, unsigned size, Access&) {
    std::uint64_t value = 0;
    transport_.backend_->read_config(offset.value, {reinterpret_cast<std::uint8_t*>(&value), size});
    return value;
}

void PciTransport::DeviceWindow::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    if (!access.debug())
        transport_.backend_->write_config(offset.value,
                                          {reinterpret_cast<const std::uint8_t*>(&value), size});
}

void PciTransport::NotifyWindow::write(Offset offset, std::uint64_t, unsigned, Access& access) {
    if (!access.debug()) transport_.backend_->notify(unsigned(offset.value / transport_.notify_multiplier()));
}

std::uint32_t PciTransport::notify_multiplier() const {
    return page_per_queue_ ? kWindow : kNotifyMultiplier;
}
std::uint32_t PciTransport::notify_size() const { return page_per_queue_ ? kMostQueues * kWindow : kWindow; }

/// What the window of the capability points to; null when it points to nothing that can be accessed.
IoHandler* PciTransport::window_target(std::uint32_t& offset, unsigned& size) {
    offset = pci_->config(kConfigAccessAt + 8, 4);
    size = pci_->config(kConfigAccessAt + 12, 4);
    if (pci_->config(kConfigAccessAt + 4, 1) != kModernBar || (size != 1 && size != 2 && size != 4) ||
        offset % size != 0 || offset >= 3 * kWindow + notify_size())
        return nullptr;
    IoHandler* const windows[] = {&common_, &isr_window_, &device_window_, &notify_window_};
    const std::uint32_t window = std::min<std::uint32_t>(offset / kWindow, 3);
    offset -= window * kWindow;
    return windows[window];
}

void PciTransport::config_reading(unsigned offset, unsigned size, const Access& access) {
    if (offset + size <= kConfigAccessAt + 16 || offset >= kConfigAccessAt + 20) return;
    std::uint32_t at = 0;
    unsigned bytes = 0;
    Access inner = access;
    if (IoHandler* target = window_target(at, bytes))
        pci_->set_config(kConfigAccessAt + 16, 4, std::uint32_t(target->read(Offset(at), bytes, inner)));
}

void PciTransport::config_written(unsigned offset, unsigned size, const Access& access) {
    if (offset + size <= kConfigAccessAt + 16 || offset >= kConfigAccessAt + 20) return;
    std::uint32_t at = 0;
    unsigned bytes = 0;
    Access inner = access;
    if (IoHandler* target = window_target(at, bytes))
        target->write(Offset(at), pci_->config(kConfigAccessAt + 16, bytes), bytes, inner);
}

namespace {

void* make_transport(Object& object, const void* row, Errors& errors) {
    auto* transport = new PciTransport(object, *static_cast<const VirtioPciClass*>(row));
    if (transport->create_backend(errors)) return transport;
    delete transport;
    return nullptr;
}

constexpr HistoryRow kHistory[] = {{"2.7", "page-per-vq", "on"}};

constexpr TypeInfo transport_type() {
    TypeInfo info{
        .name = "virtio-pci", .parent = "pci-device", .summary = "What every virtio PCI function stands on"};
    info.abstract = true;
    info.interfaces = kDeviceInterfaces<PciTransport>;
    info.properties = PciTransport::kProperties;
    info.history = kHistory;
    info.instance_init = make_transport;
    info.instance_finalize = free_part<PciTransport>;
    return info;
}

constexpr TypeInfo kTypes[] = {transport_type()};
BACKPLANE_PLUGIN("virtio-pci", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
