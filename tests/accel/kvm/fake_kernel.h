// The kernel's monitor as a test has it: it refuses what the test says, and its guest does what the test says.
#pragma once

#include "plugins/accel/kvm/kernel_interface.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace backplane::kvm::testing {

class FakeKernel {
  public:
    static FakeKernel* current;

    FakeKernel();
    ~FakeKernel() { current = nullptr; }
    FakeKernel(const FakeKernel&) = delete;
    FakeKernel& operator=(const FakeKernel&) = delete;

    // What the test sets, before the machine is made.
    int open_error = 0;  ///< errno
    bool map_fails = false;
    std::map<unsigned long, int> refused;  ///< errno by request
    std::set<std::uint32_t> refused_msrs;
    std::vector<kvm_cpuid_entry2> hyperv;  ///< what KVM_GET_SUPPORTED_HV_CPUID gives
    std::map<unsigned, int> capabilities;  ///< by KVM_CAP_…; others are 0
    /// The guest, each time that a vCPU enters it: what KVM_RUN returns (an exit in `run`, or -errno). None: it computes
    /// until it is kicked.
    std::function<int(kvm_run& run)> guest;

    // What the test sees.
    unsigned count(unsigned long request) const;
    std::vector<kvm_userspace_memory_region> slots;
    std::vector<kvm_enable_cap> enabled;
    std::vector<kvm_guest_debug> debug;
    std::vector<kvm_ioeventfd> doorbells;
    std::vector<kvm_coalesced_mmio_zone> held;  ///< where stores are kept for a while
    /// Keeps one, as the kernel does, on the third page of a vCPU's shared memory.
    void keep(const kvm_coalesced_mmio& store);
    std::vector<std::uint8_t> routes;  ///< as set last
    std::map<std::uint32_t, std::uint64_t> msrs;
    kvm_regs regs{};
    kvm_sregs sregs{};
    kvm_mp_state activity{};
    std::vector<unsigned long> tsc_khz;
    std::vector<std::uint64_t> clocks;
    std::vector<kvm_dirty_gfn> ring;

    // kernel_calls
    int open();
    int control(int fd, unsigned long request, void* argument);
    void* map(std::size_t size, std::size_t offset);

  private:
    int answer(unsigned long request, void* argument);
    int enter();
    int msr_access(kvm_msrs& list, bool set);

    mutable std::mutex mutex_;
    std::map<unsigned long, unsigned> counts_;
    std::vector<std::uint8_t> page_;
};

}  // namespace backplane::kvm::testing
