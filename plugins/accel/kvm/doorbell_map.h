// Doorbells of devices (<backplane/doorbells.h>) as the kernel's I/O events, wherever the guest's memory map has their
// regions.
//
// Follows api.rst: KVM_IOEVENTFD.
#pragma once

#include "vm.h"

#include <backplane/doorbells.h>
#include <backplane/draft/address_space.h>

namespace backplane::kvm {

/// Thread: holding the machine lock.
class DoorbellMap final : public Doorbells, MemoryListener {
  public:
    DoorbellMap(Vm& vm, AddressSpace& memory, AddressSpace& ports);
    ~DoorbellMap();
    DoorbellMap(const DoorbellMap&) = delete;
    DoorbellMap& operator=(const DoorbellMap&) = delete;

    bool add(const Doorbell& doorbell) override;
    void remove(int event) override;

  private:
    /// Where a doorbell is seen.
    struct Spot {
        bool port;
        std::uint64_t address;
        bool operator==(const Spot&) const = default;
    };
    struct Placed {
        Doorbell doorbell;
        std::vector<Spot> spots;
    };

    void map_changed(const MapChange& change) override;
    void place(Placed& placed, const FlatView& view, bool ports);
    bool tell(const Doorbell& doorbell, const Spot& spot, std::uint32_t flags);

    Vm& vm_;
    AddressSpace& memory_;
    AddressSpace& ports_;
    const bool usable_, any_size_;
    std::vector<Placed> doorbells_;
};

}  // namespace backplane::kvm
