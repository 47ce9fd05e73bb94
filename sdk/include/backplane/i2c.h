// I2C and SMBus as their devices and controllers see them: whole transfers, no clock and data lines.
//
// Follows "I2C-bus specification and user manual" UM10204 and "System Management Bus Specification" 2.0, 5.5 (bus
// protocols). Ten-bit addresses, several masters, packet error codes and alerts are not modelled.
//
// A bus is an object of type "i2c-bus" that a controller makes with DeviceContext::create_bus(). Its devices are of a type
// with bus "i2c". Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// Offered by a device on the bus.
class I2cDevice {
  public:
    static constexpr const char* kId = "backplane.i2c-device/1";
    virtual std::uint8_t address() const = 0;  ///< 7 bits; fixed once it is plugged in
    /// One transfer that is addressed to the device: takes `written` (of an SMBus command: the command code first), then,
    /// after a repeated start, gives as many bytes as the controller clocks out. Both may be empty: a "quick command"
    /// asks whether the device is there. False: not acknowledged, and what is read counts as ones.
    virtual bool transfer(Bytes written, MutableBytes read) = 0;

  protected:
    ~I2cDevice() = default;
};

/// Offered by a bus object of kind "i2c".
class I2cBus {
  public:
    static constexpr const char* kId = "backplane.i2c-bus/1";
    /// False where no device acknowledges; `read` is then ones.
    virtual bool transfer(std::uint8_t address, Bytes written, MutableBytes read) = 0;

  protected:
    ~I2cBus() = default;
};

}  // namespace backplane
