// The text of `info mtree`, laid out as the field's users and scripts know it.
#pragma once

#include "kernel/memory/memory_map.h"

namespace backplane::kernel {

/// Each root once, under the names of the spaces that have it; then what aliases show.
std::string tree_text(const MapCore& core, const MapTextOptions& options);
/// What each space sees (`info mtree -f`).
std::string flat_text(const MapCore& core, const MapTextOptions& options);

}  // namespace backplane::kernel
