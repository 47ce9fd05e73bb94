#include "code_cache.h"

#include <algorithm>
#include <new>

namespace backplane::tcg {

CodeCache::CodeCache(const GuestDescription& guest, HotMemory& hot, CodeMemory memory, Backend& backend,
                     const Services& services)
    : guest_(guest),
      hot_memory_(hot),
      hot_(*hot.get()),
      memory_(memory),
      backend_(backend),
      buckets_(static_cast<Unit**>(std::calloc(std::size_t{1} << kBucketBits, sizeof(Unit*)))),
      jump_filter_(1024) {
    if (!buckets_) throw std::bad_alloc();
    thunks_end_ = next_ = backend.emit_thunks(services);
    exits_.reserve(1u << 14);
}

unsigned CodeCache::variant(const BlockKey& key) {
    const auto same = [&](const Variant& c) {
        return c.flags == key.flags && c.mmu_mode == key.mmu_mode && c.data_mode == key.data_mode &&
               c.last_use != 0;
    };
    if (last_variant_ < variants_.size() && same(variants_[last_variant_])) return last_variant_;
    const auto use = [&](unsigned number) {
        variants_[number].last_use = ++uses_;
        return last_variant_ = number;
    };
    for (unsigned i = 0; i < variants_.size(); ++i)
        if (same(variants_[i])) return use(i);
    unsigned number = 0;
    while (number < variants_.size() && variants_[number].last_use != 0) ++number;
    if (number == kMaxVariants || !hot_memory_.provide_jumps(number)) return kMaxVariants;
    if (number == variants_.size()) variants_.emplace_back();
    variants_[number].flags = key.flags;
    variants_[number].mmu_mode = key.mmu_mode;
    variants_[number].data_mode = key.data_mode;
    for (const bool global : {false, true}) forget_jumps(number, global);
    for (std::size_t i = 0; i < kJumpSize; ++i) reset_jump(number, i);
    return use(number);
}

std::vector<std::uint64_t> CodeCache::recycle_variant() {
    unsigned oldest = 0;
    for (unsigned i = 1; i < variants_.size(); ++i)
        if (variants_[i].last_use < variants_[oldest].last_use) oldest = i;
    variants_[oldest].last_use = 0;
    return drop_units([oldest](const Unit& unit) { return unit.variant == oldest; });
}

Unit* CodeCache::find(std::uint64_t page, std::uint64_t pc, unsigned variant) const {
    Unit* u = buckets_[hash(page, pc, variant)];
    while (u && (u->pc != pc || u->page != page || u->variant != variant)) u = u->hash_next;
    return u;
}

Unit* CodeCache::at(const void* where) {
    const auto offset = std::uint32_t(static_cast<const std::uint8_t*>(where) - memory_.data);
    const auto above = std::upper_bound(by_code_.begin(), by_code_.end(), offset,
                                        [](std::uint32_t o, const Unit* u) { return o < u->start; });
    return above == by_code_.begin() ? nullptr : *std::prev(above);
}

Unit* CodeCache::add(const Block& block, unsigned variant, std::uint64_t page, std::uint64_t page2,
                     std::uint32_t size, bool single, bool chain) {
    const EmitRequest request{&block, variant, std::uint32_t(exits_.size()), next_, chain};
    backend_.emit(request, emitted_);
    if (!emitted_.ok) return nullptr;
    Unit& u = units_.emplace_back();
    u.pc = block.pc;
    u.page = page;
    u.page2 = page2;
    u.size = size;
    u.variant = variant;
    u.start = emitted_.start;
    u.cold = emitted_.cold;
    u.end = next_ = emitted_.end;
    u.first_exit = request.first_exit;
    u.exit_count = std::uint32_t(emitted_.exits.size());
    u.single = single;
    for (const DirectExit& e : emitted_.exits) exits_.push_back({e, &u, nullptr, 0});
    by_code_.push_back(&u);
    if (single) return &u;
    u.valid = true;
    Unit*& bucket = buckets_[hash(page, u.pc, variant)];
    u.hash_next = bucket;
    bucket = &u;
    enter_page(page, u, 0);
    if (u.crosses()) enter_page(page2, u, 1);
    return &u;
}

std::uint64_t CodeCache::granules_of(const Unit& unit, std::uint64_t page) {
    const bool first = unit.page == page;
    const unsigned from = first ? unit.offset() / 64 : 0;
    const unsigned end =
        first ? std::min(unit.offset() + unit.size, 4096u) : unit.offset() + unit.size - 4096;
    const unsigned last = (end - 1) / 64;
    const std::uint64_t up_to = last == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (last + 1)) - 1;
    return up_to & ~((std::uint64_t{1} << from) - 1);
}

void CodeCache::enter_page(std::uint64_t page, Unit& unit, unsigned which) {
    Page& p = pages_[page];
    unit.page_next[which] = p.head;
    p.head = &unit;
    p.granules |= granules_of(unit, page);
}

void CodeCache::flush() {
    std::fill_n(buckets_.get(), std::size_t{1} << kBucketBits, nullptr);
    forget_jumps();
    units_.clear();
    by_code_.clear();
    exits_.clear();
    variants_.clear();
    pages_.clear();
    next_ = thunks_end_;
    last_variant_ = 0;
    ++flushes_;
}

// ---- exits

void CodeCache::chain(std::uint64_t number, Unit& target) {
    Exit& e = exits_[number];
    // In the same page the mapping that led to the owner leads to the target; what crosses is looked up each time.
    if (e.target || !target.valid || target.crosses() || target.page != e.owner->page ||
        target.variant != e.owner->variant || target.pc != e.place.target)
        return;
    backend_.redirect(e.place, target.start);
    e.target = &target;
    e.next = target.incoming;
    target.incoming = std::uint32_t(number) + 1;
}

