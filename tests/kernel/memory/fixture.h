// What the tests of the memory map share: a lock, a log and errors that remember, a handler that records.
#pragma once

#include "kernel/memory/memory_map.h"

#include <backplane/log.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace backplane::test {

class CountingLock final : public MachineLock {
  public:
    void lock() override {
        mutex_.lock();
        ++depth_;
        owner_ = std::this_thread::get_id();
    }
    void unlock() override {
        if (--depth_ == 0) owner_ = std::thread::id();
        mutex_.unlock();
    }
    bool held() const override { return owner_ == std::this_thread::get_id(); }

  private:
    std::recursive_mutex mutex_;
    unsigned depth_ = 0;
    std::atomic<std::thread::id> owner_{};
};

class RecordingLog final : public Log {
  public:
    bool enabled(Str) const override { return true; }
    void write(LogLevel, Str, Str) override {}
    void guest_error(Str key, Str message) override {
        const std::lock_guard guard(mutex_);
        keys.emplace_back(key.view());
        messages.emplace_back(message.view());
    }

    std::vector<std::string> keys;
    std::vector<std::string> messages;

  private:
    std::mutex mutex_;
};

class RecordingErrors final : public Errors {
  public:
    void fail(Str message) override { text = message.view(); }
    std::string text;
};

/// Registers that hold what was written, a byte each, and a list of the accesses that came.
class RecordingHandler : public IoHandler {
  public:
    struct Call {
        bool write;
        std::uint64_t offset;
        unsigned size;
        std::uint64_t value;
        bool operator==(const Call&) const = default;
    };

    std::uint64_t read(Offset offset, unsigned size, Access& access) override {
        intent = access.intent;
        calls.push_back({false, offset.value, size, 0});
        return next_value;
    }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
        intent = access.intent;
        calls.push_back({true, offset.value, size, value});
    }

    std::vector<Call> calls;
    std::uint64_t next_value = 0;
    Intent intent = Intent::Guest;
};

/// A map with one owner, one root of 2^64 bytes and one space on it.
struct MapFixture {
    CountingLock lock;
    RecordingLog log;
    RecordingErrors errors;
    kernel::MemoryMap map{lock, log};
    std::unique_ptr<kernel::MemoryOwner> owner = map.create_owner("/machine/board");
    MemoryRegion& root = owner->container("system", 0);
    AddressSpace& space = map.create_address_space("memory", root);

    std::uint64_t load(std::uint64_t address, unsigned size) {
        Access access;
        const std::uint64_t value = space.load(GuestAddress(address), size, access);
        failed = access.failed;
        return value;
    }
    void store(std::uint64_t address, std::uint64_t value, unsigned size, Intent intent = Intent::Guest) {
        Access access{intent};
        space.store(GuestAddress(address), value, size, access);
        failed = access.failed;
    }
    bool add(MemoryRegion& child, std::uint64_t offset, int priority = 0) {
        return root.add(child, Offset(offset), priority, errors);
    }
    MemoryRegion& add_ram(const char* name, std::uint64_t offset, std::uint64_t size, int priority = 0) {
        MemoryRegion* ram = owner->ram(name, size, errors);
        add(*ram, offset, priority);
        return *ram;
    }

    bool failed = false;
};

}  // namespace backplane::test
