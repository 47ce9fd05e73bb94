// What CPUID shows of a processor whose features are settled (SDM 2A, CPUID; APM 3, appendix E).
#pragma once

#include "x86_cpu.h"

namespace backplane::x86 {

class Cpuid {
  public:
    Cpuid(const X86Cpu& cpu, const ProcessorSupport& support);

    std::vector<CpuidEntry> entries() const;
    /// Bytes of the XSAVE area, or those that FXSAVE writes.
    std::uint32_t xsave_size() const;

  private:
    struct Component {
        std::uint32_t size = 0, offset = 0;
        bool supervisor = false, aligned = false;
    };

    bool has(const Feature& feature) const { return cpu_.features_.has(feature); }
    std::uint32_t word(Word word) const { return std::uint32_t(cpu_.features_[word]); }
    bool amd() const;
    bool intel() const { return vendor_ == "GenuineIntel"; }
    bool shows_amd_leaves() const;
    std::uint32_t level() const;
    std::uint32_t xlevel() const;
    std::uint32_t level7() const;
    unsigned physical_bits() const;
    std::uint64_t components() const;
    std::uint32_t area(std::uint64_t components, bool compacted) const;
    unsigned thread_bits() const;
    unsigned module_bits() const;
    unsigned die_bits() const;
    unsigned package_bits() const;
    std::uint32_t package_processors() const;
    bool has_leaf_1f() const;

    CpuidRegisters basic(std::uint32_t leaf, std::uint32_t subleaf) const;
    CpuidRegisters descriptors() const;
    CpuidRegisters version() const;
    CpuidRegisters cache(std::uint32_t subleaf, bool extended) const;
    CpuidRegisters topology(std::uint32_t subleaf, bool all_levels) const;
    CpuidRegisters features7(std::uint32_t subleaf) const;
    CpuidRegisters xsave(std::uint32_t subleaf) const;
    CpuidRegisters tiles(std::uint32_t leaf, std::uint32_t subleaf) const;
    CpuidRegisters paravirtual(std::uint32_t leaf, std::uint32_t first) const;
    CpuidRegisters extended(std::uint32_t leaf, std::uint32_t subleaf) const;
    CpuidRegisters name(unsigned part) const;
    CpuidRegisters nodes() const;
    CpuidRegisters amd_level1() const;
    CpuidRegisters level2(bool with_level3) const;
    CpuidRegisters address_sizes() const;
    bool own_caches() const { return cpu_.model().caches && !cpu_.settings_.legacy_cache; }
    const Caches& caches(bool amd_leaves) const;

    const X86Cpu& cpu_;
    const ProcessorSupport& support_;
    const std::string vendor_, model_id_;
    Component components_[64] = {};
};

}  // namespace backplane::x86
