// Draft: needs the exact host build. The translator's intermediate representation: what a front end produces for a
// block of guest code and a host back end turns into machine code. It names no guest and no host.
//
// A block is a linear array of small ops over *values*: the guest's registers (as the front end listed them), temps
// that live inside the block, and 64-bit constants. All values are 64 bits wide; what an op does with them is in
// its width. A guest register is simply written by an op; there is no SSA. A temp must be written before it is read,
// on every path. The back end keeps the hottest guest registers in host registers across blocks, so a front end reads
// and writes registers as often as it likes, and uses temps only for what has no register.
//
// Precision: an op that may fault (guest memory, a call that may raise) must come before the first write to a guest
// register by the same guest instruction, unless that write would be repeated identically.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/tcg/native.h>
#include <backplane/draft/tcg/value.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace backplane::tcg {

enum class Opcode : std::uint8_t {
#define X(name, klass, result, inputs, shape) name,
#include <backplane/draft/tcg/ir_table.inc>
};

/// What an integer op acts on, and how its result fills 64 bits.
enum class Width : std::uint8_t { I64, I32, I32S, F32, F64 };

enum class Cond : std::uint8_t { Eq, Ne, Lt, Ge, Le, Gt, Ltu, Geu, Leu, Gtu, TestZero, TestNonZero };
constexpr Cond inverse(Cond c) { return static_cast<Cond>(static_cast<unsigned>(c) ^ 1u); }
/// The condition for swapped operands.
constexpr Cond swapped(Cond c) {
    constexpr Cond kMap[] = {Cond::Eq,  Cond::Ne,  Cond::Gt,  Cond::Le,  Cond::Ge,       Cond::Lt,
                             Cond::Gtu, Cond::Leu, Cond::Geu, Cond::Ltu, Cond::TestZero, Cond::TestNonZero};
    return kMap[static_cast<unsigned>(c)];
}

/// A guest memory access: size, extension, demands. Or'ed into an op's aux.
namespace mem {
inline constexpr std::uint8_t k8 = 0, k16 = 1, k32 = 2, k64 = 3;  ///< log2 of the bytes
inline constexpr std::uint8_t kSizeMask = 7;
inline constexpr std::uint8_t kSigned = 8;  ///< loads and atomics: sign-extend to 64 bits (else zero-extend)
inline constexpr std::uint8_t kAligned =
    16;  ///< a misaligned address faults (atomics: unless the guest says otherwise)
inline constexpr std::uint8_t kBigEndian = 32;  ///< loads and stores only
inline constexpr std::uint8_t kAsStore = 64;    ///< a load whose faults are reported as a store's
constexpr unsigned size(std::uint8_t flags) { return 1u << (flags & kSizeMask); }
}  // namespace mem

/// Or'ed into a floating-point op's aux.
namespace fp {
inline constexpr std::uint8_t kBoxed = 1;  ///< F32: inputs are checked as by funbox, results boxed as by fbox
inline constexpr std::uint8_t kDefaultNan = 2;     ///< a NaN result is 0x7fc00000 or 0x7ff8…, not a payload
inline constexpr std::uint8_t kNegateProduct = 4;  ///< fma
inline constexpr std::uint8_t kNegateAddend = 8;   ///< fma
inline constexpr std::uint8_t kTruncate =
    16;  ///< f_to_int, fround: towards zero, else the current rounding mode
inline constexpr std::uint8_t kNanToMax = 32;  ///< f_to_int: NaN gives the greatest integer, else 0
}  // namespace fp

enum class IntKind : std::uint8_t { I32, U32, I64, U64 };

/// The sticky exceptions that scalar ops raise, as Vcpu::take_fp_exceptions() gives them.
namespace fp_exception {
inline constexpr std::uint32_t kInexact = 1, kUnderflow = 2, kOverflow = 4, kDivideByZero = 8, kInvalid = 16;
}
/// Rounding modes that a host can be expected to have; others (ties away) are the front end's helpers.
enum class FpRounding : std::uint8_t { NearestEven, TowardZero, Down, Up, Dynamic = 255 };

