// The translations of one vCPU: found by (page, offset, pc, variant), chained, invalidated by page, flushed as a whole.
// Thread: the vCPU's.
#pragma once

#include "backend.h"
#include "mapped.h"

#include <bitset>
#include <cstdlib>
#include <deque>
#include <memory>
#include <unordered_map>

namespace backplane::tcg {

inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};

/// One translated stretch of guest code. Today a basic block; only translate.cpp knows how long one is.
struct Unit {
    std::uint64_t pc = 0;
    std::uint64_t page = kNoPage;  ///< RamBlock::base_id + page
    Unit* hash_next = nullptr;     ///< beside what find() compares
    std::uint32_t variant = 0;
    std::uint32_t size = 0;         ///< guest bytes
    std::uint64_t page2 = kNoPage;  ///< of the second page, for an instruction that crosses
    std::uint32_t start = 0;        ///< host code, byte offsets in the code memory
    std::uint32_t cold = 0;         ///< of that, what is rarely run
    std::uint32_t end = 0;
    std::uint32_t first_exit = 0;
    std::uint32_t exit_count = 0;
    std::uint32_t incoming = 0;  ///< list of exits that go here, by number + 1
    std::uint32_t checksum = 0;  ///< of the guest bytes
    bool valid = false;          ///< can be found
    bool single = false;         ///< one instruction, run once
    Unit* page_next[2] = {};

    std::uint32_t offset() const { return std::uint32_t(pc & 4095); }
    bool crosses() const { return page2 != kNoPage; }
    /// Does it hold bytes [from, to) of `which` page?
    bool overlaps(std::uint64_t which, std::uint32_t from, std::uint32_t to) const {
        if (which == page && from < std::min<std::uint32_t>(offset() + size, 4096) && to > offset())
            return true;
        return which == page2 && crosses() && from < offset() + size - 4096;
    }
};

class CodeCache {
  public:
    CodeCache(const GuestDescription& guest, HotMemory& hot, CodeMemory memory, Backend& backend,
              const Services& services);

    // ---- variants: one per (flags, modes), each with its jump cache
    /// The number for a key, or kMaxVariants when there is none left (then recycle_variant(), or flush()).
    unsigned variant(const BlockKey& key);
    /// Frees the number that was asked for longest ago; returns the pages that have no unit any more. The code must not
    /// be running.
    std::vector<std::uint64_t> recycle_variant();

    // ---- units
    Unit* find(std::uint64_t page, std::uint64_t pc, unsigned variant) const;
    /// The unit whose code holds the host address `where`.
    Unit* at(const void* where);
    /// Emits and enters it. Null: no room (flush()).
    Unit* add(const Block& block, unsigned variant, std::uint64_t page, std::uint64_t page2,
              std::uint32_t size, bool single, bool chain);
    const void* code(const Unit& unit) const { return memory_.data + unit.start; }
    void flush();
    std::uint64_t flushes() const { return flushes_; }
    std::size_t size() const { return units_.size(); }
    std::uint32_t used() const { return next_; }

    // ---- exits
    struct Exit {
        DirectExit place;
        Unit* owner = nullptr;
        Unit* target = nullptr;
        std::uint32_t next = 0;  ///< in target's list, by number + 1
    };
    const Exit& exit(std::uint64_t number) const { return exits_[number]; }
    /// Makes exit `number` jump to `target` when that is right for all time that the exit can be reached.
    void chain(std::uint64_t number, Unit& target);

    // ---- jump caches
    /// `global`: the mapping that led there is in every address space.
    void remember(unsigned variant, std::uint64_t pc, const Unit& unit, bool global);
    /// The code that was remembered for `pc`; null when there is none.
    const void* recall(unsigned variant, std::uint64_t pc) const;
    void forget_jumps();
    /// Those that are right in one address space alone.
    void forget_local_jumps();
    /// What may have been remembered for pcs of the page of `address`.
    void forget_jumps_to(std::uint64_t address);

