#include "kernel/machine/wiring.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace backplane::kernel {

void OutputWire::set(int level) {
    assert((!lock_ || lock_->held()) && "a wire changes with the machine lock held: docs/threads.md");
    if (level == level_) return;
    level_ = level;
    if (hold_.on) {
        hold_.changed.insert(hold_.changed.end(), pins_.begin(), pins_.end());
        return;
    }
    if (probe_) {
        probe_(probe_data_, group_, index_, level);
        return;
    }
    for (InputPin* pin : pins_) pin->update();
}

void InputPin::update() {
    int highest = 0;
    for (const OutputWire* driver : drivers_)
        if (!driver->probe_) highest = std::max(highest, driver->level_);
    deliver(highest);
}

void InputPin::deliver(int level) {
    if (level == level_) return;
    level_ = level;
    ++changes_;
    if (probe_) probe_(probe_data_, group_, index_, level);
    else if (receiver_ && callee_)
        contained(*callee_, "wire_changed()", [&] { receiver_->wire_changed(index_, level); });
    else if (receiver_) receiver_->wire_changed(index_, level);
}

void Wiring::add_inputs(Device device, std::string_view group, unsigned count, WireReceiver& receiver,
                        Callee* callee) {
    auto& pins = devices_[device].inputs[std::string(group)];
    const std::size_t first = pins.size();
    for (unsigned i = 0; i < count; ++i) {
        pins.push_back(std::make_unique<InputPin>(receiver, unsigned(first + i), callee));
        pins.back()->group_ = group;
    }
}

Wire& Wiring::add_outputs(Device device, std::string_view group, unsigned count) {
    auto& wires = devices_[device].outputs[std::string(group)];
    const std::size_t first = wires.size();
    for (unsigned i = 0; i < std::max(count, 1u); ++i) {
        wires.push_back(std::make_unique<OutputWire>(lock_, hold_, std::string(group), unsigned(first + i)));
        devices_[device].ordered.push_back(wires.back().get());
    }
    return *wires[first];
}

const std::vector<OutputWire*>& Wiring::outputs(Device device) const {
    static const std::vector<OutputWire*> none;
    const auto found = devices_.find(device);
    return found == devices_.end() ? none : found->second.ordered;
}

std::vector<Wiring::Group> Wiring::groups(Device device) const {
    std::vector<Group> all;
    const auto found = devices_.find(device);
    if (found == devices_.end()) return all;
    for (const auto& [name, pins] : found->second.inputs) all.push_back({name, true, pins.size()});
    for (const auto& [name, wires] : found->second.outputs) all.push_back({name, false, wires.size()});
    return all;
}

/// "there is no input 'in' number 7; it has 'in' (4), 'reset'"
std::string Wiring::lacks(Device device, bool input, std::string_view group, unsigned index) const {
    std::string has;
    for (const Group& each : groups(device))
        if (each.input == input)
            has += (has.empty() ? "'" : ", '") + each.name + "'" +
                   (each.count > 1 ? " (" + std::to_string(each.count) + ")" : "");
    return std::string("there is no ") + (input ? "input '" : "output '") + std::string(group) + "' number " +
           std::to_string(index) + "; it has " + (has.empty() ? "none" : has);
}

Wire* Wiring::output(Device device, std::string_view group, unsigned index) {
    const auto pins = devices_.find(device);
    if (pins == devices_.end()) return nullptr;
    const auto wires = pins->second.outputs.find(group);
    if (wires == pins->second.outputs.end() || index >= wires->second.size()) return nullptr;
    return wires->second[index].get();
}

InputPin* Wiring::input(Device device, std::string_view group, unsigned index, Errors& errors) {
    const auto pins = devices_.find(device);
    if (pins != devices_.end()) {
        const auto inputs = pins->second.inputs.find(group);
        if (inputs != pins->second.inputs.end() && index < inputs->second.size())
            return inputs->second[index].get();
    }
    errors.fail(lacks(device, true, group, index));
    return nullptr;
}

bool Wiring::connect(Device from, std::string_view output_group, unsigned output_index, Device to,
                     std::string_view input_group, unsigned input_index, Errors& errors) {
    auto* wire = static_cast<OutputWire*>(output(from, output_group, output_index));
    if (!wire) {
        errors.fail(lacks(from, false, output_group, output_index));
        return false;
    }
    return connect(*wire, to, input_group, input_index, errors);
}