/// What is ordered before what. Normal guest accesses are plain host accesses; atomics are fully ordered.
enum class FenceKind : std::uint8_t {
    LoadLoad = 1,
    LoadStore = 2,
    StoreLoad = 4,
    StoreStore = 8,
    All = 15,
};

enum class JumpHint : std::uint8_t { Jump, Call, Return };

enum class LeaveKind : std::uint8_t {
    Continue,    ///< look up the next block afresh (the mode or the mapping changed)
    Interrupts,  ///< the same, after a look at the interrupts (they were enabled; a halt)
    Raised,      ///< an exception was delivered into the state (for -d exec; else as Continue)
};

struct Label {
    std::uint16_t index = 0;
};

struct Op {
    Opcode opcode = Opcode::label;
    Width width = Width::I64;
    std::uint8_t aux = 0;            ///< Cond, StatusCond, MemFlags, FpFlags
    std::uint8_t mode = kBlockMode;  ///< guest memory: the MMU mode
    Value dst{}, a{}, b{}, c{}, d{};
    std::int32_t imm = 0;
    Cond cond() const { return static_cast<Cond>(aux); }
};

/// What a helper does to the guest state; the less, the cheaper the call.
namespace helper {
inline constexpr std::uint8_t kReadsRegisters = 1;   ///< reads guest registers in the state
inline constexpr std::uint8_t kWritesRegisters = 2;  ///< writes guest registers in the state
/// May deliver an exception: implies all others; the block is left after it when it called Vcpu::raised().
inline constexpr std::uint8_t kMayRaise = 4;
inline constexpr std::uint8_t kNeedsPc = 8;  ///< the state's pc is this instruction's when it runs
inline constexpr std::uint8_t kAll = 15;
/// Stores to guest memory through Vcpu, for a guest that need not synchronise its fetches: when that changes the unit
/// that runs, the unit is left at the end of the instruction.
inline constexpr std::uint8_t kStores = 16;
}  // namespace helper

/// The helper gets the guest state and up to four values; unused arguments are not passed.
using Helper0 = std::uint64_t (*)(void* state);
using Helper1 = std::uint64_t (*)(void* state, std::uint64_t);
using Helper2 = std::uint64_t (*)(void* state, std::uint64_t, std::uint64_t);
using Helper3 = std::uint64_t (*)(void* state, std::uint64_t, std::uint64_t, std::uint64_t);
using Helper4 = std::uint64_t (*)(void* state, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t);

struct Call {
    const void* function = nullptr;
    const char* name = "";  ///< for -d op; a literal
    std::uint8_t flags = 0;
    std::uint8_t count = 0;
    Value arguments[4];
};

/// One guest instruction of the block.
struct Instruction {
    std::uint64_t pc = 0;
    std::uint8_t size = 0;  ///< bytes, set when it was translated
};

/// One unit of translation. Today a basic block (with forward branches inside); nothing in it says so: a larger unit
/// is a longer list of instructions with more exits.
struct Block {
    std::uint64_t pc = 0;       ///< guest virtual address of the first instruction
    std::uint64_t flags = 0;    ///< the front end's BlockKey::flags
    std::uint8_t mmu_mode = 0;  ///< of accesses that do not say otherwise
    std::vector<Op> ops;
    std::vector<std::uint64_t> constants;
    std::vector<Call> calls;
    std::vector<Address> addresses;
    std::vector<Native> natives;
    std::vector<Instruction> instructions;
    std::uint16_t temps = 0;
    std::uint16_t labels = 0;

    void clear() {
        ops.clear();
        constants.clear();
        calls.clear();
        addresses.clear();
        natives.clear();
        instructions.clear();
        temps = labels = 0;
    }
    std::uint64_t constant(Value v) const { return constants[v.index()]; }
};

}  // namespace backplane::tcg
