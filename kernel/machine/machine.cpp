// Configuration and building; running is in run.cpp, texts for users in inspect.cpp.
#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_state.h"

#include <backplane/memory_backend.h>

#include <algorithm>
#include <cstring>

namespace backplane::kernel {

const char* run_state_name(RunState state) {
    switch (state) {
    case RunState::Prelaunch: return "prelaunch";
    case RunState::Running: return "running";
    case RunState::Paused: return "paused";
    case RunState::Shutdown: return "shutdown";
    case RunState::GuestPanicked: return "guest-panicked";
    case RunState::InternalError: return "internal-error";
    }
    return "";
}

MachineState::MachineState(Machine& machine_, Catalog& catalog_, LogHub& log)
    : machine(machine_),
      catalog(catalog_),
      hub(log),
      machine_log(log, "machine"),
      loop(machine_lock),
      map(machine_lock, machine_log) {
    owner = map.create_owner("/machine");
    system_root = &owner->container("system", 0);
    io_root = &owner->container("io", 0x10000);
    memory_space = &map.create_address_space("memory", *system_root);
    io_space = &map.create_address_space("I/O", *io_root);
    objects = std::make_unique<ObjectTree>(catalog.types(), [this](Instance& i) { return make_context(i); });
    objects->set_destroy_hook([this](Instance& instance) {
        if (instance.is_a("device")) context_of(instance).release_memory();
        else if (instance.is_a("machine"))
            static_cast<BoardContextImpl&>(*instance.context()).release_memory();
        if (auto* cpu = backplane::query<Cpu>(instance); cpu && std::erase(cpus, cpu) && accelerator)
            accelerator->detach(*cpu);
        if (&instance == accelerator_object) {
            accelerator_object = nullptr;
            accelerator = nullptr;
        }
        if (&instance == machine_instance) {
            machine_instance = nullptr;
            board = nullptr;
        }
    });
    // Before the machine, so that they outlive it: also those that are filled while it runs.
    for (const char* name : {"objects", "chardevs", "blockdevs", "netdevs"}) container(name);
}

MachineState::~MachineState() {
    const std::lock_guard guard(machine_lock);
    if (run_state == RunState::Running && accelerator) accelerator->stop();
    loop.cancel(*this);
    for (Cpu* cpu : cpus)
        if (accelerator) accelerator->detach(*cpu);
    cpus.clear();
    objects.reset();
}

std::unique_ptr<InstanceContext> MachineState::make_context(Instance& instance) {
    if (instance.is_a("device")) return std::make_unique<DeviceContextImpl>(*this, instance);
    if (instance.is_a("machine")) return std::make_unique<BoardContextImpl>(*this, instance);
    return std::make_unique<BackendContextImpl>(*this, instance);
}

Instance& MachineState::container(std::string_view path) {
    Instance* at = &objects->root();
    std::string rest(path);
    while (!rest.empty()) {
        const std::size_t slash = rest.find('/');
        const std::string name = rest.substr(0, slash);
        ErrorText errors;
        Object* next = at->child(name);
        at = next ? static_cast<Instance*>(next) : objects->create("container", name, *at, errors);
        rest = slash == std::string::npos ? "" : rest.substr(slash + 1);
    }
    return *at;
}

Object* MachineState::create(Str type, Str name, Errors& errors) {
    return objects->create(type, std::string(name.view()), *accelerator_object, errors);
}

void* MachineState::host_interface(Str id) {
    if (id == Str(ManualClock::kId)) return static_cast<ManualClock*>(this);
    if (id == Str(WireProbe::kId)) return static_cast<WireProbe*>(this);
    if (id == Str(EventLoop::kId)) return static_cast<EventLoop*>(&loop);
    if (id == Str(Clock::kId)) return static_cast<Clock*>(&loop.virtual_clock());
    if (id == Str(MachineLock::kId)) return static_cast<MachineLock*>(&machine_lock);
    const auto found = interfaces.find(id.view());
    return found == interfaces.end() ? nullptr : found->second;
}

bool MachineState::intercept_inputs(Object& device, Callback callback, void* data, Errors& errors) {
    return wiring.probe_inputs(static_cast<Instance*>(&device), callback, data, errors);
}
bool MachineState::intercept_outputs(Object& device, Str name, Callback callback, void* data,
                                     Errors& errors) {
    return wiring.probe_outputs(static_cast<Instance*>(&device), name, callback, data, errors);
}
bool MachineState::set_input(Object& device, Str name, unsigned index, int level, Errors& errors) {
    return wiring.drive_input(static_cast<Instance*>(&device), name, index, level, errors);
}

Machine::Machine(Catalog& catalog, LogHub& log)
    : state_(std::make_unique<MachineState>(*this, catalog, log)) {}
Machine::~Machine() = default;

Instance* Machine::create_backend(std::string_view type, const std::string& id,
                                  const PropertyList& properties, std::string_view container,
                                  Errors& errors) {
    if (!id.empty() && state_->objects->find_id(id)) {
        errors.fail("Duplicate ID '" + id + "'");
        return nullptr;
    }
    Instance* object = state_->objects->create(type, id, state_->container(container), errors);
    if (!object) return nullptr;
    object->set_id(id);
    for (const auto& [name, value] : properties) {
        if (object->set_property(name, value, errors)) continue;
        state_->objects->destroy(*object);
        return nullptr;
    }
    if (object->realize(errors)) return object;
    state_->objects->destroy(*object);
    return nullptr;
}

bool Machine::destroy_backend(const std::string& id, Errors& errors) {
    Instance* object = state_->objects->find_id(id);
    if (!object || object->is_a("device")) {
        errors.fail("object '" + id + "' not found");
        return false;
    }
    if (const Instance* user = object->user_outside()) {
        errors.fail("object '" + id + "' is in use by '" + user->path_text() + "'; remove that first");
        return false;
    }
    if (object == state_->ram_backend) {
        errors.fail("object '" + id + "' is in use: it is the machine's memory");
        return false;
    }
    state_->objects->destroy(*object);
    return true;
}

bool Machine::set_type(std::string_view type_name, Errors& errors) {
    const Type* type = state_->catalog.types().find(type_name, errors);
    if (!type) return false;
    state_->objects->set_compat(type->compat());
    Instance* machine = state_->objects->create(type_name, "machine", state_->objects->root(), errors);
    if (!machine) return false;
    state_->board = backplane::query<Board>(*machine);
    if (!state_->board || !type->class_data()) {
        errors.fail("type '" + std::string(type_name) + "' is not a board that can be built");
        state_->objects->destroy(*machine);
        return false;
    }
    std::uint32_t size = 0;
    std::memcpy(&size, type->class_data(), sizeof size);
    state_->traits = {};
    std::memcpy(static_cast<void*>(&state_->traits), type->class_data(),
                std::min<std::size_t>(size, sizeof(BoardTraits)));
    state_->machine_instance = machine;
    return true;
}

const BoardTraits& Machine::traits() const { return state_->traits; }

Instance& Machine::machine_object() { return *state_->machine_instance; }
void Machine::set_topology(const Topology& topology) { state_->topology = topology; }
void Machine::set_ram_size(std::uint64_t bytes) { state_->ram_size = bytes; }

std::uint64_t Machine::ram_size() const { return state_->ram_size; }

bool Machine::set_ram_backend(Instance& backend, Errors& errors) {
    auto* memory = backend.realized() ? backplane::query<MemoryBackend>(backend) : nullptr;
    if (!memory) {
        errors.fail("'" + std::string(backend.id().view()) +
                    "' is no memory backend; -object help lists those");
        return false;
    }
    state_->ram_backend = &backend;
    state_->ram_size = memory->memory().size;
    return true;
}

void Machine::set_cpu(std::string type, PropertyList features) {
    state_->cpu_type = std::move(type);
    state_->cpu_features = std::move(features);
}

void Machine::set_serials(std::vector<Instance*> serials) { state_->serials = std::move(serials); }

void Machine::add_drive(std::string interface, unsigned index, Instance* node) {
    state_->drives[{std::move(interface), index}] = node;
}

std::vector<std::pair<std::string, unsigned>> Machine::unused_drives() const {
    std::vector<std::pair<std::string, unsigned>> unused;
    for (const auto& [place, node] : state_->drives)
        if (!state_->used_drives.contains(place)) unused.push_back(place);
    return unused;
}

void Machine::set_default_devices(bool wanted) { state_->default_devices = wanted; }
void Machine::set_rtc(const RtcOptions& options) { state_->loop.set_rtc(options); }
void Machine::set_firmware_path(std::vector<std::string> path) { state_->firmware_path = std::move(path); }

void Machine::set_reboot_policy(bool no_reboot, bool no_shutdown) {
    state_->no_reboot = no_reboot;
    state_->no_shutdown = no_shutdown;
}

bool Machine::open_accelerator(const std::vector<AcceleratorChoice>& choices, Errors& errors) {
    std::string reasons;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        const AcceleratorChoice& choice = choices[i];
        ErrorText reason;
        const std::string type =
            state_->catalog.resolve_option(choice.name, "accelerator", "accelerator", reason);
        Instance* object = nullptr;
        if (!type.empty())
            object = state_->objects->create(type, "accel", state_->container("machine"), reason);
        bool ok = object != nullptr;
        for (const auto& [name, value] : choice.properties)
            ok = ok && object->set_property(name, value, reason);
        ok = ok && object->realize(reason);
        Accelerator* accelerator = ok ? backplane::query<Accelerator>(*object) : nullptr;
        state_->accelerator_object = object;
        if (ok && !accelerator) reason.fail("type '" + type + "' is not an accelerator that can run");
        if (accelerator && accelerator->open(*state_, reason)) {
            state_->accelerator = accelerator;
            state_->accelerator_name = choice.name;
            auto* source = backplane::query<ClockSource>(*object);
            if (source && source->manual_clock()) state_->loop.virtual_clock().set_manual(true);
            return true;
        }
        state_->accelerator_object = nullptr;
        if (object) state_->objects->destroy(*object);
        const std::string text = "-accel " + choice.name + ": " + reason.text();
        if (i + 1 < choices.size())
            state_->hub.write(LogLevel::Warning, "accel", text + "; falling back to " + choices[i + 1].name);
        reasons = text;
    }
    errors.fail(choices.empty() ? "no accelerator was asked for" : reasons);
    return false;
}

