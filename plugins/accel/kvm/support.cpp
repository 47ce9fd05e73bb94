#include "support.h"

#include <backplane/text.h>

#include <algorithm>

namespace backplane::kvm {

namespace {

constexpr std::uint32_t kParavirtualFeatures = 0x40000001;
constexpr std::uint32_t kAddressSizes = 0x80000008;

// Leaf 1 ECX and EDX (SDM 2A, tables 3-10 and 3-11).
constexpr std::uint32_t kX2apic = 1u << 21, kTscDeadline = 1u << 24, kHypervisor = 1u << 31;
constexpr std::uint32_t kApic = 1u << 9;
constexpr std::uint32_t kArchCapabilities = 1u << 29;  ///< leaf 7 EDX

/// Paravirtual features that are the kernel's local APIC's (Documentation/virt/kvm/x86/cpuid.rst): EOI, UNHALT, SEND_IPI,
/// SCHED_YIELD, ASYNC_PF with ASYNC_PF_INT, MSI_EXT_DEST_ID.
constexpr std::uint32_t kOfLocalApic =
    1u << 4 | 1u << 6 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 13 | 1u << 14 | 1u << 15;

// TLFS 2.4: synthetic interrupts and timers, the APIC's MSRs; and that these are to be used, and hypercalls for IPIs.
constexpr std::uint32_t kHypervFeatures = 0x40000003, kHypervRecommendations = 0x40000004;
constexpr std::uint32_t kHypervOfLocalApic = 7u << 2;
constexpr std::uint32_t kHypervAdviceOnLocalApic = 1u << 3 | 1u << 10;

}  // namespace

x86::CpuidRegisters KvmSupport::cpuid(std::uint32_t leaf, std::uint32_t subleaf) const {
    const auto& all = vm_.system().supported_cpuid();
    const auto found = std::ranges::find_if(all, [&](const kvm_cpuid_entry2& e) {
        return e.function == leaf && (!(e.flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || e.index == subleaf);
    });
    x86::CpuidRegisters value;
    if (found != all.end()) value = {found->eax, found->ebx, found->ecx, found->edx};
    if (leaf == 1) {
        value.ecx |= kHypervisor;
        value.edx |= kApic;
        // The two that only the kernel's own local APIC has; the kernel names the deadline apart.
        value.ecx &= ~(kX2apic | kTscDeadline);
        if (vm_.local_apics_in_kernel()) {
            value.ecx |= kX2apic;
            if (vm_.capability(KVM_CAP_TSC_DEADLINE_TIMER) > 0) value.ecx |= kTscDeadline;
        }
    }
    if (leaf == 7 && subleaf == 0 && !feature_msr(x86::msr::kArchCapabilities))
        value.edx &= ~kArchCapabilities;
    return value;
}

std::optional<std::uint64_t> KvmSupport::feature_msr(std::uint32_t index) const {
    const auto value = vm_.system().feature_msr(index);
    if (!value) vm_.refusals().say("MSR 0x" + hex(index), 0);
    return value;
}

std::uint32_t KvmSupport::paravirtual_features() const {
    const std::uint32_t all = cpuid(kParavirtualFeatures, 0).eax;
    return vm_.local_apics_in_kernel() ? all : all & ~kOfLocalApic;
}

/// What is the local APIC's goes without the kernel's own.
std::optional<x86::CpuidRegisters> KvmSupport::hyperv(std::uint32_t leaf) const {
    x86::CpuidRegisters value;
    for (const kvm_cpuid_entry2& entry : vm_.system().supported_hyperv())
        if (entry.function == leaf) value = {entry.eax, entry.ebx, entry.ecx, entry.edx};
    if (vm_.local_apics_in_kernel()) return value;
    if (leaf == kHypervFeatures) value.eax &= ~kHypervOfLocalApic;
    if (leaf == kHypervRecommendations) value.eax &= ~kHypervAdviceOnLocalApic;
    return value;
}

unsigned KvmSupport::physical_bits() const {
    constexpr unsigned kUsual = 40;
    const unsigned bits = cpuid(kAddressSizes, 0).eax & 0xff;
    return bits ? bits : kUsual;
}

}  // namespace backplane::kvm
