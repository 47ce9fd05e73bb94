#include "kernel/machine/processors.h"

#include "kernel/machine/device_host.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>
#include <utility>

namespace backplane::kernel {

bool Processors::try_open(const AcceleratorChoice& choice, Errors& errors) {
    const std::string type =
        machine_.catalog.resolve_option(choice.name, "accelerator", "accelerator", errors);
    if (type.empty()) return false;
    Instance* object = machine_.objects->create(type, "accel", machine_.folder("machine"), errors);
    if (!object) return false;
    bool ok = true;
    for (const auto& [name, value] : choice.properties) ok = ok && object->set_property(name, value, errors);
    ok = ok && object->realize(errors);
    auto* accelerator = ok ? backplane::query<Accelerator>(*object) : nullptr;
    if (ok && !accelerator) errors.fail("type '" + type + "' is not an accelerator that can run");
    object_ = object;
    if (accelerator && refusable(object->callee(), "Accelerator::open()", errors,
                                 [&](Errors& reason) { return accelerator->open(*this, reason); })) {
        accelerator_ = accelerator;
        name_ = choice.name;
        auto* source = backplane::query<ClockSource>(*object);
        if (source && source->manual_clock()) machine_.loop.virtual_clock().set_manual(true);
        return true;
    }
    object_ = nullptr;
    machine_.objects->destroy(*object);
    return false;
}

bool Processors::open(const std::vector<AcceleratorChoice>& choices, Errors& errors) {
    std::string reasons;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        ErrorText reason;
        if (try_open(choices[i], reason)) return true;
        reasons = "-accel " + choices[i].name + ": " + reason.text();
        if (i + 1 < choices.size())
            machine_.hub.write(LogLevel::Warning, "accel",
                               reasons + "; falling back to " + choices[i + 1].name);
    }
    errors.fail(choices.empty() ? "no accelerator was asked for" : reasons);
    return false;
}

void* Processors::accelerator_interface(Str id) const {
    void* found = nullptr;
    if (accelerator_)
        machine_.objects->walk(*object_, [&](Instance& instance) {
            if (!found) found = instance.query(id);
        });
    return found;
}

std::string Processors::chip(Str type) const {
    const std::string asked(type.view());
    auto* chips = object_ ? backplane::query<ChipReplacements>(*object_) : nullptr;
    if (!chips) return asked;
    std::string found = asked;
    last_call(object_->callee(), "ChipReplacements::replacement()",
              [&] { found = std::string(chips->replacement(asked).view()); });
    return found;
}

void Processors::set_host(Cpu& cpu, std::uint32_t index) {
    CpuHost& host = given_[&cpu].host;
    host.index = index;
    host.address_spaces = {&machine_.memory.system()};
    host.clock = &machine_.loop.virtual_clock();
    host.lock = &machine_.lock;
    cpu.set_host(host);
}

void Processors::add(Cpu& cpu, std::uint32_t index) {
    set_host(cpu, index);
    const auto place = std::ranges::find_if(cpus_, [&](const Cpu* other) { return other->index() > index; });
    cpus_.insert(place, &cpu);
}

namespace {

/// Users' lines have CPU features with '_' as well as with '-'.
std::string spelled(const Instance& cpu, const std::string& feature) {
    std::string dashes = feature;
    std::ranges::replace(dashes, '_', '-');
    return !cpu.has_property(feature) && cpu.has_property(dashes) ? dashes : feature;
}

}  // namespace

bool Processors::equip(Instance& cpu, Errors& errors) {
    if (cpu.type_name() != cpu_type()) return true;
    return std::ranges::all_of(machine_.configuration.cpu_features, [&](const auto& feature) {
        return cpu.set_property(spelled(cpu, feature.first), feature.second, errors);
    });
}

// --- processors that come and go ---

Processors::Standing::Standing(MachineParts& machine)
    : machine_(machine), ran_(machine.run.state() == RunState::Running) {
    if (ran_) machine_.processors.stop();
}

Processors::Standing::~Standing() {
    machine_.processors.states_changed();
    if (ran_) machine_.processors.start();
}

void Processors::put_on(Object& cpu, Object& bus) {
    host_of(static_cast<Instance&>(cpu)).set_bus(static_cast<Instance*>(&bus));
}

bool Processors::adopt(Object& object, std::uint32_t index, Errors& errors) {
    Cpu* cpu = backplane::query<Cpu>(object);
    if (!cpu) {
        errors.fail("it is no CPU");
        return false;
    }
    if (std::ranges::any_of(cpus_,
                            [&](const Cpu* other) { return other == cpu || other->index() == index; })) {
        errors.fail("CPU " + std::to_string(index) + " is there already");
        return false;
    }
    add(*cpu, index);
    return true;
}

