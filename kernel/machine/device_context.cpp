#include "kernel/machine/device_context.h"

#include "kernel/machine/machine_state.h"

namespace backplane::kernel {

DeviceContextImpl& context_of(Instance& device) { return static_cast<DeviceContextImpl&>(*device.context()); }

DeviceContextImpl::DeviceContextImpl(MachineState& machine, Instance& instance)
    : machine_(machine), instance_(instance), log_(machine.hub, instance.path_text()) {}

DeviceContextImpl::~DeviceContextImpl() {
    machine_.wiring.remove(&instance_);
    release_memory();
}

void DeviceContextImpl::release_memory() {
    dma_.reset();
    ports_.clear();
    for (AddressSpace* space : spaces_) machine_.map.destroy_address_space(*space);
    spaces_.clear();
    owner_.reset();
}

MemoryOwner& DeviceContextImpl::owner() {
    if (!owner_) owner_ = machine_.map.create_owner(instance_.path_text());
    return *owner_;
}

void* DeviceContextImpl::query(Str interface_id) {
    if (interface_id == Str(DeviceContext::kId)) return static_cast<DeviceContext*>(this);
    return nullptr;
}

Instance* DeviceContextImpl::bus_object() const {
    if (bus_) return bus_;
    Instance* parent = instance_.parent_instance();
    return parent && parent->is_a("bus") ? parent : nullptr;
}

void* DeviceContextImpl::bus(Str interface_id) {
    Instance* bus = bus_object();
    return bus ? bus->query(interface_id) : nullptr;
}

bool DeviceContextImpl::realize(Instance& instance, Errors& errors) {
    Instance* bus = bus_object();
    if (bus) {
        auto* plug = backplane::query<Bus>(*bus);
        if (!plug || !plug->attach(instance, errors)) return false;
        attached_ = true;
    }
    std::vector<Device*> realized;
    bool ok = true;
    instance.for_each_part<Device>([&](Device& part) {
        if (!ok) return;
        ok = part.realize(errors);
        if (ok) realized.push_back(&part);
    });
    if (ok && (!bus || backplane::query<Bus>(*bus)->place(instance, errors))) return true;
    for (auto part = realized.rbegin(); part != realized.rend(); ++part) (*part)->unrealize();
    if (attached_) backplane::query<Bus>(*bus)->detach(instance);
    attached_ = false;
    return false;
}

void DeviceContextImpl::unrealize(Instance& instance) {
    std::vector<Device*> parts;
    instance.for_each_part<Device>([&](Device& part) { parts.push_back(&part); });
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) (*part)->unrealize();
    machine_.wiring.silence(&instance_);
    if (Instance* bus = bus_object(); bus && attached_) backplane::query<Bus>(*bus)->detach(instance);
    attached_ = false;
}

void DeviceContextImpl::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) state_.reset();
    instance_.for_each_part<Device>([&](Device& part) { part.reset(phase); });
}

Clock& DeviceContextImpl::clock() { return machine_.loop.virtual_clock(); }
WallClock& DeviceContextImpl::wall_clock() { return machine_.loop.wall_clock(); }

DmaPort& DeviceContextImpl::dma() {
    if (!dma_)
        dma_ = std::make_unique<SwitchablePort>(machine_.map.create_port(*machine_.memory_space, owner()));
    return *dma_;
}

void DeviceContextImpl::set_dma(Object& device, DmaPort* port) {
    auto& context = context_of(static_cast<Instance&>(device));
    context.dma();
    context.dma_->redirect(port);
}

DmaPort& DeviceContextImpl::create_dma_port(Str name, MemoryRegion& root) {
    spaces_.push_back(&machine_.map.create_address_space(name.view(), root));
    ports_.push_back(machine_.map.create_port(*spaces_.back(), owner()));
    return *ports_.back();
}

void DeviceContextImpl::export_region(Str name, MemoryRegion& region) {
    regions_.emplace_back(name.view(), &region);
}

MemoryRegion* DeviceContextImpl::exported_region(Str name) {
    for (const auto& [known, region] : regions_)
        if (name == Str(known)) return region;
    return nullptr;
}

MemoryRegion* DeviceContextImpl::exported_region_at(std::size_t index) {
    return index < regions_.size() ? regions_[index].second : nullptr;
}

void DeviceContextImpl::add_inputs(Str name, unsigned count, WireReceiver& receiver) {
    machine_.wiring.add_inputs(&instance_, name, count, receiver);
}

Wire& DeviceContextImpl::add_outputs(Str name, unsigned count) {
    return machine_.wiring.add_outputs(&instance_, name, count);
}

Wire* DeviceContextImpl::wire_at(Str name, unsigned index) {
    return machine_.wiring.output(&instance_, name, index);
}

Object* DeviceContextImpl::create_bus(Str bus_type, Str name, Errors& errors) {
    Instance* bus = machine_.objects->create(bus_type, std::string(name.view()), instance_, errors);
    if (!bus) return nullptr;
    if (!bus->is_a("bus")) {
        errors.fail("'" + std::string(bus_type.view()) + "' is not a bus");
        machine_.objects->destroy(*bus);
        return nullptr;
    }
    if (!bus->realize(errors)) {
        machine_.objects->destroy(*bus);
        return nullptr;
    }
    return bus;
}

void DeviceContextImpl::request_shutdown(Str reason) {
    machine_.machine.request_end(std::string(reason.view()));
}
void DeviceContextImpl::request_reset(Str reason) {
    machine_.machine.request_reset(std::string(reason.view()));
}
void DeviceContextImpl::request_failure(int exit_code) {
    // Before there is a guest, it is the board that ends the program, as its user asked.
    machine_.machine.request_end(machine_.finished || !machine_.board ? "guest-panic" : "host-ui", exit_code);
}

void DeviceContextImpl::emit_event(Str name, Str json) {
    machine_.request([&](Requests& r) { r.events.emplace_back(name.view(), json.view()); });
}

void* DeviceContextImpl::host_interface(Str interface_id) { return machine_.host_interface(interface_id); }

BackendContextImpl::BackendContextImpl(MachineState& machine, Instance& instance)
    : machine_(machine), instance_(instance), log_(machine.hub, instance.path_text()) {}

void* BackendContextImpl::query(Str interface_id) {
    if (interface_id == Str(BackendContext::kId)) return static_cast<BackendContext*>(this);
    return nullptr;
}

bool BackendContextImpl::realize(Instance& instance, Errors& errors) {
    std::vector<Completable*> completed;
    bool ok = true;
    instance.for_each_part<Completable>([&](Completable& part) {
        ok = ok && part.complete(errors);
        if (ok) completed.push_back(&part);
    });
    if (!ok)
        for (auto part = completed.rbegin(); part != completed.rend(); ++part) (*part)->shut_down();
    return ok;
}

void BackendContextImpl::unrealize(Instance& instance) {
    std::vector<Completable*> parts;
    instance.for_each_part<Completable>([&](Completable& part) { parts.push_back(&part); });
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) (*part)->shut_down();
}

EventLoop& BackendContextImpl::loop() { return machine_.loop; }
void BackendContextImpl::request_quit() { machine_.machine.request_end("host-ui"); }

void BackendContextImpl::emit_event(Str name, Str json) {
    machine_.request([&](Requests& r) { r.events.emplace_back(name.view(), json.view()); });
}

Object* BackendContextImpl::find(Str id) { return machine_.objects->find(id); }
void* BackendContextImpl::host_interface(Str interface_id) { return machine_.host_interface(interface_id); }

}  // namespace backplane::kernel
