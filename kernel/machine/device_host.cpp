#include "kernel/machine/device_host.h"

#include "kernel/machine/device_outside.h"
#include "kernel/machine/guarded_bus.h"
#include "kernel/machine/machine_parts.h"

namespace backplane::kernel {

DeviceHost& host_of(Instance& device) { return static_cast<DeviceHost&>(*device.host()); }

DeviceHost::DeviceHost(MachineParts& machine, Instance& instance)
    : machine_(machine),
      instance_(instance),
      log_(machine.hub, instance.path_text()),
      events_(machine.loop, instance.callee()) {}

DeviceHost::~DeviceHost() {
    machine_.loop.cancel(*this);
    if (const std::size_t left = events_.release())
        machine_.hub.write(LogLevel::Warning, "device",
                           callee().who() + ": it is gone, and " + std::to_string(left) +
                               " timers or watches that it did not release with it");
    machine_.wiring.remove(&instance_);
    release_memory();
}

void DeviceHost::release_memory() {
    dma_.reset();
    ports_.clear();
    for (AddressSpace* space : spaces_) machine_.memory.map().destroy_address_space(*space);
    spaces_.clear();
    owner_.reset();
}

MemoryOwner& DeviceHost::owner() {
    if (!owner_) owner_ = machine_.memory.map().create_owner(instance_.path_text(), &callee());
    return *owner_;
}

void* DeviceHost::query(Str interface_id) {
    if (interface_id == Str(DeviceContext::kId)) return static_cast<DeviceContext*>(this);
    return nullptr;
}

Instance* DeviceHost::bus_object() const {
    if (bus_) return bus_;
    Instance* parent = instance_.parent_instance();
    return parent && parent->is_a("bus") ? parent : nullptr;
}

void* DeviceHost::bus(Str interface_id) {
    Instance* bus = bus_object();
    return bus ? bus->query(interface_id) : nullptr;
}

bool DeviceHost::realize_parts(std::vector<Device*>& realized, Errors& errors) {
    bool ok = true;
    instance_.for_each_part<Device>([&](Device& part) {
        ok = ok &&
             refusable(callee(), "realize()", errors, [&](Errors& reason) { return part.realize(reason); });
        if (ok) realized.push_back(&part);
    });
    return ok;
}

std::vector<Device*> DeviceHost::parts() const {
    std::vector<Device*> parts;
    instance_.for_each_part<Device>([&](Device& part) { parts.push_back(&part); });
    return parts;
}

void DeviceHost::unrealize_parts(const std::vector<Device*>& parts) {
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
        last_call(callee(), "unrealize()", [&] { (*part)->unrealize(); });
}

bool DeviceHost::attach(const GuardedBus& bus, Errors& errors) {
    if (!bus) {
        errors.fail("'" + bus_object()->path_text() + "' (" + std::string(bus_object()->type_name().view()) +
                    ") is no bus");
        return false;
    }
    attached_ = true;
    for (const auto& [name, value] : places_) {
        const GuardedBus::Place placed = bus.set_place(instance_, name, value, errors);
        // What neither the bus nor the device knows is an error of the device's properties.
        if (placed == GuardedBus::Place::Unknown && instance_.set_property(name, value, errors)) continue;
        if (placed != GuardedBus::Place::Set) return false;
    }
    return bus.attach(instance_, errors);
}

/// Boards and listings go by the type's rows.
bool DeviceHost::shows_what_is_listed(Errors& errors) const {
    const std::string problem =
        outside_problem(instance_.type(), regions_, machine_.wiring.groups(&instance_));
    if (!problem.empty()) errors.fail("type '" + std::string(instance_.type_name().view()) + "' " + problem);
    return problem.empty();
}

/// A part that refused, or threw, has left nothing behind by contract, and is not asked to unrealize; what it made
/// here all the same goes with the object.
bool DeviceHost::realize(Instance& instance, Errors& errors) {
    const GuardedBus bus(bus_object());
    std::vector<Device*> realized;
    if ((!bus_object() || attach(bus, errors)) && realize_parts(realized, errors) &&
        shows_what_is_listed(errors) && (!bus || bus.place(instance, errors)))
        return true;
    unrealize_parts(realized);
    machine_.wiring.silence(&instance_);
    if (bus && attached_) bus.detach(instance);
    attached_ = false;
    return false;
}

void DeviceHost::unrealize(Instance& instance) {
    unrealize_parts(parts());
    machine_.wiring.silence(&instance_);
    if (attached_) GuardedBus(bus_object()).detach(instance);
    attached_ = false;
}

/// A CPU that is broken cannot be left out; of a device, the guest sees that it does not answer.
void DeviceHost::broke(const std::string& message) {
    if (instance_.is_a("cpu")) {
        machine_.run.request_internal_error(message);
        return;
    }
    machine_.hub.write(LogLevel::Error, "device",
                       message + "; the device is broken and does not answer any more");
    // A handler that runs without the lock may not wait for it.
    if (machine_.lock.held()) run();
    else machine_.loop.post(*this);
}

/// Nothing of a broken device is seen any more.
void DeviceHost::run() {
    if (owner_) owner_->silence();
    machine_.wiring.lower_outputs(&instance_);
}

void DeviceHost::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) state_.reset();
    instance_.for_each_part<Device>(
        [&](Device& part) { contained(callee(), "reset()", [&] { part.reset(phase); }); });
}

