#include "kernel/event/machine_lock.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

namespace backplane::kernel {
namespace {

class Waits final : public LockWaits {
  public:
    explicit Waits(const MachineLock& lock) : lock_(lock) {}
    void lock_wait_begins() override {
        const std::lock_guard guard(mutex_);
        began_ = true;
        changed_.notify_all();
    }
    void lock_wait_ends() override { held_at_the_end = lock_.held(); }
    void await() {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [this] { return began_; });
    }
    bool held_at_the_end = false;
    bool began() const { return began_; }

  private:
    const MachineLock& lock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool began_ = false;
};

TEST(MachineLock, TellsAThreadThatItWaits) {
    RecursiveMachineLock lock;
    Waits waits(lock);
    lock.lock();
    std::thread other([&] {
        lock.observe_waits(&waits);
        lock.lock();
        lock.unlock();
        lock.observe_waits(nullptr);
    });
    waits.await();
    EXPECT_FALSE(waits.held_at_the_end);
    lock.unlock();
    other.join();
    EXPECT_TRUE(waits.held_at_the_end);
}

TEST(MachineLock, SaysNothingWhereNobodyWaits) {
    RecursiveMachineLock lock;
    Waits waits(lock);
    lock.observe_waits(&waits);
    lock.lock();
    lock.lock();
    lock.unlock();
    lock.unlock();
    EXPECT_FALSE(waits.began());
}

}  // namespace
}  // namespace backplane::kernel
