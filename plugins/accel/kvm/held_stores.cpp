#include "held_stores.h"

#include <algorithm>
#include <cstring>

namespace backplane::kvm {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::uint32_t kEntries = (kPage - sizeof(kvm_coalesced_mmio_ring)) /
                                   sizeof(kvm_coalesced_mmio);  // api.rst: as many as a page has room for

unsigned ring_page(Vm& vm) {
    const auto page = unsigned(vm.capability(KVM_CAP_COALESCED_MMIO));
    return (page + 1) * kPage <= vm.system().vcpu_mapping_size() ? page : 0;
}

}  // namespace

HeldStores::HeldStores(Vm& vm, AddressSpace& memory, AddressSpace& ports)
    : vm_(vm),
      memory_(memory),
      ports_(ports),
      ring_page_(ring_page(vm)),
      keeps_ports_(vm.capability(KVM_CAP_COALESCED_PIO) > 0) {
    memory_.add_listener(*this);
    ports_.add_listener(*this);
}

HeldStores::~HeldStores() {
    ports_.remove_listener(*this);
    memory_.remove_listener(*this);
}

void HeldStores::start() {
    if (std::exchange(started_, true) || ring_page_ == 0) return;
    update(*memory_.view(), false);
    update(*ports_.view(), true);
}

void HeldStores::map_changed(const MapChange& change) {
    if (started_ && ring_page_ != 0) update(change.view, &change.space == &ports_);
}

void HeldStores::update(const FlatView& view, bool ports) {
    if (ports && !keeps_ports_) return;
    std::vector<Zone> wanted;
    for (const FlatRange& range : view.ranges)
        if (range.handler && !range.block && range.traits.stores_may_wait)
            wanted.push_back({range.start, range.size});
    std::vector<Zone>& zones = ports ? port_zones_ : memory_zones_;
    std::erase_if(zones, [&](const Zone& zone) {
        return std::ranges::find(wanted, zone) == wanted.end() &&
               tell(KVM_UNREGISTER_COALESCED_MMIO, zone, ports);
    });
    // Where the kernel refuses one, the guest's stores leave the guest.
    for (const Zone& zone : wanted)
        if (std::ranges::find(zones, zone) == zones.end() && tell(KVM_REGISTER_COALESCED_MMIO, zone, ports))
            zones.push_back(zone);
}

bool HeldStores::tell(unsigned long code, const Zone& zone, bool port) {
    kvm_coalesced_mmio_zone where{};
    where.addr = zone.start;
    where.size = std::uint32_t(std::min<std::uint64_t>(zone.size, ~std::uint32_t{0}));
    where.pio = port;
    const int result = request(vm_.fd(), code, &where);
    if (result < 0) vm_.refusals().say("to keep stores for a while", -result);
    return result >= 0;
}

void HeldStores::flush(kvm_run& shared) {
    if (ring_page_ == 0) return;
    auto* page = reinterpret_cast<std::uint8_t*>(&shared) + ring_page_ * kPage;
    auto* ring = reinterpret_cast<kvm_coalesced_mmio_ring*>(page);
    const auto* entries = reinterpret_cast<const kvm_coalesced_mmio*>(page + sizeof *ring);
    const auto is_empty = [&] {
        return __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE) ==
               __atomic_load_n(&ring->first, __ATOMIC_RELAXED);
    };
    if (is_empty()) return;
    MachineLock& lock = vm_.context().lock();
    lock.lock();
    while (!is_empty()) {
        const std::uint32_t first = ring->first % kEntries;
        const kvm_coalesced_mmio entry = entries[first];
        __atomic_store_n(&ring->first, (first + 1) % kEntries, __ATOMIC_RELEASE);
        std::uint64_t value = 0;
        const std::uint32_t size = std::min<std::uint32_t>(entry.len, sizeof value);
        std::memcpy(&value, entry.data, size);
        Access access;
        (entry.pio ? ports_ : memory_).store(GuestAddress(entry.phys_addr), value, size, access);
    }
    lock.unlock();
}

}  // namespace backplane::kvm
