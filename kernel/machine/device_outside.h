// What a device shows to its board: the regions and wires that it has, against those that its type lists.
#pragma once

#include "kernel/machine/wiring.h"
#include "kernel/object/type_store.h"

#include <backplane/memory.h>

namespace backplane::kernel {

using ShownRegions = std::vector<std::pair<std::string, MemoryRegion*>>;

/// What is there and not listed, listed and not there, or of another size: a sentence whose subject is the type. Empty
/// when all is as listed.
std::string outside_problem(const Type& type, const ShownRegions& regions,
                            const std::vector<Wiring::Group>& groups);

}  // namespace backplane::kernel
