// Draft: needs the exact host build. How a front end writes a block: one method per op, header-only.
//
// Destinations come first, as in assembly: b.add(rd, rs1, rs2). `Value t = b.temp()` makes a temp. Where all inputs
// of a simple op are constants it is folded. Widths default to 64 bits.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/tcg/ir.h>

#include <initializer_list>
#include <type_traits>

namespace backplane::tcg {

class Builder {
  public:
    explicit Builder(Block& block) : block_(block) {}
    Block& block() { return block_; }

    // ---- values
    static constexpr Value reg(unsigned index) { return {static_cast<std::uint16_t>(index)}; }
    Value temp() { return {static_cast<std::uint16_t>(Value::kTemp | block_.temps++)}; }
    Value constant(std::uint64_t value) {
        auto& all = block_.constants;
        const std::size_t recent = all.size() > 8 ? all.size() - 8 : 0;
        for (std::size_t i = all.size(); i-- > recent;)
            if (all[i] == value) return {static_cast<std::uint16_t>(Value::kConstant | i)};
        all.push_back(value);
        return {static_cast<std::uint16_t>(Value::kConstant | (all.size() - 1))};
    }
    /// A constant that is a guest address derived from the pc (a return address): kept apart, so that blocks can become
    /// position-independent.
    Value pc_constant(std::uint64_t address) { return constant(address); }
    std::uint64_t constant_of(Value v) const { return block_.constants[v.index()]; }

    // ---- integers
#define BACKPLANE_TCG_BINARY(name, folded)                                          \
    void name(Value dst, Value a, Value b, Width width = Width::I64) {              \
        if (a.is_constant() && b.is_constant() && width == Width::I64) {            \
            const std::uint64_t x = constant_of(a), y = constant_of(b);             \
            return mov(dst, constant(folded));                                      \
        }                                                                           \
        emit({.opcode = Opcode::name, .width = width, .dst = dst, .a = a, .b = b}); \
    }
    BACKPLANE_TCG_BINARY(add, x + y)
    BACKPLANE_TCG_BINARY(sub, x - y)
    BACKPLANE_TCG_BINARY(and_, x& y)
    BACKPLANE_TCG_BINARY(or_, x | y)
    BACKPLANE_TCG_BINARY(xor_, x ^ y)
    BACKPLANE_TCG_BINARY(andn, x & ~y)
    BACKPLANE_TCG_BINARY(orn, x | ~y)
    BACKPLANE_TCG_BINARY(xnor, ~(x ^ y))
    BACKPLANE_TCG_BINARY(shl, x << (y & 63))
    BACKPLANE_TCG_BINARY(shr, x >> (y & 63))
    BACKPLANE_TCG_BINARY(sar, static_cast<std::uint64_t>(static_cast<std::int64_t>(x) >> (y & 63)))
    BACKPLANE_TCG_BINARY(mul, x* y)
#undef BACKPLANE_TCG_BINARY
#define BACKPLANE_TCG_BINARY(name)                                                  \
    void name(Value dst, Value a, Value b, Width width = Width::I64) {              \
        emit({.opcode = Opcode::name, .width = width, .dst = dst, .a = a, .b = b}); \
    }
    BACKPLANE_TCG_BINARY(rotl)
    BACKPLANE_TCG_BINARY(rotr)
    BACKPLANE_TCG_BINARY(mulh_ss)
    BACKPLANE_TCG_BINARY(mulh_uu)
    BACKPLANE_TCG_BINARY(mulh_su)
    BACKPLANE_TCG_BINARY(div_s)
    BACKPLANE_TCG_BINARY(div_u)
    BACKPLANE_TCG_BINARY(rem_s)
    BACKPLANE_TCG_BINARY(rem_u)
    BACKPLANE_TCG_BINARY(clmul)
    BACKPLANE_TCG_BINARY(clmulh)
    BACKPLANE_TCG_BINARY(min_s)
    BACKPLANE_TCG_BINARY(min_u)
    BACKPLANE_TCG_BINARY(max_s)
    BACKPLANE_TCG_BINARY(max_u)
#undef BACKPLANE_TCG_BINARY
#define BACKPLANE_TCG_UNARY(name)                                           \
    void name(Value dst, Value a, Width width = Width::I64) {               \
        emit({.opcode = Opcode::name, .width = width, .dst = dst, .a = a}); \
    }
    BACKPLANE_TCG_UNARY(mov)
    BACKPLANE_TCG_UNARY(clz)
    BACKPLANE_TCG_UNARY(ctz)
    BACKPLANE_TCG_UNARY(popcnt)
    BACKPLANE_TCG_UNARY(bswap)
    BACKPLANE_TCG_UNARY(orc_b)
    BACKPLANE_TCG_UNARY(brev8)
    BACKPLANE_TCG_UNARY(sext8)
    BACKPLANE_TCG_UNARY(sext16)
    BACKPLANE_TCG_UNARY(sext32)
    BACKPLANE_TCG_UNARY(zext8)
    BACKPLANE_TCG_UNARY(zext16)
    BACKPLANE_TCG_UNARY(zext32)
#undef BACKPLANE_TCG_UNARY
    void neg(Value dst, Value a, Width width = Width::I64) { sub(dst, constant(0), a, width); }
    void not_(Value dst, Value a, Width width = Width::I64) {
        xor_(dst, a, constant(~std::uint64_t{0}), width);
    }
    /// dst = (a << shift) + b, shift 0..3
    void add_shifted(Value dst, Value a, Value b, unsigned shift) {
        emit({.opcode = Opcode::add_shifted,
              .dst = dst,
              .a = a,
              .b = b,
              .imm = static_cast<std::int32_t>(shift)});
    }
    void extract(Value dst, Value a, unsigned position, unsigned length) {
        emit({.opcode = Opcode::extract, .dst = dst, .a = a, .imm = field(position, length)});
    }
    void deposit(Value dst, Value a, Value b, unsigned position, unsigned length) {
        emit({.opcode = Opcode::deposit, .dst = dst, .a = a, .b = b, .imm = field(position, length)});
    }
    /// dst = (a cond b) ? 1 : 0
    void setcond(Cond cond, Value dst, Value a, Value b, Width width = Width::I64) {
        emit({.opcode = Opcode::setcond, .width = width, .aux = aux(cond), .dst = dst, .a = a, .b = b});
    }
    /// dst = (a cond b) ? when_true : when_false
    void select(Cond cond, Value dst, Value a, Value b, Value when_true, Value when_false,
                Width width = Width::I64) {
        emit({.opcode = Opcode::select,
              .width = width,
              .aux = aux(cond),
              .dst = dst,
              .a = a,
              .b = b,
              .c = when_true,
              .d = when_false});
    }

