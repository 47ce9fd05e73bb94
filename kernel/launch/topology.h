// -smp: from what was said to a complete and consistent topology.
#pragma once

#include "kernel/launch/plan.h"

#include <backplane/board.h>

namespace backplane::kernel {

/// Works out what was left open: cores first, then sockets, then threads; or sockets first, as the board has it. Throws
/// UserError when the numbers contradict each other or the machine takes fewer CPUs. `machine` is its option name, for
/// the message.
Topology resolve_topology(const SmpPlan& smp, const BoardTraits& traits, std::string_view machine);

}  // namespace backplane::kernel
