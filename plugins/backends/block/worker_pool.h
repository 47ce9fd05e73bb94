// A few threads that do what would block the loop. They are made as they are needed.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace backplane::block {

class WorkerPool {
  public:
    WorkerPool() = default;
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;
    ~WorkerPool() { stop(); }

    /// Runs `task` on one of the threads. Thread: one at a time.
    void run(std::function<void()> task);
    /// Waits for all tasks, and for the threads to end.
    void stop();

  private:
    void work();

    static constexpr unsigned kMaximumThreads = 8;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    std::vector<std::thread> threads_;
    unsigned idle_ = 0;
    bool stopping_ = false;
};

}  // namespace backplane::block