const std::string& Machine::accelerator_name() const { return state_->accelerator_name; }

bool Machine::build(Errors& errors) {
    const std::lock_guard guard(state_->machine_lock);
    state_->ram = state_->ram_backend
                      ? state_->owner->ram_of(state_->ram_backend->id(), *state_->ram_backend, errors)
                      : state_->owner->ram("ram", state_->ram_size, errors);
    if (!state_->ram) return false;
    // Each mapping shows at once: a board may put bytes into what it has mapped.
    auto& context = static_cast<BoardContextImpl&>(*state_->machine_instance->context());
    return state_->machine_instance->realize(errors) && state_->board->build(context, errors);
}

namespace {

/// The bus that `wanted` names (an id, a path or a bus's own name), or the first of the right kind with room.
Instance* find_bus(ObjectTree& objects, const char* kind, const std::string& wanted, Errors& errors) {
    Instance* named = nullptr;
    Instance* free_bus = nullptr;
    bool any = false;
    objects.walk(objects.root(), [&](Instance& instance) {
        auto* bus = backplane::query<Bus>(instance);
        if (!bus) return;
        if (!wanted.empty() && (wanted == instance.name().view() || wanted == instance.path_text() ||
                                (instance.parent() && wanted == instance.parent()->id().view())))
            named = named ? named : &instance;
        if (kind && bus->kind() == Str(kind)) {
            any = true;
            if (!free_bus && bus->has_room()) free_bus = &instance;
        }
    });
    if (!wanted.empty()) {
        if (!named) errors.fail("Bus '" + wanted + "' not found");
        else if (backplane::query<Bus>(*named)->kind() != Str(kind)) {
            errors.fail("Bus '" + wanted + "' is a " +
                        std::string(backplane::query<Bus>(*named)->kind().view()) +
                        " bus, and the device goes on a " + kind + " bus");
            named = nullptr;
        }
        return named;
    }
    if (!free_bus)
        errors.fail(any ? std::string("No free slot on any '") + kind + "' bus"
                        : std::string("No '") + kind + "' bus found for this device on this machine");
    return free_bus;
}

}  // namespace

