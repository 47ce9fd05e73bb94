// The translator's front end for RV64: joins the decoder, the instructions' meanings and the privileged architecture
// to the engine.
#pragma once

#include <backplane/draft/tcg/front_end.h>
#include <backplane/object.h>

namespace backplane::riscv {

class RiscvFrontEnd final : public tcg::FrontEnd {
  public:
    RiscvFrontEnd() = default;
    explicit RiscvFrontEnd(Object&) {}

    const tcg::GuestDescription& description() const override;
    bool accepts(Cpu& cpu, Errors& errors) const override;
    tcg::BlockKey key(const void* state) const override;
    tcg::Translated translate(tcg::Builder& builder, tcg::UnitTranslation& unit) const override;
    bool fill(void* state, const tcg::FillRequest& request, tcg::FillAnswer& answer) const override;
    void raise_memory_fault(void* state, const tcg::MemoryFault& fault) const override;
    bool take_interrupt(void* state) const override;
    unsigned disassemble(std::uint64_t pc, Bytes bytes, TextSink& out) const override;
    tcg::FpRounding fp_rounding(const void* state) const override;
    void add_fp_exceptions(void* state, std::uint32_t exceptions) const override;
};

}  // namespace backplane::riscv
