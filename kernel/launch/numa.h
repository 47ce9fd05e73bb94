// -numa: from what was said to a complete and consistent set of nodes.
#pragma once

#include "kernel/launch/plan.h"
#include "kernel/machine/machine_configuration.h"

#include <functional>

namespace backplane::kernel {

/// Whose memory is a node's.
struct NumaMemory {
    /// The memory backend of that id, realized; throws UserError when there is none.
    std::function<Instance*(const std::string& id)> backend;
    std::uint64_t total = 0;     ///< bytes of the machine
    bool may_say_sizes = false;  ///< mem= alone makes a node, as up to release 5.0
    bool tells_speed = false;    ///< guests are told how fast it is: -machine hmat=on
};

/// Throws UserError, beginning with the option that is at fault. What is accepted and hardly meant goes to `warnings`.
NumaConfiguration resolve_numa(const NumaPlan& plan, const Topology& topology, const NumaMemory& memory,
                               std::vector<std::string>& warnings);

}  // namespace backplane::kernel
