#include "kernel/event/clock.h"

#include <algorithm>

namespace backplane::kernel {

namespace {

/// How many rounds of timers run at one instant of a stepped clock before time goes on regardless: one that always
/// arms itself for "now" would otherwise hold it for ever.
constexpr unsigned kRoundsPerInstant = 1'000;

}  // namespace

std::uint64_t VirtualClock::now_ns() const {
    for (;;) {
        const std::uint32_t version = version_.load(std::memory_order_acquire);
        const std::uint64_t base = base_.load(std::memory_order_acquire);
        const std::uint64_t host_base = host_base_.load(std::memory_order_acquire);
        if (version & 1 || version_.load(std::memory_order_relaxed) != version) continue;
        return host_base == kStill ? base : base + (time_.monotonic_ns() - host_base);
    }
}

void VirtualClock::set_time(std::uint64_t now_ns, bool moves) {
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_seq_cst);
    base_.store(now_ns, std::memory_order_release);
    host_base_.store(moves ? time_.monotonic_ns() : kStill, std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
    if (moves && watcher_) watcher_->deadline_moved();
}

void VirtualClock::start() {
    if (running_) return;
    running_ = true;
    set_time(now_ns(), moving());
}

void VirtualClock::stop() {
    if (!running_) return;
    const std::uint64_t now = now_ns();
    running_ = false;
    set_time(now, false);
}

void VirtualClock::set_manual(bool manual) {
    if (manual_ == manual) return;
    const std::uint64_t now = now_ns();
    manual_ = manual;
    set_time(now, moving());
}

void VirtualClock::step_to(std::uint64_t target) {
    unsigned at_this_instant = 0;
    while (timers_.next_deadline() <= target) {
        const std::uint64_t now = now_ns();
        std::uint64_t due = timers_.next_deadline();
        if (due <= now && ++at_this_instant > kRoundsPerInstant) {
            if (now >= target) return;
            due = std::min(timers_.deadline_after(now), target);
        }
        if (due > now) {
            set_time(due, moving());
            at_this_instant = 0;
        }
        timers_.run_due(now_ns());
    }
    if (target > now_ns()) set_time(target, moving());
}

std::uint64_t VirtualClock::host_deadline() const {
    const std::uint64_t first = timers_.next_deadline();
    if (!moving() || first == ~std::uint64_t(0)) return ~std::uint64_t(0);
    const std::uint64_t base = base_.load(std::memory_order_relaxed);
    const std::uint64_t host = host_base_.load(std::memory_order_relaxed);
    if (first <= base) return host;
    return first - base < kStill - host ? host + (first - base) : kStill;
}

void VirtualClock::run_due() {
    if (moving()) timers_.run_due(now_ns());
}

}  // namespace backplane::kernel
