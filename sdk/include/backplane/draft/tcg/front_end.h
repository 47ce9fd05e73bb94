// Draft: needs the exact host build. A translator's front end: what knows one guest's instructions.
//
// A front end is the type "tcg-" + Cpu::architecture(), whose part offers FrontEnd. One instance serves all vCPUs of
// that architecture in a machine, each on its own thread: it keeps nothing that a vCPU could change; what belongs to
// a vCPU is in the guest state, which every call gets.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/tcg/builder.h>
#include <backplane/draft/tcg/vcpu.h>

#include <optional>

namespace backplane::tcg {

/// A Vector register is an operand of native instructions, and of nothing else.
enum class RegisterClass : std::uint8_t { Integer, Float, Vector };

/// A guest register: 64 bits in the state (Vector: 256). Its place in the list is its index as a Value.
struct GuestRegister {
    const char* name = "";
    std::uint32_t offset = 0;  ///< bytes from the start of the state; a multiple of 8
    RegisterClass klass = RegisterClass::Integer;
    /// 1 is the hottest; 0: never kept in a host register. The engine keeps as many as its host has room for.
    std::uint8_t hotness = 0;
    std::uint32_t upper_offset = 0;  ///< Vector: of bits 128 to 255
};

struct GuestDescription {
    const char* name = "";         ///< Cpu::architecture()
    std::uint32_t state_size = 0;  ///< bytes
    std::uint32_t pc_offset = 0;   ///< of the 64-bit guest pc in the state
    Slice<const GuestRegister> registers;
    std::uint8_t instruction_alignment = 1;  ///< bytes: 2 where every instruction starts at an even address
    std::uint8_t max_instruction_size = 4;   ///< bytes
    std::uint8_t mmu_modes = 1;              ///< at most 8
    /// Accesses that nothing answers, or that a device refuses, are no faults: they read as ones, and stores vanish.
    bool ignores_bus_errors = false;
    /// Atomics work at any address; else a misaligned one faults.
    bool misaligned_atomics = false;
    /// Of the guest's status flags in the state: two bytes, with the flags where x86's FLAGS register has them (bit 0
    /// carry, 2 parity, 4 adjust, 6 zero, 7 sign, 11 overflow); other bits are left alone. 0: it has none.
    std::uint32_t status_offset = 0;
    /// Of the guest's x87 and MMX registers in the state: the first 160 bytes of what FXSAVE64 writes (SDM 1, table 10-2). They
    /// are there whenever a helper or anything else of the host runs. Native instructions leave those bytes of it alone that
    /// say where the last instruction was. 0: it has none.
    std::uint32_t x87_offset = 0;
};

/// What the meaning of translated code depends on besides its bytes and its address.
struct BlockKey {
    std::uint64_t pc = 0;
    /// The execution mode, whether units are enabled, a fixed rounding mode … Equal flags: the same code is right.
    std::uint64_t flags = 0;
    std::uint8_t mmu_mode = 0;  ///< of fetches, and of data accesses that do not say otherwise
    /// Of data accesses when it is another (a machine mode that borrows a lesser mode's view).
    std::uint8_t data_mode = 0;
    bool operator==(const BlockKey&) const = default;
};

enum class AccessKind : std::uint8_t { Load, Store, Fetch };

struct FillRequest {
    std::uint64_t address = 0;  ///< virtual
    AccessKind kind = AccessKind::Load;
    std::uint8_t mode = 0;
    std::uint8_t size = 0;  ///< bytes; 0 when not known
};

/// What may be remembered about a page.
struct FillAnswer {
    std::uint64_t physical = 0;  ///< of request.address
    bool readable = false;
    bool writable = false;  ///< false as well while the guest's page table must first be marked dirty
    bool executable = false;
    /// False: the answer holds for this access only (a protection ends inside of the page); do not keep it.
    bool whole_page = true;
    bool global = false;          ///< the same in every address space: flush_tlb_local() keeps it
    std::uint8_t page_bits = 12;  ///< log2 of the mapping's size, for flush_tlb_page()
    std::uint64_t fault = 0;      ///< the front end's, handed back to raise_memory_fault()
    /// The number of the CPU's address space that `physical` is in. A front end whose CPU goes from one to another has a
    /// mode for each, or flushes.
    std::uint8_t space = 0;
};

enum class MemoryFaultKind : std::uint8_t {
    Translation,  ///< fill() said no
    Bus,          ///< nothing answers at the physical address, or it refused
    Misaligned,   ///< an atomic, or mem::kAligned
};

struct MemoryFault {
    MemoryFaultKind kind = MemoryFaultKind::Translation;
    AccessKind access = AccessKind::Load;
    std::uint64_t address = 0;   ///< virtual, of the first byte that faulted
    std::uint64_t physical = 0;  ///< Bus
    std::uint64_t fault = 0;     ///< Translation: FillAnswer::fault
};

/// The bytes at the place of translation. Owner: the engine.
class CodeReader {
  public:
    /// The little-endian `size` bytes (1, 2, 4) at `pc`, which lies in the unit or right behind it. Where they cannot
    /// be fetched: 0, and failed() from then on; the front end then emits nothing for this instruction and returns
    /// Translated::FetchFailed.
    std::uint32_t fetch(std::uint64_t pc, unsigned size) {
        const std::uint64_t at = pc - page_start_;
        if (at < page_size_ && size <= page_size_ - at) {
            std::uint32_t value = 0;
            __builtin_memcpy(&value, page_ + at, size);
            return value;
        }
        return fetch_slow(pc, size);
    }
    bool failed() const { return failed_; }

