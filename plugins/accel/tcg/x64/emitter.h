// The x86-64 emitter: one pass over a block's ops.
//
// Register convention of all translated code of a vCPU (blocks chain without moving anything):
//   rbp            guest state + 128 (so that disp8 reaches the first 256 bytes)
//   rsp            16-byte aligned; a frame with homes for temps
//   kPinned        the ten hottest integer registers of the guest
//   rsi            one temp; further temps live in the frame. With status flags: an eleventh register of the guest
//   rax rcx rdx    scratch inside an op
//   flags          the guest's status flags, where it has some (status.cpp)
//   xmm0 … xmm5    scratch inside an op
//   xmm1 … xmm15   where the guest has vector registers: those, for a while (vectors.cpp)
//   st0 … st7      where the guest has x87 registers: those, for a while, across blocks (x87.cpp)
// Guest registers without a host register are memory operands off rbp.
#pragma once

#include "../backend.h"
#include "host.h"

#include <asmjit/x86.h>

#include <array>

namespace backplane::tcg::x64 {

namespace x86 = asmjit::x86;
using asmjit::Imm;
using asmjit::Operand;
using Id = x86::Inst::Id;
using CC = x86::CondCode;

inline constexpr int kRax = 0, kRcx = 1, kRdx = 2, kRbx = 3, kRsp = 4, kRbp = 5, kRsi = 6, kRdi = 7;
inline constexpr int kPinned[] = {kRbx, 12, 13, 14, 15, kRdi, 8, 9, 10, 11, kRsi};
inline constexpr unsigned kPinnedCount = 11;
inline constexpr unsigned kPinnedCallee = 5;  ///< the first five survive calls
inline constexpr std::int32_t kStateBias = 128;
inline constexpr unsigned kFrameSlots = 32;

constexpr bool fits32(std::uint64_t v) { return v == std::uint64_t(std::int64_t(std::int32_t(v))); }

inline x86::Gp q(int r) { return x86::gpq(std::uint32_t(r)); }
inline x86::Gp d(int r) { return x86::gpd(std::uint32_t(r)); }
inline x86::Gp w(int r) { return x86::gpw(std::uint32_t(r)); }
inline x86::Gp b(int r) { return x86::gpb(std::uint32_t(r)); }
/// The register at an access's size.
inline x86::Gp by_size(int r, unsigned size) {
    return size == 1 ? b(r) : size == 2 ? w(r) : size == 4 ? d(r) : q(r);
}
inline x86::Xmm x(int r) { return x86::xmm(std::uint32_t(r)); }

inline constexpr std::int32_t kRsiSlot = kFrameSlots * 8;          ///< off rsp: rsi around a call
inline constexpr std::int32_t kOperandSlot = kFrameSlots * 8 + 8;  ///< an atomic's operand
inline constexpr std::int32_t kFrameBytes = kFrameSlots * 8 + 24;  ///< with the six pushes: 16-byte aligned

/// Where the thunks are, as offsets in the code memory.
struct Thunks {
    std::uint32_t enter = 0;
    std::uint32_t leave_save = 0;    ///< rax: why
    std::uint32_t leave_state = 0;   ///< the same; the status flags are in the state
    std::uint32_t leave_nosave = 0;  ///< the same; the state is complete already
    std::uint32_t next = 0;          ///< the state is complete: goes on as that says
    std::uint32_t next_state = 0;    ///< the same; registers are not in the state, the status flags are
    std::uint32_t next_save = 0;     ///< the same; the status flags are in the host's
    std::uint32_t miss = 0;          ///< rax: a guest pc that no jump cache entry has
    std::uint32_t interrupt = 0;     ///< rax: the guest pc; an exit was requested
    std::uint32_t raised = 0;        ///< a helper wants the block left: HotArea::raised
    /// Of the engine's services; the second where the status flags are in the host's.
    std::uint32_t load[2] = {}, store[2] = {}, atomic[2] = {}, begin[2] = {}, end[2] = {};
    /// The x87 registers from the state to the host's, and back; use rax, rdx and xmm0, and no flags.
    std::uint32_t x87_to_host = 0, x87_to_state = 0;
};

/// Indices into HotArea::constants. The masks are 16 bytes each.
enum Constant : unsigned {
    kSign64 = 0,
    kAbs64 = 2,
    kSign32 = 4,
    kAbs32 = 6,
    kNan64 = 8,
    kNan32 = 9,
    kIndexBits = 10,   ///< of an address: its entry in the soft TLB
    kPageBitsOf = 11,  ///< what is not the offset in a page
    kJumpIndex = 12,   ///< of a pc: its entry in the jump cache
    kUnaligned = 13,   ///< for accesses of 2, 4 … 32 bytes: what must be 0
    kX87Masks = 18,    ///< of a control word
};

class Emitter {
  public:
    Emitter(const GuestDescription& guest, HotArea& hot, CodeMemory memory, const HostFeatures& features);

