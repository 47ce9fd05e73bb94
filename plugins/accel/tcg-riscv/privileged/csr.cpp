// CSR instructions, and the rules of the registers that share bits: mstatus and sstatus, mie and sie, mip and sip,
// delegation, vectors, satp, fcsr. Priv 2.1 (who may), 2.3 (WARL), 3.1, 4.1; Volume I 11.2.
#include "csr_table.h"

#include <backplane/draft/riscv/page_table.h>

#include <cstdio>

namespace backplane::riscv {

namespace {

constexpr std::uint64_t kSstatusBits = mstatus::kSie | mstatus::kSpie | mstatus::kSpp | mstatus::kFs |
                                       mstatus::kSum | mstatus::kMxr | mstatus::kUxl | mstatus::kSd;

/// The exceptions that can be delegated: all but ECALL from M (3.1.8) and the reserved ones.
constexpr std::uint64_t kDelegable = 0xb3ff;

bool is_read_only(unsigned number) { return (number >> 10 & 3) == 3; }

std::uint64_t modified(std::uint64_t old, CsrOperation operation, std::uint64_t operand) {
    switch (operation) {
    case CsrOperation::Read: return old;
    case CsrOperation::Write: return operand;
    case CsrOperation::Set: return old | operand;
    case CsrOperation::Clear: return old & ~operand;
    }
    return old;
}

/// The bits of mie and mip that the hart has.
std::uint64_t implemented_interrupts(const HartState& state) {
    return interrupt::kMachine | (state.has(Extension::S) ? interrupt::kSupervisor : 0);
}

/// What software can write in mip (3.1.9): STIP is read-only where stimecmp drives it (Sstc 2.2).
std::uint64_t writable_interrupts(const HartState& state) {
    if (!state.has(Extension::S)) return 0;
    return state.menvcfg & envcfg::kStce ? interrupt::kSsip | interrupt::kSeip : interrupt::kSupervisor;
}

/// Devices set SSIP at any time, so bits outside of `mask` are never rewritten.
void modify_pending(HartState& state, std::uint64_t mask, CsrOperation operation, std::uint64_t operand) {
    switch (operation) {
    case CsrOperation::Read: break;
    case CsrOperation::Set: state.mip_writable.fetch_or(operand & mask); break;
    case CsrOperation::Clear: state.mip_writable.fetch_and(~(operand & mask)); break;
    case CsrOperation::Write:
        state.mip_writable.fetch_or(operand & mask);
        state.mip_writable.fetch_and(~mask | operand);
        break;
    }
}

std::uint32_t mark_float_dirty(HartState& state) {
    if ((state.mstatus & mstatus::kFs) == mstatus::kFs) return kNoEffect;
    state.mstatus |= mstatus::kFs;
    return kFlagsChanged;
}

/// BASE and MODE: direct or vectored; a reserved mode leaves the register as it was.
std::uint32_t write_vector(std::uint64_t& vector, std::uint64_t value) {
    if ((value & 3) < 2) vector = value;
    return kNoEffect;
}

/// xepc holds instruction addresses: without C, bit 1 reads as zero too (3.1.14).
std::uint64_t epc_mask(const HartState& state) { return state.has(Extension::C) ? ~1ull : ~3ull; }

std::uint32_t store_status(HartState& state, std::uint64_t value, std::uint64_t mask) {
    const std::uint64_t old = state.mstatus;
    state.mstatus = (old & ~mask) | (value & mask);
    std::uint32_t effects = kFlagsChanged | kCheckInterrupts;
    if ((state.mstatus ^ old) & mstatus::kMxr) effects |= kFlushTlb;
    return effects;
}

}  // namespace

CsrResult access_csr(HartState& state, unsigned number, CsrOperation operation, std::uint64_t operand) {
    const CsrRow* row = find_csr(number);
    const bool writes = operation != CsrOperation::Read;
    if (!row || (number >> 8 & 3) > static_cast<unsigned>(state.privilege)) return {};
    if (writes && is_read_only(number)) return {};
    if (row->legal && !row->legal(state, number)) return {};
    if (row->operate) return row->operate(state, operation, operand);

    CsrResult result{true, row->read(state, number), kNoEffect};
    if (writes && row->write)
        result.effects = row->write(state, number, modified(result.value, operation, operand));
    return result;
}

bool csr_write_has_effects(unsigned number) {
    const CsrRow* row = find_csr(number);
    return !row || row->write_effects != kNoEffect;
}

std::string csr_name(unsigned number) {
    if (const CsrRow* row = find_csr(number)) {
        std::string name = row->name;
        if (row->index_base >= 0)
            name += std::to_string(number - row->first + static_cast<unsigned>(row->index_base));
        return name;
    }
    char text[16];
    std::snprintf(text, sizeof text, "csr0x%03x", number & 0xfff);
    return text;
}

// --- mstatus and sstatus ---

std::uint64_t read_mstatus(const HartState& state, unsigned) {
    const bool dirty = (state.mstatus & mstatus::kFs) == mstatus::kFs;
    return state.mstatus | (dirty ? mstatus::kSd : 0);
}

std::uint64_t read_sstatus(const HartState& state, unsigned number) {
    return read_mstatus(state, number) & kSstatusBits;
}

std::uint32_t write_mstatus(HartState& state, unsigned, std::uint64_t value) {
    const bool supervisor = state.has(Extension::S);
    std::uint64_t mask = mstatus::kMie | mstatus::kMpie;
    if (supervisor)
        mask |= mstatus::kSie | mstatus::kSpie | mstatus::kSpp | mstatus::kSum | mstatus::kMxr |
                mstatus::kTvm | mstatus::kTsr;
    if (state.has(Extension::U)) mask |= mstatus::kMprv | mstatus::kTw;
    if (state.has(Extension::F)) mask |= mstatus::kFs;
    // MPP takes the modes that exist and otherwise keeps what it had.
    const std::uint64_t mpp = (value & mstatus::kMpp) >> mstatus::kMppShift;
    if (mpp == 3 || (mpp == 1 && supervisor) || (mpp == 0 && state.has(Extension::U))) mask |= mstatus::kMpp;
    return store_status(state, value, mask);
}

std::uint32_t write_sstatus(HartState& state, unsigned, std::uint64_t value) {
    std::uint64_t mask = mstatus::kSie | mstatus::kSpie | mstatus::kSpp | mstatus::kSum | mstatus::kMxr;
    if (state.has(Extension::F)) mask |= mstatus::kFs;
    return store_status(state, value, mask);
}

// --- interrupts ---

std::uint64_t read_mie(const HartState& state, unsigned) { return state.mie.load(std::memory_order_relaxed); }

std::uint32_t write_mie(HartState& state, unsigned, std::uint64_t value) {
    state.mie.store(value & implemented_interrupts(state));
    return kCheckInterrupts;
}

/// sie and sip show what mideleg gives to the supervisor (4.1.3).
std::uint64_t read_sie(const HartState& state, unsigned number) {
    return read_mie(state, number) & state.mideleg;
}

std::uint32_t write_sie(HartState& state, unsigned, std::uint64_t value) {
    const std::uint64_t mask = state.mideleg & interrupt::kSupervisor;
    state.mie.store((state.mie.load(std::memory_order_relaxed) & ~mask) | (value & mask));
    return kCheckInterrupts;
}

CsrResult operate_mip(HartState& state, CsrOperation operation, std::uint64_t operand) {
    const CsrResult result{true, state.pending() & implemented_interrupts(state), kCheckInterrupts};
    modify_pending(state, writable_interrupts(state), operation, operand);
    return result;
}

CsrResult operate_sip(HartState& state, CsrOperation operation, std::uint64_t operand) {
    const CsrResult result{true, state.pending() & state.mideleg, kCheckInterrupts};
    modify_pending(state, interrupt::kSsip & state.mideleg, operation, operand);
    return result;
}

std::uint32_t write_medeleg(HartState& state, unsigned, std::uint64_t value) {
    state.medeleg = value & kDelegable;
    return kNoEffect;
}

std::uint32_t write_mideleg(HartState& state, unsigned, std::uint64_t value) {
    state.mideleg = value & interrupt::kSupervisor;
    return kCheckInterrupts;
}

// --- trap handlers ---

std::uint32_t write_mtvec(HartState& state, unsigned, std::uint64_t value) {
    return write_vector(state.mtvec, value);
}
std::uint32_t write_stvec(HartState& state, unsigned, std::uint64_t value) {
    return write_vector(state.stvec, value);
}
std::uint64_t read_mepc(const HartState& state, unsigned) { return state.mepc & epc_mask(state); }
std::uint64_t read_sepc(const HartState& state, unsigned) { return state.sepc & epc_mask(state); }

std::uint32_t write_mepc(HartState& state, unsigned, std::uint64_t value) {
    state.mepc = value & epc_mask(state);
    return kNoEffect;
}

std::uint32_t write_sepc(HartState& state, unsigned, std::uint64_t value) {
    state.sepc = value & epc_mask(state);
    return kNoEffect;
}

// --- address translation ---

bool satp_legal(const HartState& state, unsigned) {
    if (!state.has(Extension::S)) return false;
    return state.privilege == Privilege::Machine || (state.mstatus & mstatus::kTvm) == 0;
}

/// A mode that is not implemented leaves the whole register as it was (4.1.11).
std::uint32_t write_satp(HartState& state, unsigned, std::uint64_t value) {
    const unsigned mode = static_cast<unsigned>(value >> satp::kModeShift);
    const bool implemented = mode == satp::kBare || (mode == satp::kSv39 && state.has(Extension::Sv39)) ||
                             (mode == satp::kSv48 && state.has(Extension::Sv48)) ||
                             (mode == satp::kSv57 && state.has(Extension::Sv57));
    if (!implemented || value == state.satp) return kNoEffect;
    state.satp = value;
    return kSatpChanged;
}

// --- floating point ---

bool float_legal(const HartState& state, unsigned) {
    return state.has(Extension::F) && state.float_enabled();
}
std::uint64_t read_fflags(const HartState& state, unsigned) { return state.fflags; }
std::uint64_t read_frm(const HartState& state, unsigned) { return state.frm; }
std::uint64_t read_fcsr(const HartState& state, unsigned) { return state.frm << 5 | state.fflags; }

std::uint32_t write_fflags(HartState& state, unsigned, std::uint64_t value) {
    state.fflags = static_cast<std::uint32_t>(value) & kFflagsMask;
    return mark_float_dirty(state);
}

std::uint32_t write_frm(HartState& state, unsigned, std::uint64_t value) {
    const std::uint32_t frm = static_cast<std::uint32_t>(value) & kFrmMask;
    const std::uint32_t effects = frm == state.frm ? kNoEffect : kRoundingChanged;
    state.frm = frm;
    return effects | mark_float_dirty(state);
}

std::uint32_t write_fcsr(HartState& state, unsigned number, std::uint64_t value) {
    return write_fflags(state, number, value) | write_frm(state, number, value >> 5);
}

}  // namespace backplane::riscv
