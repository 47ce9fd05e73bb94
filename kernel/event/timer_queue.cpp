#include "kernel/event/timer_queue.h"

namespace backplane::kernel {

void QueuedTimer::arm(std::uint64_t deadline_ns) { queue_.arm(*this, deadline_ns); }

void QueuedTimer::cancel() { queue_.cancel(*this); }

void QueuedTimer::release() {
    queue_.cancel(*this);
    delete this;
}

bool TimerQueue::before(const QueuedTimer& a, const QueuedTimer& b) {
    return a.deadline_ != b.deadline_ ? a.deadline_ < b.deadline_ : a.sequence_ < b.sequence_;
}

void TimerQueue::put(QueuedTimer& timer, std::size_t place) {
    heap_[place] = &timer;
    timer.place_ = place;
}

void TimerQueue::rise(QueuedTimer& timer, std::size_t place) {
    while (place > 0) {
        const std::size_t parent = (place - 1) / 2;
        if (!before(timer, *heap_[parent])) break;
        put(*heap_[parent], place);
        place = parent;
    }
    put(timer, place);
}

void TimerQueue::sink(QueuedTimer& timer, std::size_t place) {
    for (;;) {
        std::size_t child = 2 * place + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
        if (!before(*heap_[child], timer)) break;
        put(*heap_[child], place);
        place = child;
    }
    put(timer, place);
}

void TimerQueue::first_changed() {
    const std::uint64_t first = heap_.empty() ? ~std::uint64_t(0) : heap_[0]->deadline_;
    const std::uint64_t old = first_.exchange(first, std::memory_order_relaxed);
    if (first < old && watcher_) watcher_->deadline_moved();
}

void TimerQueue::arm(QueuedTimer& timer, std::uint64_t deadline) {
    timer.deadline_ = deadline;
    timer.sequence_ = ++sequence_;
    if (!timer.armed()) {
        heap_.push_back(&timer);
        rise(timer, heap_.size() - 1);
    } else {
        const std::size_t place = timer.place_;
        rise(timer, place);
        if (timer.place_ == place) sink(timer, place);
    }
    first_changed();
}

void TimerQueue::cancel(QueuedTimer& timer) {
    if (!timer.armed()) return;
    const std::size_t place = timer.place_;
    timer.place_ = QueuedTimer::kNowhere;
    QueuedTimer& last = *heap_.back();
    heap_.pop_back();
    if (&last != &timer) {
        rise(last, place);
        if (last.place_ == place) sink(last, place);
    }
    first_changed();
}

void TimerQueue::run_first() {
    QueuedTimer& timer = *heap_[0];
    TimerHandler& handler = timer.handler_;
    cancel(timer);
    handler.timer_expired();
}

void TimerQueue::run_due(std::uint64_t now_ns) {
    const std::uint64_t armed_before = sequence_;
    while (!heap_.empty() && heap_[0]->deadline_ <= now_ns && heap_[0]->sequence_ <= armed_before)
        run_first();
}

}  // namespace backplane::kernel
