// Virtio over PCI, "virtio-pci" (VIRTIO 1.2, §4.1): the modern interface in BAR 4, behind capabilities, and the
// legacy one (§4.1.4.8) in I/O BAR 0; MSI-X in BAR 1, or INTA#. The function is a proxy for the virtio device that
// it makes on a bus of its own.
//
// Not modelled: notification data, shared memory, the PCIe capabilities of a function behind a root port.
// disable-legacy=auto offers the legacy interface too, as on a root bus.
#pragma once

#include "common_config.h"
#include "legacy_window.h"
#include "queue_doorbells.h"

#include <backplane/device.h>
#include <backplane/pci.h>
#include <backplane/property.h>

#include <vector>

namespace backplane::virtio {

class PciTransport final : public DeviceBase, public VirtioTransport, PciConfigObserver {
  public:
    PciTransport(Object& object, const VirtioPciClass& row)
        : context_(device_context(object)),
          state_(context_.state().group({.name = "virtio-pci"})),
          row_(read_sized(row)) {}
    /// Makes the proxied device; properties go on to it from here.
    bool create_backend(Errors& errors);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void before_save() override { doorbells_.drain(); }
    bool after_load(Errors& errors) override;
    void resume() override { update_doorbells(); }

    void queue_interrupt(unsigned queue) override;
    void config_interrupt() override;
    DmaPort& dma() override { return context_.dma(); }
    bool legacy_only() const override { return disable_modern_; }

    // What both register interfaces share.
    static constexpr std::uint16_t kNoVector = 0xffff;
    VirtioBackend& backend() { return *backend_; }
    Log& log() { return context_.log(); }
    PciDevice& pci() { return *pci_; }
    void set_status(std::uint8_t status);
    std::uint8_t read_isr(const Access& access);
    std::uint16_t config_vector() const { return std::uint16_t(config_vector_); }
    void set_config_vector(std::uint16_t vector) { config_vector_ = valid_vector(vector); }
    std::uint16_t queue_vector(unsigned queue) const {
        return queue < vectors_.size() ? vectors_[queue] : kNoVector;
    }
    void set_queue_vector(unsigned queue, std::uint16_t vector) {
        if (queue < vectors_.size()) vectors_[queue] = valid_vector(vector);
    }

  private:
    /// The windows of BAR 4, in the order of their 4 KiB pages.
    class IsrWindow final : public IoHandler {
      public:
        explicit IsrWindow(PciTransport& transport) : transport_(transport) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset, std::uint64_t, unsigned, Access&) override {}

      private:
        PciTransport& transport_;
    };
    class DeviceWindow final : public IoHandler {
      public:
        explicit DeviceWindow(PciTransport& transport) : transport_(transport) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override;
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        PciTransport& transport_;
    };
    class NotifyWindow final : public IoHandler {
      public:
        explicit NotifyWindow(PciTransport& transport) : transport_(transport) {}
        std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        PciTransport& transport_;
    };

    enum class Switch : std::uint8_t { On, Off, Auto };

    bool choose_interfaces(Errors& errors);
    void identify();
    bool add_legacy(Errors& errors);
    bool add_modern(Errors& errors);
    bool add_vectors(Errors& errors);
    bool add_capability(unsigned at, std::uint8_t type, std::uint32_t offset, std::uint32_t extra,
                        Errors& errors);
    std::uint16_t valid_vector(std::uint16_t vector) const {
        return vector < vector_count_ ? vector : kNoVector;
    }
    void forget_driver();
    void update_doorbells();
    void raise(std::uint8_t bits, std::uint16_t vector);

    // The window through configuration space (§4.1.4.9).
    void config_reading(unsigned offset, unsigned size, const Access& access) override;
    void config_written(unsigned offset, unsigned size, const Access& access) override;
    IoHandler* window_target(std::uint32_t& offset, unsigned& size);
    std::uint32_t notify_multiplier() const;
    std::uint32_t notify_size() const;

    DeviceContext& context_;
    StateTable& state_;
    const VirtioPciClass row_;
    PciDevice* pci_ = nullptr;
    Object* bus_ = nullptr;
    Object* device_ = nullptr;
    VirtioBackend* backend_ = nullptr;
    CommonConfig common_{*this};
    LegacyWindow legacy_window_{*this};
    IsrWindow isr_window_{*this};
    DeviceWindow device_window_{*this};
    NotifyWindow notify_window_{*this};
    QueueDoorbells doorbells_{context_, [this](unsigned queue) { backend_->notify(queue); }};
    unsigned vector_count_ = 0;

    std::uint8_t isr_ = 0;
    std::uint32_t config_vector_ = kNoVector;
    std::vector<std::uint16_t> vectors_;  ///< by queue

    bool ioeventfd_ = true;
    Switch disable_legacy_ = Switch::Auto;
    bool disable_modern_ = false;
    bool page_per_queue_ = false;
    bool legacy_ = true;
    std::uint32_t wanted_vectors_ = kAnyVectors;
    static constexpr std::uint32_t kAnyVectors = 0xffffffff;

  public:
    static constexpr PropertyInfo kProperties[] = {
        enum_property<&PciTransport::disable_legacy_>({.name = "disable-legacy",
                                                       .summary = "Leave the legacy interface out",
                                                       .default_text = "auto",
                                                       .choices = "on|off|auto"}),
        property<&PciTransport::disable_modern_>(
            {.name = "disable-modern", .summary = "Leave the modern interface out", .default_text = "off"}),
        property<&PciTransport::ioeventfd_>(
            {.name = "ioeventfd",
             .summary = "Take notifications from the accelerator while the CPU goes on, where it can",
             .default_text = "on"}),
        property<&PciTransport::wanted_vectors_>({.name = "vectors",
                                                  .summary = "MSI-X vectors; default: the device's",
                                                  .default_text = "4294967295"}),
        property<&PciTransport::page_per_queue_>(
            {.name = "page-per-vq",
             .summary = "A page of its own for each queue's notifications",
             .default_text = "off"}),
    };
};

}  // namespace backplane::virtio
