#include "kernel/memory/ram_storage.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace backplane::kernel {

namespace {

int protection(const MemoryDescription& memory) {
    return memory.read_only ? PROT_READ : PROT_READ | PROT_WRITE;
}

int map_flags(const MemoryDescription& memory) {
    return (memory.shared ? MAP_SHARED : MAP_PRIVATE) | (memory.fd < 0 ? MAP_ANONYMOUS : 0) |
           (memory.reserve ? 0 : MAP_NORESERVE);
}

/// Maps it on a boundary that its pages, or huge ones, can use. MAP_FAILED with errno.
void* map_memory(const MemoryDescription& memory) {
    const std::uint64_t boundary =
        std::max(memory.page_size, memory.size < kHugePage ? kPageSize : kHugePage);
    const auto map = [&](void* at, int fixed) {
        return mmap(at, memory.size, protection(memory), map_flags(memory) | fixed, memory.fd,
                    off_t(memory.offset));
    };
    if (boundary == kPageSize) return map(nullptr, 0);
    const std::uint64_t span = memory.size + boundary;
    void* reserved = mmap(nullptr, span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return reserved;
    const auto first = reinterpret_cast<std::uintptr_t>(reserved);
    const std::uintptr_t aligned = (first + boundary - 1) & ~std::uintptr_t(boundary - 1);
    void* mapped = map(reinterpret_cast<void*>(aligned), MAP_FIXED);
    const int error = errno;
    if (mapped == MAP_FAILED) {
        munmap(reserved, span);
    } else {
        if (aligned > first) munmap(reserved, aligned - first);
        const std::uintptr_t tail = aligned + memory.size;
        if (tail < first + span) munmap(reinterpret_cast<void*>(tail), first + span - tail);
    }
    errno = error;
    return mapped;
}

/// Takes every page now, by several threads: 0 or an errno.
int populate(std::uint8_t* host, const MemoryDescription& memory) {
    const std::uint64_t unit = std::max(memory.page_size, kPageSize);
    const std::uint64_t units = memory.size / unit;
    const std::uint64_t threads =
        std::clamp<std::uint64_t>(memory.threads, 1, std::max<std::uint64_t>(units, 1));
    std::atomic<int> error{0};
    std::vector<std::jthread> workers;
    for (std::uint64_t i = 0; i < threads; ++i)
        workers.emplace_back([&, i] {
            const std::uint64_t from = units * i / threads * unit;
            const std::uint64_t to = units * (i + 1) / threads * unit;
            if (to > from && madvise(host + from, to - from, MADV_POPULATE_WRITE) != 0) error = errno;
        });
    workers.clear();
    return error;
}

/// Advice changes nothing that a guest sees: where the host does not take it, things go on without.
void advise(std::uint8_t* host, const MemoryDescription& memory) {
    if (memory.size >= kHugePage && memory.page_size == kPageSize) madvise(host, memory.size, MADV_HUGEPAGE);
    if (memory.merge && !memory.shared) madvise(host, memory.size, MADV_MERGEABLE);
    if (!memory.dump) madvise(host, memory.size, MADV_DONTDUMP);
}

}  // namespace

void CodeListeners::add(CodeListener& listener) {
    const std::unique_lock guard(mutex_);
    listeners_.push_back(&listener);
}

void CodeListeners::remove(CodeListener& listener) {
    const std::unique_lock guard(mutex_);
    std::erase(listeners_, &listener);
}

void CodeListeners::code_overwritten(RamBlock& block, std::uint64_t offset, std::uint64_t size) {
    const std::shared_lock guard(mutex_);
    for (CodeListener* listener : listeners_) listener->code_overwritten(block, offset, size);
}

RamStorage* RamStorage::create(std::string_view name, std::uint64_t size, std::uint64_t base_id,
                               CodeListeners& listeners, Errors& errors) {
    const auto refuse = [&](const std::string& why) -> RamStorage* {
        errors.fail("cannot allocate " + std::to_string(size) + " bytes of memory for '" + std::string(name) +
                    "': " + why);
        return nullptr;
    };
    if (size == 0) return refuse("the size must be greater than zero");
    if (size > std::uint64_t(1) << 62) return refuse("no host has that much");
    MemoryDescription memory{.size = (size + kPageSize - 1) & ~(kPageSize - 1), .reserve = false};
    const std::string label = "backplane:" + std::string(name.substr(0, 200));
    memory.fd = memfd_create(label.c_str(), MFD_CLOEXEC);
    if (memory.fd < 0) return refuse(std::string("memfd_create: ") + std::strerror(errno));
    RamStorage* storage = nullptr;
    if (ftruncate(memory.fd, off_t(memory.size)) != 0) refuse(std::strerror(errno));
    else storage = create(name, memory, base_id, listeners, errors);
    if (storage) storage->own_ = true;
    close(memory.fd);
    return storage;
}

RamStorage* RamStorage::create(std::string_view name, const MemoryDescription& memory, std::uint64_t base_id,
                               CodeListeners& listeners, Errors& errors) {
    const auto refuse = [&](const std::string& why) -> RamStorage* {
        errors.fail("cannot map " + std::to_string(memory.size) + " bytes of memory for '" +
                    std::string(name) + "': " + why);
        return nullptr;
    };
    if (memory.size == 0 || memory.size % kPageSize != 0)
        return refuse("the size must be a multiple of " + std::to_string(kPageSize));
    struct Deleter {
        void operator()(RamStorage* storage) const { storage->release(); }
    };
    std::unique_ptr<RamStorage, Deleter> storage(new RamStorage(listeners));
    Block& block = storage->block_;
    block.name = name;
    block.size = memory.size;
    block.base_id = base_id;
    block.shared = memory.shared && memory.fd >= 0;
    block.fd_offset = memory.offset;
    storage->read_only_ = memory.read_only;
    if (memory.fd >= 0 && (block.fd = fcntl(memory.fd, F_DUPFD_CLOEXEC, 0)) < 0)
        return refuse(std::strerror(errno));
    void* host = map_memory(memory);
    if (host == MAP_FAILED) return refuse(std::strerror(errno));
    block.host = static_cast<std::uint8_t*>(host);
    advise(block.host, memory);
    if (memory.prealloc)
        if (const int error = populate(block.host, memory))
            return refuse(std::string("its pages could not be taken in advance: ") + std::strerror(error));
    block.page_flags.reset(new (std::nothrow) std::atomic<std::uint8_t>[storage->pages()] {});
    if (!block.page_flags) return refuse("no room for its page flags");
    return storage.release();
}

RamStorage::~RamStorage() {
    if (block_.host) munmap(block_.host, block_.size);
    if (block_.fd >= 0) close(block_.fd);
}

void RamStorage::release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

bool RamStorage::clamp(std::uint64_t offset, std::uint64_t& size) const {
    if (offset >= block_.size || size == 0) return false;
    size = std::min(size, block_.size - offset);
    return true;
}

// The flag is cleared before the bit is set: take_dirty() clears bits before it sets flags, so whatever the order
// of the two, a page ends either dirty or watched.
void RamStorage::mark_page(std::uint64_t page, std::uint8_t flags) {
    block_.page_flags[page].fetch_and(std::uint8_t(~(flags & kPageCleanMask)));
    for (unsigned client = 0; client < kDirtyClients; ++client)
        if (flags & clean_flag(DirtyClient(client)))
            logs_[client].words[page / 64].fetch_or(std::uint64_t(1) << (page % 64));
}

void RamStorage::stored(std::uint64_t offset, std::uint64_t size) {
    if (!clamp(offset, size)) return;
    // A translator sets kPageCode, then reads the page; here the page was written, then the flag is read.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    bool code = false;
    for (std::uint64_t page = offset >> kPageBits; page <= (offset + size - 1) >> kPageBits; ++page) {
        const std::uint8_t flags = block_.page_flags[page].load(std::memory_order_relaxed);
        if (flags & kPageCleanMask) mark_page(page, flags);
        if (flags & kPageCode) code = true;
    }
    if (code) listeners_.code_overwritten(block_, offset, size);
}

void RamStorage::mark_dirty(std::uint64_t offset, std::uint64_t size) {
    if (!clamp(offset, size)) return;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (std::uint64_t page = offset >> kPageBits; page <= (offset + size - 1) >> kPageBits; ++page) {
        const std::uint8_t flags = block_.page_flags[page].load(std::memory_order_relaxed);
        if (flags & kPageCleanMask) mark_page(page, flags);
    }
}

void RamStorage::set_log(DirtyClient client, bool on) {
    Log& log = logs_[unsigned(client)];
    if (log.on == on) return;
    if (!log.words) log.words.reset(new std::atomic<std::uint64_t>[(pages() + 63) / 64] {});
    // A store that was under way when the log was switched off may have left its bit.
    if (on)
        for (std::uint64_t word = 0; word < (pages() + 63) / 64; ++word) log.words[word] = 0;
    log.on = on;
    const std::uint8_t flag = clean_flag(client);
    for (std::uint64_t page = 0; page < pages(); ++page) {
        if (on) block_.page_flags[page].fetch_or(flag);
        else block_.page_flags[page].fetch_and(std::uint8_t(~flag));
    }
}

bool RamStorage::any_log() const {
    return std::any_of(logs_.begin(), logs_.end(), [](const Log& log) { return log.on.load(); });
}

std::vector<std::uint64_t> RamStorage::take_dirty(DirtyClient client) {
    Log& log = logs_[unsigned(client)];
    if (!log.on) return {};
    std::vector<std::uint64_t> dirty((pages() + 63) / 64);
    for (std::size_t word = 0; word < dirty.size(); ++word) {
        if (log.words[word].load(std::memory_order_relaxed) == 0) continue;
        dirty[word] = log.words[word].exchange(0);
        for (unsigned bit = 0; bit < 64; ++bit)
            if (dirty[word] >> bit & 1) block_.page_flags[word * 64 + bit].fetch_or(clean_flag(client));
    }
    return dirty;
}

}  // namespace backplane::kernel