    /// dst = what `address` computes
    void address(Value dst, const Address& address) {
        block_.addresses.push_back(address);
        emit({.opcode = Opcode::address,
              .dst = dst,
              .imm = static_cast<std::int32_t>(block_.addresses.size() - 1)});
    }

    // ---- the host's instructions and the status flags, for guests that have these; see native.h
    void native(const Native& instruction) {
        block_.natives.push_back(instruction);
        emit({.opcode = Opcode::native, .imm = static_cast<std::int32_t>(block_.natives.size() - 1)});
    }
    /// With a memory operand.
    void native(Native instruction, const Address& memory) {
        block_.addresses.push_back(memory);
        instruction.address = static_cast<std::int16_t>(block_.addresses.size() - 1);
        native(instruction);
    }
    void branch_if_status(StatusCond cond, Label label) {
        emit({.opcode = Opcode::br_status, .aux = static_cast<std::uint8_t>(cond), .imm = label.index});
    }
    /// Ahead of load_state of the field that has them. Helpers that read registers see them right in any case.
    void status_to_state() { emit({.opcode = Opcode::status_to_state}); }
    /// After store_state of the field that has them. Not needed after a helper.
    void status_from_state() { emit({.opcode = Opcode::status_from_state}); }

    /// Bits 128 to 255 of every Vector register become 0.
    void clear_upper() { emit({.opcode = Opcode::clear_upper}); }

    // ---- control
    Label make_label() { return {block_.labels++}; }
    void place(Label label) { emit({.opcode = Opcode::label, .imm = label.index}); }
    void branch(Label label) { emit({.opcode = Opcode::br, .imm = label.index}); }
    void branch_if(Cond cond, Value a, Value b, Label label, Width width = Width::I64) {
        emit(
            {.opcode = Opcode::brcond, .width = width, .aux = aux(cond), .a = a, .b = b, .imm = label.index});
    }
    /// Each path of a block ends in one of these three.
    void goto_pc(std::uint64_t pc) { emit({.opcode = Opcode::goto_pc, .a = constant(pc), .b = constant(0)}); }
    void goto_value(Value pc, JumpHint hint = JumpHint::Jump, std::uint64_t return_address = 0) {
        emit({.opcode = Opcode::goto_value,
              .a = pc,
              .b = constant(return_address),
              .imm = static_cast<std::int32_t>(hint)});
    }
    /// The state's pc must have been written (store_state, a helper).
    void leave(LeaveKind kind) { emit({.opcode = Opcode::leave, .imm = static_cast<std::int32_t>(kind)}); }
    /// Where an exit was requested, the unit is left for a look at the interrupts; the instruction runs behind that. Comes
    /// before anything that it does.
    void look() { emit({.opcode = Opcode::look}); }
    /// A direct call: goto_pc that also tells the return predictor. `return_address` is where the callee returns to.
    void call_pc(std::uint64_t pc, std::uint64_t return_address) {
        emit({.opcode = Opcode::goto_pc, .a = constant(pc), .b = constant(return_address), .imm = 1});
    }

