// Draft: needs the exact host build. Address spaces as accelerators see them: flat views, listeners, page state.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/memory.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace backplane {

inline constexpr unsigned kPageBits = 12;
inline constexpr std::uint64_t kPageSize = 1u << kPageBits;

/// One byte per 4 KiB page of a RAM block. A store to a page whose byte says so must take the slow path.
enum PageFlag : std::uint8_t {
    kPageCode = 1,          ///< translated code was made from it
    kPageCleanDisplay = 2,  ///< a dirty log is on and the page is not dirty in it
    kPageCleanMigration = 4,
    kPageCleanOther = 8,
};

/// A block of host memory that backs RAM or ROM. Owner: the host; it lives while a region, a view or a DMA window
/// holds it.
struct RamBlock {
    std::string name;
    std::uint8_t* host = nullptr;
    std::uint64_t size = 0;  ///< bytes, a multiple of 4 KiB
    std::uint64_t base_id =
        0;        ///< of the first page; base_id + page names a page, never reused in the machine
    int fd = -1;  ///< what `host` maps; -1: nothing that another process could map
    std::uint64_t fd_offset = 0;  ///< bytes: where in it the block starts
    /// Is the descriptor the truth: does every store show in it? False where pages are private to this process.
    bool shared = true;
    std::unique_ptr<std::atomic<std::uint8_t>[]> page_flags;
};

/// A stretch of a flat view.
struct FlatRange {
    std::uint64_t start = 0;  ///< guest address
    std::uint64_t size = 0;   ///< bytes; start + size - 1 does not wrap
    /// The same without what lies over the end of it: an I/O access that begins in the range may end there.
    std::uint64_t reach = 0;
    MemoryRegion* region = nullptr;
    std::uint64_t offset = 0;   ///< of `start` in the region
    RamBlock* block = nullptr;  ///< RAM, ROM, ROM device in ROM mode; else null
    std::uint64_t block_offset = 0;
    bool writable = false;         ///< direct stores are allowed (RAM)
    IoHandler* handler = nullptr;  ///< I/O, and stores to a ROM device
    IoTraits traits{};
    bool contains(std::uint64_t address) const { return address - start < size; }
    std::uint8_t* host(std::uint64_t address) const {
        return block ? block->host + block_offset + (address - start) : nullptr;
    }
};

/// Immutable once published; sorted by start, without overlap; what is not covered is unassigned.
struct FlatView {
    std::vector<FlatRange> ranges;
    std::uint64_t generation = 0;
    /// The range that has `address`; null for a hole.
    const FlatRange* find(std::uint64_t address) const {
        const auto above = std::upper_bound(ranges.begin(), ranges.end(), address,
                                            [](std::uint64_t a, const FlatRange& r) { return a < r.start; });
        if (above == ranges.begin()) return nullptr;
        const FlatRange& below = *std::prev(above);
        return below.contains(address) ? &below : nullptr;
    }
};

/// One change of a flat view, whole: who maps memory elsewhere (a hypervisor's slots) does it without a gap in between.
/// What stands in neither list is as it was.
struct MapChange {
    const class AddressSpace& space;  ///< whose view it is
    const FlatView& view;             ///< as it is now
    Slice<const FlatRange> removed{};
    Slice<const FlatRange> added{};
};

/// Gets the differences between flat views. Thread: whoever changed the map, with the machine lock held, which a
/// listener never lets go of.
class MemoryListener {
  public:
    virtual void map_changed(const MapChange& change) = 0;
    /// Some dirty log of `block` is on from now on, or none is.
    virtual void dirty_log_changed(RamBlock&, bool /*on*/) {}
    /// A dirty log is about to be read: tell with mark_dirty() of stores that only the listener knows of.
    virtual void collect_dirty(RamBlock&) {}
    /// Pages of `block` became clean in a log (page_flags says which): the next store to each must be seen, so a
    /// remembered permission to store directly goes, on every CPU, before this returns. A CPU may be waiting for the
    /// lock that is held here (LockWaits).
    virtual void pages_cleaned(RamBlock&) {}

  protected:
    ~MemoryListener() = default;
};

/// Gets told when a store by someone else (DMA, a debugger, a loader) has changed pages that have kPageCode: right
/// after it, so that a translation made meanwhile from the old bytes goes as well.
class CodeListener {
  public:
    /// Thread: any.
    virtual void code_overwritten(RamBlock& block, std::uint64_t offset, std::uint64_t size) = 0;

  protected:
    ~CodeListener() = default;
};

/// A root region seen flat. Reads and writes from any thread.
class AddressSpace {
  public:
    virtual Str name() const = 0;
    /// The view that is current now; it lives as long as the pointer is held.
    virtual std::shared_ptr<const FlatView> view() const = 0;
    /// Any access of 1, 2, 4 or 8 bytes, split as the region's traits ask, with the machine lock taken for I/O.
    /// Sets access.failed for unassigned addresses and sizes that are refused. A store to ROM does nothing and is no
    /// failure, unless a debugger does it: that changes the bytes.
    virtual std::uint64_t load(GuestAddress address, unsigned size, Access& access) = 0;
    virtual void store(GuestAddress address, std::uint64_t value, unsigned size, Access& access) = 0;
    /// The same where the range is already known (a soft TLB remembers it); `offset` is inside range.region. The
    /// caller holds the view that the range came from, also during the call, which may change the map.
    virtual std::uint64_t load_io(const FlatRange& range, Offset offset, unsigned size, Access& access) = 0;
    virtual void store_io(const FlatRange& range, Offset offset, std::uint64_t value, unsigned size,
                          Access& access) = 0;
    virtual bool read(GuestAddress address, MutableBytes to, Access& access) = 0;
    virtual bool write(GuestAddress address, Bytes from, Access& access) = 0;
    /// Tells of all of the current view as added, then of changes.
    virtual void add_listener(MemoryListener& listener) = 0;
    virtual void remove_listener(MemoryListener& listener) = 0;
    /// A store to `size` bytes at block offset `offset` was done directly: marks the pages dirty in every log.
    virtual void mark_dirty(RamBlock& block, std::uint64_t offset, std::uint64_t size) = 0;
    virtual void add_code_listener(CodeListener& listener) = 0;
    virtual void remove_code_listener(CodeListener& listener) = 0;

  protected:
    ~AddressSpace() = default;
};

/// Hears when its thread waits for the machine lock: it is then where it asked for the lock, and stays there until whoever
/// holds that lets go. Thread: its own.
class LockWaits {
  public:
    virtual void lock_wait_begins() = 0;
    virtual void lock_wait_ends() = 0;  ///< with the lock held

  protected:
    ~LockWaits() = default;
};

/// The machine's lock: held while device code runs. Recursive calls are counted.
class MachineLock {
  public:
    static constexpr const char* kId = "backplane.machine-lock/draft";
    virtual void lock() = 0;
    virtual void unlock() = 0;
    virtual bool held() const = 0;  ///< by the calling thread
    /// From now on `waits` hears of the calling thread's waiting; null: nobody does.
    virtual void observe_waits(LockWaits* /*waits*/) {}

  protected:
    ~MachineLock() = default;
};

}  // namespace backplane
