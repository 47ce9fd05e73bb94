// Stores of guests that the kernel keeps for a while: those to regions whose stores may wait (IoTraits).
//
// Follows api.rst: KVM_REGISTER_COALESCED_MMIO, KVM_CAP_COALESCED_PIO. The kernel writes them into a ring that all vCPUs
// of a machine share, without leaving the guest.
#pragma once

#include "vm.h"

#include <backplane/draft/address_space.h>

namespace backplane::kvm {

class HeldStores final : MemoryListener {
  public:
    HeldStores(Vm& vm, AddressSpace& memory, AddressSpace& ports);
    ~HeldStores();
    HeldStores(const HeldStores&) = delete;
    HeldStores& operator=(const HeldStores&) = delete;

    /// vCPUs are about to run: the kernel hears now what the map has. Holding the machine lock.
    void start();
    /// Does them, in order. Before anything else that a vCPU left the guest for. Thread: a vCPU's; `shared` is its memory
    /// that the kernel writes.
    void flush(kvm_run& shared);

  private:
    /// Where the kernel keeps them.
    struct Zone {
        std::uint64_t start, size;
        bool operator==(const Zone&) const = default;
    };
    void map_changed(const MapChange& change) override;
    void update(const FlatView& view, bool ports);
    bool tell(unsigned long code, const Zone& zone, bool port);

    Vm& vm_;
    AddressSpace& memory_;
    AddressSpace& ports_;
    const unsigned ring_page_;  ///< of a vCPU's shared memory; 0: the kernel keeps none
    const bool keeps_ports_;
    bool started_ = false;
    std::vector<Zone> memory_zones_, port_zones_;
};

}  // namespace backplane::kvm
