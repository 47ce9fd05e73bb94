#include "processor_slots.h"
#include "refuse.h"

#include <backplane/text.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>

namespace backplane::pc {
namespace {

constexpr const char* kBus = "x86-cpu-slots";
constexpr std::int64_t kUnset = -1;

std::int64_t number_of(Object& device, const char* property) {
    TextBuffer text;
    IgnoredErrors none;
    return device.get_property(property, text, none) ? std::atoll(text.text().c_str()) : kUnset;
}

/// SDM 3A 9.9.1: as wide as the level needs.
unsigned width(std::uint32_t count) { return unsigned(std::bit_width(count - 1)); }

}  // namespace

bool ProcessorSlots::build(BoardContext& context, bool tells_guests, Errors& errors) {
    plug_ = static_cast<ProcessorPlug*>(context.host_interface(ProcessorPlug::kId));
    topology_ = context.topology();
    processors_.resize(topology_.max_cpus);
    Object* bus = make_bus(context, kBus, "cpu-slots", tells_guests, errors);
    if (!bus) return false;
    for (std::uint32_t number = 0; number < topology_.cpus; ++number) {
        Object* processor = context.create_cpu(number, errors);
        if (!processor) return false;
        plug_->put_on(*processor, *bus);
        initial_ = number;
        const bool made = context.realize(*processor, errors);
        initial_.reset();
        if (!made) return false;
    }
    return true;
}

std::uint32_t ProcessorSlots::present() const {
    return count() - std::uint32_t(std::ranges::count(processors_, nullptr));
}

ProcessorSlots::Levels ProcessorSlots::levels(std::uint32_t number) const {
    const Topology& t = topology_;
    const std::uint32_t core = number / t.threads, module = core / t.cores, die = module / t.modules;
    return {.socket = die / t.dies,
            .die = die % t.dies,
            .module = module % t.modules,
            .core = core % t.cores,
            .thread = number % t.threads};
}

std::uint32_t ProcessorSlots::apic_id(std::uint32_t number) const {
    const Levels at = levels(number);
    std::uint32_t id = at.socket << width(topology_.dies) | at.die;
    id = id << width(topology_.modules) | at.module;
    id = id << width(topology_.cores) | at.core;
    return id << width(topology_.threads) | at.thread;
}

ProcessorPlace ProcessorSlots::place(std::uint32_t number) const {
    const NumaTopology& numa = numa_of(context());
    ProcessorPlace place;
    place.processor = processors_.at(number);
    if (numa.nodes() > 1) place.node = std::int32_t(numa.node_of_cpu(number));
    const Levels at = levels(number);
    place.socket = std::int32_t(at.socket);
    if (topology_.dies > 1) place.die = std::int32_t(at.die);
    if (topology_.modules > 1) place.module = std::int32_t(at.module);
    place.core = std::int32_t(at.core);
    place.thread = std::int32_t(at.thread);
    return place;
}

std::optional<std::uint32_t> ProcessorSlots::find(const Object& device) const {
    const auto found = std::ranges::find(processors_, &device);
    if (found == processors_.end()) return std::nullopt;
    return std::uint32_t(found - processors_.begin());
}

/// As its APIC's id says, which was given.
std::optional<std::uint32_t> ProcessorSlots::slot_of_apic(std::uint32_t id, Errors& errors) const {
    for (std::uint32_t number = 0; number < count(); ++number)
        if (apic_id(number) == id) return number;
    errors.fail("Invalid CPU with APIC ID " + std::to_string(id) +
                ", valid index range 0:" + std::to_string(count() - 1));
    return std::nullopt;
}

/// As the levels of the topology say. Those that hold one of everything may be left out.
std::optional<std::uint32_t> ProcessorSlots::slot_of_levels(Object& device, Errors& errors) const {
    const struct {
        const char* property;
        std::uint32_t count;
        bool optional;
    } kLevels[] = {{"socket-id", topology_.sockets, false},
                   {"die-id", topology_.dies, topology_.dies == 1},
                   {"module-id", topology_.modules, topology_.modules == 1},
                   {"core-id", topology_.cores, false},
                   {"thread-id", topology_.threads, false}};
    std::uint32_t number = 0;
    for (const auto& level : kLevels) {
        const std::int64_t value = number_of(device, level.property);
        if (value == kUnset && !level.optional) {
            errors.fail("CPU " + std::string(level.property) + " is not set");
            return std::nullopt;
        }
        if (value != kUnset && std::uint64_t(value) >= level.count) {
            errors.fail("Invalid CPU " + std::string(level.property) + ": " + std::to_string(value) +
                        " must be in range 0:" + std::to_string(level.count - 1));
            return std::nullopt;
        }
        number = number * level.count + std::uint32_t(std::max<std::int64_t>(value, 0));
    }
    return number;
}

std::optional<std::uint32_t> ProcessorSlots::wanted_slot(Object& device, Errors& errors) const {
    constexpr std::int64_t kNoApicId = 0xffffffff;
    const std::int64_t apic_id = number_of(device, "apic-id");
    return apic_id == kNoApicId ? slot_of_levels(device, errors)
                                : slot_of_apic(std::uint32_t(apic_id), errors);
}

/// Tells the processor where it is.
bool ProcessorSlots::set_place(Object& device, std::uint32_t number, Errors& errors) {
    const Levels at = levels(number);
    const struct {
        const char* property;
        std::uint32_t value;
    } kRows[] = {{"apic-id", apic_id(number)},   {"socket-id", at.socket},   {"die-id", at.die},
                 {"module-id", at.module},       {"core-id", at.core},       {"thread-id", at.thread},
                 {"threads", topology_.threads}, {"cores", topology_.cores}, {"modules", topology_.modules},
                 {"dies", topology_.dies}};
    return std::ranges::all_of(kRows, [&](const auto& row) {
        return device.set_property(row.property, std::to_string(row.value), errors);
    });
}

bool ProcessorSlots::take(Object& device, Errors& errors) {
    if (device.type_name() != plug_->cpu_type()) {
        errors.fail("Invalid CPU type, expected cpu type: '" + std::string(plug_->cpu_type().view()) + "'");
        return false;
    }
    const std::optional<std::uint32_t> number = initial_ ? initial_ : wanted_slot(device, errors);
    if (!number) return false;
    if (processors_[*number]) {
        errors.fail("CPU[" + std::to_string(*number) + "] with APIC ID " + std::to_string(apic_id(*number)) +
                    " exists");
        return false;
    }
    if ((!initial_ && !plug_->adopt(device, *number, errors)) || !set_place(device, *number, errors) ||
        !fitter_.prepare_processor(device, errors))
        return false;
    processors_[*number] = &device;
    return true;
}

bool ProcessorSlots::placed(Object& device, Errors& errors) {
    const std::uint32_t number = find(device).value();
    if (!fitter_.fit_processor(device, errors) || !plug_->attach(device, errors)) return false;
    came(number);
    return true;
}

void ProcessorSlots::gone(Object& device) {
    const auto number = find(device);
    if (!number) return;
    processors_[*number] = nullptr;
    left(*number);
}

bool ProcessorSlots::ask_to_leave(Object& device, Errors& errors) {
    const std::uint32_t number = find(device).value();
    if (number == 0) return refuse(errors, "Boot CPU is unpluggable");
    if (!asked()) return refuse(errors, "CPU hot unplug not supported without ACPI");
    if (!asked()->asks())
        return refuse(errors, "guests of this machine version are not asked to let go of a CPU");
    asked()->ask_to_leave(number);
    return true;
}

AcpiSlot ProcessorSlots::slot(std::uint32_t number) const {
    return {.device = processors_.at(number), .number = apic_id(number)};
}

void ProcessorSlots::let_go(std::uint32_t number) {
    if (number == 0) return;  // the others would have nobody to start them
    Slots::let_go(number);
}

}  // namespace backplane::pc
