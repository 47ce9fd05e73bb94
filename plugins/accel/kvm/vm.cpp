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

Descriptor Vm::take_vcpu(std::uint32_t id, int& result) {
    if (auto unused = unused_vcpus_.extract(id)) return std::move(unused.mapped());
    result = request(fd_, KVM_CREATE_VCPU, static_cast<unsigned long>(id));
    return result < 0 ? Descriptor() : Descriptor(result);
}

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
    hear_of_unknown_msrs();
    if (options.dirty_ring != 0 && !dirty_rings_.enable(fd_, options.dirty_ring, errors)) return false;
    return set_addresses(errors) &&
           (options.irqchip == Irqchip::Off || interrupts_.create(fd_, options.irqchip, errors));
}

/// The guest gets its #GP for them from here, and the log has what it asked for (api.rst, KVM_CAP_X86_USER_SPACE_MSR).
void Vm::hear_of_unknown_msrs() {
    if (capability(KVM_CAP_X86_USER_SPACE_MSR) <= 0) return;
    kvm_enable_cap enable{};
    enable.cap = KVM_CAP_X86_USER_SPACE_MSR;
    enable.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN;
    if (const int result = request(fd_, KVM_ENABLE_CAP, &enable); result < 0)
        refusals_.say("to tell of unknown MSRs", -result);
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

/// Never back: the two run by the same clock of the host, but for what adjusts one of them.
void Vm::start_clock() {
    if (capability(KVM_CAP_ADJUST_CLOCK) <= 0) return;
    kvm_clock_data then{};
    then.clock = std::max(std::exchange(clock_, std::nullopt).value_or(0), context_.clock().now_ns());
    if (const int result = request(fd_, KVM_SET_CLOCK, &then); result < 0)
        refusals_.say("to set the paravirtual clock", -result);
}

}  // namespace backplane::kvm
