// What translated code of one vCPU addresses by constant: soft TLB, jump caches, the floating-point environment.
//
// The area and its tables lie below 2 GiB, so that a table entry is `[register + disp32]` on hosts whose displacements
// are signed 32 bits, and no host register is spent on its address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backplane::tcg {

/// Large, as it costs only what is touched: two buffers conflict when they lie a multiple of 32 MiB apart.
inline constexpr unsigned kTlbBits = 13;
inline constexpr std::size_t kTlbSize = std::size_t{1} << kTlbBits;
inline constexpr unsigned kMaxModes = 8;
inline constexpr unsigned kJumpBits = 12;
inline constexpr std::size_t kJumpSize = std::size_t{1} << kJumpBits;
/// Different BlockKeys but for the pc that can have code at a time; with more the vCPU's code is flushed.
inline constexpr unsigned kMaxVariants = 32;

/// `address ^ tag` is the offset in the page, and below 4096, exactly when the entry is for the address's page.
struct TlbEntry {
    std::uint64_t tag;
    std::uint64_t host;  ///< the host address of the page
    /// A tag that no address with this index matches, nor an access that begins with one; what zeroed memory holds, but
    /// for the first entry and the last.
    static constexpr std::uint64_t invalid(std::size_t index) {
        return index == 0 || index == kTlbSize - 1 ? 8192 : 0;
    }
};

/// The same for guests with status flags, which must stay in the host's: `address + negated_tag` is the offset, and no
/// instruction on the way to a hit computes more than a sum.
struct TlbColumns {
    std::uint64_t negated_tag[kTlbSize];
    std::uint64_t delta[kTlbSize];  ///< from the guest's address to the host's
};

/// A guest uses the one or the other.
union TlbHalf {
    TlbEntry entries[kTlbSize];
    TlbColumns columns;
};

struct TlbTable {
    TlbHalf load;
    TlbHalf store;
};

struct JumpEntry {
    std::uint64_t pc;
    const void* code;
};

/// Zero pages until used (mapped, not constructed).
struct HotArea {
    TlbTable* tlb[kMaxModes];        ///< as many as the guest has modes
    JumpEntry* jumps[kMaxVariants];  ///< kJumpSize entries each, from a variant's first use on
    std::uint32_t guest_fp_mode;     ///< the host's control and status register as the guest needs it
    std::uint32_t host_fp_mode;      ///< saved while translated code runs
    std::uint32_t raised;            ///< not 0: a helper wants the block left, and why (kExitContinue…)
    std::uint32_t stale;             ///< a helper's store dropped translations, maybe of the unit that runs
    std::uint32_t scratch32;
    std::uint8_t exceptions[64];  ///< fp_exception bits for the sticky bits of the host's register
    std::uint64_t expected;       ///< of a compare-and-exchange that takes the slow path
    struct alignas(16) Constant {
        std::uint64_t value;
        std::uint64_t above;  ///< zero: what a 16-byte operand reads on
    };
    Constant constants[32];  ///< the back end's
    alignas(64)
        std::uint8_t bounce[64];  ///< the memory operand of a native instruction, when it is no plain memory
    std::uint32_t x87_away;       ///< 0: the guest's x87 registers are in the host's; else in the state
    std::uint32_t x87_returns;    ///< not 0: they were, and will be behind a service of the engine's
    std::uint16_t x87_control_word;          ///< what an instruction has just loaded
    alignas(64) std::uint8_t x87_area[576];  ///< where the host stores its own and loads them from (XSAVE)
};

constexpr std::size_t tlb_index(std::uint64_t address) { return (address >> 12) & (kTlbSize - 1); }

}  // namespace backplane::tcg
