#include "worker_pool.h"

#include <csignal>

namespace backplane::block {

void WorkerPool::run(std::function<void()> task) {
    const std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_.size() < kMaximumThreads) {
        // Signals belong to the loop's thread.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        threads_.emplace_back([this] { work(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    wake_.notify_one();
}

void WorkerPool::work() {
    std::unique_lock guard(mutex_);
    for (;;) {
        ++idle_;
        wake_.wait(guard, [this] { return !tasks_.empty() || stopping_; });
        --idle_;
        if (tasks_.empty()) return;
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        guard.unlock();
        task();
        guard.lock();
    }
}

void WorkerPool::stop() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    stopping_ = false;
}

}  // namespace backplane::block
