// The part that "virtio-device" contributes to every virtio device: status, features, queues, configuration space
// (VIRTIO 1.2, §2, §3), between a transport and the device's own part.
#pragma once

#include "queue.h"

#include <backplane/device.h>
#include <backplane/property.h>

namespace backplane::virtio {

class DeviceCore final : public DeviceBase, public VirtioDevice, public VirtioBackend, QueueHost {
  public:
    explicit DeviceCore(Object& object);

    // Device
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void before_save() override;
    bool after_load(Errors& errors) override;
    void resume() override;

    // VirtioDevice
    void set_function(VirtioFunction& function, std::uint16_t device_id) override;
    void offer_features(std::uint64_t features) override { function_features_ = features; }
    bool create_queues(Slice<const std::uint16_t> sizes, Errors& errors) override;
    VirtioQueue& queue(std::size_t index) override { return *queues_[index]; }
    MutableBytes create_config(std::size_t size) override;
    void config_changed() override;
    std::uint64_t features() const override { return driver_features_ & offered_features(); }
    void need_reset(Str reason) override;
    DmaPort& dma() override;

    // Both faces
    std::size_t queue_count() const override { return queues_.size(); }
    std::uint8_t status() const override { return status_; }

    // VirtioBackend
    void set_transport(VirtioTransport* transport) override { transport_ = transport; }
    std::uint16_t device_id() const override { return device_id_; }
    void set_status(std::uint8_t status) override;
    std::uint64_t offered_features() const override;
    std::uint64_t driver_features() const override { return driver_features_; }
    void set_driver_features(std::uint64_t features) override;
    std::uint16_t queue_max_size(unsigned queue) const override;
    std::uint16_t queue_size(unsigned queue) const override;
    void set_queue_size(unsigned queue, std::uint16_t size) override;
    VirtioQueueLayout queue_layout(unsigned queue) const override;
    void set_queue_layout(unsigned queue, const VirtioQueueLayout& layout) override;
    void set_legacy_queue(unsigned queue, GuestAddress base, std::uint32_t alignment) override;
    bool queue_ready(unsigned queue) const override;
    void set_queue_ready(unsigned queue, bool ready) override;
    void reset_queue(unsigned queue) override;
    void notify(unsigned queue) override;
    std::uint32_t config_size() const override { return std::uint32_t(config_.size()); }
    void read_config(std::uint64_t offset, MutableBytes to) override;
    void write_config(std::uint64_t offset, Bytes from) override;
    std::uint32_t config_generation() const override { return config_generation_; }

  private:
    // QueueHost
    bool running() const override;
    bool has(std::uint64_t feature) const override { return (features() & feature) == feature; }
    void queue_interrupt(unsigned queue) override;
    unsigned& busy() override { return busy_; }
    std::size_t& copied() override { return copied_; }
    bool spend(unsigned queue) override;

    Queue* at(unsigned queue) const;
    /// Logs and gives true when the driver's access comes while the device itself is at work.
    bool reentered();
    void reset_device();
    std::uint64_t accepted_features() const;
    void settle_features();
    void start();
    void serve_deferred();

    DeviceContext& context_;
    VirtioFunction* function_ = nullptr;
    VirtioTransport* transport_ = nullptr;
    std::uint16_t device_id_ = 0;
    std::uint64_t function_features_ = 0;
    StateTable& state_;
    std::vector<QueueState> states_;  ///< keeps its place
    std::vector<std::unique_ptr<Queue>> queues_;
    std::vector<std::uint8_t> config_;
    unsigned busy_ = 0;
    std::size_t copied_ = 0;
    bool notifying_ = false;
    unsigned budget_ = 0;  ///< requests that the notification in progress may still take
    std::vector<unsigned> deferred_;
    OwnedTimer<&DeviceCore::serve_deferred> later_{*this};

    std::uint8_t status_ = 0;
    std::uint64_t driver_features_ = 0;
    std::uint32_t config_generation_ = 0;

    bool indirect_desc_ = true;
    bool event_idx_ = true;
    bool notify_on_empty_ = true;
    bool any_layout_ = true;
    bool queue_reset_ = true;
    bool iommu_platform_ = false;
    bool packed_ = false;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&DeviceCore::indirect_desc_>(
            {.name = "indirect_desc", .summary = "Offer indirect descriptors", .default_text = "on"}),
        property<&DeviceCore::event_idx_>(
            {.name = "event_idx", .summary = "Offer the event index", .default_text = "on"}),
        property<&DeviceCore::notify_on_empty_>(
            {.name = "notify_on_empty",
             .summary = "Offer to interrupt when a ring runs empty (legacy)",
             .default_text = "on"}),
        property<&DeviceCore::any_layout_>({.name = "any_layout",
                                            .summary = "Offer arbitrary descriptor layouts (legacy)",
                                            .default_text = "on"}),
        property<&DeviceCore::queue_reset_>(
            {.name = "queue_reset", .summary = "Offer to reset queues one by one", .default_text = "on"}),
        property<&DeviceCore::iommu_platform_>({.name = "iommu_platform",
                                                .summary = "Use the platform's IOMMU; only off is supported",
                                                .default_text = "off"}),
        property<&DeviceCore::packed_>({.name = "packed",
                                        .summary = "Offer packed rings; only off is supported",
                                        .default_text = "off"}),
    };
};

}  // namespace backplane::virtio