  protected:
    virtual std::uint32_t fetch_slow(std::uint64_t pc, unsigned size) = 0;
    ~CodeReader() = default;

    std::uint64_t page_start_ = 0;  ///< virtual
    const std::uint8_t* page_ = nullptr;
    std::uint64_t page_size_ = 0;
    bool failed_ = false;
};

enum class Translated : std::uint8_t {
    Next,  ///< goes on behind this instruction
    /// The same, but the state's key is another until the next instruction has begun, or interrupts wait for its end: where
    /// the engine ends the unit here, it leaves it for a fresh look.
    Together,
    End,          ///< the unit ended: every path out of the instruction is an exit
    FetchFailed,  ///< nothing was emitted
};

/// What goes with one unit while it is made.
struct UnitTranslation {
    const void* state = nullptr;  ///< for what does not change while the machine runs (the CPU's features)
    BlockKey key;
    CodeReader* code = nullptr;
    std::uint64_t pc = 0;   ///< of this instruction
    std::uint8_t size = 0;  ///< bytes: set by translate()
    /// The back end takes `native` ops (and the guest has status flags); without it the front end calls helpers.
    bool native = false;
    std::uint64_t scratch[4] = {};  ///< the front end's own; cleared when a unit starts
};

class FrontEnd {
  public:
    static constexpr const char* kId = "backplane.tcg-front-end/draft";
    virtual const GuestDescription& description() const = 0;
    /// Refuses a CPU that it cannot run, with a reason.
    virtual bool accepts(Cpu& cpu, Errors& errors) const = 0;

    // ---- thread: the vCPU's
    /// The key of the code that `state` executes next.
    virtual BlockKey key(const void* state) const = 0;
    /// Emits the ops of the instruction at unit.pc and sets unit.size. Needs not look at the end of a page or a unit:
    /// the engine ends those. An undefined instruction is one that raises when it runs.
    virtual Translated translate(Builder& builder, UnitTranslation& unit) const = 0;

    /// Translates an address: the page walk. False: a fault, with answer.fault set; nothing of the state changed but
    /// accessed/dirty bits in memory. For Store, `writable` is true on success.
    virtual bool fill(void* state, const FillRequest& request, FillAnswer& answer) const = 0;
    /// Delivers the exception; the state's pc is the faulting instruction's, registers are as before it.
    virtual void raise_memory_fault(void* state, const MemoryFault& fault) const = 0;
    /// Delivers a pending, enabled interrupt when there is one, and then returns true. Called after exit_request was
    /// cleared, between instructions, with the whole state in place. The engine ends a halt before it, when
    /// Cpu::has_work() says so.
    virtual bool take_interrupt(void* state) const = 0;
    /// One instruction for `-d in_asm`; returns its size in bytes (at least 1).
    virtual unsigned disassemble(std::uint64_t pc, Bytes bytes, TextSink& out) const = 0;
    /// The rounding mode that the state holds: asked when a vCPU starts or its state was changed from outside.
    virtual FpRounding fp_rounding(const void* state) const = 0;
    /// The same for a guest whose native instructions compute: the whole control and status word (x86: MXCSR). With a value,
    /// fp_rounding() and add_fp_exceptions() are not called.
    virtual std::optional<std::uint32_t> fp_mode(const void*) const { return std::nullopt; }
    /// That word when the vCPU stops.
    virtual void keep_fp_mode(void*, std::uint32_t) const {}
    /// Adds sticky exceptions (fp_exception) to those in the state: when the vCPU stops.
    virtual void add_fp_exceptions(void* state, std::uint32_t exceptions) const = 0;

  protected:
    ~FrontEnd() = default;
};

}  // namespace backplane::tcg
