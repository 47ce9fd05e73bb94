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
    /// Takes `device`, whose properties are set and which is not yet realized. Refuses an occupied or impossible
    /// place, naming both.
    virtual bool attach(Object& device, Errors& errors) = 0;
    virtual void detach(Object& device) = 0;
    /// Is there a place for one more device that does not ask for a particular one?
    virtual bool has_room() const = 0;
    /// May a device come and go while the machine runs?
    virtual bool hot_pluggable() const = 0;
    /// Asks the guest to let go of a device (device_del). Returns false with a reason when it cannot be asked.
    virtual bool request_unplug(Object& device, Errors& errors) = 0;
    /// Writes where the device sits, for `info qtree` ("addr = 02.0").
    virtual void address_of(Object& device, TextSink& out) const = 0;

  protected:
    ~Bus() = default;
};

}  // namespace backplane
