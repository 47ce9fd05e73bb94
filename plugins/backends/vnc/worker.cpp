#include "worker.h"

#include <csignal>

namespace backplane::vnc {

void Worker::run(std::function<void()> task) {
    const std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(task));
    if (!thread_.joinable()) {
        // Signals belong to the loop's thread.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { work(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    wake_.notify_one();
}

void Worker::work() {
    std::unique_lock guard(mutex_);
    for (;;) {
        wake_.wait(guard, [this] { return stopping_ || !tasks_.empty(); });
        if (stopping_) return;
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        guard.unlock();
        task();
        guard.lock();
    }
}

void Worker::stop() {
    {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
        tasks_.clear();
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
    stopping_ = false;
}

}  // namespace backplane::vnc
