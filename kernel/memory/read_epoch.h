// Lets readers use published data without a lock, while a writer replaces it and frees the old once nobody reads it.
//
// Two banks of counters, one per parity of the epoch. A reader counts itself in the bank of the current epoch; the
// epoch moves on when the bank of the one before is empty; what was retired in epoch e is freed in e + 2.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <pthread.h>

namespace backplane::kernel {

class ReadEpoch {
  public:
    /// A reader. May be held for long and may be nested; it delays nothing but the freeing. Thread: any.
    class Guard {
      public:
        explicit Guard(ReadEpoch& epoch) : counter_(epoch.enter()) {}
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() { counter_.fetch_sub(1, std::memory_order_release); }

      private:
        std::atomic<std::uint32_t>& counter_;
    };

    /// Keeps `object`, which is no longer reachable for new readers, until the present ones are gone, or for ever
    /// if no later collect() finds them gone. Thread: one at a time.
    void retire(std::shared_ptr<const void> object) {
        retired_.emplace_back(epoch_.load(), std::move(object));
    }
    /// Frees what it can. Never waits. Thread: one at a time, with retire().
    void collect();
    std::size_t retired_count() const { return retired_.size(); }

  private:
    static constexpr unsigned kShards = 16;
    struct alignas(64) Counter {
        std::atomic<std::uint32_t> readers{0};
    };

    static unsigned shard() {
        return unsigned((std::uint64_t(pthread_self()) >> 8) * 0x9e3779b97f4a7c15u >> 60) % kShards;
    }
    std::atomic<std::uint32_t>& enter() {
        const unsigned mine = shard();
        for (;;) {
            const std::uint64_t epoch = epoch_.load();
            std::atomic<std::uint32_t>& counter = banks_[epoch & 1][mine].readers;
            counter.fetch_add(1);
            if (epoch_.load() == epoch) return counter;
            counter.fetch_sub(1);
        }
    }
    bool bank_empty(std::uint64_t epoch) const;

    std::atomic<std::uint64_t> epoch_{2};
    std::array<std::array<Counter, kShards>, 2> banks_;
    std::vector<std::pair<std::uint64_t, std::shared_ptr<const void>>> retired_;
};

}  // namespace backplane::kernel
