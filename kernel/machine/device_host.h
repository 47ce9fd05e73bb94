// What the host gives to one device.
#pragma once

#include "kernel/machine/log_hub.h"
#include "kernel/machine/object_loop.h"
#include "kernel/machine/switchable_port.h"
#include "kernel/object/instance.h"
#include "kernel/object/property_list.h"
#include "kernel/state/state_description.h"

#include <backplane/bus.h>
#include <backplane/device.h>

namespace backplane::kernel {

class GuardedBus;
struct MachineParts;

class DeviceHost final : public InstanceHost, public DeviceContext, private Work {
  public:
    DeviceHost(MachineParts& machine, Instance& instance);
    ~DeviceHost() override;

    // InstanceHost
    void* query(Str interface_id) override;
    bool realize(Instance& instance, Errors& errors) override;
    void unrealize(Instance& instance) override;
    void broke(const std::string& message) override;

    // DeviceContext
    Object& object() override { return instance_; }
    Clock& clock() override;
    WallClock& wall_clock() override;
    Log& log() override { return log_; }
    MemoryFactory& memory() override { return owner(); }
    StateTable& state() override { return state_; }
    DmaPort& dma() override;
    void export_region(Str name, MemoryRegion& region) override;
    MemoryRegion* exported_region(Str name) override;
    MemoryRegion* exported_region_at(std::size_t index) override;
    void add_inputs(Str name, unsigned count, WireReceiver& receiver) override;
    Wire& add_outputs(Str name, unsigned count) override;
    Wire* wire_at(Str name, unsigned index) override;
    std::size_t output_count() const override;
    bool join(Object& device, std::size_t output, Str input, unsigned index, Errors& errors) override;
    void* bus(Str interface_id) override;
    Object* create_bus(Str bus_type, Str name, Errors& errors) override;
    void set_dma(Object& device, DmaPort* port) override;
    DmaPort& create_dma_port(Str name, MemoryRegion& root) override;
    void request_shutdown(Str reason) override;
    void request_reset(Str reason) override;
    void request_failure(int exit_code) override;
    void emit_event(Str name, Str json) override;
    void* host_interface(Str interface_id) override;

    /// The type that its board asked for, where the accelerator had one of its own for it; else its own. What is saved
    /// with the one loads with the other.
    Str saved_as() const { return stands_for_.empty() ? instance_.type_name() : Str(stands_for_); }
    void set_stands_for(std::string type) { stands_for_ = std::move(type); }
    /// The bus that it is, or will be, plugged into: what -device chose, else a parent that is a bus.
    void set_bus(Instance* bus) { bus_ = bus; }
    /// Where on the bus: said to it before it takes the device.
    void set_place(std::string name, std::string value) {
        places_.emplace_back(std::move(name), std::move(value));
    }
    /// "; it has 'registers', 'fifo'", for who asks for one that it has not.
    std::string region_names() const;
    /// Does it show anything that a board or a bus would have to place?
    bool needs_a_place() const { return !regions_.empty() || output_count() != 0; }
    Instance* bus_object() const;
    StateDescription& description() { return state_; }
    void reset(ResetPhase phase);
    void before_save();
    bool after_load(Errors& errors);
    void resume();
    /// Its regions leave the map, before its parts go.
    void release_memory();

  private:
    MemoryOwner& owner();
    Callee& callee() { return instance_.callee(); }
    bool attach(const GuardedBus& bus, Errors& errors);
    bool realize_parts(std::vector<Device*>& realized, Errors& errors);
    bool shows_what_is_listed(Errors& errors) const;
    std::vector<Device*> parts() const;
    void unrealize_parts(const std::vector<Device*>& parts);
    void run() override;
    MachineParts& machine_;
    Instance& instance_;
    ObjectLog log_;
    ObjectEvents events_;
    StateDescription state_;
    std::unique_ptr<MemoryOwner> owner_;
    std::unique_ptr<SwitchablePort> dma_;
    std::vector<AddressSpace*> spaces_;
    std::vector<std::unique_ptr<MemoryPort>> ports_;
    std::vector<std::pair<std::string, MemoryRegion*>> regions_;
    Instance* bus_ = nullptr;
    PropertyList places_;
    std::string stands_for_;
    bool attached_ = false;
};

/// The host of an instance that is a device.
DeviceHost& host_of(Instance& device);

}  // namespace backplane::kernel
