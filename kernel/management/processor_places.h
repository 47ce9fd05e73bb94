// Where the processors of a machine sit, for commands that show it.
#pragma once

#include "kernel/management/management.h"

#include <backplane/slots.h>

namespace backplane::kernel {

/// As its board says it, else as the topology has it.
ProcessorPlace processor_place(Machine& machine, std::uint32_t number);

/// What is known of it.
Json place_json(const ProcessorPlace& place);

}  // namespace backplane::kernel
