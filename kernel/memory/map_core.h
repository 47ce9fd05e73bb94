// What the parts of one memory map share: the lock, the readers' epoch, RAM, and when to publish.
#pragma once

#include "kernel/memory/flatten.h"
#include "kernel/memory/read_epoch.h"

#include <atomic>
#include <mutex>
#include <set>

namespace backplane {
class Log;
}

namespace backplane::kernel {

class MappedSpace;

/// Thread: holding the machine lock, but for the epoch's guards and the code listeners.
class MapCore {
  public:
    MapCore(MachineLock& lock, Log& log) : lock_(lock), log_(log) {}
    MapCore(const MapCore&) = delete;
    MapCore& operator=(const MapCore&) = delete;

    MachineLock& lock() { return lock_; }
    Log& log() { return log_; }
    ReadEpoch& epoch() { return epoch_; }
    CodeListeners& code_listeners() { return code_listeners_; }

    /// A change of the map: takes the lock; the outermost publishes what changed when it ends.
    class Change {
      public:
        explicit Change(MapCore& core) : core_(core), guard_(core.lock_) { core.begin(); }
        Change(const Change&) = delete;
        Change& operator=(const Change&) = delete;
        ~Change() { core_.commit(); }

      private:
        MapCore& core_;
        std::lock_guard<MachineLock> guard_;
    };
    void begin() { ++depth_; }
    void commit();
    /// For who is about to look, and may be in the midst of a change.
    void catch_up() {
        if (behind_.load(std::memory_order_relaxed) && lock_.held()) publish_all();
    }
    /// What `region` shows changed: every space that reaches it, itself or through aliases, is rendered anew.
    void changed(Region& region);

    /// The storage of a new block, which joins the list; null and a reason.
    RamStorage* allocate(std::string_view name, std::uint64_t size, Errors& errors);
    RamStorage* allocate(std::string_view name, const MemoryDescription& memory, Errors& errors);
    void forget(RamStorage& storage);
    const std::vector<RamStorage*>& blocks() const { return blocks_; }

    void add_space(MappedSpace& space) { spaces_.push_back(&space); }
    void remove_space(MappedSpace& space) { std::erase(spaces_, &space); }
    const std::vector<MappedSpace*>& spaces() const { return spaces_; }
    std::uint64_t next_generation() { return ++generation_; }

  private:
    RamStorage* keep(RamStorage* storage);
    void publish_all();
    void publish();

    MachineLock& lock_;
    Log& log_;
    ReadEpoch epoch_;
    CodeListeners code_listeners_;
    std::vector<MappedSpace*> spaces_;
    std::vector<RamStorage*> blocks_;
    std::uint64_t next_page_id_ = 1;
    std::uint64_t generation_ = 0;
    unsigned depth_ = 0;
    std::set<const Region*> changed_roots_;
    std::atomic<bool> behind_{false};  ///< there are such
    bool publishing_ = false;
};

}  // namespace backplane::kernel
