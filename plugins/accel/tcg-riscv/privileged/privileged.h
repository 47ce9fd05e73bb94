// The privileged architecture of a RISC-V hart: CSRs, traps, address translation, PMP, counters.
//
// Follows "The RISC-V Instruction Set Manual, Volume II: Privileged Architecture" 20211203 (v1.12), with Sstc 1.0,
// Svinval, Svnapot and Svadu. Functions work on a HartState and know no engine: what a caller must forget afterwards
// comes back as effects. Thread: the vCPU's.
//
// Not modelled: hypervisor extension, 32-bit XLENs, debug and trigger CSRs, Smepmp, big-endian modes, custom
// interrupts, hardware performance counters (they read as zero).
#pragma once

#include <backplane/draft/riscv/hart.h>

#include <cstdint>
#include <optional>
#include <string>

namespace backplane::riscv {

/// What the executor must do after a privileged operation, before it goes on.
enum Effect : std::uint32_t {
    kNoEffect = 0,
    kFlagsChanged = 1,     ///< translation_flags() may differ: leave the block, look the next one up anew
    kCheckInterrupts = 2,  ///< an interrupt may have become deliverable
    kFlushTlb = 4,         ///< forget all translations (PMP, MXR, SFENCE.VMA)
    kSatpChanged = 8,  ///< another root or ASID: forget all, or all that are not global and of another ASID
    kRoundingChanged = 16,  ///< frm differs
};

// Translation flags: what a block of translated code depends on beside its address. Bits from kFlagsFreeShift are the
// front end's.
inline constexpr unsigned kFlagsPrivilegeShift = 0;  ///< 2 bits: Privilege
inline constexpr unsigned kFlagsDataIndexShift = 2;  ///< 2 bits: data_mmu_index()
inline constexpr unsigned kFlagsFsShift = 4;  ///< 2 bits: mstatus.FS; 0: FP is illegal, 3: already dirty
inline constexpr unsigned kFlagsFreeShift = 8;
std::uint32_t translation_flags(const HartState& state);

// --- CSRs (csr.cpp, csr_table.cpp, counters.cpp) ---

enum class CsrOperation : std::uint8_t {
    Read,   ///< CSRRS, CSRRC and their immediate forms with rs1 or uimm = 0: never writes
    Write,  ///< CSRRW, also with rd = 0
    Set,
    Clear,
};

struct CsrResult {
    bool legal = false;         ///< false: nothing happened; an illegal-instruction exception is due
    std::uint64_t value = 0;    ///< before the operation: for rd
    std::uint32_t effects = 0;  ///< of Effect
};
CsrResult access_csr(HartState& state, unsigned number, CsrOperation operation, std::uint64_t operand);
/// Can a write to it have effects, so that the block must end after it? True for unknown numbers. Reads have none.
bool csr_write_has_effects(unsigned number);
/// "mstatus", "pmpaddr3"; "csr0x123" for a number that no hart has. For disassembly.
std::string csr_name(unsigned number);

/// What a debugger sees of them (csr_rules.cpp).
const CsrRules& csr_rules();

// --- Traps (trap.cpp) ---

/// Notes an exception for the executor, which makes pc exact and then calls take_pending_exception().
void raise_exception(HartState& state, Cause cause, std::uint64_t value);
/// Enters the trap handler; state.pc is the instruction's address. Returns effects.
std::uint32_t take_exception(HartState& state, Cause cause, std::uint64_t value);
/// The same for what raise_exception() noted; clears it.
std::uint32_t take_pending_exception(HartState& state);
/// The number of the interrupt that would be taken now, -1 for none.
int deliverable_interrupt(const HartState& state);
/// Takes it when there is one: state.pc is the next instruction's address. False: nothing happened. The effects are
/// those of any trap: kFlagsChanged.
bool take_interrupt(HartState& state);
/// ECALL from the current mode.
Cause environment_call_cause(const HartState& state);

struct ReturnResult {
    bool legal = false;  ///< false: illegal instruction
    std::uint32_t effects = 0;
};
/// MRET and SRET: set pc to the return address. Priv 3.3.2.
ReturnResult machine_return(HartState& state);
ReturnResult supervisor_return(HartState& state);

/// WFI. The caller first sets pc behind it. Halt: stop until has_work(). Priv 3.3.3.
enum class WaitResult : std::uint8_t { Illegal, Halt };
WaitResult wait_for_interrupt(const HartState& state);
/// Must a halted hart run? An interrupt that is pending and enabled in mie wakes it whatever mstatus says.
inline bool has_work(const HartState& state) { return (state.pending() & state.mie.load()) != 0; }
/// May SFENCE.VMA (SINVAL.VMA) be executed here? Priv 4.2.1, mstatus.TVM.
bool fence_vma_legal(const HartState& state);
/// SFENCE.W.INVAL and SFENCE.INVAL.IR (Svinval): legal in M and S.
bool fence_inval_legal(const HartState& state);

// --- Address translation (mmu.cpp, pmp.cpp) ---

/// Tables of the soft TLB: who asks, and how mstatus lets it. A change of MXR flushes instead.
enum MmuIndex : std::uint8_t {
    kMmuUser = 0,
    kMmuSupervisor = 1,     ///< SUM = 0; all of the supervisor's fetches
    kMmuSupervisorSum = 2,  ///< SUM = 1
    kMmuMachine = 3,        ///< physical addresses
    kMmuIndexCount = 4,
};
unsigned fetch_mmu_index(const HartState& state);
/// With mstatus.MPRV, that of MPP.
unsigned data_mmu_index(const HartState& state);

enum class AccessKind : std::uint8_t { Fetch, Load, Store };  ///< AMO and SC: Store; LR: Load

enum Permission : std::uint8_t { kReadable = 1, kWritable = 2, kExecutable = 4 };

struct Translation {
    bool valid = false;
    std::uint64_t physical = 0;
    /// What may be done to the page without asking again. Never kWritable while the entry's D bit is clear.
    std::uint8_t permissions = 0;
    /// The answer holds for the whole 4 KiB page around the address; false: for this access only (a PMP entry ends
    /// inside of the page), and must not be kept.
    bool whole_page = true;
    /// The same in every address space: the leaf's G bit, and physical addresses of machine mode.
    bool global = false;
    /// Bytes that the page-table entry maps: 4 KiB, or a superpage, which SFENCE.VMA for any of its addresses
    /// drops as a whole.
    std::uint64_t page_size = 4096;
    Cause cause = Cause::LoadPageFault;  ///< when not valid; mtval is the virtual address
};
/// Where page tables are. Entries are 8 bytes, aligned.
class PageTableMemory {
  public:
    /// Nothing: no memory there.
    virtual std::optional<std::uint64_t> load(std::uint64_t physical) = 0;
    enum class Update : std::uint8_t { Done, Changed, NoMemory };
    /// Stores `desired` where `expected` is, atomically; Changed: something else is there.
    virtual Update update(std::uint64_t physical, std::uint64_t expected, std::uint64_t desired) = 0;

  protected:
    ~PageTableMemory() = default;
};

/// Finds where `size` bytes at `address` are, which do not cross a page; sets A and D in the entry as the access asks.
/// What lies at the result is the caller's business (nothing there: an access fault of the same kind).
Translation translate(const HartState& state, PageTableMemory& memory, std::uint64_t address, unsigned size,
                      AccessKind kind, unsigned mmu_index);
/// The access fault of a kind: what a hole in the memory map, or a bus error, raises.
constexpr Cause access_fault(AccessKind kind) {
    return kind == AccessKind::Fetch  ? Cause::InstructionAccessFault
           : kind == AccessKind::Load ? Cause::LoadAccessFault
                                      : Cause::StoreAccessFault;
}

/// What PMP allows `privilege` for `size` bytes at a physical address (priv 3.7.1): permissions, and whether they hold
/// for the whole page.
struct PmpResult {
    std::uint8_t permissions = 0;
    bool whole_page = true;
};
PmpResult check_pmp(const HartState& state, std::uint64_t physical, unsigned size, Privilege privilege);

}  // namespace backplane::riscv
