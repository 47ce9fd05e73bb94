// Turns a tree of regions into what an address space sees: sorted ranges without overlap.
#pragma once

#include "kernel/memory/region.h"

namespace backplane::kernel {

/// A view with the regions that it names kept alive. Immutable once published.
struct RenderedView : std::enable_shared_from_this<RenderedView> {
    FlatView flat;
    std::vector<std::shared_ptr<Region>> regions;
};

/// `root` may be null: nothing is mapped then. Thread: holding the machine lock.
std::shared_ptr<RenderedView> render(Region* root);

/// Do two ranges mean the same to someone who has mapped one of them?
bool same_range(const FlatRange& a, const FlatRange& b);

}  // namespace backplane::kernel
