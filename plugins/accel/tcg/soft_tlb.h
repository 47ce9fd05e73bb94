// The soft TLB of one vCPU: what is known about a page (its walk, its memory), and the inline tables made from that.
// Thread: the vCPU's.
#pragma once

#include "debug_points.h"
#include "hot_area.h"

#include <backplane/draft/address_space.h>
#include <backplane/draft/tcg/front_end.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace backplane::tcg {

/// A virtual page in one MMU mode. All zero: nothing.
struct PageInfo {
    enum : std::uint8_t { kRead = 1, kWrite = 2, kExecute = 4 };
    std::uint64_t page = 0;      ///< virtual address of its first byte
    std::uint64_t physical = 0;  ///< likewise
    const FlatRange* range =
        nullptr;                ///< of the flat view that the vCPU holds; null: a hole, or parts (`mixed`)
    RamBlock* block = nullptr;  ///< when all of the page is in it
    std::uint64_t block_offset = 0;
    std::uint8_t permissions = 0;  ///< 0: the entry is empty
    std::uint8_t space = 0;        ///< the number of the CPU's address space that `physical` is in
    bool mixed = false;            ///< several ranges: each access looks up its own
    std::uint8_t listed = 0;       ///< which lists of used entries have its place: bits, by `global`
    bool global = false;           ///< in every address space
    bool direct_store = false;     ///< is RAM
    bool once = false;             ///< the walk answered for one access only: the next one asks again

    std::uint8_t* host(std::uint64_t address) const {
        return block->host + block_offset + (address & (kPageSize - 1));
    }
    std::uint64_t page_id() const { return block->base_id + (block_offset >> kPageBits); }
    std::atomic<std::uint8_t>& flags() const { return block->page_flags[block_offset >> kPageBits]; }
};

/// A stretch of physical memory, `last` being its last byte.
struct MapStretch {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

class SoftTlb {
  public:
    /// `columns`: code reads TlbColumns.
    SoftTlb(HotArea& hot, unsigned modes, bool columns);

    /// What is known for accesses of this kind; look at its page and permissions.
    PageInfo& slot(unsigned mode, AccessKind kind, std::uint64_t address) {
        return table(mode, unsigned(kind))[tlb_index(address)];
    }
    /// The page's entry for another kind, when that answers for this one as well; entered for this one then.
    PageInfo* borrow(unsigned mode, AccessKind kind, std::uint64_t address, std::uint8_t permission);
    /// Enters what a walk answered. `view`, that of the answer's address space, must outlive the entry.
    PageInfo& enter(unsigned mode, AccessKind kind, std::uint64_t address, const FillAnswer& answer,
                    const FlatView& view);
    /// Lets stores go directly when nothing watches the page.
    void allow_stores(unsigned mode, const PageInfo& info);

    void flush();
    /// The map of an address space changed in these stretches of physical memory, and `view` is what it is now: entries
    /// there go, the others of that space now name the ranges of `view`.
    void change_view(std::uint8_t space, const FlatView& view, Slice<const MapStretch> changed);
    void flush_mode(unsigned mode);
    /// All but global pages.
    void flush_local();
    /// All that belongs to the mapping of `address`. False: no more than the page; else all went.
    bool flush_page(std::uint64_t address);
    /// Direct stores to the page with this id end.
    void protect(std::uint64_t page_id);
    void protect_all();
    /// Accesses to pages that these watch take the slow path, from the next flush on. Null: none.
    void set_watches(const DebugPoints* points) { watches_ = points; }
    bool watches() const { return watches_ != nullptr; }

  private:
    static constexpr unsigned kKinds = 3;
    struct Free {
        void operator()(PageInfo* p) const { std::free(p); }
    };

    PageInfo* table(unsigned mode, unsigned kind) { return pages_[mode * kKinds + kind].get(); }
    void clear(unsigned mode, unsigned kind, std::size_t index);
    template <class Leaves>
    void sweep(unsigned mode, unsigned kind, bool global, Leaves leaves);
    TlbHalf& half(unsigned mode, AccessKind kind) {
        return kind == AccessKind::Store ? hot_.tlb[mode]->store : hot_.tlb[mode]->load;
    }
    void open(unsigned mode, AccessKind kind, const PageInfo& info);
    void close(unsigned mode, AccessKind kind, std::size_t index);
    PageInfo& install(unsigned mode, AccessKind kind, const PageInfo& info);

    struct Large {
        std::uint64_t base;
        std::uint8_t bits;
    };

    HotArea& hot_;
    unsigned modes_;
    bool columns_;
    std::vector<std::unique_ptr<PageInfo[], Free>> pages_;  ///< zero pages of the host until used
    struct Used {
        std::vector<std::uint16_t> lists[2];  ///< those of one address space, and global ones
    };
    std::array<Used, kMaxModes * kKinds> used_;
    std::vector<Large> large_;  ///< mappings of more than a page that entries belong to
    bool many_large_ = false;
    const DebugPoints* watches_ = nullptr;
};

}  // namespace backplane::tcg
