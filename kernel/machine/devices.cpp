#include "kernel/machine/devices.h"

#include "kernel/machine/device_host.h"
#include "kernel/machine/guarded_bus.h"
#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>
#include <optional>

namespace backplane::kernel {

namespace {

/// The bus for what names none (<backplane/platform.h>).
constexpr const char* kAnywhere = "platform";

/// The bus that `wanted` names (an id, a path or a bus's own name), or the first of the right kind with room.
Instance* find_bus(ObjectTree& objects, const char* kind, const std::string& wanted, Errors& errors) {
    Instance* named = nullptr;
    Instance* free_bus = nullptr;
    bool any = false;
    objects.walk(objects.root(), [&](Instance& instance) {
        const GuardedBus bus(&instance);
        if (!bus) return;
        if (!wanted.empty() && (wanted == instance.name().view() || wanted == instance.path_text() ||
                                (instance.parent() && wanted == instance.parent()->id().view())))
            named = named ? named : &instance;
        if (kind && bus.kind() == kind) {
            any = true;
            if (!free_bus && bus.has_room()) free_bus = &instance;
        }
    });
    if (!wanted.empty()) {
        if (!named) errors.fail("Bus '" + wanted + "' not found");
        else if (const std::string found = GuardedBus(named).kind(); found != kind) {
            errors.fail("Bus '" + wanted + "' is a " + found + " bus, and the device goes on a " + kind +
                        " bus");
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

const Type* Devices::creatable_type(std::string_view name, const std::string& id, Errors& errors) {
    Catalog& catalog = machine_.catalog;
    const ManifestType* listed = catalog.find_type(name);
    if (!listed || !catalog.is_a(*listed, "device") || listed->abstract) {
        errors.fail(catalog.explain_unknown(name, "device model"));
        return nullptr;
    }
    if (!listed->user_creatable) {
        errors.fail("device '" + std::string(name) + "' is part of a board: it cannot be added by a user");
        return nullptr;
    }
    if (!id.empty() && machine_.objects->find_id(id)) {
        errors.fail("Duplicate ID '" + id + "' for device");
        return nullptr;
    }
    return catalog.types().find(name, errors);
}

Instance* Devices::bus_for(const Type& type, const std::string& wanted, Errors& errors) {
    Instance* bus = nullptr;
    if (type.bus() || !wanted.empty()) {
        bus = find_bus(*machine_.objects, type.bus() ? type.bus() : kAnywhere, wanted, errors);
    } else {
        IgnoredErrors none;  // it may need no place
        bus = find_bus(*machine_.objects, kAnywhere, wanted, none);
    }
    if (bus && machine_.board.finished() && !GuardedBus(bus).hot_pluggable()) {
        errors.fail("Bus '" + std::string(bus->name().view()) + "' does not support hotplugging");
        return nullptr;
    }
    if (!bus && machine_.board.finished())
        errors.fail("Device '" + std::string(type.name()) + "' does not support hotplugging");
    return bus;
}

bool Devices::set_up(Instance& device, Instance* bus, const PropertyList& properties, Errors& errors) {
    DeviceHost& host = host_of(device);
    host.set_bus(bus);
    if (device.is_a("cpu") && !machine_.processors.equip(device, errors)) return false;
    for (const auto& [name, value] : properties) {
        if (bus && !device.has_property(name)) host.set_place(name, value);
        else if (!device.set_property(name, value, errors)) return false;
    }
    if (!device.realize(errors)) return false;
    if (bus || !host.needs_a_place()) return true;
    errors.fail("nothing places device '" + std::string(device.type_name().view()) +
                "': it goes on no bus of its own, and this machine has no platform bus");
    return false;
}

Instance* Devices::add(std::string_view type_name, const std::string& id, const std::string& bus_name,
                       const PropertyList& properties, Errors& errors) {
    const Type* type = creatable_type(type_name, id, errors);
    if (!type) return nullptr;
    ErrorText reason;
    Instance* bus = bus_for(*type, bus_name, reason);
    if (reason.failed()) {
        errors.fail(reason.text());
        return nullptr;
    }
    std::optional<Processors::Standing> standing;
    if (type->is_a("cpu") && machine_.board.finished()) standing.emplace(machine_);
    Instance& place = machine_.folder(id.empty() ? "machine/peripheral-anon" : "machine/peripheral");
    Instance* device = machine_.objects->create(type_name, id, place, errors);
    if (!device) return nullptr;
    device->set_id(id);
    if (!set_up(*device, bus, properties, errors)) {
        machine_.objects->destroy(*device);
        return nullptr;
    }
    if (machine_.board.finished()) reset(*device);
    return device;
}

bool Devices::remove(std::string_view id_or_path, Errors& errors) {
    Instance* device = machine_.objects->find(id_or_path);
    if (!device || !device->is_a("device")) {
        errors.fail("Device '" + std::string(id_or_path) + "' not found");
        return false;
    }
    Instance* bus = host_of(*device).bus_object();
    const GuardedBus plug(bus);
    if (!plug || !plug.hot_pluggable()) {
        errors.fail(bus ? "Bus '" + std::string(bus->name().view()) + "' does not support hotplugging"
                        : "Device '" + std::string(id_or_path) + "' is not on a bus: it cannot be removed");
        return false;
    }
    if (const Instance* user = device->user_outside()) {
        errors.fail("Device '" + std::string(id_or_path) + "' is in use by '" + user->path_text() +
                    "'; remove that first");
        return false;
    }
    return plug.request_unplug(*device, errors);
}

void Devices::unplugged(Object& device) {
    leaving_.push_back(static_cast<Instance*>(&device));
    machine_.loop.post(*this);
}

void Devices::run() {
    while (!leaving_.empty()) {
        Instance* device = leaving_.back();
        leaving_.pop_back();
        delete_unplugged(*device);
    }
}

void Devices::forget(Instance& instance) { std::erase(leaving_, &instance); }

void Devices::close() { machine_.loop.cancel(*this); }

/// A device that is not part of `device`, and plugged into a bus that is; null: none (any more).
Instance* Devices::plugged_into(const Instance& device) {
    const auto inside = [&](const Instance* at) {
        while (at && at != &device) at = at->parent_instance();
        return at != nullptr;
    };
    Instance* found = nullptr;
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        if (!found && instance.is_a("device") && !inside(&instance) && inside(host_of(instance).bus_object()))
            found = &instance;
    });
    return found;
}

void Devices::delete_unplugged(Instance& device) {
    while (Instance* below = plugged_into(device)) delete_unplugged(*below);
    const std::string path = device.path_text();
    const std::string id(device.id().view());
    std::optional<Processors::Standing> standing;
    if (device.is_a("cpu")) standing.emplace(machine_);
    machine_.objects->destroy(device);
    std::string data = "{\"path\":" + json_quoted(path);
    if (!id.empty()) data += ",\"device\":" + json_quoted(id);
    machine_.run.emit("DEVICE_DELETED", data + "}");
}

std::vector<Instance*> Devices::all() {
    std::vector<Instance*> devices;
    machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
        if (instance.is_a("device") && instance.realized()) devices.push_back(&instance);
    });
    return devices;
}

void Devices::resume() {
    for (Instance* device : all()) host_of(*device).resume();
}

void Devices::reset() {
    const std::vector<Instance*> devices = all();
    for (const ResetPhase phase : {ResetPhase::Enter, ResetPhase::Hold, ResetPhase::Exit})
        for (Instance* device : devices) host_of(*device).reset(phase);
}

void Devices::reset_device(Object& device) { reset(static_cast<Instance&>(device)); }

void Devices::reset(Instance& device) {
    machine_.objects->walk(device, [](Instance& instance) {
        if (!instance.is_a("device")) return;
        for (const ResetPhase phase : {ResetPhase::Enter, ResetPhase::Hold, ResetPhase::Exit})
            host_of(instance).reset(phase);
    });
}

}  // namespace backplane::kernel
