#include "kernel/program/core_names.h"

#include "kernel/launch/option_table.h"
#include "kernel/management/command.h"

namespace backplane::kernel {

CoreNames core_names() {
    CoreNames names;
    const OptionTable options(nullptr);
    for (const OptionTable::Group& group : options.groups())
        for (const OptionTable::Row& row : group.rows) names.options.push_back(row.name);
    for (const CoreCommand* command : core_commands()) names.commands.push_back(row_of(command->info));
    for (const EventInfo& event : core_events()) names.events.push_back(row_of(event));
    return names;
}

}  // namespace backplane::kernel
