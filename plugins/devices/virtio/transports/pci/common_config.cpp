#include "common_config.h"

#include "transport.h"

namespace backplane::virtio {

namespace {
constexpr auto kReadOnly = RegisterAccess::ReadOnly;
using Layout = VirtioQueueLayout;
}  // namespace

constexpr Register<CommonConfig> CommonConfig::kRegisters[] = {
    {.name = "device_feature_select", .offset = 0x00, .storage = &CommonConfig::device_feature_select_},
    {.name = "device_feature", .offset = 0x04, .access = kReadOnly, .read = &CommonConfig::device_feature},
    {.name = "driver_feature_select", .offset = 0x08, .storage = &CommonConfig::driver_feature_select_},
    {.name = "driver_feature",
     .offset = 0x0c,
     .read = &CommonConfig::driver_feature,
     .write = &CommonConfig::set_driver_feature},
    {.name = "config_msix_vector",
     .offset = 0x10,
     .size = 2,
     .read = &CommonConfig::config_vector,
     .write = &CommonConfig::set_config_vector},
    {.name = "num_queues", .offset = 0x12, .size = 2, .access = kReadOnly, .read = &CommonConfig::num_queues},
    {.name = "device_status",
     .offset = 0x14,
     .size = 1,
     .read = &CommonConfig::device_status,
     .write = &CommonConfig::set_device_status},
    {.name = "config_generation",
     .offset = 0x15,
     .size = 1,
     .access = kReadOnly,
     .read = &CommonConfig::config_generation},
    {.name = "queue_select", .offset = 0x16, .size = 2, .storage = &CommonConfig::queue_select_},
    {.name = "queue_size",
     .offset = 0x18,
     .size = 2,
     .read = &CommonConfig::queue_size,
     .write = &CommonConfig::set_queue_size},
    {.name = "queue_msix_vector",
     .offset = 0x1a,
     .size = 2,
     .read = &CommonConfig::queue_vector,
     .write = &CommonConfig::set_queue_vector},
    {.name = "queue_enable",
     .offset = 0x1c,
     .size = 2,
     .read = &CommonConfig::queue_enable,
     .write = &CommonConfig::set_queue_enable},
    {.name = "queue_notify_off",
     .offset = 0x1e,
     .size = 2,
     .access = kReadOnly,
     .read = &CommonConfig::queue_notify_off},
    {.name = "queue_desc_lo",
     .offset = 0x20,
     .read = &CommonConfig::layout<&Layout::descriptors, 0>,
     .write = &CommonConfig::set_layout<&Layout::descriptors, 0>},
    {.name = "queue_desc_hi",
     .offset = 0x24,
     .read = &CommonConfig::layout<&Layout::descriptors, 32>,
     .write = &CommonConfig::set_layout<&Layout::descriptors, 32>},
    {.name = "queue_driver_lo",
     .offset = 0x28,
     .read = &CommonConfig::layout<&Layout::driver_area, 0>,
     .write = &CommonConfig::set_layout<&Layout::driver_area, 0>},
    {.name = "queue_driver_hi",
     .offset = 0x2c,
     .read = &CommonConfig::layout<&Layout::driver_area, 32>,
     .write = &CommonConfig::set_layout<&Layout::driver_area, 32>},
    {.name = "queue_device_lo",
     .offset = 0x30,
     .read = &CommonConfig::layout<&Layout::device_area, 0>,
     .write = &CommonConfig::set_layout<&Layout::device_area, 0>},
    {.name = "queue_device_hi",
     .offset = 0x34,
     .read = &CommonConfig::layout<&Layout::device_area, 32>,
     .write = &CommonConfig::set_layout<&Layout::device_area, 32>},
    {.name = "queue_notify_data", .offset = 0x38, .size = 2, .access = kReadOnly},
    // §2.6.1.2.1: reads 1 while the reset goes on; here it is over at once.
    {.name = "queue_reset", .offset = 0x3a, .size = 2, .write = &CommonConfig::set_queue_reset},
    // Of devices with an administration queue (later revisions); they read 0.
    {.name = "admin_queue_index", .offset = 0x3c, .size = 2, .access = kReadOnly},
    {.name = "admin_queue_num", .offset = 0x3e, .size = 2, .access = kReadOnly},
    {.name = "reserved", .offset = 0x40, .size = 8, .access = kReadOnly},
};

void CommonConfig::describe_state(StateTable& state, Log& log) {
    set_register_log(log);
    describe_registers(state);
}

VirtioBackend& CommonConfig::backend() { return transport_.backend(); }

std::uint64_t CommonConfig::device_feature(Access&) {
    return device_feature_select_ > 1
               ? 0
               : std::uint32_t(backend().offered_features() >> 32 * device_feature_select_);
}

std::uint64_t CommonConfig::driver_feature(Access&) {
    return driver_feature_select_ > 1
               ? 0
               : std::uint32_t(backend().driver_features() >> 32 * driver_feature_select_);
}

void CommonConfig::set_driver_feature(std::uint64_t value) {
    if (driver_feature_select_ > 1) return;
    const unsigned shift = 32 * driver_feature_select_;
    const std::uint64_t other = backend().driver_features() & ~(std::uint64_t{0xffffffff} << shift);
    backend().set_driver_features(other | value << shift);
}

std::uint64_t CommonConfig::config_vector(Access&) { return transport_.config_vector(); }
void CommonConfig::set_config_vector(std::uint64_t value) {
    transport_.set_config_vector(std::uint16_t(value));
}

std::uint64_t CommonConfig::num_queues(Access&) { return backend().queue_count(); }

std::uint64_t CommonConfig::device_status(Access&) { return backend().status(); }
void CommonConfig::set_device_status(std::uint64_t value) { transport_.set_status(std::uint8_t(value)); }

std::uint64_t CommonConfig::config_generation(Access&) { return std::uint8_t(backend().config_generation()); }

std::uint64_t CommonConfig::queue_size(Access&) { return backend().queue_size(queue_select_); }
void CommonConfig::set_queue_size(std::uint64_t value) {
    backend().set_queue_size(queue_select_, std::uint16_t(value));
}

std::uint64_t CommonConfig::queue_vector(Access&) { return transport_.queue_vector(queue_select_); }
void CommonConfig::set_queue_vector(std::uint64_t value) {
    transport_.set_queue_vector(queue_select_, std::uint16_t(value));
}

std::uint64_t CommonConfig::queue_enable(Access&) { return backend().queue_ready(queue_select_); }
void CommonConfig::set_queue_enable(std::uint64_t value) {
    // §4.1.4.3.2: "The driver MUST NOT write a 0 to queue_enable."
    if (value == 1) backend().set_queue_ready(queue_select_, true);
}

std::uint64_t CommonConfig::queue_notify_off(Access&) {
    return queue_select_ < backend().queue_count() ? queue_select_ : 0;
}

void CommonConfig::set_queue_reset(std::uint64_t value) {
    if (value == 1) backend().reset_queue(queue_select_);
}

template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
std::uint64_t CommonConfig::layout(Access&) {
    return std::uint32_t((backend().queue_layout(queue_select_).*Area).value >> Shift);
}

template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
void CommonConfig::set_layout(std::uint64_t value) {
    VirtioQueueLayout layout = backend().queue_layout(queue_select_);
    std::uint64_t& address = (layout.*Area).value;
    address = (address & ~(std::uint64_t{0xffffffff} << Shift)) | value << Shift;
    backend().set_queue_layout(queue_select_, layout);
}

}  // namespace backplane::virtio
