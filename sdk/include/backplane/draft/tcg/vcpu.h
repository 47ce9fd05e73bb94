// Draft: needs the exact host build. What the translator's engine does for a front end's helpers, per vCPU.
#pragma once

#include <backplane/draft/cpu.h>
#include <backplane/draft/mark.h>
#include <backplane/draft/tcg/ir.h>

namespace backplane {
class Clock;
class Log;
class MachineLock;
}  // namespace backplane

namespace backplane::tcg {

/// CpuRunState::engine points to one of these while an engine runs the CPU. Thread: the vCPU's (inside a helper, a
/// fill, an interrupt delivery), unless said otherwise.
class Vcpu {
  public:
    virtual Cpu& cpu() = 0;
    virtual AddressSpace& memory() = 0;  ///< that the CPU is in
    virtual Clock& clock() = 0;
    virtual Log& log() = 0;
    virtual MachineLock& lock() = 0;

    // When a helper changes the mode or anything else that BlockKey covers, or the guest synchronises its fetches with
    // its stores (translations of changed pages are gone already), the instruction ends the unit with
    // LeaveKind::Continue, or the helper calls leave().

    // ---- the soft TLB. Takes effect for the next access; a block that goes on executing past a change of its own
    // instruction mapping must leave with LeaveKind::Continue.
    virtual void flush_tlb() = 0;
    /// The page that holds `address` (and all of a larger mapping that it belongs to), in every mode.
    virtual void flush_tlb_page(std::uint64_t address) = 0;
    /// All but what FillAnswer::global said: the guest goes to another address space.
    virtual void flush_tlb_local() = 0;
    /// Bit n: mode n.
    virtual void flush_tlb_modes(std::uint32_t modes) = 0;

    /// A helper with helper::kMayRaise delivered an exception into the state (its pc is the handler's): the block is
    /// left when the helper returns, and its result is not used.
    virtual void raised() = 0;
    /// A helper with helper::kMayRaise did all of its instruction: the block is left when the helper returns, its result
    /// is not used, and the guest goes on at the state's pc, which the helper has set. After raised() it has no effect.
    virtual void leave(LeaveKind kind) = 0;

    // ---- a line of memory that the CPU waits at
    /// Stores of others into the `size` bytes at `address`, all in one page, are seen from now on, until the next call.
    /// False: not yet, or never.
    virtual bool watch_line(std::uint64_t /*address*/, unsigned /*size*/, std::uint8_t /*mode*/) {
        return false;
    }
    virtual bool line_written() const { return true; }
    /// The halt that the CPU goes into (CpuRunState::halted) ends by such a store, and when the machine stands.
    virtual void wait_at_line() {}

    // ---- the machine's I/O ports, for a guest that has them; size 1, 2 or 4. What nothing answers reads as ones.
    virtual std::uint32_t load_port(std::uint16_t port, unsigned size) = 0;
    virtual void store_port(std::uint16_t port, std::uint32_t value, unsigned size) = 0;

    // ---- physical memory of the address space that the CPU is in, for page walks; no lock is taken for RAM. `failed` is set for what is not memory.
    virtual std::uint64_t load_physical(std::uint64_t address, unsigned size, bool& failed) = 0;
    /// Compare-and-swap for updates of page table entries (size 4 or 8, aligned): false when it did not hold `expected`,
    /// or is no RAM (`failed` is set).
    virtual bool update_physical(std::uint64_t address, std::uint64_t expected, std::uint64_t desired,
                                 unsigned size, bool& failed) = 0;

    // ---- guest virtual memory from a helper with kMayRaise: as the load and store ops. False: an exception was
    // delivered (raised() was called); return from the helper. A store may hit the unit that runs: a helper with kStores
    // is followed, where its instruction ends, by a look at that.
    virtual bool load(std::uint64_t address, std::uint8_t mem_flags, std::uint8_t mode,
                      std::uint64_t& value) = 0;
    virtual bool store(std::uint64_t address, std::uint64_t value, std::uint8_t mem_flags,
                       std::uint8_t mode) = 0;
    /// The host address of `size` bytes, for reading (or writing: marked as done); null when they are not in one page of
    /// plain memory (then use load and store) or, with `raised` set, when an exception was delivered.
    virtual void* host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t mode,
                               bool& raised) = 0;

    // ---- floating point
    /// The sticky exceptions (fp_exception) since the last call, and forgets them. What the state holds plus these is
    /// what the guest sees; the engine adds what is left when the vCPU stops (FrontEnd::add_fp_exceptions()).
    virtual std::uint32_t take_fp_exceptions() = 0;
    /// The dynamic rounding mode from now on. Not Dynamic.
    virtual void set_fp_rounding(FpRounding mode) = 0;
    /// The whole word that native instructions compute by, for a guest with FrontEnd::fp_mode(): with what they raised so
    /// far. All exceptions are masked in it; a front end whose guest unmasks one has its helpers compute.
    virtual std::uint32_t fp_mode() = 0;
    virtual void set_fp_mode(std::uint32_t word) = 0;

  protected:
    ~Vcpu() = default;
};

/// The engine's side of the CPU that `state` belongs to.
inline Vcpu& vcpu_of(void* state) { return *static_cast<Vcpu*>(static_cast<CpuRunState*>(state)->engine); }

}  // namespace backplane::tcg
