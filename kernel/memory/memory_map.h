// The memory map of one machine: its regions, what its address spaces see of them, its RAM.
//
// Regions form a tree. Each address space shows its root's tree flat; a change renders the views anew, publishes
// them and tells their listeners before the call returns. Readers take no lock: an old view is freed when nobody
// reads it any more. Handlers run under the machine lock, which every change of the map takes as well.
//
// Not here: IOMMUs (a region whose translation depends on the requester).
#pragma once

#include "kernel/memory/ram_storage.h"

#include <backplane/draft/address_space.h>

#include <string>
#include <string_view>

namespace backplane {
class Log;
}

namespace backplane::kernel {

class Callee;
class MapCore;

/// The factory of one object's regions. Destroying it takes them out of the map and out of use: no handler of
/// them is called afterwards. Not from within such a handler.
class MemoryOwner : public MemoryFactory {
  public:
    virtual ~MemoryOwner() = default;
    virtual std::string_view name() const = 0;
    virtual std::size_t region_count() const = 0;
    /// The owner's handlers are not called any more: reads are all ones, writes are lost. Holding the machine lock.
    virtual void silence() = 0;
    /// Memory backends that it claimed are others' again, and may go; what is mapped of them stays.
    virtual void release_backends() = 0;
};

/// A port that its holder frees.
class MemoryPort : public DmaPort {
  public:
    virtual ~MemoryPort() = default;
    /// What its accesses carry as Access::requester.
    virtual void set_requester(std::uint16_t requester) = 0;
};

/// A block of RAM or ROM, by a name that it has whenever the same machine is made.
struct NamedBlock {
    std::string id;  ///< "/machine:ram"
    RamBlock& block;
};

/// What the text of `info mtree` has in it.
struct MapTextOptions {
    bool flat = false;
    bool owners = false;
    bool disabled = false;  ///< the tree: regions that are switched off as well
};

/// Thread: as each function says; where none does, any that may take the machine lock.
class MemoryMap {
  public:
    MemoryMap(MachineLock& lock, Log& log);
    MemoryMap(const MemoryMap&) = delete;
    MemoryMap& operator=(const MemoryMap&) = delete;
    /// Owners and ports must be gone.
    ~MemoryMap();

    /// `owner_name`: the object's path, for texts.
    /// `callee`: whose code the handlers of its regions are; null: the core's.
    std::unique_ptr<MemoryOwner> create_owner(std::string_view owner_name, Callee* callee = nullptr);
    /// The map owns it. It sees nothing once `root` is gone.
    AddressSpace& create_address_space(std::string_view name, MemoryRegion& root);
    /// Its ports must be gone.
    void destroy_address_space(AddressSpace& space);
    /// The DMA of `device` in `space`: it does not reach I/O of `device`, nor of a device whose handler is running.
    std::unique_ptr<MemoryPort> create_port(AddressSpace& space, MemoryOwner& device);

    /// Between the two, changes are collected; commit() of the outermost pair publishes them at once. What holds the lock
    /// and looks at the map in between has those so far published.
    void begin();
    void commit();

    /// All blocks, in order of their making. Holding the machine lock.
    std::vector<RamBlock*> ram_blocks() const;
    std::vector<NamedBlock> named_blocks() const;
    /// A log starts with all pages clean. Listeners hear dirty_log_changed().
    void set_dirty_log(RamBlock& block, DirtyClient client, bool on);
    /// The pages that became dirty since the last call, a bit each, lowest first; they are clean in this log
    /// afterwards, in every CPU's eyes. Empty when the log is off.
    std::vector<std::uint64_t> take_dirty(RamBlock& block, DirtyClient client);

    std::string text(const MapTextOptions& options) const;

  private:
    std::unique_ptr<MapCore> core_;
};

/// begin() and commit() as a scope.
class MapTransaction {
  public:
    explicit MapTransaction(MemoryMap& map) : map_(map) { map_.begin(); }
    MapTransaction(const MapTransaction&) = delete;
    MapTransaction& operator=(const MapTransaction&) = delete;
    ~MapTransaction() { map_.commit(); }

  private:
    MemoryMap& map_;
};

}  // namespace backplane::kernel
