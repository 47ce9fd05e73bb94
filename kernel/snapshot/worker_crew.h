// Threads that work through a row of jobs, which somebody takes from or hands to them in order.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace backplane::kernel::snapshot {

/// 0 becomes the host's number of CPUs; at most 64.
inline unsigned worker_count(unsigned wanted) {
    if (wanted == 0) wanted = std::thread::hardware_concurrency();
    return std::clamp(wanted, 1u, 64u);
}

/// `Job` is made once for each place in the crew's ring and used again and again.
template <class Job>
class WorkerCrew {
  public:
    /// `work` runs on any of `workers` threads, on one job at a time each.
    WorkerCrew(unsigned workers, std::function<void(Job&)> work)
        : work_(std::move(work)), workers_(workers), ring_(2 * workers) {}
    WorkerCrew(const WorkerCrew&) = delete;
    WorkerCrew& operator=(const WorkerCrew&) = delete;
    ~WorkerCrew() {
        {
            const std::lock_guard guard(mutex_);
            quit_ = true;
        }
        work_comes_.notify_all();
        for (std::thread& thread : threads_) thread.join();
    }

    /// All below: the one thread that hands out.
    bool full() const { return given_ - taken_ == ring_.size(); }
    bool idle() const { return given_ == taken_; }
    /// The next free job, to be filled in and given with give(). Not when full().
    Job& next() { return ring_[given_ % ring_.size()].job; }
    void give() {
        {
            const std::lock_guard guard(mutex_);
            ring_[given_ % ring_.size()].done = false;
            ++given_;
        }
        // Who has little to do needs few threads, and who has nothing none.
        if (threads_.size() < workers_) threads_.emplace_back([this] { run(); });
        work_comes_.notify_one();
    }
    /// Waits for the oldest job that was given, which is free after release(). Not when idle().
    Job& oldest() {
        Place& place = ring_[taken_ % ring_.size()];
        std::unique_lock guard(mutex_);
        job_done_.wait(guard, [&] { return place.done; });
        return place.job;
    }
    void release() { ++taken_; }

  private:
    struct Place {
        Job job;
        bool done = false;
    };

    void run() {
        std::unique_lock guard(mutex_);
        for (;;) {
            work_comes_.wait(guard, [&] { return quit_ || started_ != given_; });
            if (quit_) return;
            Place& place = ring_[started_++ % ring_.size()];
            guard.unlock();
            work_(place.job);
            guard.lock();
            place.done = true;
            job_done_.notify_one();
        }
    }

    const std::function<void(Job&)> work_;
    const unsigned workers_;
    std::vector<Place> ring_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable work_comes_, job_done_;
    std::size_t given_ = 0;  ///< also read by the threads, with the mutex
    std::size_t started_ = 0;
    std::size_t taken_ = 0;  ///< of the one that hands out
    bool quit_ = false;
};

}  // namespace backplane::kernel::snapshot
