// Nodes of the memory map, and what belongs to whom.
#pragma once

#include "kernel/barrier/callee.h"
#include "kernel/memory/ram_storage.h"

#include <string>
#include <string_view>

namespace backplane::kernel {

class MapCore;
class Region;

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;
inline constexpr Wide kWholeSpace = Wide(1) << 64;

enum class RegionKind : std::uint8_t { Container, Io, Ram, Rom, RomDevice, Alias };

/// What regions share with their owner. Regions outlive it while a published view still names them.
struct OwnerRecord {
    std::string name;
    /// Whose code its handlers are; null: the core's. Dead once the owner is, and with it every handler.
    Callee* callee = nullptr;
    /// Handlers of this owner that run now under the machine lock. Guarded by that lock.
    unsigned running = 0;
    /// The same for handlers that run without it.
    std::atomic<unsigned> running_lock_free{0};
};

/// Everything but the handler's guard is touched with the machine lock held.
class Region final : public MemoryRegion, public std::enable_shared_from_this<Region> {
  public:
    /// `storage`: a reference that the region takes over, or null.
    Region(MapCore& map, std::shared_ptr<OwnerRecord> owner, std::string_view name, std::uint64_t size,
           RegionKind kind, RamStorage* storage = nullptr);
    ~Region();

    Str name() const override { return name_; }
    std::uint64_t size() const override { return size_; }
    bool add(MemoryRegion& child, Offset offset, int priority, Errors& errors) override;
    void remove(MemoryRegion& child) override;
    void set_enabled(bool enabled) override;
    bool enabled() const override { return enabled_; }
    void set_offset(Offset offset) override;
    void set_alias_offset(Offset offset) override;
    void set_alias_size(std::uint64_t size) override;
    void set_rom_mode(bool direct) override;
    MutableBytes bytes() override;
    void bytes_changed(Offset offset, std::uint64_t size) override;
    void set_read_only(bool read_only) override;

    Wide wide_size() const { return size_ == 0 ? kWholeSpace : Wide(size_); }
    RegionKind kind() const { return kind_; }
    const IoTraits& traits() const { return traits_; }
    RamStorage* storage() const { return storage_; }
    OwnerRecord& owner() const { return *owner_; }
    const std::vector<Region*>& children() const { return children_; }
    Region* parent() const { return parent_; }
    std::uint64_t offset() const { return offset_; }
    int priority() const { return priority_; }
    Region* alias_target() const { return alias_target_; }
    const std::vector<Region*>& aliases() const { return aliases_; }
    std::uint64_t alias_offset() const { return alias_offset_; }
    bool rom_mode() const { return rom_mode_; }
    bool read_only() const { return read_only_; }
    /// The field's word for what it is: "ram", "rom", "romd", "container" or "i/o".
    const char* kind_text() const;

    void set_handler(IoHandler& handler, const IoTraits& traits);
    /// From now on nobody answers: reads are all ones, writes are lost.
    void silence();
    void set_alias(Region& target, std::uint64_t offset);
    /// Leaves the map: its container, children and aliases forget it, and its handler is not called again.
    void retire();

    /// The handler, kept from going while this lives. Null once the owner is gone.
    class HandlerUse {
      public:
        explicit HandlerUse(Region& region) : region_(region) {
            region.in_use_.fetch_add(1);
            handler_ = region.handler_.load();
        }
        HandlerUse(const HandlerUse&) = delete;
        HandlerUse& operator=(const HandlerUse&) = delete;
        ~HandlerUse() {
            if (region_.in_use_.fetch_sub(1) == 1 && !region_.handler_.load()) region_.in_use_.notify_all();
        }
        IoHandler* operator->() const { return handler_; }
        explicit operator bool() const { return handler_ != nullptr; }

      private:
        Region& region_;
        IoHandler* handler_;
    };
    /// The handler for a caller that holds the machine lock.
    IoHandler* handler() const { return handler_.load(std::memory_order_relaxed); }

  private:
    bool contains(const Region& other) const;
    const Region* overlapped(const Region& child, std::uint64_t offset, int priority) const;
    void detach();

    MapCore& map_;
    std::shared_ptr<OwnerRecord> owner_;
    std::string name_;
    std::uint64_t size_;
    RegionKind kind_;
    bool enabled_ = true;
    bool rom_mode_ = true;
    bool read_only_ = false;  ///< RAM and aliases
    int priority_ = 0;
    std::uint64_t offset_ = 0;
    Region* parent_ = nullptr;
    std::vector<Region*> children_;  ///< highest priority first; the newest first among equals
    Region* alias_target_ = nullptr;
    std::uint64_t alias_offset_ = 0;
    std::vector<Region*> aliases_;  ///< that have this one as their target
    RamStorage* storage_;
    IoTraits traits_{};
    std::atomic<IoHandler*> handler_{nullptr};
    std::atomic<std::uint32_t> in_use_{0};
};

}  // namespace backplane::kernel
