#include "device_core.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

namespace backplane::virtio {

using namespace virtio_status;

namespace {
constexpr std::size_t kMostQueues = 1024;
}  // namespace

DeviceCore::DeviceCore(Object& object)
    : context_(device_context(object)), state_(context_.state().group({.name = "virtio"})) {
    describe(state_, "status", status_, 0, false);
    describe(state_, "driver_features", driver_features_, 0, false);
    describe(state_, "config_generation", config_generation_, 0, false);
}

bool DeviceCore::realize(Errors& errors) {
    if (iommu_platform_ || packed_) {
        errors.fail(std::string("property '") + (packed_ ? "packed" : "iommu_platform") + "' of " +
                    std::string(context_.object().type_name().view()) + ": only off is supported");
        return false;
    }
    later_.create(context_.clock());
    if (transport_) return true;
    errors.fail(std::string(context_.object().type_name().view()) +
                " is on no virtio bus; give it one with bus=, or use "
                "the -pci variant of the device");
    return false;
}

void DeviceCore::unrealize() {
    later_.cancel();
    for (const auto& queue : queues_) queue->reset();
}

void DeviceCore::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) reset_device();
}

void DeviceCore::before_save() {
    for (const auto& queue : queues_) queue->before_save();
}

bool DeviceCore::after_load(Errors& errors) {
    later_.cancel();
    deferred_.clear();
    for (const auto& queue : queues_)
        if (!queue->after_load(errors)) return false;
    return true;
}

/// Requests that were under way, or that nobody has looked at yet, are served soon.
void DeviceCore::resume() {
    for (const auto& queue : queues_)
        if (queue->ready() && running() && !queue->empty()) deferred_.push_back(queue->index());
    if (!deferred_.empty()) later_.arm(context_.clock().now_ns());
}

void DeviceCore::set_function(VirtioFunction& function, std::uint16_t device_id) {
    function_ = &function;
    device_id_ = device_id;
}

bool DeviceCore::create_queues(Slice<const std::uint16_t> sizes, Errors& errors) {
    if (!queues_.empty() || sizes.size > kMostQueues) {
        errors.fail("a virtio device has its queues made once, and at most " + std::to_string(kMostQueues));
        return false;
    }
    for (const std::uint16_t size : sizes) {
        if (size >= 2 && size <= kMostEntries && std::has_single_bit(size)) continue;
        errors.fail("queue size " + std::to_string(size) + " is not a power of two from 2 to " +
                    std::to_string(kMostEntries));
        return false;
    }
    states_.resize(sizes.size);
    for (std::size_t i = 0; i < sizes.size; ++i)
        queues_.push_back(
            std::make_unique<Queue>(static_cast<QueueHost&>(*this), states_[i], unsigned(i), sizes[i]));
    if (!queues_.empty()) QueueState::describe(state_, states_);
    return true;
}

MutableBytes DeviceCore::create_config(std::size_t size) {
    if (config_.empty() && size != 0) {
        config_.assign(size, 0);
        state_.add({.name = "config",
                    .kind = StateKind::Bytes,
                    .data = config_.data(),
                    .count = std::uint32_t(size),
                    .reset = false});
    }
    return config_;
}

void DeviceCore::config_changed() {
    ++config_generation_;
    if (transport_ && (status_ & kDriverOk)) {
        Guard guard(*this);
        transport_->config_interrupt();
    }
}

void DeviceCore::need_reset(Str reason) {
    if (status_ & kNeedsReset) return;
    context_.log().guest_error(reason, std::string(context_.object().type_name().view()) + ": " +
                                           std::string(reason.view()) + "; the device needs a reset");
    status_ |= kNeedsReset;
    // §2.1.2: "If DRIVER_OK is set, after it sets DEVICE_NEEDS_RESET, the device MUST send a device configuration
    // change notification to the driver".
    config_changed();
}

DmaPort& DeviceCore::dma() { return transport_ ? transport_->dma() : context_.dma(); }

bool DeviceCore::running() const { return (status_ & (kDriverOk | kNeedsReset)) == kDriverOk; }

void DeviceCore::queue_interrupt(unsigned queue) {
    if (transport_) transport_->queue_interrupt(queue);
}

bool DeviceCore::reentered() {
    if (busy_ == 0) return false;
    context_.log().guest_error("reentered",
                               std::string(context_.object().type_name().view()) +
                                   ": a descriptor or message points to the device's own registers");
    return true;
}

void DeviceCore::reset_device() {
    {
        Guard guard(*this);
        if (function_) function_->device_reset();
        for (const auto& queue : queues_) queue->reset();
    }
    later_.cancel();
    deferred_.clear();
    status_ = 0;
    driver_features_ = 0;
}

std::uint64_t DeviceCore::offered_features() const {
    using namespace virtio_feature;
    std::uint64_t features = function_features_;
    if (indirect_desc_) features |= kIndirect;
    if (event_idx_) features |= kEventIndex;
    if (notify_on_empty_) features |= kNotifyOnEmpty;
    if (any_layout_) features |= kAnyLayout;
    if (transport_ && transport_->legacy_only()) return features & 0xffffffff;
    if (queue_reset_) features |= kRingReset;
    return features | kVersion1;
}

void DeviceCore::set_driver_features(std::uint64_t features) {
    // §2.2.1, §3.1.1: settled with FEATURES_OK; for a legacy driver, with DRIVER_OK.
    if (reentered() || (status_ & (kFeaturesOk | kDriverOk))) return;
    driver_features_ = features;
}

std::uint64_t DeviceCore::accepted_features() const {
    return function_ ? function_->accept_features(features()) : features();
}

