// Launch plan → machine.
#pragma once

#include "kernel/launch/plan.h"

#include <backplane/abi.h>

namespace backplane::kernel {

class Catalog;
class LogHub;
class Machine;

/// Makes everything that the plan asks for, in `machine`, which is new: the machine is then ready to start.
/// Throws LaunchError whose message begins with the option at fault.
void build_machine(const LaunchPlan& plan, Machine& machine);
/// Throws LaunchError when there is no machine type of the plan's name. What else is wrong depends on it.
void check_machine_type(const LaunchPlan& plan, const Catalog& catalog);
/// Is `name` a log item: one of log_items(), or the name of a plugin or type for what that says of itself?
bool known_log_item(const Catalog& catalog, const std::string& name, Errors& errors);
/// Switches the plan's log items on, and its file. Throws LaunchError.
void configure_log(const LaunchPlan& plan, const Catalog& catalog, LogHub& log);

struct LogItem {
    const char* name;
    const char* summary;
};
Slice<const LogItem> log_items();

}  // namespace backplane::kernel
