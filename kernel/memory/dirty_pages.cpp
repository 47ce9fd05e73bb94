#include "kernel/memory/dirty_pages.h"

#include "kernel/memory/region.h"

#include <algorithm>

namespace backplane::kernel {
namespace {

RamBlock* block_of(MemoryRegion& region) {
    auto& own = static_cast<Region&>(region);
    return own.kind() == RegionKind::Ram && own.storage() ? &own.storage()->block() : nullptr;
}

}  // namespace

bool DirtyPagesHost::note(MemoryRegion& ram, bool on) {
    RamBlock* block = block_of(ram);
    if (block) map_.set_dirty_log(*block, DirtyClient::Display, on);
    return block != nullptr;
}

bool DirtyPagesHost::take(MemoryRegion& ram, Slice<std::uint64_t> pages) {
    std::ranges::fill(pages, 0);
    RamBlock* block = block_of(ram);
    if (!block) return false;
    const std::vector<std::uint64_t> dirty = map_.take_dirty(*block, DirtyClient::Display);
    std::copy_n(dirty.begin(), std::min(dirty.size(), pages.size), pages.begin());
    return !dirty.empty();
}

}  // namespace backplane::kernel
