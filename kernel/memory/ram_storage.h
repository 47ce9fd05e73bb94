// The host memory behind RAM, ROM and ROM devices: one memfd each, its page flags and its dirty logs.
#pragma once

#include "kernel/memory/ram_contents.h"

#include <backplane/draft/address_space.h>
#include <backplane/memory_backend.h>

#include <array>
#include <shared_mutex>
#include <string_view>
#include <utility>

namespace backplane::kernel {

inline constexpr std::uint64_t kHugePage = 2u << 20;  ///< bytes

/// Who keeps a dirty log. The order is that of the kPageClean… bits.
enum class DirtyClient : std::uint8_t { Display, Migration, Other };
inline constexpr unsigned kDirtyClients = 3;
constexpr std::uint8_t clean_flag(DirtyClient client) {
    return std::uint8_t(kPageCleanDisplay << unsigned(client));
}
inline constexpr std::uint8_t kPageCleanMask = kPageCleanDisplay | kPageCleanMigration | kPageCleanOther;

/// Those who want to know of stores to pages that code was translated from. Thread: any.
class CodeListeners {
  public:
    void add(CodeListener& listener);
    /// Waits for a call to `listener` that is under way.
    void remove(CodeListener& listener);
    void code_overwritten(RamBlock& block, std::uint64_t offset, std::uint64_t size);

  private:
    std::shared_mutex mutex_;
    std::vector<CodeListener*> listeners_;
};

/// Reference-counted: regions, published views and DMA windows hold it.
class RamStorage {
  public:
    /// A memfd of its own. `size` > 0, in bytes, is rounded up to whole pages. Null and a reason when the host has not
    /// got it. The caller holds the first reference.
    static RamStorage* create(std::string_view name, std::uint64_t size, std::uint64_t base_id,
                              CodeListeners& listeners, Errors& errors);
    /// What a backend describes; its descriptor is duplicated.
    static RamStorage* create(std::string_view name, const MemoryDescription& memory, std::uint64_t base_id,
                              CodeListeners& listeners, Errors& errors);
    RamStorage(const RamStorage&) = delete;
    RamStorage& operator=(const RamStorage&) = delete;

    void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release();

    RamBlock& block() { return block_; }
    /// See NamedBlock.
    void set_id(std::string id) { id_ = std::move(id); }
    const std::string& id() const { return id_; }
    /// Gives the block other contents, of its size, and takes those that it had, all at once: to those who watch, a
    /// store to the whole block. It keeps its address. A memfd of the block's own is exchanged as it is, in no time;
    /// what a backend described stays in place and has its bytes swapped. Thread: holding the machine lock; no CPU
    /// runs and nobody holds a window. False and a reason with nothing changed.
    bool exchange(RamContents& contents, Errors& errors);
    /// The storage that `block` is part of.
    static RamStorage& of(RamBlock& block) { return *static_cast<Block&>(block).storage; }

    /// Bytes were changed by other means than a CPU's store. Out of range parts are ignored. Thread: any.
    void stored(std::uint64_t offset, std::uint64_t size);
    /// The same without telling the code listeners: a CPU's own store.
    void mark_dirty(std::uint64_t offset, std::uint64_t size);

    /// A log starts with all pages clean. Thread: holding the machine lock, like take_dirty().
    void set_log(DirtyClient client, bool on);
    bool any_log() const;
    /// The pages that became dirty since the last call, a bit each, lowest first; they are clean afterwards. Empty
    /// when the log is off.
    std::vector<std::uint64_t> take_dirty(DirtyClient client);

  private:
    struct Block : RamBlock {
        RamStorage* storage = nullptr;
    };

    explicit RamStorage(CodeListeners& listeners) : listeners_(listeners) { block_.storage = this; }
    ~RamStorage();
    std::uint64_t pages() const { return block_.size >> kPageBits; }
    bool clamp(std::uint64_t offset, std::uint64_t& size) const;
    void mark_page(std::uint64_t page, std::uint8_t flags);
    bool exchange_mappings(RamContents& contents, Errors& errors);
    bool exchange_bytes(RamContents& contents, Errors& errors);

    /// Allocated when a log is first switched on, and kept: stores may look at it at any time.
    struct Log {
        std::atomic<bool> on{false};
        std::unique_ptr<std::atomic<std::uint64_t>[]> words;
    };

    Block block_;
    std::string id_;
    bool own_ = false;        ///< the memory is made here, and no backend's
    bool read_only_ = false;  ///< the host lets nobody store to it
    std::array<Log, kDirtyClients> logs_;
    CodeListeners& listeners_;
    std::atomic<std::uint32_t> references_{1};
};

/// Keeps a block, whatever becomes of its regions.
class HeldBlock {
  public:
    explicit HeldBlock(RamBlock& block) : storage_(&RamStorage::of(block)) { storage_->retain(); }
    HeldBlock(HeldBlock&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
    HeldBlock& operator=(HeldBlock&&) = delete;
    HeldBlock(const HeldBlock&) = delete;
    HeldBlock& operator=(const HeldBlock&) = delete;
    ~HeldBlock() {
        if (storage_) storage_->release();
    }

  private:
    RamStorage* storage_;
};

}  // namespace backplane::kernel
