#include "kernel/machine/drives.h"

#include "kernel/machine/json_text.h"
#include "kernel/machine/machine_parts.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

constexpr const char* kDrive = "drive";  ///< the property of all that hold a block node

}  // namespace

void Drives::add(std::string name, Instance& node, DiskErrorPolicy read_errors,
                 DiskErrorPolicy write_errors) {
    named_.push_back({std::move(name), nullptr, &node, read_errors, write_errors});
    own(node);
}

DiskErrorPolicy Drives::error_policy(const Instance& device, bool writing) {
    settle();
    const Drive* drive = drive_of(device);
    if (!drive) return DiskErrorPolicy::Auto;
    return writing ? drive->write_errors : drive->read_errors;
}

bool Drives::is_drive(const Instance& device) const {
    const Type::PropertyEntry* entry = device.is_a("device") ? device.type().find_property(kDrive) : nullptr;
    return entry && entry->info->kind == PropertyKind::Link && entry->info->choices &&
           Str(entry->info->choices) == Str(BlockBackend::kId);
}

Instance* Drives::medium_of(Instance& device) const {
    IgnoredErrors none;
    TextBuffer path;
    if (!device.get_property(kDrive, path, none) || path.text().empty()) return nullptr;
    return machine_.objects->find_path(path.text());
}

void Drives::settle() {
    for (Instance* device : machine_.devices.all()) {
        if (!is_drive(*device) || drive_of(*device)) continue;
        Instance* node = medium_of(*device);
        const auto drive = std::ranges::find_if(
            named_, [&](const Drive& each) { return !each.device && each.node && each.node == node; });
        if (drive != named_.end()) drive->device = device;
    }
    for (Drive& drive : named_)
        if (drive.device) drive.node = medium_of(*drive.device);
}

const Drives::Drive* Drives::drive_of(const Instance& device) const {
    const auto found = std::ranges::find(named_, &device, &Drive::device);
    return found == named_.end() ? nullptr : &*found;
}

std::string Drives::name_of(const Instance& device) {
    settle();
    const Drive* known = drive_of(device);
    return known ? known->name : "";
}

std::vector<Drives::Drive> Drives::all() {
    settle();
    std::vector<Drive> drives = named_;
    for (Instance* device : machine_.devices.all()) {
        if (!is_drive(*device) || drive_of(*device)) continue;
        Instance* medium = medium_of(*device);
        // What has nothing in it, and never will (a socket of the board's), is none.
        if (medium || query<MediumDrive>(*device))
            drives.push_back({.name = "", .device = device, .node = medium});
    }
    return drives;
}

const Drives::Drive* Drives::find(std::string_view name) {
    settle();
    const auto found = std::ranges::find(named_, name, &Drive::name);
    return found == named_.end() ? nullptr : &*found;
}

bool Drives::change(Instance& device, Instance* node, Errors& errors) {
    settle();
    Instance* before = medium_of(device);
    if (!device.set_link(kDrive, node, errors)) return false;
    settle();
    return !before || before == node || !owned(*before) || remove_node(*before, errors);
}

bool Drives::remove_node(Instance& node, Errors& errors) {
    if (const Instance* user = node.user_outside()) {
        errors.fail("Node " + std::string(node.id().view()) + " is in use by '" + user->path_text() +
                    "'; take it out there first");
        return false;
    }
    IgnoredErrors none;
    TextBuffer path;
    Instance* below = node.get_property("file", path, none) && !path.text().empty()
                          ? machine_.objects->find_path(path.text())
                          : nullptr;
    machine_.objects->destroy(node);
    return !below || !owned(*below) || below->user_outside() || remove_node(*below, errors);
}

/// What is not JSON's business (no name, no id) is told as the monitors tell it.
void Drives::tray_moved(Object& drive, bool open) {
    auto& device = static_cast<Instance&>(drive);
    const std::string id(device.id().view());
    machine_.run.post_event("DEVICE_TRAY_MOVED", "{\"device\":" + json_quoted(name_of(device)) + ",\"id\":" +
                                                     json_quoted(id.empty() ? device.path_text() : id) +
                                                     ",\"tray-open\":" + (open ? "true" : "false") + "}");
}

void Drives::forget(Instance& instance) {
    owned_.erase(&instance);
    std::erase_if(named_, [&](const Drive& drive) {
        return drive.device == &instance || (!drive.device && drive.node == &instance);
    });
    for (Drive& drive : named_)
        if (drive.node == &instance) drive.node = nullptr;
}

}  // namespace backplane::kernel