    /// At the start of the code memory; returns their size.
    std::uint32_t emit_thunks(const Services& services);
    void emit(const EmitRequest& request, EmitResult& result);
    const Thunks& thunks() const { return thunks_; }
    bool takes_native() const { return flags_; }

  private:
    /// A piece of code that is emitted behind the block; jumped to from `from`, goes back to `back`.
    struct Cold {
        void (Emitter::*emit)(const Cold&) = nullptr;
        const Op* op = nullptr;
        std::uint32_t from[2] = {};  ///< rel32 fields that jump here
        std::uint32_t back = 0;
        std::uint32_t delta = 0;            ///< of its guest instruction
        bool status_in_host = false;        ///< at the jump, and where it goes back to
        std::uint32_t residents = 0;        ///< likewise: index into resident_sets_
        std::uint64_t x = 0, y = 0, z = 0;  ///< what the piece wants to know
    };
    struct LabelState {
        bool placed = false;
        std::uint32_t offset = 0;
        std::uint32_t open = 0;   ///< the last rel32 field that waits for it
        std::uint8_t live = 0;    ///< status flags that are read behind it
        bool wants_host = false;  ///< the status flags are in the host's there
    };
    static constexpr std::int16_t kNoPlace = -1, kInRsi = -2;
    struct Temp {
        std::uint32_t last_use = 0;
        std::int16_t place = kNoPlace;  ///< frame slot
    };

    // ---- emitter.cpp: the frame of a block, values
    void prepare(const Block& block);
    void dispatch(const Op& op);
    void release(Value v);
    template <class Visit>
    void each_further_value(const Op& op, Visit visit) const;
    void place_temp(Value v);
    int home(Value v);  ///< its host register, or -1
    x86::Mem slot(Value v, unsigned size = 8, std::int32_t plus = 0);
    x86::Mem state(std::int32_t offset, unsigned size) const;
    x86::Mem hot(const void* field, unsigned size) const;
    x86::Mem constant(Constant index, unsigned size) const { return hot(&hot_.constants[index], size); }
    std::uint64_t value_of(Value v) const { return block_->constant(v); }
    bool is_const(Value v, std::uint64_t c) const { return v.is_constant() && value_of(v) == c; }
    int use(Value v, int scratch, bool keep_flags = false);  ///< a register that holds v, whole
    int def(Value v, int scratch);                           ///< the register to compute v in
    void done(Value v, int reg);                             ///< puts it where it lives
    Operand source(Value v, Width width, int scratch);       ///< a register, memory or imm32
    void load_immediate(int reg, std::uint64_t value, bool keep_flags = false);
    void move(int to, Value from, Width width = Width::I64);  ///< leaves the flags alone
    std::uint64_t location(Value v);                          ///< a place that outlives the temp
    void to_location(std::uint64_t place, int reg);
    void from_location(int reg, std::uint64_t place);
    x86::Mem location_memory(std::uint64_t place) const;
    x86::Gp sized(int reg, Width width) const { return width == Width::I64 ? q(reg) : d(reg); }
    void extend(int reg, Width width) {
        if (width == Width::I32S) a_.movsxd(q(reg), d(reg));
    }
    std::uint32_t here() const { return std::uint32_t(a_.offset()); }
    std::uint64_t pc() const { return block_->pc + delta_; }

