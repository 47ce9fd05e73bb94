#include "fake_kernel.h"

#include "plugins/accel/kvm/kernel_calls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace backplane::kvm::testing {

namespace {

constexpr std::size_t kMapping = 3 * 4096;
constexpr std::uint32_t kMsrIndices[] = {0x10, 0x174, 0xc0000080};

int new_descriptor() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }

}  // namespace

FakeKernel* FakeKernel::current = nullptr;

FakeKernel::FakeKernel() : page_(kMapping) {
    current = this;
    for (const unsigned needed :
         {KVM_CAP_USER_MEMORY, KVM_CAP_SYNC_MMU, KVM_CAP_IMMEDIATE_EXIT, KVM_CAP_VCPU_EVENTS, KVM_CAP_XSAVE,
          KVM_CAP_XCRS, KVM_CAP_DEBUGREGS, KVM_CAP_READONLY_MEM, KVM_CAP_SET_TSS_ADDR, KVM_CAP_ADJUST_CLOCK,
          KVM_CAP_IOEVENTFD, KVM_CAP_IRQFD, KVM_CAP_SIGNAL_MSI, KVM_CAP_GET_TSC_KHZ,
          KVM_CAP_SET_IDENTITY_MAP_ADDR})
        capabilities[needed] = 1;
    capabilities[KVM_CAP_NR_MEMSLOTS] = 64;
    capabilities[KVM_CAP_IRQ_ROUTING] = 1024;
    capabilities[KVM_CAP_MAX_VCPUS] = 8;
}

unsigned FakeKernel::count(unsigned long request) const {
    const std::lock_guard guard(mutex_);
    const auto found = counts_.find(request);
    return found == counts_.end() ? 0 : found->second;
}

int FakeKernel::open() { return open_error ? -open_error : new_descriptor(); }

void* FakeKernel::map(std::size_t size, std::size_t offset) {
    errno = ENOMEM;
    if (map_fails) return nullptr;
    if (offset == 0) return page_.data();
    ring.resize(size / sizeof(kvm_dirty_gfn));
    return ring.data();
}

int FakeKernel::control(int, unsigned long request, void* argument) {
    {
        const std::lock_guard guard(mutex_);
        ++counts_[request];
    }
    if (const auto found = refused.find(request); found != refused.end()) return -found->second;
    return answer(request, argument);
}

int FakeKernel::enter() {
    auto& run = *reinterpret_cast<kvm_run*>(page_.data());
    const auto kicked = [&] { return __atomic_load_n(&run.immediate_exit, __ATOMIC_RELAXED) != 0; };
    if (kicked()) return -EINTR;
    if (guest) return guest(run);
    constexpr int kLook = 5;  // ms, for a kick that comes between the look and the wait
    while (!kicked()) ::poll(nullptr, 0, kLook);
    return -EINTR;
}

void FakeKernel::keep(const kvm_coalesced_mmio& store) {
    constexpr std::size_t kRing = 2 * 4096;
    auto& ring = *reinterpret_cast<kvm_coalesced_mmio_ring*>(page_.data() + kRing);
    auto* entries = reinterpret_cast<kvm_coalesced_mmio*>(page_.data() + kRing + sizeof ring);
    entries[ring.last++] = store;
}

/// As far as the first that is refused.
int FakeKernel::msr_access(kvm_msrs& list, bool set) {
    auto* entries = reinterpret_cast<kvm_msr_entry*>(reinterpret_cast<char*>(&list) + sizeof list);
    for (std::uint32_t i = 0; i < list.nmsrs; ++i) {
        if (refused_msrs.contains(entries[i].index)) return int(i);
        if (set) msrs[entries[i].index] = entries[i].data;
        else entries[i].data = msrs[entries[i].index];
    }
    return int(list.nmsrs);
}

