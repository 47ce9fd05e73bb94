// The host back end as the engine sees it: turns a verified block into machine code. One implementation per host, in a
// folder of its own; nothing outside that folder names the host.
#pragma once

#include "hot_area.h"

#include <backplane/draft/tcg/front_end.h>

#include <memory>
#include <string>
#include <vector>

namespace backplane::tcg {

/// Why translated code returned to the engine: below kFirstExit one of these, else kFirstExit + the number of a direct
/// exit that is not chained.
enum : std::uint64_t {
    kExitLookup = 0,    ///< the state's pc has no entry in the jump cache
    kExitContinue = 1,  ///< LeaveKind
    kExitInterrupts = 2,
    kExitRaised = 3,
    kFirstExit = 16,
};

/// What a slow path was called for, packed into the 32 bits that the code passes.
struct AccessDescriptor {
    std::uint8_t flags;  ///< mem::…
    std::uint8_t mode : 4;
    std::uint8_t operation : 4;  ///< an atomic's opcode - Opcode::atomic_add
    std::uint16_t pc_delta;      ///< of the instruction, from the unit's pc
};
static_assert(sizeof(AccessDescriptor) == 4);
/// AccessDescriptor::flags of an x87 operand of 80 bits.
inline constexpr std::uint8_t kTenBytes = 6;
constexpr unsigned operand_bytes(const AccessDescriptor& access) {
    return (access.flags & mem::kSizeMask) == kTenBytes ? 10 : mem::size(access.flags);
}
inline AccessDescriptor unpack(std::uint32_t bits) {
    AccessDescriptor access;
    __builtin_memcpy(&access, &bits, sizeof access);
    return access;
}

struct SlowResult {
    std::uint64_t value;
    std::uint64_t raised;  ///< not 0: leave the block, the state is complete
};

/// AccessDescriptor::operation of begin and end.
enum : std::uint8_t { kReads = 1, kWrites = 2, kLocked = 4 };

/// The engine's functions that code calls; `engine` is what Services::engine says, `where` the return address.
struct Services {
    void* engine = nullptr;
    SlowResult (*load)(void* engine, std::uint64_t address, std::uint64_t value, std::uint32_t descriptor,
                       const void* where) = nullptr;
    SlowResult (*store)(void* engine, std::uint64_t address, std::uint64_t value, std::uint32_t descriptor,
                        const void* where) = nullptr;
    /// HotArea::expected holds what a compare-and-exchange compares with.
    SlowResult (*atomic)(void* engine, std::uint64_t address, std::uint64_t value, std::uint32_t descriptor,
                         const void* where) = nullptr;
    /// The memory operand of a native instruction: the host address to execute it on. Where it writes, `end` comes
    /// behind it.
    SlowResult (*begin)(void* engine, std::uint64_t address, std::uint64_t value, std::uint32_t descriptor,
                        const void* where) = nullptr;
    SlowResult (*end)(void* engine, std::uint64_t address, std::uint64_t value, std::uint32_t descriptor,
                      const void* where) = nullptr;
    /// The state is complete: the code that it executes next. Null where the engine itself is to look at something.
    const void* (*next)(void* engine) = nullptr;
};

/// A direct exit: `patch` is where the back end redirects it, from `stub` (back to the engine) to a unit's code.
struct DirectExit {
    std::uint32_t patch = 0;  ///< byte offset in the code memory
    std::uint32_t stub = 0;
    std::uint64_t target = 0;  ///< guest pc
};

struct EmitRequest {
    const Block* block = nullptr;
    unsigned variant = 0;          ///< which jump cache
    std::uint32_t first_exit = 0;  ///< number of the unit's first direct exit
    std::uint32_t at = 0;          ///< byte offset in the code memory
    bool chain = true;             ///< false: every way out leads back to the engine
};

struct EmitResult {
    bool ok = false;          ///< false: no room
    std::uint32_t start = 0;  ///< byte offset
    std::uint32_t cold = 0;   ///< what is rarely run begins here
    std::uint32_t end = 0;
    std::vector<DirectExit> exits;
};

class Backend {
  public:
    virtual ~Backend() = default;
    /// Emits the thunks at the start of the code memory and returns their size.
    virtual std::uint32_t emit_thunks(const Services& services) = 0;
    virtual void emit(const EmitRequest& request, EmitResult& result) = 0;
    /// Makes a direct exit go to `to` (an offset: a unit's start or the exit's stub).
    virtual void redirect(const DirectExit& exit, std::uint32_t to) = 0;
    /// Runs code until it leaves; returns why.
    virtual std::uint64_t enter(const void* code, void* state) = 0;
    /// Does it take native ops of the guest?
    virtual bool takes_native() const = 0;
    /// What an empty jump cache entry's code is.
    virtual const void* miss_code() const = 0;
    /// Appends host code as text, for `-d out_asm`.
    virtual void disassemble(std::uint32_t from, std::uint32_t to, TextSink& out) const = 0;

    // ---- the floating-point environment, as HotArea::guest_fp_mode has it; `live`: translated code is on the stack
    virtual std::uint32_t take_fp_exceptions(bool live) = 0;
    virtual void set_fp_rounding(FpRounding mode, bool live) = 0;
    /// The whole word, exceptions masked.
    virtual std::uint32_t fp_mode(bool live) const = 0;
    virtual void set_fp_mode(std::uint32_t word, bool live) = 0;
    /// The plain environment for C++ code in a slow path, and back.
    virtual std::uint32_t enter_host_fp() = 0;
    virtual void leave_host_fp(std::uint32_t saved) = 0;
};

/// Where a guest pc stands in a jump cache.
constexpr unsigned jump_shift(const GuestDescription& guest) {
    return guest.instruction_alignment >= 4 ? 2 : guest.instruction_alignment >= 2 ? 1 : 0;
}
constexpr std::size_t jump_index(const GuestDescription& guest, std::uint64_t pc) {
    return (pc >> jump_shift(guest)) & (kJumpSize - 1);
}

/// Code memory of one vCPU.
struct CodeMemory {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
};

/// The back end of this host for a guest; null and a reason when the host lacks something.
std::unique_ptr<Backend> make_backend(const GuestDescription& guest, HotArea& hot, CodeMemory memory,
                                      std::string& reason);

}  // namespace backplane::tcg
