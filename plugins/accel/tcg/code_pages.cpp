#include "code_pages.h"

#include <algorithm>

namespace backplane::tcg {

void CodePages::enlist(CodeOwner& owner) {
    std::lock_guard guard(mutex_);
    owners_.push_back(&owner);
}

void CodePages::strike(CodeOwner& owner) {
    std::lock_guard guard(mutex_);
    std::erase(owners_, &owner);
    for (auto it = pages_.begin(); it != pages_.end();) {
        const auto next = std::next(it);
        remove_locked(owner, it);
        it = next;
    }
}

CodePages::Tickets CodePages::add(CodeOwner& owner, std::uint64_t page, RamBlock& block,
                                  std::uint64_t index) {
    std::lock_guard guard(mutex_);
    Entry& entry = pages_[page];
    entry.flags = &block.page_flags[index];
    if (std::find(entry.owners.begin(), entry.owners.end(), &owner) == entry.owners.end())
        entry.owners.push_back(&owner);
    const bool known = entry.flags->fetch_or(kPageCode) & kPageCode;
    Tickets tickets;
    for (CodeOwner* other : owners_) {
        if (other == &owner) continue;
        if (!known) other->post_protection(page);
        if (const std::uint64_t posted = other->posted(); other->applied() < posted)
            tickets.push_back({other, posted});
    }
    return tickets;
}

bool CodePages::settled(const Tickets& tickets) {
    std::lock_guard guard(mutex_);
    for (const Ticket& t : tickets) {
        const bool listed = std::find(owners_.begin(), owners_.end(), t.owner) != owners_.end();
        if (listed && t.owner->applied() < t.posted) return false;
    }
    return true;
}

void CodePages::remove(CodeOwner& owner, std::uint64_t page) {
    std::lock_guard guard(mutex_);
    const auto it = pages_.find(page);
    if (it != pages_.end()) remove_locked(owner, it);
}

void CodePages::remove_locked(CodeOwner& owner, std::unordered_map<std::uint64_t, Entry>::iterator entry) {
    std::erase(entry->second.owners, &owner);
    if (!entry->second.owners.empty()) return;
    entry->second.flags->fetch_and(std::uint8_t(~kPageCode));
    pages_.erase(entry);
}

void CodePages::written(RamBlock& block, std::uint64_t offset, std::uint64_t size, const CodeOwner* except) {
    if (size == 0) return;
    std::lock_guard guard(mutex_);
    const std::uint64_t last = (offset + size - 1) >> kPageBits;
    for (std::uint64_t index = offset >> kPageBits; index <= last; ++index) {
        if (!(block.page_flags[index].load(std::memory_order_relaxed) & kPageCode)) continue;
        const auto it = pages_.find(block.base_id + index);
        if (it == pages_.end()) continue;
        const std::uint64_t start = index << kPageBits;
        const auto from = std::uint32_t(std::max(offset, start) - start);
        const auto to = std::uint32_t(std::min(offset + size, start + kPageSize) - start);
        for (CodeOwner* owner : it->second.owners)
            if (owner != except) owner->post_invalidation(it->first, from, to);
    }
}

}  // namespace backplane::tcg