int FakeKernel::answer(unsigned long request, void* argument) {
    const auto number = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(argument));
    const auto copy_out = [&](const auto& from) { std::memcpy(argument, &from, sizeof from); };
    const auto copy_in = [&](auto& to) { std::memcpy(&to, argument, sizeof to); };
    switch (request) {
    case KVM_GET_API_VERSION: return KVM_API_VERSION;
    case KVM_GET_VCPU_MMAP_SIZE: return int(kMapping);
    case KVM_CHECK_EXTENSION: return capabilities.contains(number) ? capabilities[number] : 0;
    case KVM_CREATE_VM:
    case KVM_CREATE_VCPU: return new_descriptor();
    case KVM_GET_TSC_KHZ: return 2'000'000;
    case KVM_SET_TSC_KHZ: tsc_khz.push_back(number); return 0;
    case KVM_SET_CLOCK: clocks.push_back(static_cast<kvm_clock_data*>(argument)->clock); return 0;
    case KVM_RUN: return enter();
    case KVM_GET_SUPPORTED_CPUID: {
        auto& table = *static_cast<kvm_cpuid2*>(argument);
        auto* rows = reinterpret_cast<kvm_cpuid_entry2*>(static_cast<char*>(argument) + sizeof table);
        const std::pair<std::uint32_t, std::uint32_t> leaves[] = {
            {0, 0xd}, {1, ~0u}, {7, ~0u}, {0x80000000, 0x80000008}, {0x80000001, ~0u}, {0x40000001, ~0u}};
        table.nent = std::size(leaves);
        for (std::size_t i = 0; i < std::size(leaves); ++i) {
            rows[i] = {};
            rows[i].function = leaves[i].first;
            rows[i].eax = rows[i].ebx = rows[i].ecx = rows[i].edx = leaves[i].second;
        }
        return 0;
    }
    case KVM_GET_SUPPORTED_HV_CPUID: {
        auto& table = *static_cast<kvm_cpuid2*>(argument);
        table.nent = std::uint32_t(hyperv.size());
        std::ranges::copy(hyperv,
                          reinterpret_cast<kvm_cpuid_entry2*>(static_cast<char*>(argument) + sizeof table));
        return 0;
    }
    case KVM_GET_MSR_INDEX_LIST: {
        auto& list = *static_cast<kvm_msr_list*>(argument);
        const bool fits = list.nmsrs >= std::size(kMsrIndices);
        list.nmsrs = std::size(kMsrIndices);
        if (!fits) return -E2BIG;
        std::memcpy(static_cast<char*>(argument) + sizeof list, kMsrIndices, sizeof kMsrIndices);
        return 0;
    }
    case KVM_GET_MSRS: return msr_access(*static_cast<kvm_msrs*>(argument), false);
    case KVM_SET_MSRS: return msr_access(*static_cast<kvm_msrs*>(argument), true);
    case KVM_SET_USER_MEMORY_REGION: copy_in(slots.emplace_back()); return 0;
    case KVM_ENABLE_CAP: copy_in(enabled.emplace_back()); return 0;
    case KVM_SET_GUEST_DEBUG: copy_in(debug.emplace_back()); return 0;
    case KVM_IOEVENTFD: copy_in(doorbells.emplace_back()); return 0;
    case KVM_SET_GSI_ROUTING: {
        const auto& table = *static_cast<const kvm_irq_routing*>(argument);
        const auto* bytes = static_cast<const std::uint8_t*>(argument);
        routes.assign(bytes, bytes + sizeof table + table.nr * sizeof(kvm_irq_routing_entry));
        return 0;
    }
    case KVM_REGISTER_COALESCED_MMIO: copy_in(held.emplace_back()); return 0;
    case KVM_UNREGISTER_COALESCED_MMIO: {
        kvm_coalesced_mmio_zone gone{};
        copy_in(gone);
        std::erase_if(held,
                      [&](const auto& zone) { return zone.addr == gone.addr && zone.size == gone.size; });
        return 0;
    }
    case KVM_GET_REGS: copy_out(regs); return 0;
    case KVM_SET_REGS: copy_in(regs); return 0;
    case KVM_GET_SREGS: copy_out(sregs); return 0;
    case KVM_SET_SREGS: copy_in(sregs); return 0;
    case KVM_GET_MP_STATE: copy_out(activity); return 0;
    case KVM_SET_MP_STATE: copy_in(activity); return 0;
    default: return 0;
    }
}

}  // namespace backplane::kvm::testing

namespace backplane::kvm::kernel_calls {

using testing::FakeKernel;

int open(const char*) { return FakeKernel::current->open(); }
void close(int fd) { ::close(fd); }
int control(int fd, unsigned long code, const void* argument) {
    return FakeKernel::current->control(fd, code, const_cast<void*>(argument));
}
void* map(int, std::size_t size, std::size_t offset) { return FakeKernel::current->map(size, offset); }
void unmap(void*, std::size_t) {}

}  // namespace backplane::kvm::kernel_calls
