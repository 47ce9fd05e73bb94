// Where the images of -drive go.
#include "kernel/launch/build_site.h"
#include "kernel/machine/drives.h"
#include "kernel/module/manifest.h"
#include "kernel/vocabulary/device_names.h"
#include "kernel/vocabulary/user_error.h"

#include <algorithm>
#include <set>

namespace backplane::kernel {
namespace {

/// What users call the drive that is there: "ide1-cd0", "floppy0".
std::string name_of_place(const BoardTraits& traits, const std::string& interface, unsigned index,
                          bool removable) {
    const ShortName* row = find_short_name(traits.drive_interfaces, interface);
    const unsigned per_bus = row ? row->drives_per_bus : 0;
    if (per_bus == 0) return interface + std::to_string(index);
    return interface + std::to_string(index / per_bus) + (removable ? "-cd" : "-hd") +
           std::to_string(index % per_bus);
}

/// Of a word that was checked when it was read.
DiskErrorPolicy policy(std::string_view word) {
    if (word == "report") return DiskErrorPolicy::Report;
    if (word == "ignore") return DiskErrorPolicy::Ignore;
    if (word == "stop") return DiskErrorPolicy::Stop;
    return word == "enospc" ? DiskErrorPolicy::Enospc : DiskErrorPolicy::Auto;
}

}  // namespace

bool user_adds(const LaunchPlan& plan, const char* types) {
    const auto names = split_alternatives(types ? types : "");
    return std::ranges::any_of(plan.devices, [&](const DevicePlan& device) {
        return std::ranges::any_of(names, [&](std::string_view name) { return name == device.type; });
    });
}

/// Drives for chips of the board go to the board; those for plugged devices wait for the buses.
void DrivePlaces::place() {
    const BoardTraits& traits = site_.machine.traits();
    std::set<std::pair<std::string, unsigned>> places;
    unsigned loose = 0;
    for (const DrivePlan& drive : site_.plan.drives) {
        Instance& node = *site_.machine.objects().find_id(drive.node);
        if (drive.interface == "none") {
            const std::string name = drive.named ? drive.node : "none" + std::to_string(loose);
            ++loose;
            site_.machine.drives().add(name, node, policy(drive.read_errors), policy(drive.write_errors));
            continue;
        }
        if (traits.drive_interfaces.empty())
            throw UserError(drive.option + ": machine '" + site_.machine_name +
                            "' has no disk interface of its own; use if=none with -device");
        const std::string interface =
            drive.interface.empty() ? traits.drive_interfaces[0].name : drive.interface;
        const ShortName* row = find_short_name(traits.drive_interfaces, interface);
        unsigned index = drive.index.value_or(0);
        while (!drive.index && places.contains({interface, index})) ++index;
        if (!places.emplace(interface, index).second)
            throw UserError(drive.option + ": drive with if=" + interface +
                            ", index=" + std::to_string(index) + " exists; give another index=");
        site_.machine.drives().add(drive.named ? drive.node
                                               : name_of_place(traits, interface, index, drive.removable),
                                   node, policy(drive.read_errors), policy(drive.write_errors));
        if (row && row->device)
            plugged_.push_back({drive.option, row->device, "", "", {{"drive", drive.node}}});
        else on_board_[{interface, index}] = drive.option;
        if (on_board_.contains({interface, index}))
            site_.machine.add_drive(interface, index, {&node, drive.removable});
    }
    if (site_.plan.default_devices)
        for (const DefaultDrive& drive : traits.default_drives)
            if (!places.contains({drive.interface, drive.index}) && !user_adds(site_.plan, drive.instead))
                add_empty(drive);
}

/// What the machine has where its user says nothing.
void DrivePlaces::add_empty(const DefaultDrive& drive) {
    const std::string name =
        name_of_place(site_.machine.traits(), drive.interface, drive.index, drive.removable);
    Instance* node = site_.machine.create_backend("blockdev-empty", name, {}, "blockdevs", site_.errors);
    site_.check(node != nullptr, "the default drive");
    site_.machine.drives().add(name, *node);
    site_.machine.add_drive(drive.interface, drive.index, {node, drive.removable});
    on_board_[{drive.interface, drive.index}] = "the default drive";
}

void DrivePlaces::expect_used() {
    for (const auto& place : site_.machine.unused_drives())
        throw UserError(on_board_[place] + ": machine '" + site_.machine_name +
                        "' has no drive if=" + place.first + ", index=" + std::to_string(place.second) +
                        "; use if=none with -device");
}

void DrivePlaces::plug() {
    for (const DevicePlan& drive : plugged_) add_device(site_, drive);
}

}  // namespace backplane::kernel
