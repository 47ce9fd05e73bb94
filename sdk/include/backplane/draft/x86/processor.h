// Draft: needs the exact host build. An x86 processor as the accelerator that executes it sees it, beside
// <backplane/draft/cpu.h> and its X86State.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/x86/state.h>
#include <backplane/x86.h>

#include <optional>

namespace backplane::x86 {

struct CpuidRegisters {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    bool operator==(const CpuidRegisters&) const = default;
};

struct CpuidEntry {
    std::uint32_t leaf = 0;
    std::uint32_t subleaf = 0;
    bool indexed = false;  ///< the subleaf matters
    CpuidRegisters value{};
};

/// What a processor shows of Microsoft's hypervisor interface (TLFS), beyond the bits of its CPUID leaves.
struct Hyperv {
    bool shown = false;       ///< leaves 0x40000000 and further are of it
    bool enforced = false;    ///< nothing else of it is there either
    bool interrupts = false;  ///< the synthetic interrupt controller
    bool enlightened_vmcs = false;
    bool direct_flush = false;  ///< TLB flushes of nested guests go past their hypervisor
};

/// What an accelerator can give to a processor.
class ProcessorSupport {
  public:
    /// As users know it in messages: "host doesn't support requested feature" or "TCG doesn't …".
    virtual Str name() const = 0;
    /// The leaf with every bit set that a guest may be shown. For the leaves that are no bits (sizes, names), what the
    /// models `host` and `max` show.
    virtual CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const = 0;
    /// A feature MSR (IA32_ARCH_CAPABILITIES …) with every bit set that a guest may be shown; nothing where it is refused.
    virtual std::optional<std::uint64_t> feature_msr(std::uint32_t index) const = 0;
    /// Does the host's own processor execute the guest? Then there is a model `host`.
    virtual bool runs_on_host() const = 0;
    /// Features that guests of this accelerator get although their model does not say so (kvmclock …): leaf 0x40000001
    /// EAX.
    virtual std::uint32_t paravirtual_features() const = 0;
    /// Twelve characters that guests know it by (leaf 0x40000000); empty: there is no such leaf.
    virtual Str paravirtual_signature() const = 0;
    /// What guests may be shown of Microsoft's hypervisor interface: leaf 0x40000003, 0x40000004 or 0x4000000a with every
    /// such bit set. Nothing: this accelerator has no such interface.
    virtual std::optional<CpuidRegisters> hyperv(std::uint32_t /*leaf*/) const { return std::nullopt; }
    /// The widest physical address, in bits.
    virtual unsigned physical_bits() const = 0;

  protected:
    ~ProcessorSupport() = default;
};

/// Offered by the part of type "x86_64-cpu". Thread: main or the vCPU's, unless said.
class Processor {
  public:
    static constexpr const char* kId = "backplane.x86-execution/draft";
    /// Called by Accelerator::attach(): takes away what cannot be given, saying so once for all processors, and settles
    /// what CPUID shows. False and a reason (enforce=on; a model that needs the host).
    virtual bool settle(const ProcessorSupport& support, Errors& errors) = 0;
    /// What CPUID shows now: of a leaf that there is not, what the highest basic one shows (SDM 2A, CPUID).
    virtual CpuidRegisters cpuid(std::uint32_t leaf, std::uint32_t subleaf) const = 0;
    /// All leaves, for a hypervisor that answers by itself. Valid until settle() is called again.
    virtual Slice<const CpuidEntry> cpuid_entries() const = 0;
    /// The feature MSRs as this processor has them; 0 for others.
    virtual std::uint64_t feature_msr(std::uint32_t index) const = 0;
    /// Of its time-stamp counter, in Hz; 0: the host's.
    virtual std::uint64_t tsc_frequency() const = 0;
    virtual Hyperv hyperv() const { return {}; }

    /// The vector to take now (INTA cycle, SDM 3A 11.8.4), or -1: the request went away. Holding the machine lock.
    virtual int acknowledge_interrupt() = 0;
    /// Both take the request that they are named for: INIT and SIPI change the state as SDM 3A 9.1 and 9.4.3 say.
    /// Thread: the vCPU's, holding the machine lock, with the state complete.
    virtual void take_init() = 0;
    virtual void take_start_up() = 0;
    /// The guest wrote its local APIC, which may let through now what it held back. Holding the machine lock.
    virtual void local_apic_written() = 0;
    /// Null where it has none. Holding the machine lock.
    virtual LocalApic* local_apic() const = 0;
    /// The processor shut down (SDM 3A 6.15, #DF): boards reset the machine then. Thread: any.
    virtual void shut_down() = 0;
    /// Does A20M# let bit 20 through?
    virtual bool a20() const = 0;

  protected:
    ~Processor() = default;
};

/// The type from which x86 processors derive.
inline constexpr const char* kProcessorType = "x86_64-cpu";

}  // namespace backplane::x86
