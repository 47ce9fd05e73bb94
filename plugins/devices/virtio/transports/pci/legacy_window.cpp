#include "legacy_window.h"

#include "transport.h"

namespace backplane::virtio {

namespace {
constexpr std::uint32_t kPage = 4096;  // of the queue address, and the used ring's alignment (§2.7.2)
}

constexpr Register<LegacyRegisters> LegacyRegisters::kRegisters[] = {
    {.name = "queue_notify",
     .offset = LegacyWindow::kNotifyOffset,
     .size = 2,
     .access = RegisterAccess::WriteOnly,
     .write = &LegacyRegisters::notify},
    {.name = "isr_status",
     .offset = 19,
     .size = 1,
     .access = RegisterAccess::ReadOnly,
     .read = &LegacyRegisters::isr_status},
    {.name = "device_features",
     .offset = 0,
     .access = RegisterAccess::ReadOnly,
     .read = &LegacyRegisters::device_features},
    {.name = "driver_features",
     .offset = 4,
     .read = &LegacyRegisters::driver_features,
     .write = &LegacyRegisters::set_driver_features},
    {.name = "queue_address",
     .offset = 8,
     .read = &LegacyRegisters::queue_address,
     .write = &LegacyRegisters::set_queue_address},
    {.name = "queue_size",
     .offset = 12,
     .size = 2,
     .access = RegisterAccess::ReadOnly,
     .read = &LegacyRegisters::queue_size},
    {.name = "queue_select", .offset = 14, .size = 2, .storage = &LegacyRegisters::queue_select_},
    {.name = "device_status",
     .offset = 18,
     .size = 1,
     .read = &LegacyRegisters::device_status,
     .write = &LegacyRegisters::set_device_status},
    {.name = "config_msix_vector",
     .offset = 20,
     .size = 2,
     .read = &LegacyRegisters::config_vector,
     .write = &LegacyRegisters::set_config_vector},
    {.name = "queue_msix_vector",
     .offset = 22,
     .size = 2,
     .read = &LegacyRegisters::queue_vector,
     .write = &LegacyRegisters::set_queue_vector},
};

void LegacyRegisters::describe_state(StateTable& state, Log& log) {
    set_register_log(log);
    describe(state, "legacy_queue_select", queue_select_);
}

VirtioBackend& LegacyRegisters::backend() { return transport_.backend(); }

std::uint64_t LegacyRegisters::device_features(Access&) {
    return std::uint32_t(backend().offered_features());
}
std::uint64_t LegacyRegisters::driver_features(Access&) { return std::uint32_t(backend().driver_features()); }
void LegacyRegisters::set_driver_features(std::uint64_t value) { backend().set_driver_features(value); }

std::uint64_t LegacyRegisters::queue_address(Access&) {
    return backend().queue_layout(queue_select_).descriptors.value / kPage;
}
void LegacyRegisters::set_queue_address(std::uint64_t value) {
    backend().set_legacy_queue(queue_select_, GuestAddress(value * kPage), kPage);
}

std::uint64_t LegacyRegisters::queue_size(Access&) { return backend().queue_size(queue_select_); }
void LegacyRegisters::notify(std::uint64_t value) { backend().notify(unsigned(value)); }

std::uint64_t LegacyRegisters::device_status(Access&) { return backend().status(); }
void LegacyRegisters::set_device_status(std::uint64_t value) { transport_.set_status(std::uint8_t(value)); }

std::uint64_t LegacyRegisters::isr_status(Access& access) { return transport_.read_isr(access); }

std::uint64_t LegacyRegisters::config_vector(Access&) { return transport_.config_vector(); }
void LegacyRegisters::set_config_vector(std::uint64_t value) {
    transport_.set_config_vector(std::uint16_t(value));
}

std::uint64_t LegacyRegisters::queue_vector(Access&) { return transport_.queue_vector(queue_select_); }
void LegacyRegisters::set_queue_vector(std::uint64_t value) {
    transport_.set_queue_vector(queue_select_, std::uint16_t(value));
}

std::uint64_t LegacyWindow::config_start() const {
    return transport_.pci().msix_enabled() ? kRegisterBytes : kRegisterBytes - 4;
}

std::uint64_t LegacyWindow::read(Offset offset, unsigned size, Access& access) {
    const std::uint64_t start = config_start();
    if (offset.value < start) return registers_.read(offset, size, access);
    std::uint64_t value = 0;
    transport_.backend().read_config(offset.value - start, {reinterpret_cast<std::uint8_t*>(&value), size});
    return value;
}

void LegacyWindow::write(Offset offset, std::uint64_t value, unsigned size, Access& access) {
    const std::uint64_t start = config_start();
    if (offset.value < start) return registers_.write(offset, value, size, access);
    if (!access.debug())
        transport_.backend().write_config(offset.value - start,
                                          {reinterpret_cast<const std::uint8_t*>(&value), size});
}

}  // namespace backplane::virtio
