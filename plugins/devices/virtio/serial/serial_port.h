// One port of the console device: a stream between the guest and a chardev (VIRTIO 1.2, §5.3). Types "virtconsole"
// (a console, hvcN) and "virtserialport" (a named channel, /dev/virtio-ports/NAME), on a bus "virtio-serial-bus".
#pragma once

#include <backplane/virtio_device.h>

#include <backplane/char.h>
#include <backplane/standstill_gate.h>

#include <string>

namespace backplane::virtio {

class Serial;

/// The class data of a port's type.
struct PortClass {
    bool console;
};

class SerialPort final : public DeviceBase, CharFront {
  public:
    SerialPort(Object& object, const PortClass& row);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void before_save() override { told_open_ = host_open(); }
    bool after_load(Errors&) override {
        later_.cancel();
        return true;
    }
    void resume() override;

    static constexpr std::uint32_t kAnyNumber = 0xffffffff;
    std::uint32_t wanted_number() const { return number_; }
    bool console() const { return console_; }
    const std::string& port_name() const { return name_; }
    /// By the bus: the port has its place now.
    void plugged(Serial* device, std::uint32_t number) {
        device_ = device;
        number_ = number;
    }
    std::uint32_t number() const { return number_; }
    /// Is somebody at the host's end, as far as the guest is told?
    bool host_open() const { return console_ || host_open_; }

    void guest_opened(bool open);
    /// The driver offered bytes to send, or room to receive.
    void transmit(VirtioQueue& queue);
    void room_to_receive();
    void emergency_write(std::uint8_t byte);
    void forget_driver();

  private:
    std::size_t can_receive() override;
    void receive(Bytes bytes) override;
    void char_event(CharEvent event) override;
    void can_send() override;
    void go_on() { can_send(); }
    void standstill_over() {
        room_to_receive();
        can_send();
    }

    DeviceContext& context_;
    OwnedTimer<&SerialPort::go_on> later_{*this};
    StandstillGate<&SerialPort::standstill_over> gate_{*this};
    Serial* device_ = nullptr;
    const bool console_;
    bool host_open_ = false;
    bool guest_open_ = false;
    bool told_open_ = false;  ///< host_open() when the machine was saved
    std::uint64_t sent_ = 0;  ///< bytes of the first request in the queue that the host has taken already

    CharBackend* chardev_ = nullptr;
    std::string name_;
    std::uint32_t number_ = kAnyNumber;

  public:
    static constexpr PropertyInfo kProperties[] = {
        property<&SerialPort::chardev_>({.name = "chardev", .summary = "The host's end"}),
        property<&SerialPort::name_>({.name = "name", .summary = "The port's name in the guest"}),
        property<&SerialPort::number_>({.name = "nr",
                                        .summary = "The port's number; default: the next free one",
                                        .default_text = "4294967295"}),
    };
};

}  // namespace backplane::virtio