/// What a part finishes changes those that it stands on, which take down what is left: they come after it.
void DeviceHost::before_save() {
    const std::vector<Device*> all = parts();
    for (auto part = all.rbegin(); part != all.rend(); ++part)
        contained(callee(), "before_save()", [&] { (*part)->before_save(); });
}

bool DeviceHost::after_load(Errors& errors) {
    bool ok = true;
    instance_.for_each_part<Device>([&](Device& part) {
        ok = ok && refusable(callee(), "after_load()", errors,
                             [&](Errors& reason) { return part.after_load(reason); });
    });
    return ok;
}

void DeviceHost::resume() {
    instance_.for_each_part<Device>(
        [&](Device& part) { contained(callee(), "resume()", [&] { part.resume(); }); });
}

Clock& DeviceHost::clock() { return events_.clock(); }
WallClock& DeviceHost::wall_clock() { return machine_.loop.wall_clock(); }

DmaPort& DeviceHost::dma() {
    if (!dma_)
        dma_ = std::make_unique<SwitchablePort>(
            machine_.memory.map().create_port(machine_.memory.system(), owner()));
    return *dma_;
}

void DeviceHost::set_dma(Object& device, DmaPort* port) {
    auto& host = host_of(static_cast<Instance&>(device));
    host.dma();
    host.dma_->redirect(port);
}

DmaPort& DeviceHost::create_dma_port(Str name, MemoryRegion& root) {
    spaces_.push_back(&machine_.memory.map().create_address_space(name.view(), root));
    ports_.push_back(machine_.memory.map().create_port(*spaces_.back(), owner()));
    return *ports_.back();
}

void DeviceHost::export_region(Str name, MemoryRegion& region) {
    regions_.emplace_back(name.view(), &region);
}

MemoryRegion* DeviceHost::exported_region(Str name) {
    for (const auto& [known, region] : regions_)
        if (name == Str(known)) return region;
    return nullptr;
}

std::string DeviceHost::region_names() const {
    std::string text;
    for (const auto& [name, region] : regions_) text += (text.empty() ? "; it has '" : ", '") + name + "'";
    return text.empty() ? "; it has none" : text;
}

MemoryRegion* DeviceHost::exported_region_at(std::size_t index) {
    return index < regions_.size() ? regions_[index].second : nullptr;
}

void DeviceHost::add_inputs(Str name, unsigned count, WireReceiver& receiver) {
    machine_.wiring.add_inputs(&instance_, name, count, receiver, &callee());
}

Wire& DeviceHost::add_outputs(Str name, unsigned count) {
    return machine_.wiring.add_outputs(&instance_, name, count);
}

Wire* DeviceHost::wire_at(Str name, unsigned index) {
    return machine_.wiring.output(&instance_, name, index);
}

std::size_t DeviceHost::output_count() const { return machine_.wiring.outputs(&instance_).size(); }

bool DeviceHost::join(Object& device, std::size_t output, Str input, unsigned index, Errors& errors) {
    const auto& outputs = machine_.wiring.outputs(static_cast<Instance*>(&device));
    if (output < outputs.size())
        return machine_.wiring.connect(*outputs[output], &instance_, input, index, errors);
    errors.fail("'" + std::string(device.name().view()) + "' has no output number " + std::to_string(output));
    return false;
}

Object* DeviceHost::create_bus(Str bus_type, Str name, Errors& errors) {
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

void DeviceHost::request_shutdown(Str reason) { machine_.run.request_end(std::string(reason.view()), 0); }
void DeviceHost::request_reset(Str reason) { machine_.run.request_reset(std::string(reason.view())); }
void DeviceHost::request_failure(int exit_code) {
    // Before there is a guest, it is the board that ends the program, as its user asked.
    machine_.run.request_end(
        machine_.board.finished() || !machine_.board.object() ? "guest-panic" : "host-ui", exit_code);
}

void DeviceHost::emit_event(Str name, Str json) {
    machine_.run.post_event(std::string(name.view()), std::string(json.view()));
}

void* DeviceHost::host_interface(Str interface_id) {
    if (interface_id == Str(EventLoop::kId)) return &events_.loop();
    if (interface_id == Str(Clock::kId)) return &events_.clock();
    return machine_.find_interface(interface_id);
}

}  // namespace backplane::kernel
