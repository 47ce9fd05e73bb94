// What devices ask of their own memory: which pages were stored to.
#pragma once

#include "kernel/memory/memory_map.h"

#include <backplane/dirty_pages.h>

namespace backplane::kernel {

class DirtyPagesHost final : public DirtyPages {
  public:
    explicit DirtyPagesHost(MemoryMap& map) : map_(map) {}
    bool note(MemoryRegion& ram, bool on) override;
    bool take(MemoryRegion& ram, Slice<std::uint64_t> pages) override;

  private:
    MemoryMap& map_;
};

}  // namespace backplane::kernel
