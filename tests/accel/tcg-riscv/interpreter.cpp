#include "interpreter.h"

#include <bit>
#include <cstring>

namespace backplane::riscv::testing {
namespace {

using tcg::Cond;
using tcg::Opcode;
using tcg::Width;

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

std::int64_t sign(std::uint64_t v) { return static_cast<std::int64_t>(v); }
std::uint64_t sext32(std::uint64_t v) {
    return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(v)});
}
std::uint64_t extend(std::uint64_t v, unsigned bytes, bool is_signed) {
    if (bytes == 8) return v;
    const unsigned unused = 64 - 8 * bytes;
    return is_signed ? static_cast<std::uint64_t>(sign(v << unused) >> unused) : v << unused >> unused;
}

bool holds(Cond cond, std::uint64_t a, std::uint64_t b, Width width) {
    if (width != Width::I64) {
        a = sext32(a);
        b = sext32(b);
    }
    switch (cond) {
    case Cond::Eq: return a == b;
    case Cond::Ne: return a != b;
    case Cond::Lt: return sign(a) < sign(b);
    case Cond::Ge: return sign(a) >= sign(b);
    case Cond::Le: return sign(a) <= sign(b);
    case Cond::Gt: return sign(a) > sign(b);
    case Cond::Ltu: return a < b;
    case Cond::Geu: return a >= b;
    case Cond::Leu: return a <= b;
    case Cond::Gtu: return a > b;
    case Cond::TestZero: return (a & b) == 0;
    default: return (a & b) != 0;
    }
}

std::uint64_t divide(Opcode op, std::uint64_t a, std::uint64_t b, std::uint64_t least) {
    const bool quotient = op == Opcode::div_s || op == Opcode::div_u;
    if (b == 0) return quotient ? ~std::uint64_t{0} : a;
    if (op == Opcode::div_u || op == Opcode::rem_u) return quotient ? a / b : a % b;
    if (a == least && sign(b) == -1) return quotient ? a : 0;
    return static_cast<std::uint64_t>(quotient ? sign(a) / sign(b) : sign(a) % sign(b));
}

Wide carryless(std::uint64_t a, std::uint64_t b) {
    Wide product = 0;
    for (unsigned i = 0; i < 64; ++i)
        if ((b >> i & 1) != 0) product ^= Wide{a} << i;
    return product;
}

/// `bits` wide, operands already cut to it.
std::uint64_t rotate(std::uint64_t a, unsigned by, unsigned bits) {
    by &= bits - 1;
    return by == 0 ? a : a << by | a >> (bits - by);
}

std::uint64_t bytewise(std::uint64_t a, bool reverse) {
    std::uint64_t result = 0;
    for (unsigned i = 0; i < 64; ++i) {
        const bool one = reverse ? (a >> (i ^ 7) & 1) != 0 : (a >> (i & ~7u) & 0xff) != 0;
        if (one) result |= std::uint64_t{1} << i;
    }
    return result;
}

/// Ops of which a 32-bit form works on zero-extended halves and gives the low half.
std::uint64_t integer(Opcode op, std::uint64_t a, std::uint64_t b, bool narrow) {
    const unsigned bits = narrow ? 32 : 64;
    const std::uint64_t shift = b & (bits - 1);
    const std::int64_t sa = narrow ? sign(sext32(a)) : sign(a), sb = narrow ? sign(sext32(b)) : sign(b);
    const std::uint64_t least = narrow ? 0xffffffff80000000 : 0x8000000000000000;
    switch (op) {
    case Opcode::mov: return a;
    case Opcode::add: return a + b;
    case Opcode::sub: return a - b;
    case Opcode::and_: return a & b;
    case Opcode::or_: return a | b;
    case Opcode::xor_: return a ^ b;
    case Opcode::andn: return a & ~b;
    case Opcode::orn: return a | ~b;
    case Opcode::xnor: return ~(a ^ b);
    case Opcode::shl: return a << shift;
    case Opcode::shr: return a >> shift;
    case Opcode::sar: return static_cast<std::uint64_t>(sa >> shift);
    case Opcode::rotl: return rotate(a, static_cast<unsigned>(shift), bits);
    case Opcode::rotr: return rotate(a, static_cast<unsigned>(bits - shift), bits);
    case Opcode::mul: return a * b;
    case Opcode::mulh_ss: return static_cast<std::uint64_t>(SignedWide{sa} * sb >> bits);
    case Opcode::mulh_uu: return static_cast<std::uint64_t>(Wide{a} * b >> bits);
    case Opcode::mulh_su:
        return static_cast<std::uint64_t>(SignedWide{sa} * static_cast<SignedWide>(b) >> bits);
    case Opcode::div_s:
    case Opcode::rem_s:
        return divide(op, static_cast<std::uint64_t>(sa), static_cast<std::uint64_t>(sb), least);
    case Opcode::div_u:
    case Opcode::rem_u: return divide(op, a, b, least);
    case Opcode::clz: return static_cast<std::uint64_t>(std::countl_zero(a)) - (64 - bits);
    case Opcode::ctz: return a == 0 ? bits : static_cast<std::uint64_t>(std::countr_zero(a));
    case Opcode::popcnt: return static_cast<std::uint64_t>(std::popcount(a));
    case Opcode::bswap: return __builtin_bswap64(a) >> (64 - bits);
    case Opcode::orc_b: return bytewise(a, false);
    case Opcode::brev8: return bytewise(a, true);
    case Opcode::min_s: return static_cast<std::uint64_t>(sa < sb ? sa : sb);
    case Opcode::max_s: return static_cast<std::uint64_t>(sa > sb ? sa : sb);
    case Opcode::min_u: return a < b ? a : b;
    case Opcode::max_u: return a > b ? a : b;
    default: std::abort();
    }
}

}  // namespace

