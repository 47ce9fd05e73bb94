#include "kernel/snapshot/machine_image.h"

#include "kernel/machine/device_host.h"
#include "kernel/machine/machine_parts.h"
#include "kernel/snapshot/bytes.h"

#include <algorithm>
#include <set>

namespace backplane::kernel::snapshot {
namespace {

using Groups = std::map<std::string, std::vector<int>>;

void put(ByteWriter& out, const Groups& groups) {
    out.number(std::uint32_t(groups.size()));
    for (const auto& [name, levels] : groups) {
        out.text(name);
        out.number(std::uint32_t(levels.size()));
        for (const int level : levels) out.number(std::uint32_t(level));
    }
}

Groups get_groups(ByteReader& in) {
    Groups groups;
    for (auto left = in.number<std::uint32_t>(); left > 0 && !in.ran_short(); --left) {
        std::vector<int>& levels = groups[in.text()];
        for (auto count = in.number<std::uint32_t>(); count > 0 && !in.ran_short(); --count)
            levels.push_back(int(in.number<std::uint32_t>()));
    }
    return groups;
}

/// Puts the device's name ahead of what is said of its table.
class DeviceErrors final : public Errors {
  public:
    DeviceErrors(const DeviceImage& device, Errors& errors) : device_(device), errors_(errors) {}
    void fail(Str message) override {
        errors_.fail("device '" + device_.path + "' (" + device_.type + "): " + std::string(message.view()));
    }

