// The machine's face: what it offers to the launcher and the monitors, from its parts.
#include "kernel/machine/machine.h"

#include "kernel/machine/machine_parts.h"

#include <backplane/memory_backend.h>

#include <algorithm>

namespace backplane::kernel {

Machine::Machine(Catalog& catalog, LogHub& log) : parts_(std::make_unique<MachineParts>(catalog, log)) {}
Machine::~Machine() = default;

namespace {

/// The object with its properties, ready for use; on failure it is gone, and null.
Instance* completed(ObjectTree& objects, Instance& object, const PropertyList& properties, Errors& errors) {
    bool ok = true;
    for (const auto& [name, value] : properties) ok = ok && object.set_property(name, value, errors);
    if (ok && object.realize(errors)) return &object;
    objects.destroy(object);
    return nullptr;
}

}  // namespace

Instance* Machine::create_backend(std::string_view type, const std::string& id,
                                  const PropertyList& properties, std::string_view container,
                                  Errors& errors) {
    if (!id.empty() && parts_->objects->find_id(id)) {
        errors.fail("Duplicate ID '" + id + "'");
        return nullptr;
    }
    Instance* object = parts_->objects->create(type, id, parts_->folder(container), errors);
    if (!object) return nullptr;
    object->set_id(id);
    return completed(*parts_->objects, *object, properties, errors);
}

Instance* Machine::create_service(std::string_view type, const PropertyList& properties, Errors& errors) {
    Instance& services = parts_->folder("machine/services");
    std::string name(type);
    for (unsigned n = 2; services.child(name); ++n) name = std::string(type) + "-" + std::to_string(n);
    Instance* object = parts_->objects->create(type, name, services, errors);
    return object ? completed(*parts_->objects, *object, properties, errors) : nullptr;
}

Instance* Machine::find_service(std::string_view type) {
    for (const auto& child : parts_->folder("machine/services").children())
        if (child->is_a(type)) return child.get();
    return nullptr;
}

bool Machine::destroy_backend(const std::string& id, Errors& errors) {
    Instance* object = parts_->objects->find_id(id);
    if (!object || object->is_a("device")) {
        errors.fail("object '" + id + "' not found");
        return false;
    }
    if (const Instance* user = object->user_outside()) {
        errors.fail("object '" + id + "' is in use by '" + user->path_text() + "'; remove that first");
        return false;
    }
    if (std::ranges::find(parts_->configuration.ram_backends, object) !=
        parts_->configuration.ram_backends.end()) {
        errors.fail("object '" + id + "' is in use: it is the machine's memory");
        return false;
    }
    parts_->objects->destroy(*object);
    return true;
}

bool Machine::set_type(std::string_view type, Errors& errors) { return parts_->board.set_type(type, errors); }
const BoardTraits& Machine::traits() const { return parts_->board.traits(); }
Instance& Machine::machine_object() { return *parts_->board.object(); }

void Machine::set_topology(const Topology& topology) { parts_->configuration.topology = topology; }
void Machine::set_numa(NumaConfiguration numa) {
    for (const NumaConfiguration::Node& node : numa.nodes)
        if (node.backend) parts_->configuration.ram_backends.push_back(node.backend);
    parts_->configuration.numa = std::move(numa);
}
void Machine::set_ram_size(std::uint64_t bytes) { parts_->configuration.ram_size = bytes; }
void Machine::set_memory_room(std::uint32_t slots, std::uint64_t maximum) {
    parts_->configuration.memory_slots = slots;
    parts_->configuration.maximum_ram = maximum;
}
std::uint64_t Machine::ram_size() const { return parts_->configuration.ram_size; }
bool Machine::set_ram_backend(Instance& backend, Errors& errors) {
    auto* memory = backend.realized() ? backplane::query<MemoryBackend>(backend) : nullptr;
    if (!memory) {
        errors.fail("'" + std::string(backend.id().view()) +
                    "' is no memory backend; -object help lists those");
        return false;
    }
    parts_->configuration.ram_backends = {&backend};
    parts_->configuration.ram_size = memory->memory().size;
    return true;
}
void Machine::set_cpu(std::string type, PropertyList features) {
    parts_->configuration.cpu_type = std::move(type);
    parts_->configuration.cpu_features = std::move(features);
}
void Machine::set_parallels(std::vector<Instance*> parallels) {
    parts_->configuration.parallels = std::move(parallels);
}

void Machine::set_serials(std::vector<Instance*> serials) {
    parts_->configuration.serials = std::move(serials);
}
void Machine::add_drive(std::string interface, unsigned index, const BoardDrive& drive) {
    parts_->configuration.drives.add({std::move(interface), index}, drive);
}
std::vector<std::pair<std::string, unsigned>> Machine::unused_drives() const {
    return parts_->configuration.drives.unused();
}
Drives& Machine::drives() { return parts_->drives; }
void Machine::set_default_devices(bool wanted) { parts_->configuration.default_devices = wanted; }
void Machine::set_rtc(const RtcOptions& options) { parts_->loop.set_rtc(options); }
void Machine::set_seed(std::uint64_t seed) { parts_->entropy.set_seed(seed); }
void Machine::set_firmware_path(std::vector<std::string> path) {
    parts_->configuration.firmware_path = std::move(path);
}
void Machine::set_actions(const RunActions& actions) { parts_->run.set_actions(actions); }
const RunActions& Machine::actions() const { return parts_->run.actions(); }

bool Machine::open_accelerator(const std::vector<AcceleratorChoice>& choices, Errors& errors) {
    return parts_->processors.open(choices, errors);
}
const std::string& Machine::accelerator_name() const { return parts_->processors.accelerator_name(); }

bool Machine::build(Errors& errors) {
    const std::lock_guard guard(parts_->lock);
    return parts_->board.build(errors);
}

Instance* Machine::add_device(std::string_view type, const std::string& id, const std::string& bus,
                              const PropertyList& properties, Errors& errors) {
    const std::lock_guard guard(parts_->lock);
    return parts_->devices.add(type, id, bus, properties, errors);
}
bool Machine::remove_device(std::string_view id_or_path, Errors& errors) {
    const std::lock_guard guard(parts_->lock);
    return parts_->devices.remove(id_or_path, errors);
}

bool Machine::finish(Errors& errors) {
    const std::lock_guard guard(parts_->lock);
    if (!parts_->board.finish(errors)) return false;
    parts_->reset_all();
    return true;
}

RunState Machine::run_state() const { return parts_->run.state(); }
void Machine::start() {
    const std::lock_guard guard(parts_->lock);
    parts_->run.start();
}
void Machine::stop(RunState why) {
    const std::lock_guard guard(parts_->lock);
    parts_->run.stop(why);
}
void Machine::reset() {
    const std::lock_guard guard(parts_->lock);
    parts_->run.reset();
}
void Machine::request_reset(std::string reason) { parts_->run.request_reset(std::move(reason)); }
void Machine::request_end(std::string reason, int exit_code) {
    parts_->run.request_end(std::move(reason), exit_code);
}
void Machine::request_powerdown() { parts_->run.request_powerdown(); }
int Machine::run() { return parts_->loop.run(); }
void Machine::add_event_listener(EventListener& listener) { parts_->run.add_listener(listener); }
void Machine::remove_event_listener(EventListener& listener) { parts_->run.remove_listener(listener); }
void Machine::emit_event(std::string_view name, std::string_view data) {
    parts_->run.emit(name, std::string(data));
}

ObjectTree& Machine::objects() { return *parts_->objects; }
Catalog& Machine::catalog() { return parts_->catalog; }
HostLoop& Machine::loop() { return parts_->loop; }
MemoryMap& Machine::memory() { return parts_->memory.map(); }
AddressSpace& Machine::system_memory() { return parts_->memory.system(); }
MachineLock& Machine::lock() { return parts_->lock; }
Clock& Machine::clock() { return parts_->loop.virtual_clock(); }
LogHub& Machine::log() { return parts_->hub; }
const std::vector<Cpu*>& Machine::cpus() const { return parts_->processors.cpus(); }
const std::string& Machine::cpu_type() const { return parts_->configuration.cpu_type; }
const NumaConfiguration& Machine::numa() const { return parts_->configuration.numa; }
const Topology& Machine::topology() const { return parts_->configuration.topology; }
Accelerator* Machine::accelerator() { return parts_->processors.accelerator(); }
void* Machine::host_interface(Str id) { return parts_->interfaces.find(id); }
void Machine::offer_interface(std::string id, void* interface) {
    parts_->interfaces.offer(std::move(id), interface);
}

}  // namespace backplane::kernel
