// Launch plan → machine.
#pragma once

#include "kernel/launch/plan.h"

namespace backplane::kernel {

class Catalog;
class Machine;

/// Makes everything that the plan asks for, in `machine`, which is new: the machine is then ready to start.
/// Throws UserError whose message begins with the option at fault.
void build_machine(const LaunchPlan& plan, Machine& machine);
/// Throws UserError when there is no machine type of the plan's name. What else is wrong depends on it.
void check_machine_type(const LaunchPlan& plan, const Catalog& catalog);

}  // namespace backplane::kernel
