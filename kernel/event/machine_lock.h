// The machine's lock: recursive, and fair enough that a CPU which does nothing but I/O does not starve the loop.
#pragma once

#include <backplane/draft/address_space.h>

#include <atomic>
#include <cassert>
#include <map>
#include <mutex>

#include <pthread.h>
#include <sched.h>

namespace backplane::kernel {

class RecursiveMachineLock final : public MachineLock {
  public:
    RecursiveMachineLock() = default;
    RecursiveMachineLock(const RecursiveMachineLock&) = delete;
    RecursiveMachineLock& operator=(const RecursiveMachineLock&) = delete;

    void lock() override {
        const std::uint64_t me = self();
        if (owner_.load(std::memory_order_relaxed) != me) {
            // Who had it last lets those that wait go first, once.
            if (waiting_.load(std::memory_order_relaxed) != 0 && last_.load(std::memory_order_relaxed) == me)
                sched_yield();
            if (mutex_.try_lock()) owner_.store(me, std::memory_order_relaxed);
            else wait_for_it(me);
        }
        ++depth_;
    }
    void unlock() override {
        assert(held() && depth_ > 0);
        if (--depth_ != 0) return;
        last_.store(self(), std::memory_order_relaxed);
        owner_.store(0, std::memory_order_relaxed);
        mutex_.unlock();
    }
    bool held() const override { return owner_.load(std::memory_order_relaxed) == self(); }
    void observe_waits(LockWaits* waits) override {
        const std::lock_guard guard(observers_mutex_);
        if (waits) observers_[self()] = waits;
        else observers_.erase(self());
    }

  private:
    void wait_for_it(std::uint64_t me) {
        LockWaits* waits = nullptr;
        {
            const std::lock_guard guard(observers_mutex_);
            if (const auto found = observers_.find(me); found != observers_.end()) waits = found->second;
        }
        if (waits) waits->lock_wait_begins();
        waiting_.fetch_add(1);
        mutex_.lock();
        waiting_.fetch_sub(1);
        owner_.store(me, std::memory_order_relaxed);
        if (waits) waits->lock_wait_ends();
    }
    static std::uint64_t self() { return std::uint64_t(pthread_self()); }

    std::mutex mutex_;
    std::atomic<std::uint64_t> owner_{0};
    std::atomic<std::uint64_t> last_{0};
    std::atomic<unsigned> waiting_{0};
    unsigned depth_ = 0;  ///< guarded by mutex_
    std::mutex observers_mutex_;
    std::map<std::uint64_t, LockWaits*> observers_;  ///< by thread
};

/// In debug builds: the calling thread holds the machine lock, as the SDK asks of callers of the function it is in.
inline void assert_lock_held([[maybe_unused]] const MachineLock& lock) { assert(lock.held()); }

}  // namespace backplane::kernel