bool Processors::attach(Object& object, Errors& errors) {
    return !attached_ || attach(*backplane::query<Cpu>(object), errors);
}

Str Processors::cpu_type() const { return machine_.configuration.cpu_type; }

bool Processors::set_memory(Cpu& cpu, std::uint32_t space, MemoryRegion& root, Errors& errors) {
    Given& given = given_[&cpu];
    std::vector<AddressSpace*>& spaces = given.host.address_spaces;
    if (space > spaces.size()) {
        errors.fail("address space " + std::to_string(space) + " comes after number " +
                    std::to_string(spaces.size()) + ", which is missing");
        return false;
    }
    const std::string name =
        "cpu" + std::to_string(given.host.index) + (space ? "-memory-" + std::to_string(space) : "-memory");
    AddressSpace& made = machine_.memory.map().create_address_space(name, root);
    if (space == spaces.size()) spaces.push_back(nullptr);
    AddressSpace* before = std::exchange(spaces[space], &made);
    given.owned.push_back(&made);
    cpu.set_host(given.host);
    if (std::erase(given.owned, before)) machine_.memory.map().destroy_address_space(*before);
    return true;
}

void Processors::take_back(Given& given) {
    for (AddressSpace* space : given.owned) machine_.memory.map().destroy_address_space(*space);
    given.owned.clear();
}

bool Processors::attach(Cpu& cpu, Errors& errors) {
    return refusable(object_->callee(), "Accelerator::attach()", errors,
                     [&](Errors& reason) { return accelerator_->attach(cpu, reason); });
}

bool Processors::attach_all(Errors& errors) {
    attached_ = std::ranges::all_of(cpus_, [&](Cpu* cpu) { return attach(*cpu, errors); });
    return attached_;
}

void Processors::detach_all() {
    for (Cpu* cpu : cpus_) call("Accelerator::detach()", [&] { accelerator_->detach(*cpu); });
    cpus_.clear();
    attached_ = false;
}

/// Also when it is broken: CPUs that run must stop.
template <class Call>
void Processors::call(const char* name, const Call& body) {
    if (accelerator_) last_call(object_->callee(), name, body);
}

void Processors::start() {
    call("Accelerator::start()", [&] { accelerator_->start(); });
}
void Processors::stop() {
    call("Accelerator::stop()", [&] { accelerator_->stop(); });
}
void Processors::request_stop() {
    call("Accelerator::request_stop()", [&] { accelerator_->request_stop(); });
}
void Processors::states_changed() {
    call("Accelerator::states_changed()", [&] { accelerator_->states_changed(); });
}

void Processors::forget(Instance& instance) {
    if (auto* cpu = backplane::query<Cpu>(instance)) {
        if (std::erase(cpus_, cpu)) call("Accelerator::detach()", [&] { accelerator_->detach(*cpu); });
        if (auto given = given_.extract(cpu)) take_back(given.mapped());
    }
    if (&instance != object_) return;
    attached_ = false;
    object_ = nullptr;
    accelerator_ = nullptr;
}

Object& Processors::object() { return *object_; }
Log& Processors::log() { return machine_.log; }
MachineLock& Processors::lock() { return machine_.lock; }
Clock& Processors::clock() { return machine_.loop.virtual_clock(); }
AddressSpace& Processors::system_memory() { return machine_.memory.system(); }
AddressSpace& Processors::io_ports() { return machine_.memory.io_ports(); }

bool Processors::cpus_are(Str type) {
    ErrorText unknown;
    const Type* cpu = machine_.catalog.types().find(machine_.configuration.cpu_type, unknown);
    return cpu && cpu->is_a(type.view());
}

Str Processors::cpu_architecture() {
    const ManifestType* cpu = machine_.catalog.find_type(machine_.configuration.cpu_type);
    return architecture_ = cpu ? machine_.catalog.architecture_of(*cpu) : std::string();
}

Object* Processors::create(Str type, Str name, Errors& errors) {
    return machine_.objects->create(type, std::string(name.view()), *object_, errors);
}

void Processors::internal_error(Str message) {
    machine_.run.request_internal_error(std::string(message.view()));
}

void* Processors::host_interface(Str interface_id) { return machine_.interfaces.find(interface_id); }

}  // namespace backplane::kernel
