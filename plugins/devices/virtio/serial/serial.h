// The console device (VIRTIO 1.2, §5.3) with its ports on a bus of their own.
//
// Not modelled: the console's size (VIRTIO_CONSOLE_F_SIZE, RESIZE), ports that come and go while the guest runs.
#pragma once

#include "serial_port.h"

#include <backplane/bus.h>

#include <deque>
#include <vector>

namespace backplane::virtio {

/// The bus that ports are plugged into.
class SerialBus final : public BusBase {
  public:
    explicit SerialBus(Object& object) : object_(object) {}
    void set_device(Serial& device) { device_ = &device; }

    Str kind() const override { return "virtio-serial-bus"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override;
    bool hot_pluggable() const override { return false; }
    bool request_unplug(Object& device, Errors& errors) override;
    void address_of(Object& device, TextSink& out) const override;

  private:
    Object& object_;
    Serial* device_ = nullptr;
};

class Serial final : public DeviceBase, public VirtioFunctionBase {
  public:
    explicit Serial(Object& object);

    bool realize(Errors& errors) override;
    void before_save() override;
    bool after_load(Errors& errors) override;

    void queue_notified(VirtioQueue& queue) override;
    void config_written(MutableBytes config, std::uint64_t offset, std::uint64_t size) override;
    void device_reset() override;

    std::vector<SerialPort*>& ports() { return ports_; }
    bool multiport() const;
    /// Null while the driver is not ready for the port.
    VirtioQueue* receive_queue(std::uint32_t port);
    VirtioQueue* transmit_queue(std::uint32_t port);
    void tell_open(SerialPort& port);

  private:
    struct Message {
        std::uint32_t id;
        std::uint16_t event;
        std::uint16_t value;
    };
    VirtioQueue* port_queue(std::uint32_t port, unsigned direction);
    void receive_control(VirtioQueue& queue);
    void handle(const Message& message);
    void send(const Message& message, const std::string& text = {});
    void flush_messages();
    void fill_config();

    DeviceContext& context_;
    VirtioDevice& virtio_;
    MutableBytes config_;
    std::vector<SerialPort*> ports_;
    /// Wait for room in the control queue.
    std::deque<std::vector<std::uint8_t>> messages_;
    StandstillGate<&Serial::flush_messages> gate_{*this};
    std::vector<std::uint8_t> saved_messages_;  ///< each with its length (2 bytes) ahead

    std::uint32_t max_ports_ = 31;
    bool emergency_write_ = true;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&Serial::max_ports_>({.name = "max_ports",
                                       .summary = "Most ports that the bus takes",
                                       .default_text = "31",
                                       .maximum = 31,
                                       .minimum = 1}),
        property<&Serial::emergency_write_>(
            {.name = "emergency-write", .summary = "Offer output ahead of any set-up", .default_text = "on"}),
    };
};

}  // namespace backplane::virtio
