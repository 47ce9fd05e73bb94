// A thread that does one thing after the other. It is made when there is something to do.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace backplane::vnc {

class Worker {
  public:
    Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() { stop(); }

    /// Thread: one at a time, as for stop().
    void run(std::function<void()> task);
    /// Leaves out what was not begun, and waits for what was.
    void stop();

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    std::thread thread_;
    bool stopping_ = false;
};

}  // namespace backplane::vnc
