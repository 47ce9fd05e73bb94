// The CSR table's shape: one line per register or run of registers.
#pragma once

#include "privileged.h"

namespace backplane::riscv {

struct CsrRow {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    const char* name = "";                    ///< of a run: what stands before the index
    int index_base = -1;                      ///< of a run: the index of `first`; -1: a single register
    std::uint32_t write_effects = kNoEffect;  ///< what a write can bring at most
    /// Beyond the privilege and read-only rules that are in the number (2.1): does it exist here and now? Null: always.
    bool (*legal)(const HartState& state, unsigned number) = nullptr;
    std::uint64_t (*read)(const HartState& state, unsigned number) = nullptr;
    /// Applies the WARL rules; effects. Null: writes are ignored (or the number is of the read-only kind).
    std::uint32_t (*write)(HartState& state, unsigned number, std::uint64_t value) = nullptr;
    /// Instead of read and write, where reading and modifying are not of the same bits (mip).
    CsrResult (*operate)(HartState& state, CsrOperation operation, std::uint64_t operand) = nullptr;
};

/// The row of a number; null when no hart of ours has it.
const CsrRow* find_csr(unsigned number);

// counters.cpp
bool counter_legal(const HartState& state, unsigned number);
bool hpm_counter_legal(const HartState& state, unsigned number);
bool stimecmp_legal(const HartState& state, unsigned number);
std::uint64_t read_time(const HartState& state, unsigned number);
std::uint64_t read_cycle(const HartState& state, unsigned number);
std::uint64_t read_instret(const HartState& state, unsigned number);
std::uint64_t read_stimecmp(const HartState& state, unsigned number);
std::uint64_t read_mcountinhibit(const HartState& state, unsigned number);
std::uint32_t write_mcycle(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_minstret(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_mcountinhibit(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_stimecmp(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_menvcfg(HartState& state, unsigned number, std::uint64_t value);

// pmp.cpp
bool pmp_legal(const HartState& state, unsigned number);
std::uint64_t read_pmpcfg(const HartState& state, unsigned number);
std::uint64_t read_pmpaddr(const HartState& state, unsigned number);
std::uint32_t write_pmpcfg(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_pmpaddr(HartState& state, unsigned number, std::uint64_t value);

// csr.cpp: the WARL rules of registers that share storage or have bits that depend on others
std::uint64_t read_mstatus(const HartState& state, unsigned number);
std::uint64_t read_sstatus(const HartState& state, unsigned number);
std::uint32_t write_mstatus(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_sstatus(HartState& state, unsigned number, std::uint64_t value);
std::uint64_t read_mie(const HartState& state, unsigned number);
std::uint64_t read_sie(const HartState& state, unsigned number);
std::uint32_t write_mie(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_sie(HartState& state, unsigned number, std::uint64_t value);
CsrResult operate_mip(HartState& state, CsrOperation operation, std::uint64_t operand);
CsrResult operate_sip(HartState& state, CsrOperation operation, std::uint64_t operand);
std::uint32_t write_medeleg(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_mideleg(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_mtvec(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_stvec(HartState& state, unsigned number, std::uint64_t value);
std::uint64_t read_mepc(const HartState& state, unsigned number);
std::uint64_t read_sepc(const HartState& state, unsigned number);
std::uint32_t write_mepc(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_sepc(HartState& state, unsigned number, std::uint64_t value);
bool satp_legal(const HartState& state, unsigned number);
std::uint32_t write_satp(HartState& state, unsigned number, std::uint64_t value);
bool float_legal(const HartState& state, unsigned number);
std::uint64_t read_fflags(const HartState& state, unsigned number);
std::uint64_t read_frm(const HartState& state, unsigned number);
std::uint64_t read_fcsr(const HartState& state, unsigned number);
std::uint32_t write_fflags(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_frm(HartState& state, unsigned number, std::uint64_t value);
std::uint32_t write_fcsr(HartState& state, unsigned number, std::uint64_t value);

}  // namespace backplane::riscv
