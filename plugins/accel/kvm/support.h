// What the kernel can give to a guest's processor.
#pragma once

#include "vm.h"

#include <backplane/draft/x86/processor.h>

namespace backplane::kvm {

class KvmSupport final : public x86::ProcessorSupport {
  public:
    explicit KvmSupport(Vm& vm) : vm_(vm) {}
    Str name() const override { return "host"; }
    x86::CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const override;
    std::optional<std::uint64_t> feature_msr(std::uint32_t index) const override;
    bool runs_on_host() const override { return true; }
    std::uint32_t paravirtual_features() const override;
    /// KVM's signature (Documentation/virt/kvm/x86/cpuid.rst).
    Str paravirtual_signature() const override { return {"KVMKVMKVM\0\0\0", 12}; }
    std::optional<x86::CpuidRegisters> hyperv(std::uint32_t leaf) const override;
    unsigned physical_bits() const override;

  private:
    Vm& vm_;
};

}  // namespace backplane::kvm
