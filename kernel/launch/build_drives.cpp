// Where the images of -drive go.
#include "kernel/launch/build_site.h"
#include "kernel/vocabulary/device_names.h"
#include "kernel/vocabulary/user_error.h"

#include <set>

namespace backplane::kernel {

/// Drives for chips of the board go to the board; those for plugged devices wait for the buses.
void DrivePlaces::place() {
    const BoardTraits& traits = site_.machine.traits();
    std::set<std::pair<std::string, unsigned>> places;
    for (const DrivePlan& drive : site_.plan.drives) {
        if (drive.interface == "none") continue;
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
        if (row && row->device)
            plugged_.push_back({drive.option, row->device, "", "", {{"drive", drive.node}}});
        else on_board_[{interface, index}] = drive.option;
        if (on_board_.contains({interface, index}))
            site_.machine.add_drive(interface, index,
                                    {site_.machine.objects().find_id(drive.node), drive.removable});
    }
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
