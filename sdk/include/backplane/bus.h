// The generic part of a bus: a place where devices are plugged. What a bus means is its own plugin's business.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// Implemented by the part of a type derived from "bus". Thread: main, or holding the machine lock.
class Bus {
  public:
    static constexpr const char* kId = "backplane.bus/1";
    /// The kind that a device's `bus` names: "pci", "virtio", …
    virtual Str kind() const = 0;
    /// Where a device on this bus is to sit, before attach(): a property that the device itself does not have ("addr",
    /// "irq"). False without a reason: this bus has no such property. A place that is given wins over a free one, and is
    /// forgotten with detach(), which follows also where attach() refuses or is never called.
    virtual bool set_place(Object& device, Str name, Str value, Errors& errors) = 0;
    /// Takes `device`, whose properties are set and which is not yet realized. Refuses an occupied or impossible
    /// place, naming both.
    virtual bool attach(Object& device, Errors& errors) = 0;
    /// The device is realized: its regions and outputs are all there. Refusing undoes the realizing.
    virtual bool place(Object& device, Errors& errors) = 0;
    /// The device leaves, or did not come to be. Nothing for one that is not here.
    virtual void detach(Object& device) = 0;
    /// Is there a place for one more device that does not ask for a particular one?
    virtual bool has_room() const = 0;
    /// May a device come and go while the machine runs?
    virtual bool hot_pluggable() const = 0;
    /// Asks the guest to let go of a device (device_del). Returns false with a reason when it cannot be asked. When the
    /// guest has let go, now or later, the bus says so to UnpluggedDevices.
    virtual bool request_unplug(Object& device, Errors& errors) = 0;
    /// Writes where the device sits, for `info qtree` ("addr = 02.0").
    virtual void address_of(Object& device, TextSink& out) const = 0;

  protected:
    ~Bus() = default;
};

/// The host interface "backplane.unplugged-devices/1": what a bus tells when a guest has let go of a device.
/// Thread: holding the machine lock.
class UnpluggedDevices {
  public:
    static constexpr const char* kId = "backplane.unplugged-devices/1";
    /// The device is destroyed, and users hear DEVICE_DELETED. That happens on the host loop, after the caller is done.
    virtual void unplugged(Object& device) = 0;

  protected:
    ~UnpluggedDevices() = default;
};

/// The host interface "backplane.device-reset/1": a device that is reset and not the machine (a bus's reset line).
/// Thread: holding the machine lock.
class DeviceReset {
  public:
    static constexpr const char* kId = "backplane.device-reset/1";
    /// The device, and what it is made of, go through all phases of a reset before this returns.
    virtual void reset_device(Object& device) = 0;

  protected:
    ~DeviceReset() = default;
};

/// A bus that implements only what it needs: no properties of the place, no hot-plugging.
class BusBase : public Bus {
  public:
    bool set_place(Object&, Str, Str, Errors&) override { return false; }
    bool place(Object&, Errors&) override { return true; }
    bool hot_pluggable() const override { return false; }
    bool request_unplug(Object&, Errors& errors) override {
        errors.fail("devices on this bus cannot be unplugged");
        return false;
    }
    void address_of(Object&, TextSink&) const override {}

  protected:
    ~BusBase() = default;
};

}  // namespace backplane