/// Fetches from RAM, whatever the mode's mapping says of the page.
class Interpreter::Code final : public tcg::CodeReader {
  public:
    Code(Interpreter& owner, std::uint8_t mode) : owner_(owner), mode_(mode) {}

  protected:
    std::uint32_t fetch_slow(std::uint64_t pc, unsigned size) override {
        std::uint64_t at = 0;
        tcg::FillAnswer answer;
        if (!owner_.front_end_.fill(owner_.hart_.get(), {pc, tcg::AccessKind::Fetch, mode_, 2}, answer) ||
            answer.physical - kRamBase > owner_.ram_.size() - size) {
            failed_ = true;
            return 0;
        }
        at = answer.physical;
        return static_cast<std::uint32_t>(owner_.bus_load(at, size));
    }

  private:
    Interpreter& owner_;
    std::uint8_t mode_;
};

Interpreter::Interpreter(std::size_t ram_bytes) : ram_(ram_bytes) {
    hart_->run.engine = static_cast<tcg::Vcpu*>(this);
    hart_->services = this;
    hart_->pc = kRamBase;
    hart_->extensions = ~std::uint64_t{0} & ~bit(Extension::Pmp);
}

std::uint32_t Interpreter::take_fp_exceptions() {
    const std::uint32_t all = exceptions_;
    exceptions_ = 0;
    return all;
}

void Interpreter::run(std::uint64_t blocks) {
    for (; blocks != 0 && !finished_; --blocks) {
        const tcg::BlockKey key = front_end_.key(hart_.get());
        const Unit& next = unit(key);
        if (next.block.instructions.empty()) {
            instruction_pc_ = key.pc;
            tcg::FillAnswer answer;
            const bool mapped =
                front_end_.fill(hart_.get(), {key.pc, tcg::AccessKind::Fetch, key.mmu_mode, 2}, answer);
            fault(mapped ? tcg::MemoryFaultKind::Bus : tcg::MemoryFaultKind::Translation,
                  tcg::AccessKind::Fetch, key.pc, answer.fault);
            continue;
        }
        execute(next, key);
    }
}

const Interpreter::Unit& Interpreter::unit(const tcg::BlockKey& key) {
    auto& slot = units_[{key.pc, key.flags, key.mmu_mode}];
    if (slot && !slot->block.instructions.empty()) return *slot;
    slot = std::make_unique<Unit>();
    tcg::Block& block = slot->block;
    block.mmu_mode = key.mmu_mode;
    tcg::Builder builder(block);
    Code code(*this, key.mmu_mode);
    tcg::UnitTranslation context;
    context.state = hart_.get();
    context.key = key;
    context.code = &code;
    context.pc = key.pc;
    for (unsigned count = 0; count < 32; ++count) {
        builder.emit({.opcode = Opcode::insn, .imm = static_cast<std::int32_t>(count)});
        const tcg::Translated outcome = front_end_.translate(builder, context);
        if (outcome == tcg::Translated::FetchFailed) {
            block.ops.pop_back();
            break;
        }
        block.instructions.push_back({context.pc, context.size});
        context.pc += context.size;
        if (outcome == tcg::Translated::End) break;
    }
    builder.goto_pc(context.pc);
    slot->label_positions.resize(block.labels);
    for (std::size_t i = 0; i < block.ops.size(); ++i)
        if (block.ops[i].opcode == Opcode::label)
            slot->label_positions[static_cast<std::size_t>(block.ops[i].imm)] = i;
    return *slot;
}

std::uint64_t Interpreter::value(const tcg::Block& block, tcg::Value which) const {
    if (which.none()) return 0;
    if (which.is_constant()) return block.constant(which);
    if (which.is_temp()) return temps_[which.index()];
    std::uint64_t result = 0;
    std::memcpy(&result,
                reinterpret_cast<const char*>(hart_.get()) +
                    front_end_.description().registers[which.index()].offset,
                8);
    return result;
}

void Interpreter::set(tcg::Value which, std::uint64_t value) {
    if (which.none()) return;
    if (which.is_temp()) {
        temps_[which.index()] = value;
        return;
    }
    std::memcpy(reinterpret_cast<char*>(hart_.get()) +
                    front_end_.description().registers[which.index()].offset,
                &value, 8);
}

