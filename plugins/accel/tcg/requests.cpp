// What others post to a vCPU. It looks when exit_request is set: at backward and indirect jumps, and whenever it
// leaves translated code.
#include "vcpu.h"

#include <utility>

namespace backplane::tcg {

void TcgVcpu::post_invalidation(std::uint64_t page, std::uint32_t from, std::uint32_t to) {
    {
        std::lock_guard guard(mutex_);
        posted_.push_back({page, from, to});
        posted_count_.fetch_add(1);
        posted_any_.store(true, std::memory_order_release);
    }
    kick();
}

void TcgVcpu::post_protection(std::uint64_t page) { post_invalidation(page, 0, 0); }

void TcgVcpu::map_changed(const MapChange& change) {
    {
        std::lock_guard guard(mutex_);
        for (Seen& seen : seen_) {
            if (seen.space != &change.space) continue;
            seen.stale = true;
            for (const Slice<const FlatRange>& ranges : {change.removed, change.added})
                for (const FlatRange& range : ranges)
                    seen.changed.push_back({range.start, range.start + (range.size - 1)});
        }
        posted_any_.store(true, std::memory_order_release);
    }
    kick();
}

/// The caller holds the machine lock and keeps it. A vCPU that runs looks at its requests soon; one that does not may be
/// waiting for that very lock, or for a vCPU that does: it is parked then, and what it has to do is done for it.
void TcgVcpu::pages_cleaned(RamBlock&) {
    std::unique_lock guard(mutex_);
    const std::uint64_t mine = ++cleanings_;
    if (is_here()) return forget_direct_stores();
    posted_any_.store(true, std::memory_order_release);
    guard.unlock();
    kick();
    guard.lock();
    settled_.wait(guard, [&] { return cleaned_ >= mine || parked_ || !running_; });
    if (cleaned_ < mine) forget_direct_stores();
}

/// With the mutex.
void TcgVcpu::forget_direct_stores() {
    tlb_->protect_all();
    cleaned_ = cleanings_;
}

/// With the mutex.
void TcgVcpu::pauses() {
    parked_ = true;
    settled_.notify_all();
}

void TcgVcpu::lock_wait_begins() {
    const std::lock_guard guard(mutex_);
    pauses();
}

void TcgVcpu::lock_wait_ends() {
    const std::lock_guard guard(mutex_);
    parked_ = false;
}

/// Goes by the views that are current now, of the spaces that changed.
void TcgVcpu::refresh_views() {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
        Seen& seen = seen_[i];
        std::vector<MapStretch> changed;
        {
            std::lock_guard guard(mutex_);
            if (!std::exchange(seen.stale, false)) continue;
            changed.swap(seen.changed);
        }
        const std::shared_ptr<const FlatView> old = std::exchange(seen.view, seen.space->view());
        tlb_->change_view(std::uint8_t(i), *seen.view, changed);
        cache_->forget_jumps();
    }
}

void TcgVcpu::apply_posted() {
    if (!posted_any_.load(std::memory_order_acquire)) return;
    std::vector<Posted> posted;
    std::uint64_t count = 0;
    {
        std::lock_guard guard(mutex_);
        posted.swap(posted_);
        count = posted_count_.load();
        posted_any_.store(false, std::memory_order_relaxed);
        if (cleaned_ != cleanings_) {
            forget_direct_stores();
            settled_.notify_all();
        }
    }
    refresh_views();
    for (const Posted& p : posted) {
        if (p.to == 0) tlb_->protect(p.page);
        else if (cache_->invalidate(p.page, p.from, p.to)) pages_.remove(*this, p.page);
    }
    applied_count_.store(count);
}

}  // namespace backplane::tcg
