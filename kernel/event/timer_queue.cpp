#include "kernel/event/timer_queue.h"

#include <algorithm>
#include <utility>

namespace backplane::kernel {

void QueuedTimer::arm(std::uint64_t deadline_ns) { queue_.arm(*this, deadline_ns); }

void QueuedTimer::cancel() { queue_.cancel(*this); }

void QueuedTimer::release() {
    queue_.cancel(*this);
    queue_.timers_.erase(this);
}

QueuedTimer* TimerQueue::create(TimerHandler& handler, Callee& callee) {
    auto timer = std::make_unique<QueuedTimer>(*this, handler, callee);
    QueuedTimer* const made = timer.get();
    timers_.emplace(made, std::move(timer));
    return made;
}

std::size_t TimerQueue::orphan(const Callee& callee) {
    std::size_t count = 0;
    for (const auto& [timer, owned] : timers_) {
        if (timer->callee_ != &callee) continue;
        cancel(*timer);
        timer->callee_ = nullptr;
        ++count;
    }
    return count;
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
    if (!timer.callee_) return;
    if (timer.turn_ != QueuedTimer::kNowhere)
        round_[std::exchange(timer.turn_, QueuedTimer::kNowhere)] = nullptr;
    timer.deadline_ = deadline;
    timer.sequence_ = ++sequence_;
    if (timer.place_ == QueuedTimer::kNowhere) {
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
    if (timer.turn_ != QueuedTimer::kNowhere)
        round_[std::exchange(timer.turn_, QueuedTimer::kNowhere)] = nullptr;
    if (timer.place_ == QueuedTimer::kNowhere) return;
    take_out(timer);
    first_changed();
}

void TimerQueue::take_out(QueuedTimer& timer) {
    const std::size_t place = timer.place_;
    timer.place_ = QueuedTimer::kNowhere;
    QueuedTimer& last = *heap_.back();
    heap_.pop_back();
    if (&last != &timer) {
        rise(last, place);
        if (last.place_ == place) sink(last, place);
    }
}

void TimerQueue::run_due(std::uint64_t now_ns) {
    const std::size_t begin = round_.size();
    while (!heap_.empty() && heap_[0]->deadline_ <= now_ns) {
        QueuedTimer& timer = *heap_[0];
        take_out(timer);
        timer.turn_ = round_.size();
        round_.push_back(&timer);
    }
    first_changed();
    const std::size_t end = round_.size();
    ++rounds_;
    for (std::size_t turn = begin; turn < end; ++turn) {
        QueuedTimer* timer = std::exchange(round_[turn], nullptr);
        if (!timer) continue;
        timer->turn_ = QueuedTimer::kNowhere;
        TimerHandler& handler = timer->handler_;
        contained(*timer->callee_, "timer_expired()", [&] { handler.timer_expired(); });
    }
    if (--rounds_ == 0) round_.clear();
}

std::uint64_t TimerQueue::deadline_after(std::uint64_t now_ns) const {
    std::uint64_t first = ~std::uint64_t(0);
    for (const QueuedTimer* timer : heap_)
        if (timer->deadline_ > now_ns) first = std::min(first, timer->deadline_);
    return first;
}

}  // namespace backplane::kernel
