// The machine's memory as the kernel maps it for guests: one slot for each stretch of RAM and ROM of the flat view.
//
// Follows api 4.35 (KVM_SET_USER_MEMORY_REGION), 4.8 (KVM_GET_DIRTY_LOG) and KVM_CAP_DIRTY_LOG_RING.
#pragma once

#include "vm.h"

#include <backplane/draft/address_space.h>

namespace backplane::kvm {

/// The kernel hears of a change when it is made, but what is done to the map while no vCPU runs all at once: each request of
/// its kind waits for all processors of the host.
class MemorySlots final : public MemoryListener {
  public:
    /// `space`: the kernel's number of it; 1 is what processors see in system management mode.
    MemorySlots(Vm& vm, AddressSpace& memory, std::uint32_t space);
    ~MemorySlots();

    // MemoryListener
    void map_changed(const MapChange& change) override;
    void dirty_log_changed(RamBlock& block, bool on) override;
    void collect_dirty(RamBlock& block) override;

    /// vCPUs are about to run; none does any more.
    void start();
    void stop() { running_ = false; }
    /// As a ring of changed pages has it: of these slots or not.
    void page_changed(std::uint32_t slot, std::uint64_t page);

  private:
    struct Slot {
        std::uint32_t number = 0;
        std::uint64_t start = 0, size = 0;
        RamBlock* block = nullptr;
        std::uint64_t block_offset = 0;
        std::uint32_t flags = 0;
    };

    std::optional<Slot> slot_of(const FlatRange& range);
    void add(const FlatRange& range);
    void remove(std::uint64_t range_start);
    bool tell(const Slot& slot, std::uint64_t size);
    void told();
    std::uint32_t free_number() const;
    static bool same(const Slot& a, const Slot& b);
    std::uint32_t kernel_number(const Slot& slot) const { return space_ << 16 | slot.number; }

    Vm& vm_;
    AddressSpace& memory_;
    const std::uint32_t space_;
    const bool read_only_;
    const std::uint32_t most_;
    std::map<std::uint64_t, Slot> slots_;  ///< by the guest address of their range, as the flat view has it
    /// Holds the blocks of the slots while the map has changed and the kernel has not heard of it.
    std::shared_ptr<const FlatView> view_;
    bool running_ = false, changed_ = false;
    std::set<const RamBlock*> logged_;
    std::vector<std::uint64_t> bitmap_;
};

}  // namespace backplane::kvm
