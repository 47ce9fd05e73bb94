#include "doorbell_map.h"

#include <algorithm>

namespace backplane::kvm {

DoorbellMap::DoorbellMap(Vm& vm, AddressSpace& memory, AddressSpace& ports)
    : vm_(vm),
      memory_(memory),
      ports_(ports),
      usable_(vm.capability(KVM_CAP_IOEVENTFD) > 0),
      any_size_(vm.capability(KVM_CAP_IOEVENTFD_ANY_LENGTH) > 0) {
    memory_.add_listener(*this);
    ports_.add_listener(*this);
}

DoorbellMap::~DoorbellMap() {
    ports_.remove_listener(*this);
    memory_.remove_listener(*this);
    while (!doorbells_.empty()) remove(doorbells_.back().doorbell.event);
}

bool DoorbellMap::add(const Doorbell& given) {
    if (!usable_) {
        vm_.refusals().say("event descriptors for registers", 0);
        return false;
    }
    Placed placed{read_sized(given), {}};
    // The size that nearly all of those writes have; others reach the register.
    constexpr std::uint32_t kUsual = 2;
    if (placed.doorbell.size == 0 && !any_size_) placed.doorbell.size = kUsual;
    place(placed, *memory_.view(), false);
    place(placed, *ports_.view(), true);
    doorbells_.push_back(std::move(placed));
    return true;
}

void DoorbellMap::remove(int event) {
    const auto found =
        std::ranges::find_if(doorbells_, [=](const Placed& p) { return p.doorbell.event == event; });
    if (found == doorbells_.end()) return;
    for (const Spot& spot : found->spots) tell(found->doorbell, spot, KVM_IOEVENTFD_FLAG_DEASSIGN);
    doorbells_.erase(found);
}

void DoorbellMap::map_changed(const MapChange& change) {
    for (Placed& placed : doorbells_) place(placed, change.view, &change.space == &ports_);
}

void DoorbellMap::place(Placed& placed, const FlatView& view, bool ports) {
    const Doorbell& doorbell = placed.doorbell;
    std::vector<Spot> wanted;
    for (const FlatRange& range : view.ranges) {
        const std::uint64_t delta = doorbell.offset.value - range.offset;
        if (range.region == doorbell.region && doorbell.offset.value >= range.offset && delta < range.size)
            wanted.push_back({ports, range.start + delta});
    }
    std::erase_if(placed.spots, [&](const Spot& spot) {
        if (spot.port != ports || std::ranges::find(wanted, spot) != wanted.end()) return false;
        tell(doorbell, spot, KVM_IOEVENTFD_FLAG_DEASSIGN);
        return true;
    });
    // Where the kernel refuses one, the guest's writes reach the register.
    for (const Spot& spot : wanted)
        if (std::ranges::find(placed.spots, spot) == placed.spots.end() && tell(doorbell, spot, 0))
            placed.spots.push_back(spot);
}

bool DoorbellMap::tell(const Doorbell& doorbell, const Spot& spot, std::uint32_t flags) {
    kvm_ioeventfd io{};
    io.datamatch = doorbell.one_value ? doorbell.value : 0;
    io.addr = spot.address;
    io.len = doorbell.size;
    io.fd = doorbell.event;
    io.flags = flags | (spot.port ? KVM_IOEVENTFD_FLAG_PIO : 0u) |
               (doorbell.one_value ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0u);
    const int result = request(vm_.fd(), KVM_IOEVENTFD, &io);
    if (result < 0) vm_.refusals().say("an event descriptor for a register", -result);
    return result >= 0;
}

}  // namespace backplane::kvm