void Interpreter::execute(const Unit& unit, const tcg::BlockKey& key) {
    const tcg::Block& block = unit.block;
    temps_.assign(block.temps, 0);
    raised_ = false;
    for (std::size_t at = 0;; ++at) {
        const tcg::Op& op = block.ops[at];
        const std::uint64_t a = value(block, op.a), b = value(block, op.b);
        const auto label = static_cast<std::size_t>(op.imm);
        switch (op.opcode) {
        case Opcode::insn: instruction_pc_ = block.instructions[label].pc; break;
        case Opcode::label: break;
        case Opcode::br: at = unit.label_positions[label]; break;
        case Opcode::brcond:
            if (holds(op.cond(), a, b, op.width)) at = unit.label_positions[label];
            break;
        case Opcode::goto_pc:
        case Opcode::goto_value: hart_->pc = a; return;
        case Opcode::leave: return;
        case Opcode::fence: break;
        case Opcode::fp_exceptions: set(op.dst, exceptions_); break;
        case Opcode::fp_forget: exceptions_ = 0; break;
        case Opcode::fp_mode: op_rounding_ = static_cast<tcg::FpRounding>(op.imm); break;
        case Opcode::call: {
            const tcg::Call& target = block.calls[label];
            if ((target.flags & (tcg::helper::kMayRaise | tcg::helper::kNeedsPc)) != 0)
                hart_->pc = instruction_pc_;
            const std::uint64_t result = call(block, target);
            if (raised_) return;
            set(op.dst, result);
            break;
        }
        case Opcode::load_state: {
            std::uint64_t field = 0;
            std::memcpy(&field, reinterpret_cast<char*>(hart_.get()) + op.imm, tcg::mem::size(op.aux));
            set(op.dst, extend(field, tcg::mem::size(op.aux), (op.aux & tcg::mem::kSigned) != 0));
            break;
        }
        case Opcode::store_state:
            std::memcpy(reinterpret_cast<char*>(hart_.get()) + op.imm, &a, tcg::mem::size(op.aux));
            break;
        default:
            if (op.opcode >= Opcode::load && op.opcode <= Opcode::cmpxchg) {
                if (!access(block, op, op.mode == tcg::kBlockMode ? key.mmu_mode : op.mode)) return;
            } else {
                set(op.dst, compute(op, a, b, value(block, op.c), value(block, op.d)));
            }
        }
    }
}

std::uint64_t Interpreter::compute(const tcg::Op& op, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                                   std::uint64_t d) {
    const unsigned position = static_cast<unsigned>(op.imm) & 0xff,
                   length = static_cast<unsigned>(op.imm) >> 8;
    switch (op.opcode) {
    case Opcode::sext8: return extend(a, 1, true);
    case Opcode::sext16: return extend(a, 2, true);
    case Opcode::sext32: return sext32(a);
    case Opcode::zext8: return extend(a, 1, false);
    case Opcode::zext16: return extend(a, 2, false);
    case Opcode::zext32: return extend(a, 4, false);
    case Opcode::clmul: return static_cast<std::uint64_t>(carryless(a, b));
    case Opcode::clmulh: return static_cast<std::uint64_t>(carryless(a, b) >> 64);
    case Opcode::add_shifted: return (a << op.imm) + b;
    case Opcode::extract: return a >> position & (length == 64 ? ~std::uint64_t{0} : (1ull << length) - 1);
    case Opcode::setcond: return holds(op.cond(), a, b, op.width) ? 1 : 0;
    case Opcode::select: return holds(op.cond(), a, b, op.width) ? c : d;
    default: break;
    }
    if (op.opcode >= Opcode::fadd && op.opcode <= Opcode::funbox) return compute_float(op, a, b, c);
    if (op.width == Width::I64) return integer(op.opcode, a, b, false);
    const std::uint64_t low = integer(op.opcode, extend(a, 4, false), extend(b, 4, false), true);
    return extend(low, 4, op.width == Width::I32S);
}

std::uint64_t Interpreter::call(const tcg::Block& block, const tcg::Call& call) {
    const std::uint64_t a = value(block, call.arguments[0]), b = value(block, call.arguments[1]);
    const std::uint64_t c = value(block, call.arguments[2]), d = value(block, call.arguments[3]);
    void* const state = hart_.get();
    void* const function = const_cast<void*>(call.function);
    switch (call.count) {
    case 0: return reinterpret_cast<tcg::Helper0>(function)(state);
    case 1: return reinterpret_cast<tcg::Helper1>(function)(state, a);
    case 2: return reinterpret_cast<tcg::Helper2>(function)(state, a, b);
    case 3: return reinterpret_cast<tcg::Helper3>(function)(state, a, b, c);
    default: return reinterpret_cast<tcg::Helper4>(function)(state, a, b, c, d);
    }
}

}  // namespace backplane::riscv::testing