Instance* Machine::add_device(std::string_view type_name, const std::string& id, const std::string& bus_name,
                              const PropertyList& properties, Errors& errors) {
    const std::lock_guard guard(state_->machine_lock);
    const ManifestType* listed = state_->catalog.find_type(type_name);
    if (!listed || !state_->catalog.is_a(*listed, "device") || listed->abstract) {
        errors.fail(state_->catalog.explain_unknown(type_name, "device model"));
        return nullptr;
    }
    if (!listed->user_creatable) {
        errors.fail("device '" + std::string(type_name) +
                    "' is part of a board: it cannot be added by a user");
        return nullptr;
    }
    if (!id.empty() && state_->objects->find_id(id)) {
        errors.fail("Duplicate ID '" + id + "' for device");
        return nullptr;
    }
    const Type* type = state_->catalog.types().find(type_name, errors);
    if (!type) return nullptr;
    Instance* bus = nullptr;
    if (type->bus()) {
        bus = find_bus(*state_->objects, type->bus(), bus_name, errors);
        if (!bus) return nullptr;
        if (state_->finished && !backplane::query<Bus>(*bus)->hot_pluggable()) {
            errors.fail("Bus '" + std::string(bus->name().view()) + "' does not support hotplugging");
            return nullptr;
        }
    } else if (!bus_name.empty()) {
        errors.fail("device '" + std::string(type_name) + "' goes on no bus; leave out bus=");
        return nullptr;
    }
    Instance& place = state_->container(id.empty() ? "machine/peripheral-anon" : "machine/peripheral");
    Instance* device = state_->objects->create(type_name, id, place, errors);
    if (!device) return nullptr;
    device->set_id(id);
    DeviceContextImpl& context = context_of(*device);
    context.set_bus(bus);
    bool ok = true;
    for (const auto& [name, value] : properties) ok = ok && device->set_property(name, value, errors);
    if (!ok || !device->realize(errors)) {
        state_->objects->destroy(*device);
        return nullptr;
    }
    if (state_->finished)
        state_->objects->walk(*device, [](Instance& instance) {
            if (!instance.is_a("device")) return;
            for (const ResetPhase phase : {ResetPhase::Enter, ResetPhase::Hold, ResetPhase::Exit})
                context_of(instance).reset(phase);
        });
    return device;
}