    // ---- raw jumps with rel32; the first two return the field's offset
    std::uint32_t jump(CC condition);
    std::uint32_t jump();
    void jump_to(std::uint32_t target);
    void jump_to(CC condition, std::uint32_t target);
    void call_to(std::uint32_t target);
    void patch(std::uint32_t at, std::uint32_t target);
    void patch_here(std::uint32_t at) { patch(at, here()); }
    Cold& cold(const Op& op, void (Emitter::*emit)(const Cold&));  ///< valid until the next one
    void land(const Cold& c);
    void call_function(const void* function);
    void pad(unsigned alignment);

    // ---- status.cpp
    struct StatusUse {
        std::uint8_t reads = 0, kills = 0;
    };
    StatusUse status_use(const Op& op) const;
    bool clobbers_status(const Op& op) const;
    void prepare_status(const Block& block);
    void before_op(const Op& op);
    void save_status();
    void restore_status();
    void status_to_state();
    void status_to_host();
    std::uint32_t jump_unless_zero(const x86::Mem& cell);
    std::uint32_t jump_unless_rcx_zero();
    std::uint32_t leave_thunk(bool status_in_host) const {
        return status_in_host ? thunks_.leave_save : thunks_.leave_state;
    }

    // ---- native.cpp
    struct NativeMove {
        enum Kind : std::uint8_t {
            kLoad,        ///< register ← home or slot, whole
            kStore,       ///< and back
            kLoadHigh,    ///< register ← bits 8 to 15 and the rest, rotated
            kStoreHigh,   ///< and back
            kLoadByte,    ///< register ← the byte at a slot
            kStoreByte,   ///< and back
            kClearUpper,  ///< of a slot
            kLoadVector,  ///< 16 bytes
            kStoreVector,
            kLoadLong,  ///< 32 bytes
            kStoreLong,
            kLoadUpper,    ///< bytes 16 to 31 beside the others
            kCopyVector,   ///< 16 bytes; from `home`
            kCopyCleared,  ///< the same, and bytes 16 to 31 become 0
        };
        Kind kind;
        std::int8_t reg;   ///< the scratch register
        std::int8_t home;  ///< or -1: memory at `base` + `displacement`
        std::int8_t base;
        std::int32_t displacement;
        std::int32_t upper;
    };
    /// All that is needed to emit an instruction, behind the block as well.
    struct NativePlan {
        const Native* native = nullptr;
        std::int8_t reg = 0, vvvv = 0, rm = -1;  ///< ModRM.rm: a register, or -1: memory
        std::int8_t is4 = 0;
        std::int8_t base = 0, index = -1;  ///< of the memory
        std::int32_t displacement = 0;
        std::int8_t collapse = -1;    ///< where rcx + rax goes before
        std::uint8_t free = 7;        ///< of rax, rcx and rdx: bits
        std::uint16_t vectors = 0;    ///< the host's that it uses: bits
        std::uint32_t residents = 0;  ///< behind it: index into resident_sets_
        NativeMove before[12], after[8];
        std::uint8_t before_count = 0, after_count = 0;
    };
    void native_op(const Op& op);
    NativePlan plan_native(const Native& n);
    int take_scratch(NativePlan& plan);
    int plan_operand(NativePlan& plan, const NativeOperand& operand, bool may_be_memory);
    void plan_slot(NativePlan& plan, Value v, std::int32_t plus);
    void move_for_native(const NativeMove& move);
    void emit_native(const NativePlan& plan);
    void encode_native(const NativePlan& plan);
    void cold_native(const Cold& c);
    void address_op(const Op& op);
    void compute_address(const Address& address, int to);

