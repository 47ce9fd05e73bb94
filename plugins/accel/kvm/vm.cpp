#include "vm.h"

#include "vcpu.h"

#include <backplane/draft/x86/state.h>

#include <algorithm>
#include <cstring>

namespace backplane::kvm {

namespace {

/// Where Intel processors without unrestricted guests get a page table and three pages for a task state (KVM_SET_IDENTITY_MAP_ADDR, KVM_SET_TSS_ADDR):
/// below the firmware, where PCs have nothing.
constexpr std::uint64_t kIdentityMap = 0xfeffc000;
constexpr std::uint64_t kTaskState = 0xfeffd000;
constexpr std::uint64_t kShadowPage = 4096;

constexpr unsigned kNeeded[] = {KVM_CAP_USER_MEMORY, KVM_CAP_SYNC_MMU, KVM_CAP_IMMEDIATE_EXIT,
                                KVM_CAP_VCPU_EVENTS, KVM_CAP_XSAVE,    KVM_CAP_XCRS,
                                KVM_CAP_DEBUGREGS};
constexpr const char* kNeededNames[] = {"user memory", "memory notifiers", "immediate exits", "vCPU events",
                                        "XSAVE areas", "XCR registers",    "debug registers"};

}  // namespace

Vm::~Vm() = default;

int Vm::capability(unsigned capability) const {
    return std::max(0, request(fd_, KVM_CHECK_EXTENSION, static_cast<unsigned long>(capability)));
}

bool Vm::open(const Options& options, Errors& errors) {
    options_ = options;
    if (!system_.open(options.device, errors)) return false;
    const int fd = request(system_.fd(), KVM_CREATE_VM, 0ul);
    if (fd < 0) {
        errors.fail(std::string("KVM refuses to make a virtual machine: ") + std::strerror(-fd) +
                    (fd == -EBUSY ? "; another hypervisor may have the processor" : ""));
        return false;
    }
    fd_ = Descriptor(fd);
    for (std::size_t i = 0; i < std::size(kNeeded); ++i) {
        if (capability(kNeeded[i]) > 0) continue;
        errors.fail(std::string("the kernel's KVM is too old: it has no ") + kNeededNames[i] +
                    "; use -accel tcg");
        return false;
    }
    if (const int size = capability(KVM_CAP_XSAVE2); size > 0)
        xsave_size_ = std::max(xsave_size_, std::size_t(size));
    if (xsave_size_ > x86::kXsaveCapacity) {
        errors.fail("the host's processor has " + std::to_string(xsave_size_) +
                    " bytes of registers to save, " + std::to_string(x86::kXsaveCapacity) +
                    " is what is known here; use -accel tcg");
        return false;
    }
    if (options.shadow_memory != 0) {
        const int result = request(fd_, KVM_SET_NR_MMU_PAGES,
                                   static_cast<unsigned long>(options.shadow_memory / kShadowPage));
        if (result < 0) {
            errors.fail(std::string("kvm-shadow-mem: the kernel refuses it: ") + std::strerror(-result));
            return false;
        }
    }
    return set_addresses(errors) &&
           (options.irqchip == Irqchip::Off || interrupts_.create(fd_, options.irqchip, errors));
}

bool Vm::set_addresses(Errors& errors) {
    const std::uint64_t identity = kIdentityMap;
    if (capability(KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
        if (const int result = request(fd_, KVM_SET_IDENTITY_MAP_ADDR, &identity); result < 0)
            refusals_.say("an address for its identity map", -result);
    if (capability(KVM_CAP_SET_TSS_ADDR) > 0)
        if (const int result = request(fd_, KVM_SET_TSS_ADDR, static_cast<unsigned long>(kTaskState));
            result < 0) {
            errors.fail(std::string("KVM refuses an address for its task state: ") + std::strerror(-result));
            return false;
        }
    return true;
}

void Vm::with_guests_out(const std::function<void()>& change) {
    gate_.close(
        [this] {
            for (Vcpu* vcpu : vcpus_) vcpu->push_out();
        },
        [this] { return std::ranges::none_of(vcpus_, [](Vcpu* v) { return v->in_guest(); }); });
    change();
    gate_.open();
}

void Vm::stop_clock() {
    kvm_clock_data now{};
    if (capability(KVM_CAP_ADJUST_CLOCK) <= 0 || clock_) return;
    if (const int result = request(fd_, KVM_GET_CLOCK, &now); result < 0)
        return refusals_.say("to tell the paravirtual clock", -result);
    clock_ = now.clock;
}

void Vm::start_clock() {
    if (!clock_) return;
    kvm_clock_data then{};
    then.clock = *std::exchange(clock_, std::nullopt);
    if (const int result = request(fd_, KVM_SET_CLOCK, &then); result < 0)
        refusals_.say("to set the paravirtual clock", -result);
}

}  // namespace backplane::kvm
