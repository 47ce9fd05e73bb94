// The memory-mapped transport, "virtio-mmio" (VIRTIO 1.2, §4.2): the version 1 registers of the legacy interface
// (§4.2.4) unless `force-legacy=off` asks for version 2.
//
// Not modelled: shared memory regions (none is there), ioeventfd, big-endian legacy guests. QueueAlign is kept once,
// not per queue: a driver writes it right ahead of QueuePFN.
#pragma once

#include <backplane/device.h>
#include <backplane/property.h>
#include <backplane/register_table.h>
#include <backplane/virtio.h>

namespace backplane::virtio {

class Mmio final : public DeviceBase, public VirtioTransport, public RegisterDevice<Mmio> {
  public:
    explicit Mmio(Object& object);

    static const Register<Mmio> kRegisters[30];

    bool realize(Errors& errors) override;
    void reset(ResetPhase phase) override;

    void queue_interrupt(unsigned queue) override;
    void config_interrupt() override;
    DmaPort& dma() override { return context_.dma(); }
    bool legacy_only() const override { return force_legacy_; }

  private:
    /// The configuration space, behind the registers.
    class ConfigWindow final : public IoHandler {
      public:
        explicit ConfigWindow(Mmio& transport) : transport_(transport) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        Mmio& transport_;
    };

    std::uint64_t version(Access&) { return force_legacy_ ? 1 : 2; }
    std::uint64_t device_id(Access&);
    std::uint64_t device_features(Access&);
    void set_driver_features(std::uint64_t value);
    std::uint64_t queue_num_max(Access&);
    void set_queue_num(std::uint64_t value);
    std::uint64_t queue_pfn(Access&);
    void set_queue_pfn(std::uint64_t value);
    std::uint64_t queue_ready(Access&);
    void set_queue_ready(std::uint64_t value);
    void set_queue_reset(std::uint64_t value);
    void notify_queue(std::uint64_t value);
    void acknowledge(std::uint64_t value);
    std::uint64_t status(Access&);
    void set_status(std::uint64_t value);
    template <GuestAddress VirtioQueueLayout::*Area, unsigned Shift>
    void set_layout(std::uint64_t value);
    std::uint64_t config_generation(Access&);

    void raise(std::uint32_t bits);
    VirtioBackend* backend() const { return bus_ ? bus_->backend() : nullptr; }
    /// The device, if there is one and the driver uses the interface that this register is part of.
    VirtioBackend* legacy() const { return force_legacy_ ? backend() : nullptr; }
    VirtioBackend* modern() const { return force_legacy_ ? nullptr : backend(); }

    DeviceContext& context_;
    Wire& irq_;
    ConfigWindow config_{*this};
    VirtioTransportBus* bus_ = nullptr;
    bool force_legacy_ = true;

    std::uint32_t device_features_sel_ = 0;
    std::uint32_t driver_features_sel_ = 0;
    std::uint32_t queue_sel_ = 0;
    std::uint32_t guest_page_size_ = 0;
    std::uint32_t queue_align_ = 0;
    std::uint32_t interrupt_status_ = 0;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&Mmio::force_legacy_>({.name = "force-legacy",
                                        .summary = "Show the legacy (version 1) registers",
                                        .default_text = "on"}),
    };
};

}  // namespace backplane::virtio
