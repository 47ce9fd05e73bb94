// The common configuration structure of virtio over PCI (VIRTIO 1.2, §4.1.4.3).
#pragma once

#include <backplane/register_table.h>
#include <backplane/virtio.h>

namespace backplane::virtio {

class PciTransport;

class CommonConfig final : public RegisterDevice<CommonConfig> {
  public:
    explicit CommonConfig(PciTransport& transport) : transport_(transport) {}
    void describe_state(StateTable& state, Log& log);
    /// As a device reset leaves it.
    void forget() { device_feature_select_ = driver_feature_select_ = queue_select_ = 0; }

    static const Register<CommonConfig> kRegisters[24];

  private:
    std::uint64_t device_feature(Access&);
    std::uint64_t driver_feature(Access&);
    void set_driver_feature(std::uint64_t value);
    std::uint64_t config_vector(Access&);
    void set_config_vector(std::uint64_t value);
    std::uint64_t num_queues(Access&);
    std::uint64_t device_status(Access&);
    void set_device_status(std::uint64_t value);
    std::uint64_t config_generation(Access&);
    std::uint64_t queue_size(Access&);
    void set_queue_size(std::uint64_t value);
    std::uint64_t queue_vector(Access&);
    void set_queue_vector(std::uint64_t value);
    std::uint64_t queue_enable(Access&);
    void set_queue_enable(std::uint64_t value);
    std::uint64_t queue_notify_off(Access&);
    void set_queue_reset(std::uint64_t value);
    template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
    std::uint64_t layout(Access&);
    template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
    void set_layout(std::uint64_t value);

    VirtioBackend& backend();

    PciTransport& transport_;
    std::uint32_t device_feature_select_ = 0;
    std::uint32_t driver_feature_select_ = 0;
    std::uint32_t queue_select_ = 0;
};

}  // namespace backplane::virtio
