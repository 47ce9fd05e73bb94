// The bench for one device, as <backplane/testing/bench.h> promises it: a machine without a board.
#include "kernel/machine/device_host.h"
#include "kernel/machine/machine_parts.h"

#include <backplane/testing/bench.h>

#include <chrono>
#include <map>
#include <stdexcept>

namespace backplane::testing {

using namespace backplane::kernel;

namespace {

[[noreturn]] void raise(const ErrorText& errors) { throw std::runtime_error(errors.text()); }

/// Hears what the device asks of its machine.
class RequestRecorder final : public EventListener {
  public:
    void machine_event(std::string_view name, std::string_view data) override {
        if (name != "SHUTDOWN" && name != "RESET") return;
        const std::size_t key = data.find("\"reason\":\"");
        if (key == std::string_view::npos) return;
        const std::string_view rest = data.substr(key + 10);
        requests.emplace_back(rest.substr(0, rest.find('"')));
    }
    std::vector<std::string> requests;
};

/// Counts the changes of one output.
class Meter final : public WireReceiver {
  public:
    void wire_changed(unsigned, int) override { ++changes; }
    unsigned changes = 0;
};

}  // namespace

struct DeviceBench::State {
    State() : machine(catalog, log) {
        // The test's thread is the only one: it holds the lock as the main thread does in a callback.
        machine.lock().lock();
        MachineParts& parts = machine.parts();
        ErrorText errors;
        if (!parts.memory.make_ram(kRamSize, errors) ||
            !parts.memory.system_root().add(parts.memory.ram(), Offset(kRamBase.value), 0, errors))
            raise(errors);
        parts.loop.virtual_clock().set_manual(true);
        parts.loop.set_rtc(
            {.base = RtcOptions::Base::Date, .date_ns = kDate * 1'000'000'000, .virtual_clock = true});
        parts.loop.virtual_clock().start();
        machine.add_event_listener(recorder);
    }
    ~State() {
        machine.remove_event_listener(recorder);
        machine.lock().unlock();
    }

    Instance& focused() {
        if (!focus) throw std::runtime_error("there is no device on the bench");
        return *focus;
    }
    /// A region is reached through an address space of its own, so that the bench's accesses are the bus's.
    AddressSpace& space_of(std::string_view name) {
        DeviceHost& host = host_of(focused());
        MemoryRegion* region = name.empty() ? host.exported_region_at(0) : host.exported_region(name);
        if (!region)
            throw std::runtime_error("the device has no region '" + std::string(name) + "'" +
                                     host.region_names());
        AddressSpace*& space = spaces[region];
        if (space) return *space;
        MachineParts& parts = machine.parts();
        if (!window_owner) window_owner = parts.memory.map().create_owner("/bench");
        space = &parts.memory.map().create_address_space(
            "bench", window_owner->alias("window", *region, Offset(0), region->size()));
        return *space;
    }

    Catalog catalog;
    LogHub log;
    RequestRecorder recorder;
    Machine machine;
    std::unique_ptr<MemoryOwner> window_owner;
    std::map<MemoryRegion*, AddressSpace*> spaces;
    Instance* focus = nullptr;
    bool failed = false;
    std::uint32_t cpus = 0;
    std::map<std::pair<std::string, unsigned>, std::unique_ptr<Meter>> meters;
};

DeviceBench::DeviceBench() : state_(std::make_unique<State>()) {}

DeviceBench::DeviceBench(std::string_view type, const Properties& properties) : DeviceBench() {
    add(type, "device", properties);
}

DeviceBench::~DeviceBench() {
    if (!state_) return;
    MachineParts& machine = state_->machine.parts();
    for (const auto& [region, space] : state_->spaces) machine.memory.map().destroy_address_space(*space);
    for (const auto& [key, meter] : state_->meters) machine.wiring.remove(meter.get());
    state_->window_owner.reset();
}

Object& DeviceBench::add(std::string_view type, std::string_view id, const Properties& properties,
                         std::string_view bus_name) {
    const std::string reason = try_add(type, id, properties, bus_name);
    if (!reason.empty()) throw std::runtime_error(reason);
    return *state_->machine.objects().find_id(id);
}

std::string DeviceBench::try_add(std::string_view type, std::string_view id, const Properties& properties,
                                 std::string_view bus_name) {
    MachineParts& machine = state_->machine.parts();
    ErrorText errors;
    const std::string name(id);
    Instance* object = machine.objects->create(type, name, machine.folder("bench"), errors);
    if (!object) return errors.text();
    object->set_id(name);
    bool ok = true;
    if (!bus_name.empty()) {
        Instance* bus = machine.objects->find_id(bus_name);
        if (bus && !bus->is_a("bus"))
            for (const auto& child : bus->children())
                if (child->is_a("bus")) bus = child.get();
        if (!bus)
            machine.objects->walk(machine.objects->root(), [&](Instance& candidate) {
                if (candidate.is_a("bus") && candidate.name() == Str(bus_name)) bus = &candidate;
            });
        if (bus && bus->is_a("bus")) {
            host_of(*object).set_bus(bus);
        } else {
            ok = false;
            errors.fail("there is no bus '" + std::string(bus_name) + "' on the bench");
        }
    }
    for (const auto& [property, value] : properties) ok = ok && object->set_property(property, value, errors);
    if (Cpu* cpu = backplane::query<Cpu>(*object)) machine.processors.set_host(*cpu, state_->cpus++);
    if (!ok || !object->realize(errors)) {
        machine.objects->destroy(*object);
        return errors.text();
    }
    if (object->is_a("device")) {
        if (!state_->focus) state_->focus = object;
        machine.devices.reset(*object);
    }
    return {};
}

void DeviceBench::remove(Object& object) {
    MachineParts& machine = state_->machine.parts();
    if (state_->focus == &object) state_->focus = nullptr;
    machine.objects->destroy(static_cast<Instance&>(object));
}

Object& DeviceBench::device() { return state_->focused(); }
void DeviceBench::focus(Object& device) { state_->focus = static_cast<Instance*>(&device); }

std::uint64_t DeviceBench::read(std::uint64_t offset, unsigned size, std::string_view region) {
    AddressSpace& space = state_->space_of(region);
    Access access;
    const std::uint64_t value = space.load(GuestAddress(offset), size, access);
    state_->failed = access.failed;
    return value;
}

void DeviceBench::write(std::uint64_t offset, std::uint64_t value, unsigned size, std::string_view region) {
    AddressSpace& space = state_->space_of(region);
    Access access;
    space.store(GuestAddress(offset), value, size, access);
    state_->failed = access.failed;
}

std::uint64_t DeviceBench::peek(std::uint64_t offset, unsigned size, std::string_view region) {
    AddressSpace& space = state_->space_of(region);
    Access access;
    access.intent = Intent::Debug;
    const std::uint64_t value = space.load(GuestAddress(offset), size, access);
    state_->failed = access.failed;
    return value;
}

bool DeviceBench::access_failed() const { return state_->failed; }

void DeviceBench::map(Object& device, std::string_view region_name, GuestAddress address) {
    MachineParts& machine = state_->machine.parts();
    DeviceHost& host = host_of(static_cast<Instance&>(device));
    MemoryRegion* region =
        region_name.empty() ? host.exported_region_at(0) : host.exported_region(region_name);
    if (!region)
        throw std::runtime_error("the device has no region '" + std::string(region_name) + "'" +
                                 host.region_names());
    ErrorText errors;
    if (!machine.memory.system_root().add(*region, Offset(address.value), 0, errors)) raise(errors);
}

std::uint64_t DeviceBench::load(GuestAddress address, unsigned size) {
    Access access;
    const std::uint64_t value = state_->machine.system_memory().load(address, size, access);
    state_->failed = access.failed;
    return value;
}

void DeviceBench::store(GuestAddress address, std::uint64_t value, unsigned size) {
    Access access;
    state_->machine.system_memory().store(address, value, size, access);
    state_->failed = access.failed;
}

MutableBytes DeviceBench::ram() { return state_->machine.parts().memory.ram().bytes(); }

int DeviceBench::output(std::string_view name, unsigned index) {
    Wire* wire = state_->machine.parts().wiring.output(&state_->focused(), name, index);
    if (!wire) throw std::runtime_error("the device has no output '" + std::string(name) + "'");
    return wire->level();
}

/// The meter joins the output when it is first asked for: ask once before what is to be counted.
unsigned DeviceBench::output_changes(std::string_view name, unsigned index) {
    MachineParts& machine = state_->machine.parts();
    auto& meter = state_->meters[{std::string(name), index}];
    if (!meter) {
        meter = std::make_unique<Meter>();
        machine.wiring.add_inputs(meter.get(), "", 1, *meter);
        ErrorText errors;
        if (!machine.wiring.connect(&state_->focused(), name, index, meter.get(), "", 0, errors))
            raise(errors);
        meter->changes = 0;
    }
    return meter->changes;
}

void DeviceBench::set_input(std::string_view name, unsigned index, int level) {
    MachineParts& machine = state_->machine.parts();
    ErrorText errors;
    if (!machine.wiring.drive_input(&state_->focused(), name, index, level, errors)) raise(errors);
}

void DeviceBench::connect(Object& from, std::string_view output, unsigned output_index, Object& to,
                          std::string_view input, unsigned input_index) {
    MachineParts& machine = state_->machine.parts();
    ErrorText errors;
    if (!machine.wiring.connect(static_cast<Instance*>(&from), output, output_index,
                                static_cast<Instance*>(&to), input, input_index, errors))
        raise(errors);
}

std::uint64_t DeviceBench::now_ns() const { return state_->machine.clock().now_ns(); }

void DeviceBench::advance_ns(std::uint64_t delta_ns) {
    MachineParts& machine = state_->machine.parts();
    machine.loop.virtual_clock().step_to(machine.loop.virtual_clock().now_ns() + delta_ns);
    run_ready();
}

void DeviceBench::seed(std::uint64_t seed) { state_->machine.set_seed(seed); }

void DeviceBench::run_ready() { state_->machine.loop().run_ready(); }

bool DeviceBench::run_until(bool (*done)(void* data), void* data, unsigned limit_ms) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
    while (!done(data)) {
        if (std::chrono::steady_clock::now() > limit) return false;
        state_->machine.loop().run_once(10);
    }
    return true;
}

void DeviceBench::reset() {
    MachineParts& machine = state_->machine.parts();
    for (const ResetPhase phase : {ResetPhase::Enter, ResetPhase::Hold, ResetPhase::Exit})
        machine.objects->walk(state_->focused(), [&](Instance& instance) {
            if (instance.is_a("device")) host_of(instance).reset(phase);
        });
}

std::vector<std::uint8_t> DeviceBench::save_state() {
    host_of(state_->focused()).before_save();
    return host_of(state_->focused()).description().save();
}

void DeviceBench::load_state(const std::vector<std::uint8_t>& saved) {
    ErrorText errors;
    DeviceHost& host = host_of(state_->focused());
    if (!host.description().load(Bytes(saved.data(), saved.size()), errors) || !host.after_load(errors))
        raise(errors);
    host.resume();
}

std::string DeviceBench::property(Object& object, std::string_view name) {
    TextBuffer out;
    ErrorText errors;
    if (!object.get_property(name, out, errors)) raise(errors);
    return out.text();
}

void DeviceBench::set_property(Object& object, std::string_view name, std::string_view value) {
    ErrorText errors;
    if (!object.set_property(name, value, errors)) raise(errors);
}

const std::vector<std::string>& DeviceBench::requests() {
    run_ready();
    return state_->recorder.requests;
}

}  // namespace backplane::testing