/// §2.2.2 and §6.1 let a device refuse a driver that chose wrongly. Drivers are about that leave out VERSION_1, or
/// accept all there is, and do not look again: the rest of what they chose holds, and they go on.
void DeviceCore::settle_features() {
    const std::string name(context_.object().type_name().view());
    const bool legacy = transport_ && transport_->legacy_only();
    if (!legacy && !(driver_features_ & virtio_feature::kVersion1))
        context_.log().guest_error("version 1",
                                   name + ": the driver does not accept VIRTIO_F_VERSION_1, which a "
                                          "modern device requires; it is served nevertheless");
    const std::uint64_t accepted = accepted_features();
    if (driver_features_ != accepted)
        context_.log().guest_error("features",
                                   name + ": the driver accepts features that were not offered or that "
                                          "need others; they are left out");
    driver_features_ = accepted;
}

void DeviceCore::set_status(std::uint8_t status) {
    if (reentered()) return;
    if (status == 0) return reset_device();
    const std::uint8_t raised = status & ~status_;
    status = std::uint8_t((status & ~kNeedsReset) | (status_ & kNeedsReset));
    if (raised & kFeaturesOk) settle_features();
    if ((raised & kDriverOk) && !(status & kFeaturesOk)) driver_features_ = accepted_features();
    status_ = status;
    if (function_) {
        Guard guard(*this);
        function_->status_changed(status);
    }
    if (raised & kDriverOk) start();
}

/// Requests that were made available ahead of DRIVER_OK, as legacy drivers do (§3.1.2), are seen now.
void DeviceCore::start() {
    for (const auto& queue : queues_)
        if (queue->ready() && !queue->empty()) notify(queue->index());
}

Queue* DeviceCore::at(unsigned queue) const {
    return queue < queues_.size() ? queues_[queue].get() : nullptr;
}

std::uint16_t DeviceCore::queue_max_size(unsigned queue) const { return at(queue) ? kMostEntries : 0; }

std::uint16_t DeviceCore::queue_size(unsigned queue) const {
    return at(queue) ? std::uint16_t(at(queue)->size()) : 0;
}

void DeviceCore::set_queue_size(unsigned queue, std::uint16_t size) {
    Queue* target = at(queue);
    if (!target || target->ready() || reentered()) return;
    if (std::has_single_bit(size) && size <= kMostEntries) target->set_size(size);
    else
        context_.log().guest_error("queue size",
                                   "virtio: a queue size that is no power of two or too great is ignored");
}

VirtioQueueLayout DeviceCore::queue_layout(unsigned queue) const {
    return at(queue) ? at(queue)->layout() : VirtioQueueLayout{};
}

void DeviceCore::set_queue_layout(unsigned queue, const VirtioQueueLayout& layout) {
    if (Queue* target = at(queue); target && !target->ready() && !reentered()) target->set_layout(layout);
}

void DeviceCore::set_legacy_queue(unsigned queue, GuestAddress base, std::uint32_t alignment) {
    Queue* target = at(queue);
    if (!target || reentered()) return;
    if (base.value == 0) return reset_queue(queue);
    if (target->ready()) return;
    if (!std::has_single_bit(alignment) || alignment < 4) {
        context_.log().guest_error("queue alignment",
                                   "virtio: a ring alignment that is no power of two is ignored");
        return;
    }
    // §2.7.2: descriptors, the available ring with its used_event, padding, the used ring.
    const std::uint64_t size = target->size();
    const GuestAddress driver_area = base + 16 * size;
    const std::uint64_t end = driver_area.value + 2 * (3 + size);
    target->set_layout(
        {base, driver_area, GuestAddress((end + alignment - 1) & ~std::uint64_t(alignment - 1))});
    target->set_ready(true);
}

bool DeviceCore::queue_ready(unsigned queue) const { return at(queue) && at(queue)->ready(); }

void DeviceCore::set_queue_ready(unsigned queue, bool ready) {
    Queue* target = at(queue);
    if (!target || target->ready() == ready || reentered()) return;
    if (ready) target->set_ready(true);
    else reset_queue(queue);  // §4.2.2.2: the device lets go of the queue's memory
}

void DeviceCore::reset_queue(unsigned queue) {
    Queue* target = at(queue);
    if (!target || reentered()) return;
    Guard guard(*this);
    if (function_) function_->queue_reset(*target);
    target->reset();
}

void DeviceCore::notify(unsigned queue) {
    Queue* target = at(queue);
    if (!target || !target->ready() || !running() || !function_ || reentered()) return;
    Guard guard(*this);
    notifying_ = true;
    budget_ = 2 * target->size();
    function_->queue_notified(*target);
    notifying_ = false;
}

bool DeviceCore::spend(unsigned queue) {
    if (!notifying_) return true;
    if (budget_ != 0) {
        --budget_;
        return true;
    }
    deferred_.push_back(queue);
    later_.arm(context_.clock().now_ns());
    return false;
}

void DeviceCore::serve_deferred() {
    for (const unsigned queue : std::exchange(deferred_, {})) notify(queue);
}

void DeviceCore::read_config(std::uint64_t offset, MutableBytes to) {
    if (function_) function_->config_reading(config_);
    std::fill(to.begin(), to.end(), std::uint8_t{0});
    if (offset >= config_.size()) return;
    std::copy_n(config_.data() + offset, std::min<std::uint64_t>(to.size, config_.size() - offset), to.data);
}

void DeviceCore::write_config(std::uint64_t offset, Bytes from) {
    if (reentered() || offset >= config_.size()) return;
    const std::uint64_t size = std::min<std::uint64_t>(from.size, config_.size() - offset);
    std::copy_n(from.data, size, config_.data() + offset);
    Guard guard(*this);
    if (function_) function_->config_written(config_, offset, size);
}

}  // namespace backplane::virtio
