// Deadlines in order: a binary heap in which every timer knows its place.
#pragma once

#include "kernel/barrier/callee.h"

#include <backplane/clock.h>

#include <atomic>
#include <memory>
#include <unordered_map>
#include <vector>

namespace backplane::kernel {

class TimerQueue;

/// Made by TimerQueue::create(), freed by release().
class QueuedTimer final : public Timer {
  public:
    QueuedTimer(TimerQueue& queue, TimerHandler& handler, Callee& callee)
        : queue_(queue), handler_(handler), callee_(&callee) {}
    void arm(std::uint64_t deadline_ns) override;
    void cancel() override;
    bool armed() const override { return place_ != kNowhere || turn_ != kNowhere; }
    std::uint64_t deadline() const override { return armed() ? deadline_ : ~std::uint64_t(0); }
    void release() override;

  private:
    friend class TimerQueue;
    static constexpr std::size_t kNowhere = ~std::size_t(0);

    TimerQueue& queue_;
    TimerHandler& handler_;
    Callee* callee_;  ///< whose it is; null: who made it is gone, and it does nothing more
    std::uint64_t deadline_ = 0;
    std::uint64_t sequence_ = 0;  ///< of arming: among equal deadlines the first that was armed is the first
    std::size_t place_ = kNowhere;
    std::size_t turn_ = kNowhere;  ///< in the round that is under way
};

/// Hears that the first deadline became an earlier one. Thread: the one that armed the timer.
class DeadlineWatcher {
  public:
    virtual void deadline_moved() = 0;

  protected:
    ~DeadlineWatcher() = default;
};

/// Thread: holding the machine lock, but for next_deadline().
class TimerQueue {
  public:
    explicit TimerQueue(DeadlineWatcher* watcher) : watcher_(watcher) {}
    TimerQueue(const TimerQueue&) = delete;
    TimerQueue& operator=(const TimerQueue&) = delete;

    /// `callee`: whose the handler is.
    QueuedTimer* create(TimerHandler& handler, Callee& callee);
    /// The callee goes: its timers do nothing from now on, though whoever holds one may still release it. How many they
    /// were.
    std::size_t orphan(const Callee& callee);
    /// ns; ~0 when no timer is armed. Thread: any.
    std::uint64_t next_deadline() const { return first_.load(std::memory_order_relaxed); }
    /// Calls, in order, the handlers of what is due at `now_ns`, each once. What they arm is left for the next call,
    /// so that a timer that is always late keeps neither the caller nor the other timers waiting.
    void run_due(std::uint64_t now_ns);
    /// ns; the first deadline that is later than `now_ns`, ~0 when there is none.
    std::uint64_t deadline_after(std::uint64_t now_ns) const;

  private:
    friend class QueuedTimer;
    void arm(QueuedTimer& timer, std::uint64_t deadline);
    void cancel(QueuedTimer& timer);
    void put(QueuedTimer& timer, std::size_t place);
    void rise(QueuedTimer& timer, std::size_t place);
    void sink(QueuedTimer& timer, std::size_t place);
    void take_out(QueuedTimer& timer);
    void first_changed();
    static bool before(const QueuedTimer& a, const QueuedTimer& b);

    DeadlineWatcher* watcher_;
    std::unordered_map<QueuedTimer*, std::unique_ptr<QueuedTimer>> timers_;
    std::vector<QueuedTimer*> heap_;
    std::vector<QueuedTimer*> round_;  ///< what was due when the round began, in order; null: it had its turn
    unsigned rounds_ = 0;              ///< under way, one inside of another
    std::uint64_t sequence_ = 0;
    std::atomic<std::uint64_t> first_{~std::uint64_t(0)};
};

}  // namespace backplane::kernel
