// Where a debugger wants CPUs to stop, as the engine looks it up. Immutable once vCPUs have it.
#pragma once

#include <backplane/draft/address_space.h>
#include <backplane/draft/debug.h>

#include <algorithm>
#include <vector>

namespace backplane::tcg {

class DebugPoints {
  public:
    static constexpr std::size_t kMaximum = 4096;

    explicit DebugPoints(Slice<const DebugPoint> points) {
        for (const DebugPoint& point : points) (is_watch(point) ? watches_ : breakpoints_).push_back(point);
        std::ranges::sort(breakpoints_, {}, &DebugPoint::address);
    }

    static bool is_watch(const DebugPoint& point) { return point.kind >= DebugStop::Reason::Write; }
    bool has_watches() const { return !watches_.empty(); }
    const std::vector<DebugPoint>& breakpoints() const { return breakpoints_; }
    const std::vector<DebugPoint>& watches() const { return watches_; }

    /// The breakpoint at `pc`, or null.
    const DebugPoint* breakpoint(std::uint64_t pc) const {
        const auto at = std::ranges::lower_bound(breakpoints_, pc, {}, &DebugPoint::address);
        return at != breakpoints_.end() && at->address == pc ? &*at : nullptr;
    }
    /// The first watchpoint that an access of `size` bytes touches, or null.
    const DebugPoint* watch(std::uint64_t address, std::uint64_t size, bool reads, bool writes) const {
        for (const DebugPoint& w : watches_) {
            const bool wanted =
                w.kind == DebugStop::Reason::Access || (w.kind == DebugStop::Reason::Read ? reads : writes);
            // Distances, so that ranges up to the last address do not wrap.
            const bool touches =
                address >= w.address ? address - w.address < w.size : w.address - address < size;
            if (wanted && touches) return &w;
        }
        return nullptr;
    }
    /// Must accesses to the page be seen? The tables for stores serve atomics as well, which read.
    bool watches_page(std::uint64_t page, bool stores) const { return watch(page, kPageSize, true, stores); }

  private:
    std::vector<DebugPoint> breakpoints_, watches_;
};

}  // namespace backplane::tcg