bool Machine::remove_device(std::string_view id_or_path, Errors& errors) {
    const std::lock_guard guard(state_->machine_lock);
    Instance* device = state_->objects->find(id_or_path);
    if (!device || !device->is_a("device")) {
        errors.fail("Device '" + std::string(id_or_path) + "' not found");
        return false;
    }
    Instance* bus = context_of(*device).bus_object();
    auto* plug = bus ? backplane::query<Bus>(*bus) : nullptr;
    if (!plug || !plug->hot_pluggable()) {
        errors.fail(bus ? "Bus '" + std::string(bus->name().view()) + "' does not support hotplugging"
                        : "Device '" + std::string(id_or_path) + "' is not on a bus: it cannot be removed");
        return false;
    }
    if (const Instance* user = device->user_outside()) {
        errors.fail("Device '" + std::string(id_or_path) + "' is in use by '" + user->path_text() +
                    "'; remove that first");
        return false;
    }
    return plug->request_unplug(*device, errors);
}

void Machine::device_unplugged(Instance& device) {
    const std::lock_guard guard(state_->machine_lock);
    const std::string path = device.path_text();
    const std::string id(device.id().view());
    state_->objects->destroy(device);
    std::string data = "{\"path\":" + json_quoted(path);
    if (!id.empty()) data += ",\"device\":" + json_quoted(id);
    state_->emit("DEVICE_DELETED", data + "}");
}

bool MachineState::attach_cpus(Errors& errors) {
    for (Cpu* cpu : cpus)
        if (!accelerator->attach(*cpu, errors)) return false;
    return true;
}

bool Machine::finish(Errors& errors) {
    const std::lock_guard guard(state_->machine_lock);
    auto& context = static_cast<BoardContextImpl&>(*state_->machine_instance->context());
    if (!state_->board->finish(context, errors) || !state_->attach_cpus(errors)) return false;
    state_->finished = true;
    state_->reset_devices();
    return true;
}

ObjectTree& Machine::objects() { return *state_->objects; }
Catalog& Machine::catalog() { return state_->catalog; }
HostLoop& Machine::loop() { return state_->loop; }
MemoryMap& Machine::memory() { return state_->map; }
AddressSpace& Machine::system_memory() { return *state_->memory_space; }
MachineLock& Machine::lock() { return state_->machine_lock; }
Clock& Machine::clock() { return state_->loop.virtual_clock(); }
LogHub& Machine::log() { return state_->hub; }
const std::vector<Cpu*>& Machine::cpus() const { return state_->cpus; }
const Topology& Machine::topology() const { return state_->topology; }
Accelerator* Machine::accelerator() { return state_->accelerator; }
void* Machine::host_interface(Str id) { return state_->host_interface(id); }
void Machine::offer_interface(std::string id, void* interface) {
    state_->interfaces[std::move(id)] = interface;
}

}  // namespace backplane::kernel
