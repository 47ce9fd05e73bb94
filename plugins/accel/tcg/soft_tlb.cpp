#include "soft_tlb.h"

namespace backplane::tcg {

SoftTlb::SoftTlb(HotArea& hot, unsigned modes, bool columns) : hot_(hot), modes_(modes), columns_(columns) {
    for (unsigned i = 0; i < modes * kKinds; ++i)
        pages_.emplace_back(static_cast<PageInfo*>(std::calloc(kTlbSize, sizeof(PageInfo))));
    for (unsigned mode = 0; mode < modes; ++mode)
        for (const AccessKind kind : {AccessKind::Load, AccessKind::Store})
            for (const std::size_t index : {std::size_t{0}, kTlbSize - 1}) close(mode, kind, index);
}

/// Accesses to the page go directly.
void SoftTlb::open(unsigned mode, AccessKind kind, const PageInfo& info) {
    const std::size_t index = tlb_index(info.page);
    const auto host = std::uint64_t(reinterpret_cast<std::uintptr_t>(info.host(0)));
    TlbHalf& h = half(mode, kind);
    if (columns_) {
        h.columns.negated_tag[index] = 0 - info.page;
        h.columns.delta[index] = host - info.page;
    } else {
        h.entries[index] = {info.page, host};
    }
}

void SoftTlb::close(unsigned mode, AccessKind kind, std::size_t index) {
    TlbHalf& h = half(mode, kind);
    if (columns_) h.columns.negated_tag[index] = 0 - TlbEntry::invalid(index);
    else h.entries[index].tag = TlbEntry::invalid(index);
}

void SoftTlb::clear(unsigned mode, unsigned kind, std::size_t index) {
    PageInfo& p = table(mode, kind)[index];
    p.permissions = 0;
    if (kind != unsigned(AccessKind::Fetch)) close(mode, AccessKind(kind), index);
}

PageInfo& SoftTlb::install(unsigned mode, AccessKind kind, const PageInfo& info) {
    const std::size_t index = tlb_index(info.page);
    PageInfo& p = slot(mode, kind, info.page);
    const auto bit = std::uint8_t(1u << info.global);
    const std::uint8_t listed = p.listed;
    if (!(listed & bit))
        used_[mode * kKinds + unsigned(kind)].lists[info.global].push_back(std::uint16_t(index));
    p = info;
    p.listed = listed | bit;
    if (kind == AccessKind::Load) {
        close(mode, kind, index);
        const bool watched = watches_ && watches_->watches_page(p.page, false);
        if (p.block && !p.once && !watched && (p.permissions & PageInfo::kRead)) open(mode, kind, p);
    } else if (kind == AccessKind::Store) {
        close(mode, kind, index);
        allow_stores(mode, p);
    }
    return p;
}

PageInfo* SoftTlb::borrow(unsigned mode, AccessKind kind, std::uint64_t address, std::uint8_t permission) {
    const std::uint64_t page = address & ~(kPageSize - 1);
    for (const AccessKind other : {AccessKind::Load, AccessKind::Store, AccessKind::Fetch}) {
        const PageInfo& p = slot(mode, other, address);
        if (other != kind && !p.once && (p.permissions & permission) && p.page == page)
            return &install(mode, kind, p);
    }
    return nullptr;
}

PageInfo& SoftTlb::enter(unsigned mode, AccessKind kind, std::uint64_t address, const FillAnswer& answer,
                         const FlatView& view) {
    PageInfo p;
    p.page = address & ~(kPageSize - 1);
    p.physical = answer.physical & ~(kPageSize - 1);
    p.permissions =
        std::uint8_t((answer.readable ? PageInfo::kRead : 0) | (answer.writable ? PageInfo::kWrite : 0) |
                     (answer.executable ? PageInfo::kExecute : 0));
    p.space = answer.space;
    p.global = answer.global;
    p.once = !answer.whole_page;
    p.range = view.find(p.physical);
    const bool whole = p.range && p.range->size - (p.physical - p.range->start) >= kPageSize;
    const std::uint64_t offset = whole ? p.range->block_offset + (p.physical - p.range->start) : 0;
    if (!whole || (p.range->block && offset % kPageSize != 0)) {
        p.mixed = true;
        p.range = nullptr;
    } else if (p.range->block) {
        p.block = p.range->block;
        p.block_offset = offset;
        p.direct_store = p.range->writable;
    }
    if (answer.page_bits > kPageBits && !many_large_) {
        const Large mapping{address >> answer.page_bits << answer.page_bits, answer.page_bits};
        bool known = false;
        for (const Large& l : large_) known |= l.base == mapping.base && l.bits == mapping.bits;
        if (!known && large_.size() >= 32) many_large_ = true;
        else if (!known) large_.push_back(mapping);
    }
    return install(mode, kind, p);
}

void SoftTlb::allow_stores(unsigned mode, const PageInfo& info) {
    if (!info.block || !info.direct_store || info.once || !(info.permissions & PageInfo::kWrite)) return;
    if (watches_ && watches_->watches_page(info.page, true)) return;
    if (info.flags().load(std::memory_order_seq_cst) != 0) return;
    open(mode, AccessKind::Store, info);
}

/// Of a list, clears the entries that leave it. A place whose entry was replaced by one of the other list's leaves alone.
template <class Leaves>
void SoftTlb::sweep(unsigned mode, unsigned kind, bool global, Leaves leaves) {
    std::erase_if(used_[mode * kKinds + kind].lists[global], [&](std::uint16_t index) {
        PageInfo& p = table(mode, kind)[index];
        const bool other = p.permissions != 0 && p.global != global;
        if (!other && p.permissions != 0 && !leaves(p)) return false;
        p.listed &= std::uint8_t(~(1u << global));
        if (!other) clear(mode, kind, index);
        return true;
    });
}

void SoftTlb::flush_mode(unsigned mode) {
    for (unsigned kind = 0; kind < kKinds; ++kind)
        for (const bool global : {false, true}) sweep(mode, kind, global, [](PageInfo&) { return true; });
}

void SoftTlb::flush_local() {
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (unsigned kind = 0; kind < kKinds; ++kind)
            sweep(mode, kind, false, [](PageInfo&) { return true; });
}

void SoftTlb::flush() {
    for (unsigned mode = 0; mode < modes_; ++mode) flush_mode(mode);
    large_.clear();
    many_large_ = false;
}

void SoftTlb::change_view(std::uint8_t space, const FlatView& view, Slice<const MapStretch> changed) {
    const auto touched = [&](std::uint64_t page) {
        for (const MapStretch& stretch : changed)
            if (page <= stretch.last && page + (kPageSize - 1) >= stretch.first) return true;
        return false;
    };
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (unsigned kind = 0; kind < kKinds; ++kind)
            for (const bool global : {false, true})
                sweep(mode, kind, global, [&](PageInfo& p) {
                    if (p.space != space) return false;
                    if (touched(p.physical)) return true;
                    if (p.range) p.range = view.find(p.physical);
                    return false;
                });
}

bool SoftTlb::flush_page(std::uint64_t address) {
    bool large = many_large_;
    for (const Large& l : large_) large |= address >> l.bits << l.bits == l.base;
    if (large) {
        flush();
        return true;
    }
    const std::size_t index = tlb_index(address);
    const std::uint64_t page = address & ~(kPageSize - 1);
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (unsigned kind = 0; kind < kKinds; ++kind) {
            const PageInfo& p = table(mode, kind)[index];
            if (p.permissions && p.page == page) clear(mode, kind, index);
        }
    return false;
}

void SoftTlb::protect(std::uint64_t page_id) {
    const auto kind = unsigned(AccessKind::Store);
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (const std::vector<std::uint16_t>& used : used_[mode * kKinds + kind].lists)
            for (std::uint16_t index : used) {
                const PageInfo& p = table(mode, kind)[index];
                if (p.permissions && p.block && p.page_id() == page_id) close(mode, AccessKind::Store, index);
            }
}

void SoftTlb::protect_all() {
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (const std::vector<std::uint16_t>& used :
             used_[mode * kKinds + unsigned(AccessKind::Store)].lists)
            for (std::uint16_t index : used) close(mode, AccessKind::Store, index);
}

}  // namespace backplane::tcg
