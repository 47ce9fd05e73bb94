// What of a processor's features this front end executes: the rest of a model is taken away.
#pragma once

#include <backplane/draft/x86/processor.h>

namespace backplane::x86 {

class TranslatorSupport final : public ProcessorSupport {
  public:
    Str name() const override { return "TCG"; }
    CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const override;
    std::optional<std::uint64_t> feature_msr(std::uint32_t) const override { return std::nullopt; }
    bool runs_on_host() const override { return false; }
    std::uint32_t paravirtual_features() const override { return 0; }
    Str paravirtual_signature() const override { return ""; }
    unsigned physical_bits() const override { return 40; }
};

}  // namespace backplane::x86