    // ---- invalidation
    std::uint64_t dropped() const { return dropped_; }  ///< units so far
    bool has_page(std::uint64_t page) const { return pages_.contains(page); }
    /// Drops units with bytes [from, to) of `page`. True when the page has no unit any more.
    bool invalidate(std::uint64_t page, std::uint32_t from, std::uint32_t to);
    /// Drops units that hold an instruction at one of these pcs; returns the pages that have no unit any more.
    std::vector<std::uint64_t> drop_units_with(const std::vector<std::uint64_t>& pcs);
    template <class Visit>
    void for_each_page(Visit visit) const {
        for (const auto& [page, units] : pages_) visit(page);
    }
    template <class Visit>
    void for_each_unit(std::uint64_t page, Visit visit) const {
        const auto it = pages_.find(page);
        if (it == pages_.end()) return;
        for (Unit* u = it->second.head; u; u = next_in(*u, page)) visit(*u);
    }
    void disassemble(const Unit& unit, TextSink& out) const {
        backend_.disassemble(unit.start, unit.cold, out);
        out.append("  -- rarely run:\n");
        backend_.disassemble(unit.cold, unit.end, out);
    }

  private:
    struct Page {
        Unit* head = nullptr;
        std::uint64_t granules = 0;  ///< 64 bytes each: which have code
    };
    struct Variant {
        std::uint64_t flags = 0;
        std::uint8_t mmu_mode = 0, data_mode = 0;
        std::uint64_t last_use = 0;  ///< 0: free
        /// Entries of the jump cache: those that are right in one address space, and the global ones.
        std::vector<std::uint16_t> used[2];
        std::bitset<kJumpSize> listed[2];  ///< what these lists have
        std::bitset<kJumpSize> global;     ///< of what is there now
    };

    static Unit* next_in(const Unit& unit, std::uint64_t page) {
        return unit.page_next[unit.page == page ? 0 : 1];
    }
    static std::size_t hash(std::uint64_t page, std::uint64_t pc, unsigned variant) {
        std::uint64_t h =
            (page * 0x9e3779b97f4a7c15u) ^ (pc * 0xc2b2ae3d27d4eb4fu) ^ (variant * 0x165667b19e3779f9u);
        return h >> (64 - kBucketBits);
    }
    static std::uint64_t granules_of(const Unit& unit, std::uint64_t page);
    void enter_page(std::uint64_t page, Unit& unit, unsigned which);
    void drop(Unit& unit);
    template <class Which>
    std::vector<std::uint64_t> drop_units(Which which);
    void reset_jump(unsigned variant, std::size_t index);
    void forget_jumps(unsigned variant, bool global);
    std::uint64_t& jump_filter_word(std::uint64_t pc) { return jump_filter_[(pc >> 18) & 1023]; }

    const GuestDescription& guest_;
    HotMemory& hot_memory_;
    HotArea& hot_;
    CodeMemory memory_;
    Backend& backend_;
    std::uint32_t thunks_end_ = 0;
    std::uint32_t next_ = 0;
    std::uint64_t flushes_ = 0;
    struct Free {
        void operator()(Unit** p) const { std::free(p); }
    };
    static constexpr unsigned kBucketBits = 18;
    std::unique_ptr<Unit*[], Free> buckets_;  ///< zero pages of the host until used
    std::deque<Unit> units_;
    std::vector<Unit*> by_code_;
    std::vector<Exit> exits_;
    std::vector<Variant> variants_;
    unsigned last_variant_ = 0;
    std::uint64_t uses_ = 0;     ///< of variants
    std::uint64_t dropped_ = 0;  ///< units
    std::unordered_map<std::uint64_t, Page> pages_;
    std::vector<std::uint64_t> jump_filter_;  ///< a bit per page (modulo) that jump caches may know
    EmitResult emitted_;
};

}  // namespace backplane::tcg