  private:
    const DeviceImage& device_;
    Errors& errors_;
};

bool same_shape(const Groups& saved, const Groups& here) {
    return std::ranges::equal(saved, here, [](const auto& a, const auto& b) {
        return a.first == b.first && a.second.size() == b.second.size();
    });
}

/// A device without state and wires is as it was saved, even when it was not there yet.
bool keeps_something(MachineParts& machine, Instance* device) {
    static const std::vector<std::uint8_t> kNothing = StateDescription().save();
    const Wiring::Levels levels = machine.wiring.levels(device);
    return !levels.outputs.empty() || !levels.inputs.empty() ||
           host_of(*device).description().save() != kNothing;
}

}  // namespace

std::vector<std::uint8_t> encode(const DeviceImage& image) {
    ByteWriter out;
    out.text(image.path);
    out.text(image.type);
    out.sized(image.table);
    put(out, image.outputs);
    put(out, image.inputs);
    return out.take();
}

bool decode(Bytes payload, DeviceImage& image) {
    ByteReader in(payload);
    image.path = in.text();
    image.type = in.text();
    const Bytes table = in.sized();
    image.table.assign(table.begin(), table.end());
    image.outputs = get_groups(in);
    image.inputs = get_groups(in);
    return in.complete();
}

MachineRecord::MachineRecord() {
    constexpr std::uint16_t kWithSleep = 1;
    describe_bytes<256>(table, "machine", machine);
    describe_bytes<256>(table, "release", release);
    describe_bytes<64>(table, "run_state", run_state);
    // A century ahead, times are still far from wrapping.
    constexpr std::uint64_t kLatest = 100ull * 365 * 86'400 * 1'000'000'000;
    describe(table, "virtual_clock", clock_ns, {.maximum = kLatest});
    describe(table, "date_offset", date_offset_ns);
    describe(table, "date_on_virtual_clock", date_on_virtual_clock);
    describe(table, "cpus", cpus);
    describe(table, "asleep", asleep, {.since = kWithSleep});
    table.set_version(kWithSleep, 0);
}

bool MachineImage::take(MachineParts& machine, const std::string& run_state, Errors& errors) {
    record_.machine = machine.board.object() ? machine.board.object()->type_name().view() : "";
    record_.release = BACKPLANE_VERSION;
    record_.run_state = run_state;
    record_.asleep = machine.run.asleep();
    record_.clock_ns = machine.loop.virtual_clock().now_ns();
    record_.date_offset_ns = machine.loop.wall_clock().offset_ns();
    record_.date_on_virtual_clock = machine.loop.wall_clock().on_virtual_clock();
    record_.cpus = std::uint32_t(machine.processors.cpus().size());
    devices_.clear();
    const std::vector<Instance*> devices = machine.devices.all();
    // One device's finishing what it has under way may change another: all of them come first.
    for (Instance* device : devices) host_of(*device).before_save();
    for (Instance* device : devices) {
        const StateDescription& description = host_of(*device).description();
        Wiring::Levels levels = machine.wiring.levels(device);
        devices_.push_back({device->path_text(), std::string(host_of(*device).saved_as().view()),
                            description.save(), std::move(levels.outputs), std::move(levels.inputs)});
        if (device->callee().broken())
            DeviceErrors(devices_.back(), errors).fail("its code failed, so that it cannot be saved");
        else if (!description.fault().empty())
            DeviceErrors(devices_.back(), errors)
                .fail("its state description is faulty, so that it cannot be saved: " + description.fault());
        else continue;
        return false;
    }
    return true;
}

bool MachineImage::set_machine(Bytes payload, Errors& errors) { return record_.table.load(payload, errors); }

bool MachineImage::add_device(Bytes payload, Errors& errors) {
    DeviceImage image;
    if (!decode(payload, image)) {
        errors.fail("the saved machine is damaged: a device's section cannot be understood");
        return false;
    }
    devices_.push_back(std::move(image));
    return true;
}

bool MachineImage::check(MachineParts& machine, Errors& errors) const {
    const auto fail = [&](const std::string& what) {
        errors.fail(what + "; start the machine with the options that it was saved with");
        return false;
    };
    const std::string type(machine.board.object() ? machine.board.object()->type_name().view() : "");
    if (type != record_.machine)
        return fail("the saved machine is a '" + record_.machine + "', and this one a '" + type + "'");
    if (record_.cpus != machine.processors.cpus().size())
        return fail("the saved machine has " + std::to_string(record_.cpus) + " CPUs, and this one " +
                    std::to_string(machine.processors.cpus().size()));
    std::set<std::string> seen;
    for (const DeviceImage& image : devices_) {
        DeviceErrors device_errors(image, errors);
        if (!seen.insert(image.path).second) {
            device_errors.fail("saved twice");
            return false;
        }
        Instance* device = machine.objects->find(image.path);
        if (!device || !device->is_a("device") || !device->realized()) {
            device_errors.fail(
                "the saved machine has it, and this one has not; start it with the options that it "
                "was saved with");
            return false;
        }
        if (host_of(*device).saved_as() != Str(image.type)) {
            device_errors.fail("in this machine it is a '" + std::string(device->type_name().view()) +
                               "'; start it with the options that it was saved with");
            return false;
        }
        const StateDescription& description = host_of(*device).description();
        if (!description.fault().empty()) {
            device_errors.fail("its state description is faulty, so that it cannot be loaded: " +
                               description.fault());
            return false;
        }
        if (!description.check(Bytes(image.table), device_errors)) return false;
        const Wiring::Levels here = machine.wiring.levels(device);
        if (!same_shape(image.outputs, here.outputs) || !same_shape(image.inputs, here.inputs)) {
            device_errors.fail(
                "it was saved with other inputs or outputs; start the machine with the options "
                "that it was saved with");
            return false;
        }
    }
    for (Instance* device : machine.devices.all())
        if (!seen.contains(device->path_text()) && keeps_something(machine, device))
            return fail("device '" + device->path_text() + "' (" + std::string(device->type_name().view()) +
                        ") is not in the saved machine");
    return true;
}

bool MachineImage::apply(MachineParts& machine, Errors& errors) const {
    machine.loop.virtual_clock().set(record_.clock_ns);
    machine.loop.wall_clock().restore(record_.date_offset_ns, record_.date_on_virtual_clock);
    const Wiring::Hold hold(machine.wiring);
    for (const DeviceImage& image : devices_) {
        Instance* device = machine.objects->find(image.path);
        host_of(*device).description().apply(Bytes(image.table));
        machine.wiring.restore(device, {image.outputs, image.inputs});
    }
    for (Instance* device : machine.devices.all()) {
        const auto image = std::ranges::find(devices_, device->path_text(), &DeviceImage::path);
        if (image == devices_.end()) continue;  // one that keeps nothing
        DeviceErrors device_errors(*image, errors);
        if (!host_of(*device).after_load(device_errors)) return false;
    }
    return true;
}

}  // namespace backplane::kernel::snapshot
