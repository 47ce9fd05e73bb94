// USB as its functions and host controllers see it: whole transactions, no wires.
//
// Follows "Universal Serial Bus Specification" 1.1, chapters 8 (transactions) and 11 (hubs). Data toggles, split
// transactions, isochronous guarantees and power are not modelled.
//
// A bus is an object of type "usb-bus" that a host controller makes with DeviceContext::create_bus(). Its devices are of a
// type with bus "usb", and sit at a port of the controller or of a hub (`port=1`, `port=2.4`). Thread, for everything
// here: main, or holding the machine lock.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// Default: Full.
enum class UsbSpeed : std::uint8_t { Low, Full };

/// How a transaction ended. Default: Silence.
enum class UsbHandshake : std::uint8_t {
    Ack,
    Nak,      ///< not now: the controller asks again later
    Stall,    ///< the function cannot do that
    Silence,  ///< nobody answered, or nothing that makes sense
};

/// Fixed.
struct UsbReply {
    UsbHandshake handshake = UsbHandshake::Silence;
    std::uint32_t length = 0;  ///< IN: bytes that were given
};

/// A function, or a hub with what is behind it. Offered by a device on the bus.
class UsbFunction {
  public:
    static constexpr const char* kId = "backplane.usb-function/1";
    virtual UsbSpeed speed() const = 0;
    /// Its port was reset: it has address 0 and no configuration.
    virtual void bus_reset() = 0;
    /// Who has this address: itself, or one behind its enabled ports. Null: nobody here.
    virtual UsbFunction* find(std::uint8_t address) = 0;
    /// The transactions. `data` is at most what the endpoint's packets hold; `room` is what the controller takes.
    virtual UsbReply setup(std::uint8_t endpoint, Bytes data) = 0;
    virtual UsbReply out(std::uint8_t endpoint, Bytes data) = 0;
    virtual UsbReply in(std::uint8_t endpoint, MutableBytes room) = 0;

  protected:
    ~UsbFunction() = default;
};

/// Who has ports: a host controller's root hub, or a hub. Ports are counted from 0.
class UsbPorts {
  public:
    virtual void plugged(unsigned port, UsbFunction& function) = 0;
    virtual void unplugged(unsigned port) = 0;
    /// The function wants its suspended bus to go on.
    virtual void woken(unsigned port) = 0;

  protected:
    ~UsbPorts() = default;
};

/// Offered by a bus object of kind "usb".
class UsbBus {
  public:
    static constexpr const char* kId = "backplane.usb-bus/1";
    /// `count` ports come to the bus: of the hub `hub`, which is on it, or of its controller (null).
    virtual void add_ports(UsbPorts& ports, const Object* hub, unsigned count) = 0;
    /// They go, and nobody at them hears of it.
    virtual void remove_ports(UsbPorts& ports) = 0;
    /// A device on the bus has something to tell.
    virtual void wake(const Object& device) = 0;

  protected:
    ~UsbBus() = default;
};

}  // namespace backplane
