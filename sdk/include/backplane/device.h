// Devices: what a device implements, and what it is given.
//
// A device is bus-free logic. Its constructor takes the Object it is a part of and asks that for a
// DeviceContext, from which everything it uses comes: clock, wires, regions, DMA, state. It has no machine
// pointer and no address.
#pragma once

#include <backplane/clock.h>
#include <backplane/log.h>
#include <backplane/memory.h>
#include <backplane/object.h>
#include <backplane/state.h>
#include <backplane/type.h>
#include <backplane/wire.h>

namespace backplane {

/// Reset goes through all devices phase by phase: Enter puts state back (the host has already written the reset
/// values of the state description), Hold drives the lines as the datasheet says for reset, Exit lets go.
/// Default: nothing is done.
enum class ResetPhase : std::uint8_t { Enter, Hold, Exit };

/// Implemented by a device's part. Each part of an instance that offers it is called, parents first (unrealize and
/// before_save: in reverse). Thread: main, or holding the machine lock.
class Device {
  public:
    static constexpr const char* kId = "backplane.device/1";
    /// Properties are set. Returns false with a reason that names the property at fault; nothing is left behind.
    virtual bool realize(Errors& errors) = 0;
    /// Undoes realize(): no timer, region, wire or backend of the device is in use afterwards.
    virtual void unrealize() = 0;
    virtual void reset(ResetPhase phase) = 0;
    /// The machine stands still and its state tables are about to be read: what is under way outside of it (a disk
    /// request) is finished here. All devices are asked before the first table is read.
    virtual void before_save() = 0;
    /// All state tables were written: derives from this one what follows from it. Changes nothing outside of the device,
    /// as the load can still be undone. False and a reason when what is there does not fit together: some stream may
    /// have been made to do harm.
    virtual bool after_load(Errors& errors) = 0;
    /// The machine runs again for the first time since after_load(): what the world or another device is to hear (bytes
    /// that wait to be sent, a link to announce) belongs here.
    virtual void resume() = 0;

  protected:
    ~Device() = default;
};

/// A device that implements only what it needs.
class DeviceBase : public Device {
  public:
    bool realize(Errors&) override { return true; }
    void unrealize() override {}
    void reset(ResetPhase) override {}
    void before_save() override {}
    bool after_load(Errors&) override { return true; }
    void resume() override {}

  protected:
    ~DeviceBase() = default;
};

/// What the host gives to one device. Owner: the host, for the life of the object; everything that is made
/// through it goes with the object. Names are the device's own and stand in the board's wiring.
class DeviceContext {
  public:
    static constexpr const char* kId = "backplane.device-context/1";
    virtual Object& object() = 0;
    virtual Clock& clock() = 0;
    virtual WallClock& wall_clock() = 0;
    virtual Log& log() = 0;
    virtual MemoryFactory& memory() = 0;
    virtual StateTable& state() = 0;
    /// The port to the memory that this device masters: the system memory, or what its bus gave it with set_dma().
    virtual DmaPort& dma() = 0;

    /// Shows a region to the board or bus under a name, which the type lists (TypeInfo::regions); the first one is also
    /// region 0.
    virtual void export_region(Str name, MemoryRegion& region) = 0;
    virtual MemoryRegion* exported_region(Str name) = 0;
    virtual MemoryRegion* exported_region_at(std::size_t index) = 0;

    /// Declares `count` inputs under a name ("" is a usual name for the only group). The type lists it (TypeInfo::wires).
    virtual void add_inputs(Str name, unsigned count, WireReceiver& receiver) = 0;
    /// Declares `count` outputs under a name and gives the first; wire_at() gives the others.
    virtual Wire& add_outputs(Str name, unsigned count) = 0;
    virtual Wire* wire_at(Str name, unsigned index) = 0;
    /// Of all outputs of the device, in the order in which they were declared.
    virtual std::size_t output_count() const = 0;

    /// The interface `id` of the bus object that the device is plugged into; null when it is on none.
    virtual void* bus(Str interface_id) = 0;
    /// Makes a bus object of type `bus_type` (derived from "bus") below this device.
    virtual Object* create_bus(Str bus_type, Str name, Errors& errors) = 0;
    /// For bus parts: joins output number `output` (of output_count()) of `device`, on this bus, to an input of this
    /// device. The joint goes with either of them.
    virtual bool join(Object& device, std::size_t output, Str input, unsigned index, Errors& errors) = 0;
    /// For bus parts: the port that `device`, on this bus, masters from now on. Null puts the default back.
    virtual void set_dma(Object& device, DmaPort* port) = 0;
    /// A port to an address space rooted at `root` (a bus master's view); goes with the object.
    virtual DmaPort& create_dma_port(Str name, MemoryRegion& root) = 0;

    /// What a guest can ask of its machine. Returns at once; it happens on the host loop.
    virtual void request_shutdown(Str reason) = 0;  ///< "guest-shutdown"; exit status 0
    virtual void request_reset(Str reason) = 0;     ///< "guest-reset"
    virtual void
    request_failure(int exit_code) = 0;  ///< the test device's failure code: the process exits with it
    /// Emits a management event about this device; `json` is an object's text, or empty.
    virtual void emit_event(Str name, Str json) = 0;
    /// Some interface of the host by id: the way this one grows.
    virtual void* host_interface(Str interface_id) = 0;

  protected:
    ~DeviceContext() = default;
};

/// The context of the device that `object` is. Throws for a type that does not derive from "device", which the host
/// reports with the type's name.
inline DeviceContext& device_context(Object& object) { return require<DeviceContext>(object, "device"); }

/// A TypeInfo for a device of class T (constructor T(Object&), derived from Device), from what the author gives.
template <class T>
constexpr TypeInfo device_type(TypeInfo info) {
    if (Str(info.parent) == Str("object")) info.parent = "device";
    info.instance_init = make_part<T>;
    info.instance_finalize = free_part<T>;
    return info;
}
/// The interface row that every device needs.
template <class T>
inline constexpr InterfaceInfo kDeviceInterfaces[] = {offers<T, Device>()};

}  // namespace backplane