// ---- jump caches

void CodeCache::reset_jump(unsigned variant, std::size_t index) {
    JumpEntry& entry = hot_.jumps[variant][index];
    entry.pc = std::uint64_t(index ^ 1) << jump_shift(guest_);
    entry.code = backend_.miss_code();
}

void CodeCache::remember(unsigned variant, std::uint64_t pc, const Unit& unit, bool global) {
    const std::size_t index = jump_index(guest_, pc);
    Variant& v = variants_[variant];
    global &= !unit.crosses();  // of the second page nothing is known
    if (!v.listed[global][index]) v.used[global].push_back(std::uint16_t(index));
    v.listed[global][index] = true;
    v.global[index] = global;
    JumpEntry& entry = hot_.jumps[variant][index];
    entry.pc = pc;
    entry.code = code(unit);
    jump_filter_word(pc) |= std::uint64_t{1} << ((pc >> 12) & 63);
}

const void* CodeCache::recall(unsigned variant, std::uint64_t pc) const {
    const JumpEntry& entry = hot_.jumps[variant][jump_index(guest_, pc)];
    return entry.pc == pc && entry.code != backend_.miss_code() ? entry.code : nullptr;
}

void CodeCache::forget_jumps(unsigned variant, bool global) {
    Variant& v = variants_[variant];
    for (std::uint16_t index : v.used[global]) {
        if (v.global[index] == global) reset_jump(variant, index);
        v.listed[global][index] = false;
    }
    v.used[global].clear();
}

void CodeCache::forget_local_jumps() {
    for (unsigned c = 0; c < variants_.size(); ++c) forget_jumps(c, false);
}

void CodeCache::forget_jumps() {
    for (unsigned c = 0; c < variants_.size(); ++c)
        for (const bool global : {false, true}) forget_jumps(c, global);
    std::fill(jump_filter_.begin(), jump_filter_.end(), 0);
}

void CodeCache::forget_jumps_to(std::uint64_t address) {
    // A unit of the page before may end in this one.
    bool known = false;
    for (const std::uint64_t pc : {address, address - 4096})
        known |= (jump_filter_word(pc) >> ((pc >> 12) & 63) & 1) != 0;
    if (!known) return;
    const std::uint64_t page = address >> 12;
    // They stay in the lists of used entries.
    for (unsigned c = 0; c < variants_.size(); ++c)
        for (const std::vector<std::uint16_t>& used : variants_[c].used)
            for (std::uint16_t index : used) {
                const std::uint64_t there = hot_.jumps[c][index].pc >> 12;
                if (there == page || there + 1 == page) reset_jump(c, index);
            }
}

// ---- invalidation

bool CodeCache::invalidate(std::uint64_t page, std::uint32_t from, std::uint32_t to) {
    const auto it = pages_.find(page);
    if (it == pages_.end()) return true;
    Page& p = it->second;
    const unsigned last = (to - 1) / 64;
    const std::uint64_t touched = (last == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (last + 1)) - 1) &
                                  ~((std::uint64_t{1} << from / 64) - 1);
    if (!(p.granules & touched)) return false;
    std::vector<Unit*> victims;
    for (Unit* u = p.head; u; u = next_in(*u, page))
        if (u->overlaps(page, from, to)) victims.push_back(u);
    for (Unit* u : victims) drop(*u);
    const auto again = pages_.find(page);
    return again == pages_.end();
}

std::vector<std::uint64_t> CodeCache::drop_units_with(const std::vector<std::uint64_t>& pcs) {
    return drop_units([&](const Unit& unit) {
        return std::ranges::any_of(pcs, [&](std::uint64_t pc) { return pc - unit.pc < unit.size; });
    });
}

template <class Which>
std::vector<std::uint64_t> CodeCache::drop_units(Which which) {
    std::vector<std::uint64_t> touched;
    for (Unit& unit : units_) {
        if (!unit.valid || !which(unit)) continue;
        touched.push_back(unit.page);
        if (unit.crosses()) touched.push_back(unit.page2);
        drop(unit);
    }
    std::ranges::sort(touched);
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    std::erase_if(touched, [this](std::uint64_t page) { return has_page(page); });
    return touched;
}

void CodeCache::drop(Unit& unit) {
    unit.valid = false;
    ++dropped_;
    for (Unit** link = &buckets_[hash(unit.page, unit.pc, unit.variant)]; *link; link = &(*link)->hash_next) {
        if (*link != &unit) continue;
        *link = unit.hash_next;
        break;
    }
    for (std::uint32_t n = unit.incoming; n != 0;) {
        Exit& e = exits_[n - 1];
        backend_.redirect(e.place, e.place.stub);
        e.target = nullptr;
        n = e.next;
    }
    unit.incoming = 0;
    JumpEntry& entry = hot_.jumps[unit.variant][jump_index(guest_, unit.pc)];
    if (entry.code == code(unit))
        entry.pc = std::uint64_t(jump_index(guest_, unit.pc) ^ 1) << jump_shift(guest_);
    for (unsigned which = 0; which < (unit.crosses() ? 2u : 1u); ++which) {
        const std::uint64_t page = which == 0 ? unit.page : unit.page2;
        Page& p = pages_[page];
        p.granules = 0;
        for (Unit** link = &p.head; *link;) {
            Unit* u = *link;
            Unit*& next = u->page_next[u->page == page ? 0 : 1];
            if (u == &unit) {
                *link = next;
                continue;
            }
            p.granules |= granules_of(*u, page);
            link = &next;
        }
        if (!p.head) pages_.erase(page);
    }
}

}  // namespace backplane::tcg
