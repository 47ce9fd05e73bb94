// Zicsr and the privileged instructions ("The RISC-V Instruction Set Manual", volume I, chapters 2.8 and 6; volume II,
// chapters 3.3 and 10.2; Svinval 1.0; Zihintpause 2.0).
#include "../helpers/system.h"

#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using tcg::helper::kAll;

void csr(Translator& t, const Instruction& i, CsrOperation operation, Value operand) {
    const helpers::CsrAccess access{i.csr, static_cast<std::uint8_t>(operation), i.bits};
    t.b.call(t.x_result(i.rd), helpers::csr, "csr", kAll, {t.b.constant(access.pack()), operand});
    if (operation == CsrOperation::Read || !csr_write_has_effects(i.csr)) return;
    t.b.store_state(kPcOffset, t.b.pc_constant(t.next_pc()), tcg::mem::k64);
    t.leave(tcg::LeaveKind::Interrupts);
}

/// CSRRS, CSRRC: with x0 nothing is written.
void csr_with_register(Translator& t, const Instruction& i, CsrOperation operation) {
    csr(t, i, i.rs1 == 0 ? CsrOperation::Read : operation, t.x(i.rs1));
}
void csr_with_immediate(Translator& t, const Instruction& i, CsrOperation operation) {
    csr(t, i, i.zimm == 0 ? CsrOperation::Read : operation, t.b.constant(i.zimm));
}

void leave_behind(Translator& t) {
    t.b.store_state(kPcOffset, t.b.pc_constant(t.next_pc()), tcg::mem::k64);
    t.leave(tcg::LeaveKind::Continue);
}

}  // namespace

void CSRRW(Translator& t, const Instruction& i) { csr(t, i, CsrOperation::Write, t.x(i.rs1)); }
void CSRRS(Translator& t, const Instruction& i) { csr_with_register(t, i, CsrOperation::Set); }
void CSRRC(Translator& t, const Instruction& i) { csr_with_register(t, i, CsrOperation::Clear); }
void CSRRWI(Translator& t, const Instruction& i) { csr(t, i, CsrOperation::Write, t.b.constant(i.zimm)); }
void CSRRSI(Translator& t, const Instruction& i) { csr_with_immediate(t, i, CsrOperation::Set); }
void CSRRCI(Translator& t, const Instruction& i) { csr_with_immediate(t, i, CsrOperation::Clear); }

void ECALL(Translator& t, const Instruction&) {
    t.b.call({}, helpers::environment_call, "environment_call", kAll, {});
    t.leave(tcg::LeaveKind::Raised);
}
void EBREAK(Translator& t, const Instruction&) { t.raise(Cause::Breakpoint, t.b.pc_constant(t.pc())); }

void MRET(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::machine_return, "machine_return", kAll, {t.b.constant(i.bits)});
    t.leave(tcg::LeaveKind::Interrupts);
}
void SRET(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::supervisor_return, "supervisor_return", kAll, {t.b.constant(i.bits)});
    t.leave(tcg::LeaveKind::Interrupts);
}
void WFI(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::wait_for_interrupt, "wait_for_interrupt", kAll,
             {t.b.constant(i.bits), t.b.pc_constant(t.next_pc())});
    t.leave(tcg::LeaveKind::Interrupts);
}
/// All address spaces: an ASID (rs2) only narrows what must be forgotten.
void SFENCE_VMA(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::fence_vma, "fence_vma", kAll,
             {t.b.constant(i.bits), t.b.constant(i.rs1 != 0), t.x(i.rs1)});
    leave_behind(t);
}
void SINVAL_VMA(Translator& t, const Instruction& i) { SFENCE_VMA(t, i); }
/// SINVAL.VMA acts at once, so that there is nothing left to order.
void SFENCE_W_INVAL(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::fence_inval, "fence_inval", kAll, {t.b.constant(i.bits)});
}
void SFENCE_INVAL_IR(Translator& t, const Instruction& i) { SFENCE_W_INVAL(t, i); }
/// A hint, which the engine has no use for.
void PAUSE(Translator&, const Instruction&) {}

}  // namespace backplane::riscv::semantics