    // ---- vectors.cpp
    /// A vector register of the guest that is in one of the host's.
    struct Resident {
        std::int16_t guest = -1;  ///< which; -1: none
        std::uint8_t bytes = 0;   ///< 16 or 32 of it
        std::uint8_t dirty = 0;   ///< bytes that the state does not have: 0, 16, 32
        std::uint32_t used = 0;   ///< the op that did last
    };
    using Residents = std::array<Resident, 16>;  ///< by the host's number
    int plan_vector(NativePlan& plan, const NativeOperand& operand);
    void plan_fixed_vector(NativePlan& plan, const NativeFixed& fixed);
    bool is_vector(Value v) const {
        return v.is_register() && guest_.registers[v.index()].klass == RegisterClass::Vector;
    }
    int make_room(NativePlan& plan);
    NativeMove vector_move(NativeMove::Kind kind, unsigned number, unsigned guest) const;
    void store_residents(const Residents& residents);
    void load_residents(const Residents& residents);
    void vectors_to_state();
    void forget_vectors();
    std::uint32_t remember_residents();
    void vectors_before_op(const Op& op);
    bool label_keeps_vectors(const Op& op) const;
    void prepare_loop();
    void load_for_loop();
    bool goes_round(std::uint64_t target) const;
    bool any_dirty() const;
    void clear_upper();

    // ---- x87.cpp
    void emit_x87_thunks();
    void x87_to_host(const Op& op);
    void cold_x87(const Cold& c);
    void x87_to_state(std::initializer_list<x86::Gp> kept, bool returns = false);
    void x87_before_call(const Op& op);
    void cold_x87_call(const Cold& c);
    void x87_returns(bool raised);
    void x87_before_op(const Op& op);
    void leave_if_unmasked(const Op& op, std::uint64_t pc);
    void cold_unmasked(const Cold& c);

    // ---- integer.cpp
    void integer(const Op& op);
    void move_op(const Op& op);
    void bring(int to, Value v, Width width);
    void alu(const Op& op, Id id, bool commutative);
    void add_sub(const Op& op);
    void inverted(const Op& op);
    void shift(const Op& op, Id id, Id bmi2);
    void multiply_high(const Op& op);
    void divide(const Op& op);
    void cold_divide(const Cold& c);
    void count(const Op& op);
    void byte_swap(const Op& op);
    void bytewise(const Op& op);
    void carryless(const Op& op);
    void extend_op(const Op& op, Id id, unsigned bytes);
    void minmax(const Op& op);
    void scaled_add(const Op& op);
    void bit_field(const Op& op);
    CC compare(const Op& op);  ///< uses rax and rcx
    void set_condition(const Op& op);
    void select_value(const Op& op);

    // ---- exits.cpp
    void flow(const Op& op);
    bool leaves_in_one_jump(std::size_t index) const;
    void cold_exit(const Cold& c);
    void use_label(unsigned label, std::uint32_t field);
    void place_label(unsigned label);
    void branch(const Op& op);
    bool chains_to(std::uint64_t target) const;
    void direct_exit(std::uint32_t patch_at, std::uint64_t target);
    void store_pc(std::uint64_t pc, int scratch);
    void goto_pc(const Op& op);
    void goto_value(const Op& op);
    void goto_value_with_status();
    void miss_unless_rcx_is_rax();
    void look(const Op& op, std::uint64_t pc);
    bool continues(const Op& op) const;
    void cold_interrupt(const Cold& c);
    void emit_exit_stubs();
    void emit_slow_thunks(const Services& services, bool status_in_host);
    std::uint32_t emit_slow_thunk(const void* engine, const void* function, bool status_in_host);

    // ---- calls.cpp
    void system(const Op& op);
    void begin_instruction(const Op& op);
    void cold_stale(const Cold& c);
    void save_pinned(unsigned from, unsigned to);
    void load_pinned(unsigned from, unsigned to);
    void pass(int to, Value v);
    void call_helper(const Op& op);
    void call_pure(const void* function, Slice<const Value> arguments);
    void load_state(const Op& op);
    void store_state(const Op& op);