bool Wiring::connect(OutputWire& wire, Device to, std::string_view input_group, unsigned input_index,
                     Errors& errors) {
    InputPin* pin = input(to, input_group, input_index, errors);
    if (!pin) return false;
    wire.pins_.push_back(pin);
    pin->drivers_.push_back(&wire);
    pin->update();
    return true;
}

void Wiring::silence(Device device) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (auto& [group, pins] : found->second.inputs)
        for (auto& pin : pins) pin->receiver_ = nullptr;
}

void Wiring::lower_outputs(Device device) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (auto& [group, wires] : found->second.outputs)
        for (auto& wire : wires) wire->set(0);
}

void Wiring::remove(Device device) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (auto& [group, pins] : found->second.inputs)
        for (auto& pin : pins) {
            pin->receiver_ = nullptr;
            for (OutputWire* driver : pin->drivers_) std::erase(driver->pins_, pin.get());
            pin->drivers_.clear();
        }
    for (auto& [group, wires] : found->second.outputs)
        for (auto& wire : wires)
            for (InputPin* pin : wire->pins_) {
                std::erase(pin->drivers_, wire.get());
                pin->update();
            }
    devices_.erase(found);
}

bool Wiring::probe_inputs(Device device, WireProbe::Callback callback, void* data, Errors& errors) {
    const auto found = devices_.find(device);
    if (found == devices_.end() || found->second.inputs.empty()) {
        errors.fail("the device has no inputs");
        return false;
    }
    for (auto& [group, pins] : found->second.inputs)
        for (auto& pin : pins) {
            pin->probe_ = callback;
            pin->probe_data_ = data;
        }
    return true;
}

bool Wiring::probe_outputs(Device device, std::string_view group, WireProbe::Callback callback, void* data,
                           Errors& errors) {
    const auto found = devices_.find(device);
    bool any = false;
    if (found != devices_.end())
        for (auto& [name, wires] : found->second.outputs) {
            if (!group.empty() && name != group) continue;
            any = true;
            for (auto& wire : wires) {
                wire->probe_ = callback;
                wire->probe_data_ = data;
            }
        }
    if (!any) errors.fail("the device has no output '" + std::string(group) + "'");
    return any;
}

bool Wiring::drive_input(Device device, std::string_view group, unsigned index, int level, Errors& errors) {
    InputPin* pin = input(device, group, index, errors);
    if (pin) pin->deliver(level);
    return pin != nullptr;
}

Wiring::Levels Wiring::levels(Device device) const {
    Levels levels;
    const auto found = devices_.find(device);
    if (found == devices_.end()) return levels;
    for (const auto& [group, pins] : found->second.inputs)
        for (const auto& pin : pins) levels.inputs[group].push_back(pin->level_);
    for (const auto& [group, wires] : found->second.outputs)
        for (const auto& wire : wires) levels.outputs[group].push_back(wire->level_);
    return levels;
}

void Wiring::restore(Device device, const Levels& levels) {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (auto& [group, pins] : found->second.inputs)
        for (std::size_t i = 0; i < pins.size(); ++i) pins[i]->level_ = levels.inputs.at(group).at(i);
    for (auto& [group, wires] : found->second.outputs)
        for (std::size_t i = 0; i < wires.size(); ++i) wires[i]->level_ = levels.outputs.at(group).at(i);
}

Wiring::Hold::Hold(Wiring& wiring) : wiring_(wiring) { wiring_.hold_.on = true; }

Wiring::Hold::~Hold() {
    wiring_.hold_.on = false;
    const std::vector<InputPin*> changed = std::exchange(wiring_.hold_.changed, {});
    for (InputPin* pin : changed) pin->update();
}

void Wiring::describe(Device device, TextSink& out) const {
    const auto found = devices_.find(device);
    if (found == devices_.end()) return;
    for (const auto& [group, pins] : found->second.inputs)
        for (const auto& pin : pins)
            if (pin->changes_)
                out.append("  " + group + "[" + std::to_string(pin->index_) + "]: level " +
                           std::to_string(pin->level_) + ", " + std::to_string(pin->changes_) + " changes\n");
}

void Wiring::describe_groups(Device device, std::string_view indent, TextSink& out) const {
    for (const Group& group : groups(device))
        out.append(std::string(indent) + (group.input ? "gpio-in \"" : "gpio-out \"") + group.name + "\" " +
                   std::to_string(group.count) + "\n");
}

}  // namespace backplane::kernel
