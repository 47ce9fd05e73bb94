// Zicsr and the privileged instructions ("The RISC-V Instruction Set Manual", volume I, chapters 2.8 and 6; volume II,
// chapters 3.3 and 10.2; Svinval 1.0; Zihintpause 2.0).
#include "../helpers/system.h"

#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

using tcg::helper::kAll;

/// Registers that are plain fields, which code of enough privilege reads, and some writes, without a helper.
struct PlainCsr {
    std::uint16_t number;
    bool writable;
    std::uint32_t offset;
};
#define BACKPLANE_HART_OFFSET(field) static_cast<std::uint32_t>(offsetof(HartState, field))
constexpr PlainCsr kPlain[] = {
    {kSscratch, true, BACKPLANE_HART_OFFSET(sscratch)}, {kScause, true, BACKPLANE_HART_OFFSET(scause)},
    {kStval, true, BACKPLANE_HART_OFFSET(stval)},       {kSepc, false, BACKPLANE_HART_OFFSET(sepc)},
    {kMscratch, true, BACKPLANE_HART_OFFSET(mscratch)}, {kMcause, true, BACKPLANE_HART_OFFSET(mcause)},
    {kMtval, true, BACKPLANE_HART_OFFSET(mtval)},       {kMepc, false, BACKPLANE_HART_OFFSET(mepc)},
    {kMhartid, false, BACKPLANE_HART_OFFSET(mhartid)},
};
#undef BACKPLANE_HART_OFFSET

const PlainCsr* plain(Translator& t, unsigned number) {
    if ((number >> 8 & 3) > static_cast<unsigned>(t.privilege())) return nullptr;
    if ((number >> 8 & 3) == 1 && !t.has(Extension::S)) return nullptr;
    for (const PlainCsr& row : kPlain)
        if (row.number == number) return &row;
    return nullptr;
}

/// False: it is not done yet.
bool plain_csr(Translator& t, const Instruction& i, CsrOperation operation, Value operand) {
    const PlainCsr* const row = plain(t, i.csr);
    if (!row) return false;
    if (operation == CsrOperation::Read) {
        t.b.load_state(t.x_result(i.rd), row->offset, tcg::mem::k64);
        return true;
    }
    if (!row->writable || operation != CsrOperation::Write) return false;
    const Value old = t.b.temp();
    if (i.rd != 0) t.b.load_state(old, row->offset, tcg::mem::k64);
    t.b.store_state(row->offset, operand, tcg::mem::k64);
    if (i.rd != 0) t.b.mov(t.x_result(i.rd), old);
    return true;
}

/// FFLAGS without a helper, which compilers read and write around quiet comparisons. Reading leaves what the engine
/// collected where it is. False: it is not done yet.
bool accrued_exceptions(Translator& t, const Instruction& i, CsrOperation operation, Value operand) {
    if (i.csr != kFflags || !t.has(Extension::F) || !t.float_is_on()) return false;
    if (operation != CsrOperation::Read && operation != CsrOperation::Write) return false;
    const Value old = t.b.temp(), now = t.b.temp();
    if (i.rd != 0) {
        const Value sticky = t.b.temp();
        t.b.load_state(old, kFflagsOffset, tcg::mem::k32);
        t.b.fp_exceptions(sticky);
        t.b.or_(old, old, sticky);
    }
    if (operation == CsrOperation::Write) {
        t.b.and_(now, operand, t.b.constant(kFflagsMask));
        t.b.store_state(kFflagsOffset, now, tcg::mem::k32);
        t.b.fp_forget(now);
        t.float_changes();
    }
    if (i.rd != 0) t.b.mov(t.x_result(i.rd), old);
    return true;
}

void csr(Translator& t, const Instruction& i, CsrOperation operation, Value operand) {
    if (plain_csr(t, i, operation, operand) || accrued_exceptions(t, i, operation, operand)) return;
    const helpers::CsrAccess access{i.csr, static_cast<std::uint8_t>(operation), i.rd, i.bits};
    if (operation == CsrOperation::Read || !csr_write_has_effects(i.csr))
        return t.b.call(t.x_result(i.rd), helpers::csr, "csr", kAll, {t.b.constant(access.pack()), operand});
    const Value leaves = t.b.temp();
    const tcg::Label stay = t.b.make_label();
    t.b.call(leaves, helpers::change_csr, "change_csr", kAll, {t.b.constant(access.pack()), operand});
    t.x_result(i.rd);  // it was written
    t.b.branch_if(Cond::Eq, leaves, t.b.constant(0), stay);
    t.b.store_state(kPcOffset, t.b.pc_constant(t.next_pc()), tcg::mem::k64);
    t.b.leave(tcg::LeaveKind::Continue);
    t.b.place(stay);
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
/// Between "slli x0, x0, 0x1f" and "srai x0, x0, 7", all in one page, it is a semihosting call ("RISC-V Semihosting" 1.0,
/// chapter 2).
void EBREAK(Translator& t, const Instruction& i) {
    constexpr std::uint32_t kBefore = 0x01f01013, kBehind = 0x40705013;
    if (i.length == 4 && t.word_in_page(t.pc() - 4) == kBefore && t.word_in_page(t.pc() + 4) == kBehind) {
        t.b.call({}, helpers::semihosting_call, "semihosting_call", kAll, {t.b.pc_constant(t.next_pc())});
        return t.leave(tcg::LeaveKind::Interrupts);
    }
    t.raise(Cause::Breakpoint, t.b.pc_constant(t.pc()));
}

void MRET(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::machine_return, "machine_return", kAll, {t.b.constant(i.bits)});
    t.leave(tcg::LeaveKind::Continue);
}
void SRET(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::supervisor_return, "supervisor_return", kAll, {t.b.constant(i.bits)});
    t.leave(tcg::LeaveKind::Continue);
}
void WFI(Translator& t, const Instruction& i) {
    t.b.call({}, helpers::wait_for_interrupt, "wait_for_interrupt", kAll,
             {t.b.constant(i.bits), t.b.pc_constant(t.next_pc())});
    t.leave(tcg::LeaveKind::Interrupts);
}
/// What is remembered belongs to the current address space or is global, so that the ASID's number does not matter.
void SFENCE_VMA(Translator& t, const Instruction& i) {
    using helpers::FenceScope;
    const FenceScope scope = i.rs1 != 0   ? FenceScope::Page
                             : i.rs2 != 0 ? FenceScope::AddressSpace
                                          : FenceScope::All;
    t.b.call({}, helpers::fence_vma, "fence_vma", kAll,
             {t.b.constant(i.bits), t.b.constant(static_cast<std::uint64_t>(scope)), t.x(i.rs1)});
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
