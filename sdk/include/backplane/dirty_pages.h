// Which pages of a device's own memory were stored to: how a graphics adapter knows what to draw.
#pragma once

#include <backplane/memory.h>

namespace backplane {

/// A host interface of devices. Pages are of 4 KiB. Thread: main, or holding the machine lock.
class DirtyPages {
  public:
    static constexpr const char* kId = "backplane.dirty-pages/1";
    /// From now on it is noted which pages of `ram`, RAM that the caller made, are stored to by anybody; or no longer. Starts
    /// with none. False, and nothing is noted, for another kind of region.
    virtual bool note(MemoryRegion& ram, bool on) = 0;
    /// A bit for each page that was stored to since it was last asked for, lowest first; they count as clean from now on.
    /// `pages` has a bit for each of the region. False, with no bit set, when nothing is noted.
    virtual bool take(MemoryRegion& ram, Slice<std::uint64_t> pages) = 0;

  protected:
    ~DirtyPages() = default;
};

}  // namespace backplane
