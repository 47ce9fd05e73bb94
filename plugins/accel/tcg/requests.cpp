// What other threads ask of a vCPU. It looks when exit_request is set: at backward and indirect jumps, and whenever it
// leaves translated code.
#include "vcpu.h"

#include <utility>

namespace backplane::tcg {

namespace {

thread_local TcgVcpu* this_thread = nullptr;

}  // namespace

void TcgVcpu::own_this_thread() { this_thread = this; }

void TcgVcpu::start() {
    {
        std::lock_guard guard(mutex_);
        go_ = true;
    }
    wake_.notify_all();
}

void TcgVcpu::request_stop() {
    {
        std::lock_guard guard(mutex_);
        go_ = false;
    }
    kick();
}

void TcgVcpu::wait_stopped() {
    std::unique_lock guard(mutex_);
    settled_.wait(guard, [this] { return !running_; });
}

void TcgVcpu::state_changed() {
    std::lock_guard guard(mutex_);
    state_stale_ = true;
    run_state_.exit_request.store(1);
}

void TcgVcpu::kick() {
    run_state_.exit_request.store(1, std::memory_order_seq_cst);
    if (!sleeping_.load(std::memory_order_seq_cst)) return;
    // It either holds the mutex and has not looked yet, or waits.
    { std::lock_guard guard(mutex_); }
    wake_.notify_all();
}

void TcgVcpu::run_on(void (*function)(void* data), void* data) {
    if (std::this_thread::get_id() == thread_id_) return function(data);
    // The vCPU may be waiting for the machine lock.
    unsigned depth = 0;
    MachineLock& lock = context_.lock();
    Work work{function, data, this_thread, false};
    {
        std::unique_lock guard(mutex_);
        if (!running_ && !go_) {
            guard.unlock();
            return function(data);
        }
        work_.push_back(&work);
    }
    settled_.notify_all();
    kick();
    while (lock.held()) {
        lock.unlock();
        ++depth;
    }
    if (this_thread) {
        this_thread->serve_until(work);
    } else {
        std::unique_lock guard(mutex_);
        settled_.wait(guard, [&] { return work.done; });
    }
    while (depth-- > 0) lock.lock();
}

/// Another vCPU does `work` for this one, which does meanwhile what is asked of it: the other may ask it as well.
void TcgVcpu::serve_until(const Work& work) {
    std::unique_lock guard(mutex_);
    for (;;) {
        run_work();
        if (work.done) return;
        park();
        settled_.wait(guard, [&] { return work.done || !work_.empty(); });
        parked_ = false;
    }
}

/// With mutex_ held, which is dropped around each.
void TcgVcpu::run_work() {
    while (!work_.empty()) {
        Work* work = work_.front();
        work_.erase(work_.begin());
        mutex_.unlock();
        work->function(work->data);
        TcgVcpu& waiting = work->requester ? *work->requester : *this;
        {
            const std::lock_guard guard(waiting.mutex_);
            work->done = true;  // it may be gone from here on
        }
        waiting.settled_.notify_all();
        mutex_.lock();
    }
}

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
    if (std::this_thread::get_id() == thread_id_) return forget_direct_stores();
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
void TcgVcpu::park() {
    parked_ = true;
    settled_.notify_all();
}

void TcgVcpu::lock_wait_begins() {
    const std::lock_guard guard(mutex_);
    park();
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
