// System instructions' helpers: the privileged architecture's functions, joined to the engine.
#include "system.h"

#include "../privileged/privileged.h"
#include "effects.h"

namespace backplane::riscv {

void apply_effects(HartState& state, tcg::Vcpu& vcpu, std::uint32_t effects) {
    if ((effects & kFlushTlb) != 0) vcpu.flush_tlb();
    else if ((effects & kSatpChanged) != 0) vcpu.flush_tlb_local();
    if ((effects & kRoundingChanged) != 0) vcpu.set_fp_rounding(host_rounding(state.frm));
    if ((effects & kCheckInterrupts) != 0 && deliverable_interrupt(state) >= 0)
        state.run.exit_request.store(1, std::memory_order_release);
}

std::uint32_t block_flags(const HartState& state) {
    const DynamicRounding rounding = state.frm <= 3   ? DynamicRounding::Host
                                     : state.frm == 4 ? DynamicRounding::Away
                                                      : DynamicRounding::Reserved;
    return translation_flags(state) | static_cast<std::uint32_t>(rounding) << kFlagsRoundingShift;
}

tcg::FpRounding host_rounding(std::uint32_t frm) {
    switch (frm) {
    case 1: return tcg::FpRounding::TowardZero;
    case 2: return tcg::FpRounding::Down;
    case 3: return tcg::FpRounding::Up;
    default: return tcg::FpRounding::NearestEven;
    }
}

namespace helpers {
namespace {

HartState& hart_of(void* state) { return *static_cast<HartState*>(state); }

std::uint64_t deliver(void* state, Cause cause, std::uint64_t value) {
    HartState& hart = hart_of(state);
    tcg::Vcpu& vcpu = tcg::vcpu_of(state);
    apply_effects(hart, vcpu, take_exception(hart, cause, value));
    vcpu.raised();
    return 0;
}

std::uint64_t illegal(void* state, std::uint64_t bits) {
    return deliver(state, Cause::IllegalInstruction, bits);
}

std::uint64_t finish(void* state, ReturnResult result, std::uint64_t bits) {
    if (!result.legal) return illegal(state, bits);
    apply_effects(hart_of(state), tcg::vcpu_of(state), result.effects);
    return 0;
}

bool is_float_csr(unsigned number) { return number == kFflags || number == kFrm || number == kFcsr; }

}  // namespace

std::uint64_t raise(void* state, std::uint64_t cause, std::uint64_t value) {
    return deliver(state, static_cast<Cause>(cause), value);
}

std::uint64_t environment_call(void* state) {
    return deliver(state, environment_call_cause(hart_of(state)), 0);
}

std::uint64_t semihosting_call(void* state, std::uint64_t next) {
    HartState& hart = hart_of(state);
    switch (hart.services->semihosting_call()) {
    case HartServices::Call::NotServed: return deliver(state, Cause::Breakpoint, hart.pc);
    case HartServices::Call::Done: hart.pc = next; break;
    case HartServices::Call::Wait: break;
    }
    return 0;
}

std::uint64_t csr(void* state, std::uint64_t packed, std::uint64_t operand) {
    const CsrAccess access = CsrAccess::unpack(packed);
    HartState& hart = hart_of(state);
    if (is_float_csr(access.number)) hart.fflags |= tcg::vcpu_of(state).take_fp_exceptions();
    const CsrResult result =
        access_csr(hart, access.number, static_cast<CsrOperation>(access.operation), operand);
    return result.legal ? result.value : illegal(state, access.bits);
}

std::uint64_t change_csr(void* state, std::uint64_t packed, std::uint64_t operand) {
    const CsrAccess access = CsrAccess::unpack(packed);
    HartState& hart = hart_of(state);
    tcg::Vcpu& vcpu = tcg::vcpu_of(state);
    const std::uint32_t flags = block_flags(hart);
    const std::uint64_t paging_mode = hart.satp >> satp::kModeShift;
    if (is_float_csr(access.number)) hart.fflags |= vcpu.take_fp_exceptions();
    CsrResult result = access_csr(hart, access.number, static_cast<CsrOperation>(access.operation), operand);
    if (!result.legal) return illegal(state, access.bits);
    // Global mappings are those of one scheme.
    if (hart.satp >> satp::kModeShift != paging_mode) result.effects |= kFlushTlb;
    if (access.rd != 0) hart.x[access.rd] = result.value;
    apply_effects(hart, vcpu, result.effects);
    return (result.effects & (kFlushTlb | kSatpChanged)) != 0 || block_flags(hart) != flags ||
           hart.run.exit_request.load(std::memory_order_relaxed) != 0;
}

std::uint64_t machine_return(void* state, std::uint64_t bits) {
    return finish(state, riscv::machine_return(hart_of(state)), bits);
}

std::uint64_t supervisor_return(void* state, std::uint64_t bits) {
    return finish(state, riscv::supervisor_return(hart_of(state)), bits);
}

std::uint64_t wait_for_interrupt(void* state, std::uint64_t bits, std::uint64_t next) {
    HartState& hart = hart_of(state);
    if (riscv::wait_for_interrupt(hart) == WaitResult::Illegal) return illegal(state, bits);
    hart.pc = next;
    if (!has_work(hart)) hart.run.halted.store(1, std::memory_order_release);
    return 0;
}

std::uint64_t fence_vma(void* state, std::uint64_t bits, std::uint64_t scope, std::uint64_t address) {
    if (!fence_vma_legal(hart_of(state))) return illegal(state, bits);
    tcg::Vcpu& vcpu = tcg::vcpu_of(state);
    switch (static_cast<FenceScope>(scope)) {
    case FenceScope::Page: vcpu.flush_tlb_page(address); break;
    case FenceScope::AddressSpace: vcpu.flush_tlb_local(); break;
    case FenceScope::All: vcpu.flush_tlb(); break;
    }
    return 0;
}

std::uint64_t fence_inval(void* state, std::uint64_t bits) {
    return fence_inval_legal(hart_of(state)) ? 0 : illegal(state, bits);
}

}  // namespace helpers
}  // namespace backplane::riscv
