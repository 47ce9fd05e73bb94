#include "kernel/memory/flatten.h"

#include <algorithm>

namespace backplane::kernel {

namespace {

struct Piece {
    Wide start;
    Wide end;
    Wide reach;  ///< where the region ends here, whatever lies over it
    Region* region;
    Wide offset;
    bool read_only;
};

/// Paints regions from the one on top downwards: each fills what is still free.
class Painter {
  public:
    void paint(Region& region, SignedWide base, Wide low, Wide high, bool read_only = false) {
        if (!region.enabled()) return;
        if (!clip(base, region.wide_size(), low, high)) return;
        read_only = read_only || region.read_only();
        if (region.kind() == RegionKind::Alias) {
            paint_alias(region, base, low, high, read_only);
            return;
        }
        for (Region* child : region.children())
            paint(*child, base + SignedWide(child->offset()), low, high, read_only);
        if (region.kind() != RegionKind::Container) fill(region, base, low, high, read_only);
    }

    std::vector<Piece> take() { return std::move(pieces_); }

  private:
    static bool clip(SignedWide base, Wide size, Wide& low, Wide& high) {
        const SignedWide end = base + SignedWide(size);
        if (end <= SignedWide(low) || base >= SignedWide(high)) return false;
        low = Wide(std::max(SignedWide(low), base));
        high = Wide(std::min(SignedWide(high), end));
        return true;
    }

    // An alias seen through itself shows nothing.
    void paint_alias(Region& alias, SignedWide base, Wide low, Wide high, bool read_only) {
        if (!alias.alias_target() || std::find(open_.begin(), open_.end(), &alias) != open_.end()) return;
        open_.push_back(&alias);
        paint(*alias.alias_target(), base - SignedWide(alias.alias_offset()), low, high, read_only);
        open_.pop_back();
    }

    void fill(Region& region, SignedWide base, Wide low, Wide high, bool read_only) {
        auto next = std::partition_point(pieces_.begin(), pieces_.end(),
                                         [&](const Piece& piece) { return piece.end <= low; });
        while (low < high) {
            const Wide free_end = next == pieces_.end() ? high : std::min(high, next->start);
            if (low < free_end) {
                next = pieces_.insert(
                    next, {low, free_end, high, &region, Wide(SignedWide(low) - base), read_only});
                ++next;
            }
            if (next == pieces_.end()) return;
            low = std::max(low, next->end);
            ++next;
        }
    }

    std::vector<Piece> pieces_;
    std::vector<const Region*> open_;
};

bool continues(const Piece& first, const Piece& second) {
    return first.region == second.region && first.end == second.start &&
           first.offset + (first.end - first.start) == second.offset && first.read_only == second.read_only &&
           second.end - first.start < kWholeSpace;
}

FlatRange range_of(const Piece& piece) {
    Region& region = *piece.region;
    FlatRange range;
    range.start = std::uint64_t(piece.start);
    range.size = std::uint64_t(piece.end - piece.start);
    range.reach = std::uint64_t(std::min(piece.reach - piece.start, kWholeSpace - 1));
    range.region = &region;
    range.offset = std::uint64_t(piece.offset);
    const bool direct = region.storage() && (region.kind() != RegionKind::RomDevice || region.rom_mode());
    if (direct) {
        range.block = &region.storage()->block();
        range.block_offset = range.offset;
    }
    range.writable = region.kind() == RegionKind::Ram && !piece.read_only;
    range.handler = region.handler();
    range.traits = region.traits();
    return range;
}

}  // namespace

std::shared_ptr<RenderedView> render(Region* root) {
    auto view = std::make_shared<RenderedView>();
    if (!root) return view;
    Painter painter;
    painter.paint(*root, 0, 0, kWholeSpace);
    std::vector<Piece> pieces;
    for (const Piece& piece : painter.take()) {
        if (!pieces.empty() && continues(pieces.back(), piece)) {
            pieces.back().end = piece.end;
            pieces.back().reach = piece.reach;
        } else if (piece.end - piece.start == kWholeSpace) {
            // The size of a range has 64 bits: all of the space takes two.
            const Wide half = kWholeSpace / 2;
            pieces.push_back(piece);
            pieces.back().end = half;
            pieces.push_back(piece);
            pieces.back().start = half;
            pieces.back().offset += half;
        } else {
            pieces.push_back(piece);
        }
    }
    view->flat.ranges.reserve(pieces.size());
    for (const Piece& piece : pieces) {
        view->flat.ranges.push_back(range_of(piece));
        view->regions.push_back(piece.region->shared_from_this());
    }
    return view;
}

bool same_range(const FlatRange& a, const FlatRange& b) {
    return a.start == b.start && a.size == b.size && a.reach == b.reach && a.region == b.region &&
           a.offset == b.offset && a.block == b.block && a.writable == b.writable && a.handler == b.handler;
}

}  // namespace backplane::kernel
