// Keeps vCPUs out of the guest while what they see of it is changed as a whole.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

namespace backplane::kvm {

/// One for each virtual machine. A vCPU's thread is in the guest between enter() and leave(); with a closed gate none is.
class GuestGate {
  public:
    bool closed() const { return closed_.load(std::memory_order_seq_cst) != 0; }

    /// Thread: a vCPU's; returns when the gate is open (or was never closed).
    void wait_open() {
        std::unique_lock guard(mutex_);
        opened_.wait(guard, [this] { return !closed(); });
    }
    /// A vCPU left the guest while the gate was closed.
    void left() {
        { const std::lock_guard guard(mutex_); }
        left_.notify_all();
    }

    /// Returns when `all_out()` says that no vCPU is in the guest; `kick_all` is called first. May be nested.
    template <class Kick, class AllOut>
    void close(Kick kick_all, AllOut all_out) {
        closed_.fetch_add(1, std::memory_order_seq_cst);
        kick_all();
        std::unique_lock guard(mutex_);
        left_.wait(guard, all_out);
    }
    void open() {
        {
            const std::lock_guard guard(mutex_);
            closed_.fetch_sub(1, std::memory_order_seq_cst);
        }
        opened_.notify_all();
    }

  private:
    std::atomic<int> closed_{0};
    std::mutex mutex_;
    std::condition_variable opened_, left_;
};

}  // namespace backplane::kvm
