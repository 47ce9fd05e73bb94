#include "soft_tlb.h"

namespace backplane::tcg {

SoftTlb::SoftTlb(HotArea& hot, unsigned modes) : hot_(hot), modes_(modes), pages_(modes) {
    for (unsigned mode = 0; mode < modes; ++mode)
        for (std::size_t i = 0; i < kTlbSize; ++i) clear(mode, i);
}

void SoftTlb::clear(unsigned mode, std::size_t index) {
    pages_[mode][index].permissions = 0;
    pages_[mode][index].listed = false;
    hot_.tlb[mode].load[index].tag = TlbEntry::invalid(index);
    hot_.tlb[mode].store[index].tag = TlbEntry::invalid(index);
}

PageInfo& SoftTlb::enter(unsigned mode, std::uint64_t address, const FillAnswer& answer, const FlatView& view) {
    const std::size_t index = tlb_index(address);
    PageInfo& p = pages_[mode][index];
    hot_.tlb[mode].load[index].tag = TlbEntry::invalid(index);
    hot_.tlb[mode].store[index].tag = TlbEntry::invalid(index);
    if (!p.listed) used_[mode].push_back(std::uint16_t(index));
    p = {};
    p.listed = true;
    p.once = !answer.whole_page;
    p.page = address & ~(kPageSize - 1);
    p.physical = answer.physical & ~(kPageSize - 1);
    p.permissions = std::uint8_t((answer.readable ? PageInfo::kRead : 0) | (answer.writable ? PageInfo::kWrite : 0) |
                                 (answer.executable ? PageInfo::kExecute : 0));
    p.range = view.find(p.physical);
    const bool whole = p.range && p.physical - p.range->start <= p.range->size - 1 &&
                       p.range->size - (p.physical - p.range->start) >= kPageSize;
    if (!whole) {
        p.mixed = true;
        p.range = nullptr;
    } else if (p.range->block) {
        const std::uint64_t offset = p.range->block_offset + (p.physical - p.range->start);
        if (offset % kPageSize == 0) {
            p.block = p.range->block;
            p.block_offset = offset;
            p.direct_store = p.range->writable;
            if (answer.readable && !p.once) {
                hot_.tlb[mode].load[index] = {p.page, std::uint64_t(reinterpret_cast<std::uintptr_t>(p.host(0)))};
            }
            allow_stores(mode, p);
        } else {
            p.mixed = true;
            p.range = nullptr;
        }
    }
    if (answer.page_bits > kPageBits && !many_large_) {
        const Large mapping{address >> answer.page_bits << answer.page_bits, answer.page_bits};
        bool known = false;
        for (const Large& l : large_) known |= l.base == mapping.base && l.bits == mapping.bits;
        if (!known && large_.size() >= 32) many_large_ = true;
        else if (!known) large_.push_back(mapping);
    }
    return p;
}

void SoftTlb::allow_stores(unsigned mode, const PageInfo& info) {
    if (!info.block || !info.direct_store || info.once || !(info.permissions & PageInfo::kWrite)) return;
    if (info.flags().load(std::memory_order_seq_cst) != 0) return;
    hot_.tlb[mode].store[tlb_index(info.page)] = {info.page,
                                                  std::uint64_t(reinterpret_cast<std::uintptr_t>(info.host(0)))};
}

void SoftTlb::flush_mode(unsigned mode) {
    for (std::uint16_t index : used_[mode]) clear(mode, index);
    used_[mode].clear();
}

void SoftTlb::flush() {
    for (unsigned mode = 0; mode < modes_; ++mode) flush_mode(mode);
    large_.clear();
    many_large_ = false;
}

void SoftTlb::flush_page(std::uint64_t address) {
    if (many_large_) return flush();
    for (const Large& l : large_)
        if (address >> l.bits << l.bits == l.base) return flush();
    const std::size_t index = tlb_index(address);
    for (unsigned mode = 0; mode < modes_; ++mode) {
        PageInfo& p = pages_[mode][index];
        if (!p.permissions || p.page != (address & ~(kPageSize - 1))) continue;
        const bool listed = p.listed;
        clear(mode, index);
        p.listed = listed;
    }
}

void SoftTlb::protect(std::uint64_t page_id) {
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (std::uint16_t index : used_[mode]) {
            const PageInfo& p = pages_[mode][index];
            if (p.permissions && p.block && p.page_id() == page_id)
                hot_.tlb[mode].store[index].tag = TlbEntry::invalid(index);
        }
}

void SoftTlb::protect_all() {
    for (unsigned mode = 0; mode < modes_; ++mode)
        for (std::uint16_t index : used_[mode]) hot_.tlb[mode].store[index].tag = TlbEntry::invalid(index);
}

}  // namespace backplane::tcg
