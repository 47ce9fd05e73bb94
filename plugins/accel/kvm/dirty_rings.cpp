#include "dirty_rings.h"

#include "kernel_calls.h"

#include <algorithm>
#include <cstring>

namespace backplane::kvm {

namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

DirtyRings::~DirtyRings() {
    for (const Ring& ring : rings_) kernel_calls::unmap(ring.first, bytes());
}

bool DirtyRings::enable(const Descriptor& vm, std::uint32_t entries, Errors& errors) {
    const auto most = [&](unsigned capability) {
        return request(vm, KVM_CHECK_EXTENSION, static_cast<unsigned long>(capability));
    };
    // The second is the first with the order of memory accesses that all processors need; x86 has it anyway.
    const unsigned capability =
        most(KVM_CAP_DIRTY_LOG_RING_ACQ_REL) > 0 ? KVM_CAP_DIRTY_LOG_RING_ACQ_REL : KVM_CAP_DIRTY_LOG_RING;
    const int most_bytes = most(capability);
    const std::size_t wanted = entries * sizeof(kvm_dirty_gfn);
    kvm_enable_cap enable{};
    enable.cap = capability;
    enable.args[0] = wanted;
    const int result = most_bytes <= 0                    ? -ENOTTY
                       : wanted > std::size_t(most_bytes) ? -E2BIG
                                                          : request(vm, KVM_ENABLE_CAP, &enable);
    if (result < 0) {
        errors.fail("dirty-ring-size: the kernel refuses rings of " + std::to_string(entries) + " entries (" +
                    (result == -E2BIG
                         ? "it has at most " + std::to_string(std::size_t(most_bytes) / sizeof(kvm_dirty_gfn))
                         : std::string(std::strerror(-result))) +
                    "); leave it at 0");
        return false;
    }
    vm_ = &vm;
    entries_ = entries;
    return true;
}

bool DirtyRings::add(const Descriptor& vcpu) {
    if (!used()) return true;
    void* first = kernel_calls::map(vcpu.get(), bytes(), KVM_DIRTY_LOG_PAGE_OFFSET * kPage);
    if (first) rings_.push_back({vcpu.get(), static_cast<kvm_dirty_gfn*>(first), 0});
    return first != nullptr;
}

void DirtyRings::remove(const Descriptor& vcpu) {
    const auto found = std::ranges::find(rings_, vcpu.get(), &Ring::vcpu);
    if (found == rings_.end()) return;
    kernel_calls::unmap(found->first, bytes());
    rings_.erase(found);
}

int DirtyRings::harvest(const std::function<void(std::uint32_t, std::uint64_t)>& changed) {
    unsigned taken = 0;
    for (Ring& ring : rings_)
        for (;;) {
            kvm_dirty_gfn& entry = ring.first[ring.next % entries_];
            if (!(__atomic_load_n(&entry.flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY)) break;
            changed(entry.slot, entry.offset);
            __atomic_store_n(&entry.flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
            ++ring.next;
            ++taken;
        }
    return taken == 0 ? 0 : std::min(0, request(*vm_, KVM_RESET_DIRTY_RINGS));
}

}  // namespace backplane::kvm
