// Draft: needs the exact host build. A RISC-V hart's architectural state, as the CPU plugin owns it and a
// translator's front end changes it.
//
// Follows "The RISC-V Instruction Set Manual", Volume I 20191213 and Volume II 20211203 (v1.12). RV64 only; no
// hypervisor extension, no vectors.
#pragma once

#include <backplane/draft/cpu.h>
#include <backplane/draft/mark.h>
#include <backplane/draft/riscv/csr.h>
#include <backplane/draft/riscv/isa.h>
#include <backplane/riscv.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace backplane::riscv {

inline constexpr unsigned kPmpEntries = 16;
inline constexpr std::uint64_t kNoReservation = ~std::uint64_t{0};

/// What the CPU plugin does for the code that executes its hart. Owner: the hart; set before the CPU is realized.
class HartServices {
  public:
    /// mtime as this hart sees it, in ticks of the timebase. Thread: any.
    virtual std::uint64_t time() const = 0;
    /// The virtual clock in ns, from which mcycle and minstret count. Thread: any.
    virtual std::uint64_t now_ns() const = 0;
    /// stimecmp or menvcfg.STCE changed: brings STIP and its timer up to date. Takes the machine lock.
    /// Thread: the vCPU's, or one that holds the lock.
    virtual void supervisor_timer_changed() = 0;
    /// The instruction sequence of a semihosting call was met: carries it out, for x10 and x11, when semihosting serves
    /// the hart's mode. Wait: the hart was halted, and the call is to be made again. Thread: the vCPU's.
    enum class Call : std::uint8_t { NotServed, Done, Wait };
    virtual Call semihosting_call() { return Call::NotServed; }

  protected:
    ~HartServices() = default;
};

struct HartState;

/// The rules of the control and status registers, which whoever executes the hart knows, as a debugger asks for them:
/// with machine mode's rights, whatever mode the hart is in. Thread: the hart's, or any while it does not run.
class CsrRules {
  public:
    /// "mstatus"; empty when the hart has no register of this number.
    virtual std::string name(HartState& hart, unsigned number) const = 0;
    virtual bool read(HartState& hart, unsigned number, std::uint64_t& value) const = 0;
    /// Changes what can be changed of it. False: there is none, or it is read-only.
    virtual bool write(HartState& hart, unsigned number, std::uint64_t value) const = 0;

  protected:
    ~CsrRules() = default;
};

/// The state. Standard layout, so that translated code reaches every field by offsetof. Only the vCPU's thread
/// touches it while it runs, but for the atomics. What reset does to a field stands in the CPU plugin's state table.
struct HartState {
    CpuRunState run;

    std::uint64_t x[32] = {};  ///< x[0] is 0 and stays so
    std::uint64_t pc = 0;
    std::uint64_t f[32] = {};  ///< singles are NaN-boxed

    std::uint32_t fflags = 0;  ///< accrued exceptions, kFflagsMask
    std::uint32_t frm = 0;     ///< as written, reserved values too

    /// LR/SC: the address of the reserved word as LR had it and what was loaded; kNoReservation when there is none.
    std::uint64_t reservation_address = kNoReservation;
    std::uint64_t reservation_value = 0;

    Privilege privilege = Privilege::Machine;

    /// An exception that a helper found and that the executor must take with take_exception() once it has made pc
    /// exact. Not part of the architecture: false between instructions.
    bool exception_pending = false;
    Cause exception_cause = Cause::InstructionMisaligned;
    std::uint64_t exception_value = 0;  ///< for mtval

    /// mip is the union of both (pending()). Lines are levels that others drive: the wires "irq", and STIP under Sstc.
    /// The writable bits hold what software wrote, and SSIP that a device set by an edge.
    std::atomic<std::uint64_t> mip_lines{0};
    std::atomic<std::uint64_t> mip_writable{0};
    /// Read by others to see whether a halted hart has work.
    std::atomic<std::uint64_t> mie{0};

    std::uint64_t mstatus = 0;  ///< SD is not kept here: it is made when mstatus is read
    std::uint64_t misa = 0;     ///< read-only
    std::uint64_t medeleg = 0;
    std::uint64_t mideleg = 0;
    std::uint64_t mtvec = 0;
    std::uint64_t mcounteren = 0;
    std::uint64_t menvcfg = 0;
    std::uint64_t mcountinhibit = 0;
    std::uint64_t mscratch = 0;
    std::uint64_t mepc = 0;
    std::uint64_t mcause = 0;
    std::uint64_t mtval = 0;

    std::uint64_t stvec = 0;
    std::uint64_t scounteren = 0;
    std::uint64_t senvcfg = 0;
    std::uint64_t sscratch = 0;
    std::uint64_t sepc = 0;
    std::uint64_t scause = 0;
    std::uint64_t stval = 0;
    std::uint64_t satp = 0;
    /// Read by the timer's thread as well.
    std::atomic<std::uint64_t> stimecmp{~std::uint64_t{0}};

    /// What mcycle and minstret show is now_ns() + offset while they count and the value here while inhibited.
    std::uint64_t mcycle = 0;
    std::uint64_t minstret = 0;

    std::uint8_t pmpcfg[kPmpEntries] = {};
    std::uint64_t pmpaddr[kPmpEntries] = {};  ///< bits 55:2 of an address
    /// How many entries can be written; the others read as zero.
    std::uint32_t pmp_entries = 0;

    // Fixed when the CPU is realized.
    std::uint64_t extensions = 0;           ///< of bit(Extension)
    std::uint32_t privileged_version = 12;  ///< 10, 11 or 12: the registers of v1.10, v1.11, v1.12
    std::uint64_t mvendorid = 0;
    std::uint64_t marchid = 0;
    std::uint64_t mimpid = 0;
    std::uint64_t mhartid = 0;
    HartServices* services = nullptr;
    /// Set by whoever executes the hart; null when nobody does.
    const CsrRules* csrs = nullptr;

    bool has(Extension extension) const { return (extensions & bit(extension)) != 0; }
    bool float_enabled() const { return (mstatus & mstatus::kFs) != 0; }
    std::uint64_t pending() const { return mip_lines.load() | mip_writable.load(); }
};
static_assert(std::is_standard_layout_v<HartState>, "translated code addresses the fields by offsetof");
static_assert(offsetof(HartState, run) == 0, "Cpu::run_state() finds it there");

/// The type whose object offers HartControl (<backplane/riscv.h>).
inline constexpr const char* kHartType = "riscv-cpu";

}  // namespace backplane::riscv
