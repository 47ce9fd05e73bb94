// The translator's front end for x86: joins the decoder and the executor to the engine.
#pragma once

#include "executor/per_cpu.h"
#include "support.h"

#include <backplane/draft/tcg/front_end.h>
#include <backplane/object.h>
#include <backplane/x86.h>
#include <backplane/x86_port_registers.h>

#include <memory>
#include <mutex>
#include <vector>

namespace backplane::x86 {

class X86FrontEnd final : public tcg::FrontEnd, public SystemManagement, public PortRegisters {
  public:
    X86FrontEnd() = default;
    explicit X86FrontEnd(Object&) {}

    const tcg::GuestDescription& description() const override;
    bool accepts(Cpu& cpu, Errors& errors) const override;
    tcg::BlockKey key(const void* state) const override;
    tcg::Translated translate(tcg::Builder& builder, tcg::UnitTranslation& unit) const override;
    bool fill(void* state, const tcg::FillRequest& request, tcg::FillAnswer& answer) const override;
    void raise_memory_fault(void* state, const tcg::MemoryFault& fault) const override;
    bool take_interrupt(void* state) const override;
    unsigned disassemble(std::uint64_t pc, Bytes bytes, TextSink& out) const override;
    std::optional<std::uint32_t> fp_mode(const void* state) const override;
    void keep_fp_mode(void* state, std::uint32_t word) const override;
    tcg::FpRounding fp_rounding(const void* state) const override;
    void add_fp_exceptions(void* state, std::uint32_t exceptions) const override;

    // SystemManagement
    bool available(Errors&) override { return true; }

    // PortRegisters: the state is whole where a port is accessed.
    std::uint64_t* open(std::uint32_t cpu) override;
    void close(std::uint32_t) override {}
    std::uint32_t leaf1_ecx(std::uint32_t cpu) const override {
        return find(cpu)->processor->cpuid(1, 0).ecx;
    }
    std::uint64_t tsc_frequency(std::uint32_t) const override { return 0; }

  private:
    PerCpu* find(std::uint32_t cpu) const;

    TranslatorSupport support_;
    mutable TemplateCache templates_;
    mutable std::mutex mutex_;
    mutable std::vector<std::unique_ptr<PerCpu>> cpus_;
};

}  // namespace backplane::x86
