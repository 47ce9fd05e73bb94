#include "kernel/machine/machine_parts.h"

#include "kernel/machine/backend_host.h"
#include "kernel/machine/board_host.h"
#include "kernel/machine/device_host.h"

namespace backplane::kernel {

MachineParts::MachineParts(Catalog& catalog_, LogHub& hub_)
    : catalog(catalog_),
      hub(hub_),
      log(hub_, "machine"),
      loop(lock),
      memory(lock, log),
      wiring(&lock),
      entropy(log),
      interfaces(loop, lock, wiring),
      whereabouts(*this),
      standstill(*this),
      run(*this),
      processors(*this),
      debug(*this),
      board(*this),
      devices(*this),
      drives(*this),
      disk_failures(*this),
      snapshots(*this),
      objects(std::make_unique<ObjectTree>(catalog_.types(), [this](Instance& i) { return make_host(i); })) {
    loop.on_failure([this](const std::string& message) { run.request_internal_error(message); });
    interfaces.offer<UnpluggedDevices>(devices);
    interfaces.offer<DeviceReset>(devices);
    interfaces.offer<ProcessorPlug>(processors);
    interfaces.offer<Entropy>(entropy);
    interfaces.offer<GuestHealth>(run);
    interfaces.offer<MachineSleep>(run);
    interfaces.offer<LostTicks>(loop.wall_clock());
    interfaces.offer<Whereabouts>(whereabouts);
    interfaces.offer<Standstill>(standstill);
    interfaces.offer<NumaTopology>(numa);
    interfaces.offer<MemoryRoom>(memory_room);
    interfaces.offer<NumaPerformance>(numa);
    interfaces.offer<MediumWatch>(drives);
    interfaces.offer<DiskFailures>(disk_failures);
    interfaces.offer<DiskErrorChoice>(disk_failures);
    interfaces.offer<FirmwareFiles>(firmware_files);
    interfaces.offer<DirtyPages>(dirty_pages);
    objects->set_destroy_hook([this](Instance& instance) { forget(instance); });
    // Before the machine, so that they outlive it: also those that are filled while it runs.
    for (const char* name : {"objects", "chardevs", "blockdevs", "netdevs"}) folder(name);
}

MachineParts::~MachineParts() {
    const std::lock_guard guard(lock);
    if (run.state() == RunState::Running) processors.stop();
    run.close();
    whereabouts.close();
    devices.close();
    processors.detach_all();
    objects.reset();
}

std::unique_ptr<InstanceHost> MachineParts::make_host(Instance& instance) {
    if (instance.is_a("device")) return std::make_unique<DeviceHost>(*this, instance);
    if (instance.is_a("machine")) return std::make_unique<BoardHost>(*this, instance);
    return std::make_unique<BackendHost>(*this, instance);
}

/// Drops what the parts hold of an object that is about to go.
void MachineParts::forget(Instance& instance) {
    if (instance.is_a("device")) host_of(instance).release_memory();
    else if (instance.is_a("machine")) static_cast<BoardHost&>(*instance.host()).release_memory();
    else if (std::ranges::find(configuration.ram_backends, &instance) != configuration.ram_backends.end())
        memory.release_backends();
    devices.forget(instance);
    drives.forget(instance);
    processors.forget(instance);
    board.forget(instance);
}

Instance& MachineParts::folder(std::string_view path) {
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

void* MachineParts::find_interface(Str id) {
    void* found = interfaces.find(id);
    if (!found) found = processors.accelerator_interface(id);
    if (!found && objects)  // none, while they are on their way out
        objects->walk(objects->root(), [&](Instance& instance) {
            if (!found && instance.is_a("service") && instance.realized()) found = instance.query(id);
        });
    return found ? found : make_service_for(id);
}

void* MachineParts::make_service_for(Str id) {
    // None before there is a machine that it would be a part of, and none while all go.
    if (!objects || !objects->root().child("machine")) return nullptr;
    const ManifestType* type = catalog.service_that_offers(id.view());
    if (!type) return nullptr;
    const std::string name(type->name);
    Instance& services = folder("machine/services");
    if (services.child(name)) return nullptr;  // it is being made, and asks for itself in a roundabout way
    ErrorText errors;
    Instance* service = objects->create(name, name, services, errors);
    if (service && service->realize(errors)) return service->query(id);
    log.write(LogLevel::Warning, "machine",
              "service '" + name + "' is wanted, and is not there: " + errors.text());
    if (service) objects->destroy(*service);
    return nullptr;
}

void MachineParts::reset_all() {
    devices.reset();
    board.reset();
    processors.states_changed();
}

}  // namespace backplane::kernel
