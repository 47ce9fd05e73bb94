// Changed pages as each vCPU writes them into a ring of its own, where a bitmap would be as long as memory.
//
// Follows api.rst, KVM_CAP_DIRTY_LOG_RING and KVM_CAP_DIRTY_LOG_RING_ACQ_REL.
#pragma once

#include "system.h"

#include <functional>

namespace backplane::kvm {

/// Thread: holding the machine lock.
class DirtyRings {
  public:
    DirtyRings() = default;
    ~DirtyRings();
    DirtyRings(const DirtyRings&) = delete;
    DirtyRings& operator=(const DirtyRings&) = delete;

    /// Before the first vCPU. `entries`: of each ring, a power of two. False and the reason.
    bool enable(const Descriptor& vm, std::uint32_t entries, Errors& errors);
    bool used() const { return entries_ != 0; }
    /// A vCPU's. False: the host does not map it.
    bool add(const Descriptor& vcpu);
    void remove(const Descriptor& vcpu);
    /// `changed(slot, page of it)` for each entry; the pages are watched again. 0, or -errno: the kernel does not.
    int harvest(const std::function<void(std::uint32_t slot, std::uint64_t page)>& changed);

  private:
    struct Ring {
        int vcpu;
        kvm_dirty_gfn* first;
        std::uint32_t next;
    };
    std::size_t bytes() const { return entries_ * sizeof(kvm_dirty_gfn); }

    const Descriptor* vm_ = nullptr;
    std::uint32_t entries_ = 0;
    std::vector<Ring> rings_;
};

}  // namespace backplane::kvm