    // ---- guest memory; `flags` from namespace mem
    void load(Value dst, Value base, std::int32_t offset, std::uint8_t flags,
              std::uint8_t mode = kBlockMode) {
        emit({.opcode = Opcode::load, .aux = flags, .mode = mode, .dst = dst, .a = base, .imm = offset});
    }
    void store(Value value, Value base, std::int32_t offset, std::uint8_t flags,
               std::uint8_t mode = kBlockMode) {
        emit({.opcode = Opcode::store, .aux = flags, .mode = mode, .a = base, .b = value, .imm = offset});
    }
    /// `which`: Opcode::atomic_…; dst receives the old value.
    void atomic(Opcode which, Value dst, Value base, Value value, std::uint8_t flags,
                std::uint8_t mode = kBlockMode) {
        emit({.opcode = which, .aux = flags, .mode = mode, .dst = dst, .a = base, .b = value});
    }
    void cmpxchg(Value dst, Value base, Value expected, Value desired, std::uint8_t flags,
                 std::uint8_t mode = kBlockMode) {
        emit({.opcode = Opcode::cmpxchg,
              .aux = flags,
              .mode = mode,
              .dst = dst,
              .a = base,
              .b = expected,
              .c = desired});
    }
    void fence(FenceKind kind) { emit({.opcode = Opcode::fence, .imm = static_cast<std::int32_t>(kind)}); }

    // ---- floating point; width is Width::F32 or F64, `flags` from namespace fp
    void fp2(Opcode op, Value dst, Value a, Value b, Width width, std::uint8_t flags) {
        emit({.opcode = op, .width = width, .aux = flags, .dst = dst, .a = a, .b = b});
    }
    /// fsqrt, fclass, fwiden, fnarrow, fround
    void fp1(Opcode op, Value dst, Value a, Width width, std::uint8_t flags) {
        emit({.opcode = op, .width = width, .aux = flags, .dst = dst, .a = a});
    }
    void fma(Value dst, Value a, Value b, Value c, Width width, std::uint8_t flags) {
        emit({.opcode = Opcode::fma, .width = width, .aux = flags, .dst = dst, .a = a, .b = b, .c = c});
    }
    void f_from_int(Value dst, Value a, IntKind kind, Width width, std::uint8_t flags) {
        emit({.opcode = Opcode::f_from_int,
              .width = width,
              .aux = flags,
              .dst = dst,
              .a = a,
              .imm = static_cast<std::int32_t>(kind)});
    }
    void f_to_int(Value dst, Value a, IntKind kind, Width width, std::uint8_t flags) {
        emit({.opcode = Opcode::f_to_int,
              .width = width,
              .aux = flags,
              .dst = dst,
              .a = a,
              .imm = static_cast<std::int32_t>(kind)});
    }
    void fbox(Value dst, Value a) { emit({.opcode = Opcode::fbox, .dst = dst, .a = a}); }
    void funbox(Value dst, Value a) { emit({.opcode = Opcode::funbox, .dst = dst, .a = a}); }
    /// For an instruction with a rounding mode of its own: fp_mode(mode); the op; fp_mode(Dynamic).
    void fp_mode(FpRounding mode) {
        emit({.opcode = Opcode::fp_mode, .imm = static_cast<std::int32_t>(mode)});
    }

    /// The sticky exceptions so far. What the state holds plus these is what the guest sees.
    void fp_exceptions(Value dst) { emit({.opcode = Opcode::fp_exceptions, .dst = dst}); }
    /// The guest's sticky exceptions are `now`, which the state holds: cheaper than Vcpu::take_fp_exceptions().
    void fp_forget(Value now) { emit({.opcode = Opcode::fp_forget, .a = now}); }

    // ---- fields of the guest state that are not registers; `offset` in bytes from the state's start
    void load_state(Value dst, std::uint32_t offset, std::uint8_t flags) {
        emit({.opcode = Opcode::load_state,
              .aux = flags,
              .dst = dst,
              .imm = static_cast<std::int32_t>(offset)});
    }
    void store_state(std::uint32_t offset, Value value, std::uint8_t flags) {
        emit({.opcode = Opcode::store_state,
              .aux = flags,
              .a = value,
              .imm = static_cast<std::int32_t>(offset)});
    }

    // ---- helpers. `dst` may be Value{} when the result is not wanted.
    template <class... Arguments>
    void call(Value dst, std::uint64_t (*function)(void* state, Arguments...), const char* name,
              std::uint8_t flags, std::initializer_list<Value> arguments) {
        static_assert(sizeof...(Arguments) <= 4 && (std::is_same_v<Arguments, std::uint64_t> && ...));
        Call call;
        call.function = reinterpret_cast<const void*>(function);
        call.name = name;
        call.flags = flags;
        for (Value v : arguments) call.arguments[call.count++] = v;
        block_.calls.push_back(call);
        emit({.opcode = Opcode::call, .dst = dst, .imm = static_cast<std::int32_t>(block_.calls.size() - 1)});
    }

    void emit(const Op& op) { block_.ops.push_back(op); }

  private:
    static constexpr std::uint8_t aux(Cond c) { return static_cast<std::uint8_t>(c); }
    static constexpr std::int32_t field(unsigned position, unsigned length) {
        return static_cast<std::int32_t>(position | length << 8);
    }
    Block& block_;
};

}  // namespace backplane::tcg
