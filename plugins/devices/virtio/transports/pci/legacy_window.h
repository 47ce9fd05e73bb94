// The legacy interface of virtio over PCI (VIRTIO 1.2, §4.1.4.8, §4.1.5.1): registers in I/O space, which the
// device's configuration follows; where it begins depends on whether MSI-X is on.
#pragma once

#include <backplane/register_table.h>
#include <backplane/virtio.h>

namespace backplane::virtio {

class PciTransport;

class LegacyRegisters final : public RegisterDevice<LegacyRegisters> {
  public:
    explicit LegacyRegisters(PciTransport& transport) : transport_(transport) {}
    void describe_state(StateTable& state, Log& log);
    void forget() { queue_select_ = 0; }

    static const Register<LegacyRegisters> kRegisters[10];

  private:
    std::uint64_t device_features(Access&);
    std::uint64_t driver_features(Access&);
    void set_driver_features(std::uint64_t value);
    std::uint64_t queue_address(Access&);
    void set_queue_address(std::uint64_t value);
    std::uint64_t queue_size(Access&);
    void notify(std::uint64_t value);
    std::uint64_t device_status(Access&);
    void set_device_status(std::uint64_t value);
    std::uint64_t isr_status(Access& access);
    std::uint64_t config_vector(Access&);
    void set_config_vector(std::uint64_t value);
    std::uint64_t queue_vector(Access&);
    void set_queue_vector(std::uint64_t value);

    VirtioBackend& backend();

    PciTransport& transport_;
    std::uint32_t queue_select_ = 0;
};

class LegacyWindow final : public IoHandler {
  public:
    explicit LegacyWindow(PciTransport& transport) : transport_(transport), registers_(transport) {}
    LegacyRegisters& registers() { return registers_; }
    /// Bytes of registers when there is MSI-X; the configuration space follows.
    static constexpr std::uint64_t kRegisterBytes = 24;
    static constexpr std::uint64_t kNotifyOffset = 16;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    std::uint64_t config_start() const;

    PciTransport& transport_;
    LegacyRegisters registers_;
};

}  // namespace backplane::virtio
