// One bus access to an I/O region: checked against its traits, split or widened to what its handler implements.
//
// An access that is narrower than implemented_min reaches the handler as the aligned word around it; a write has
// zero in the other bytes of that word. A wider one than implemented_max becomes several, lowest offset first.
#pragma once

#include "kernel/memory/map_core.h"

namespace backplane::kernel {

/// Who does an access: the device whose DMA it is; null for a CPU, a debugger, the host.
using Master = OwnerRecord*;

/// The value as a little-endian CPU loads it. Sets access.failed, and then gives 0, when the region refuses the
/// access. `size` is 1, 2, 4 or 8. Thread: any; the machine lock is taken unless the region does without.
std::uint64_t io_read(MapCore& core, Region& region, std::uint64_t offset, unsigned size, Access& access,
                      Master master);
void io_write(MapCore& core, Region& region, std::uint64_t offset, std::uint64_t value, unsigned size,
              Access& access, Master master);

/// The largest access that may carry the next of `size` bytes (> 0) at `offset` of a region.
unsigned io_step(const IoTraits& traits, std::uint64_t offset, std::uint64_t size);

}  // namespace backplane::kernel