    // ---- memory.cpp
    void memory(const Op& op);
    std::uint8_t mode_of(const Op& op) const;
    std::uint32_t descriptor(const Op& op) const;
    Cold& tlb(const Op& op, bool for_store, bool aligned, void (Emitter::*slow)(const Cold&));
    Cold& flagless_tlb(const Op& op, bool for_store, unsigned size, std::uint8_t mode, bool aligned,
                       void (Emitter::*slow)(const Cold&));
    void address_again(const Cold& c);
    void call_slow(const std::uint32_t (&thunks)[2], const Cold& c);
    void sized_load(int to, const x86::Mem& from, std::uint8_t flags);
    void store_sized(const x86::Mem& to, int from, unsigned size);
    void extend_value(int reg, std::uint8_t flags);
    void swap_bytes(int reg, unsigned size);
    void load(const Op& op);
    int store_operand(const Op& op);
    void store(const Op& op);
    void atomic(const Op& op);
    void atomic_loop(const Op& op, const x86::Mem& cell);
    void cold_load(const Cold& c);
    void cold_store(const Cold& c);
    void cold_atomic(const Cold& c);

    // ---- fp.cpp
    void floating(const Op& op);
    void fp_load(int xmm, Value v, Width width, bool boxed, const Op& op);
    void fp_store(Value v, int xmm, Width width, bool boxed);
    void fp_default_nan(const Op& op, Width width);
    void fp_binary(const Op& op, Id id);
    void fp_sqrt(const Op& op);
    void fp_fma(const Op& op);
    void fp_minmax(const Op& op);
    void fp_compare(const Op& op);
    void fp_sign(const Op& op);
    void cold_unbox(const Cold& c);
    void cold_nan(const Cold& c);
    void cold_fma(const Cold& c);
    void cold_minmax(const Cold& c);

    // ---- fp_convert.cpp
    void fp_call1(const void* function, std::uint64_t constant);
    void fp_call3(const void* function);
    void fp_class(const Op& op);
    void fp_resize(const Op& op);
    void fp_round(const Op& op);
    void fp_from_int(const Op& op);
    void fp_to_int(const Op& op);
    void fp_box(const Op& op);
    void fp_unbox(const Op& op);
    void rounding_mode(const Op& op);
    void read_exceptions(const Op& op);
    void forget_exceptions(const Op& op);
    void sticky_bits();
    void cold_forget(const Cold& c);
    void cold_to_int(const Cold& c);

    const GuestDescription& guest_;
    HotArea& hot_;
    CodeMemory memory_;
    HostFeatures host_;
    Thunks thunks_;
    asmjit::CodeHolder code_;
    x86::Assembler a_;
    std::vector<std::int8_t> homes_;           ///< of guest registers
    std::vector<std::int32_t> displacements_;  ///< of guest registers off rbp
    int pinned_[kPinnedCount];                 ///< which guest register each of kPinned holds, or -1
    /// The guest has status flags and the host can keep them: nothing destroys the host's but by intent.
    bool flags_ = false;

    // ---- of the block that is being emitted
    const EmitRequest* request_ = nullptr;
    EmitResult* result_ = nullptr;
    const Block* block_ = nullptr;
    std::size_t index_ = 0;    ///< of the op
    std::size_t skip_ = 0;     ///< an op that was emitted with the one before
    std::uint32_t delta_ = 0;  ///< guest bytes from the block's pc to the instruction
    std::vector<Temp> temps_;
    std::uint64_t slots_used_ = 0;
    int temp_in_rsi_ = -1;
    std::vector<std::uint8_t> status_live_;  ///< behind each op
    bool status_in_host_ = false;
    std::vector<NativePlan> plans_;
    Residents residents_;
    bool any_resident_ = false;
    bool x87_ = false;              ///< the guest has x87 registers, and the host takes them
    bool x87_here_ = false;         ///< they are known to be in the host's
    Residents loop_;                ///< what a unit that jumps to its own start keeps in registers meanwhile
    std::uint32_t loop_start_ = 0;  ///< where it goes then; 0: it does not
    std::vector<Residents> resident_sets_;  ///< the first is empty
    bool helper_stored_ = false;            ///< this instruction called one that may have changed the unit
    std::vector<LabelState> labels_;
    std::vector<Cold> cold_;
};

}  // namespace backplane::tcg::x64
