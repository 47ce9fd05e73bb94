// Moves, addresses and the stack of flat code; templates that touch registers alone.
#include "native.h"
#include "translator.h"
#include "values.h"

#include <backplane/draft/x86/state.h>

#include <bit>

namespace backplane::x86 {

using tcg::Builder;
using tcg::Value;

namespace {

/// FLDCW.
bool loads_control_word(const Instruction& i) {
    return i.operation() == Operation::X87 && i.opcode == 0xd9 && i.has_memory() && i.extension() == 5;
}

}  // namespace

std::uint8_t Translator::access() const { return std::uint8_t(std::countr_zero(unsigned{i_.operand_size})); }

/// FS and GS have their base added; the other segments are flat.
bool Translator::address(Value& result, bool linear) {
    const std::optional<tcg::Address> at = memory(linear);
    if (!at) return false;
    result = b_.temp();
    b_.address(result, *at);
    return true;
}

Value Translator::get_register(unsigned number, unsigned size) {
    if (size == 8) return Builder::reg(number);
    const Value part = b_.temp();
    if (size == 1 && high_byte(number)) b_.extract(part, Builder::reg(number - 4), 8, 8);
    else b_.extract(part, Builder::reg(number), 0, size * 8);
    return part;
}

/// `value` may have anything above its size, but for four bytes.
void Translator::set_register(unsigned number, Value value, unsigned size) {
    if (size >= 4) {
        b_.mov(Builder::reg(number), value);
    } else if (size == 1 && high_byte(number)) {
        const Value reg = Builder::reg(number - 4);
        b_.deposit(reg, reg, value, 8, 8);
    } else {
        const Value reg = Builder::reg(number);
        b_.deposit(reg, reg, value, 0, size * 8);
    }
}

Value Translator::stack_pointer() {
    if (i_.is_64bit()) return Builder::reg(kRsp);
    const Value sp = b_.temp();
    b_.zext32(sp, Builder::reg(kRsp));
    return sp;
}

void Translator::set_stack_pointer(Value value) {
    if (i_.is_64bit()) b_.mov(Builder::reg(kRsp), value);
    else b_.zext32(Builder::reg(kRsp), value);
}

/// MOV with registers, memory and immediates.
bool Translator::move() {
    const unsigned size = i_.operand_size;
    Value at{};
    if (i_.has_memory() && !address(at, true)) return false;
    switch (i_.opcode) {
    case 0x88:
    case 0x89:
        if (i_.has_memory()) b_.store(get_register(i_.reg(), size), at, 0, access());
        else set_register(i_.rm(), get_register(i_.reg(), size), size);
        return true;
    case 0x8a:
    case 0x8b:
        if (i_.has_memory()) {
            const Value loaded = size >= 4 ? Builder::reg(i_.reg()) : b_.temp();
            b_.load(loaded, at, 0, access());
            if (size < 4) set_register(i_.reg(), loaded, size);
        } else {
            set_register(i_.reg(), get_register(i_.rm(), size), size);
        }
        return true;
    default: return false;
    }
}

bool Translator::lea() {
    if (i_.operand_size == 2) return false;
    std::optional<tcg::Address> at = memory(false);
    if (!at) return false;
    if (i_.operand_size == 4) at->bits = 32;
    b_.address(Builder::reg(i_.reg()), *at);
    return true;
}

/// MOVZX, MOVSX, MOVSXD to 32 and 64 bits.
bool Translator::extend() {
    const bool is_signed = i_.map == 0 || (i_.opcode & 8) != 0;
    const unsigned from = i_.memory_size, to = i_.operand_size;
    if (to < 4 || (i_.map == 0 && to == 4)) return false;
    const Value reg = Builder::reg(i_.reg());
    Value part{};
    if (i_.has_memory()) {
        Value at{};
        if (!address(at, true)) return false;
        part = b_.temp();
        b_.load(part, at, 0, std::uint8_t(std::countr_zero(from) | (is_signed ? tcg::mem::kSigned : 0)));
    } else {
        part = get_register(i_.rm(), from);
        if (is_signed) {
            const Value wide = b_.temp();
            if (from == 1) b_.sext8(wide, part);
            else if (from == 2) b_.sext16(wide, part);
            else b_.sext32(wide, part);
            part = wide;
        }
    }
    if (to == 4) b_.zext32(reg, part);
    else b_.mov(reg, part);
    return true;
}

/// Without a flag that is written.
void Translator::move_stack_pointer(std::int32_t by) {
    b_.address(Builder::reg(kRsp), {.base = Builder::reg(kRsp), .displacement = by});
}

bool Translator::push() {
    const unsigned size = i_.operand_size;
    if (!flat_ || size == 2) return false;
    Value value{};
    if (i_.operation() == Operation::PushImmediate) {
        value = b_.constant(i_.immediate);
    } else if (i_.row().modrm) {
        if (!i_.has_memory()) return false;
        Value at{};
        if (!address(at, true)) return false;
        value = b_.temp();
        b_.load(value, at, 0, access());
    } else {
        value = Builder::reg(i_.opcode_register());
    }
    push_value(value);
    return true;
}

void Translator::push_value(Value value) {
    const int size = i_.operand_size;
    if (i_.is_64bit()) {
        b_.store(value, Builder::reg(kRsp), -size, access());
        return move_stack_pointer(-size);
    }
    const Value sp = b_.temp();
    b_.sub(sp, stack_pointer(), b_.constant(unsigned(size)));
    b_.zext32(sp, sp);
    b_.store(value, sp, 0, access());
    set_stack_pointer(sp);
}

bool Translator::pop() {
    const unsigned size = i_.operand_size;
    if (!flat_ || size == 2 || i_.row().modrm) return false;
    if (i_.is_64bit() && i_.opcode_register() != kRsp) {
        b_.load(Builder::reg(i_.opcode_register()), Builder::reg(kRsp), 0, access());
        move_stack_pointer(int(size));
        return true;
    }
    const Value value = b_.temp(), sp = b_.temp();
    b_.load(value, stack_pointer(), 0, access());
    b_.add(sp, stack_pointer(), b_.constant(size));
    set_stack_pointer(sp);
    b_.mov(Builder::reg(i_.opcode_register()), value);
    return true;
}

/// LEAVE.
void Translator::leave_frame() {
    const Value frame = b_.temp();
    b_.load(frame, Builder::reg(kRbp), 0, access());
    b_.address(Builder::reg(kRsp), {.base = Builder::reg(kRbp), .displacement = 8});
    b_.mov(Builder::reg(kRbp), frame);
}

/// The memory operand of an operation that computes its address by itself; not `linear`: what LEA computes.
std::optional<tcg::Address> Translator::memory(bool linear) {
    const bool based = linear && i_.segment >= kFs;
    if (!flat_ || i_.address_size == 2 || (based && !i_.is_64bit())) return std::nullopt;
    tcg::Address a;
    a.bits = std::uint8_t(i_.address_size * 8);
    a.linear_bits = i_.is_64bit() ? 64 : 32;
    a.displacement = i_.displacement;
    const unsigned rm = i_.modrm & 7;
    if (rm == 4) {
        const unsigned base = (i_.sib & 7u) | (i_.rex & 1u) << 3, index = (i_.sib >> 3 & 7u) | (i_.rex & 2u)
                                                                                                   << 2;
        if (!((i_.sib & 7) == 5 && i_.mod() == 0)) a.base = Builder::reg(base);
        if (index != 4) {
            a.index = Builder::reg(index);
            a.shift = i_.sib >> 6;
        }
    } else if (rm == 5 && i_.mod() == 0) {
        if (i_.is_64bit()) {
            a.base = b_.pc_constant(next_pc() + std::uint64_t(std::int64_t(i_.displacement)));
            a.displacement = 0;
        }
    } else {
        a.base = Builder::reg(i_.rm());
    }
    if (based) a.segment = base_value(i_.segment);
    return a;
}

/// Nothing where the instruction may raise what the engine does not know of.
std::optional<tcg::Native> Translator::as_native() const {
    const Row& row = i_.row();
    if (row.operation == Operation::VectorTemplate) {
        const bool enabled = unit_.key.flags & (i_.is_vex() ? key_flag::kAvx : key_flag::kSse);
        const bool raises = row.has(row_flag::kFloat) && (unit_.key.flags & key_flag::kUnmasked);
        return enabled && !raises ? vector_native_of(original_) : std::nullopt;
    }
    if (row.operation != Operation::Template || (row.has(row_flag::kProtected) && !i_.is_64bit()))
        return std::nullopt;
    return native_of(original_);
}

/// The guest's instruction as it is, if the host is known to execute it.
bool Translator::native() {
    if (!unit_.native || i_.immediate2 != kPreparedTemplate) return false;
    const std::optional<tcg::Native> instruction = as_native();
    if (!instruction) return false;
    unit_.scratch[kVectors] += i_.operation() == Operation::VectorTemplate;
    if (!i_.has_memory()) {
        b_.native(*instruction);
        return true;
    }
    const std::optional<tcg::Address> at = memory(true);
    if (!at) return false;
    b_.native(*instruction, *at);
    return true;
}

/// An instruction of BMI2 on 64 bits, which leaves the flags alone: SARX and PEXT.
void Translator::bmi2(std::uint8_t opcode, Value result, Value rm, Value vvvv) {
    tcg::Native n;
    n.name = "bmi2";
    n.vex = n.wide = true;
    n.map = std::uint8_t(Map::Map0f38);
    n.prefix = 0xf3;
    n.opcode = opcode;
    n.reg = {result, 8, false, false, true};
    n.rm = {rm, 8, false, true, false};
    n.vvvv = {vvvv, 8, false, true, false};
    b_.native(n);
}

/// BT and its like: the number reaches beyond the operand, from where that is (SDM 2A, BT).
bool Translator::bit_in_memory() {
    constexpr std::uint8_t kSarx = 0xf7, kPext = 0xf5;
    const unsigned size = i_.operand_size;
    if (!unit_.native || !i_.is_64bit() || i_.address_size != 8 || size < 4) return false;
    std::optional<tcg::Native> instruction = native_of(original_);
    Value at{};
    if (!instruction || !address(at, true)) return false;
    const unsigned bits = size * 8;
    Value number = Builder::reg(i_.reg());
    if (size == 4) {
        number = b_.temp();
        b_.sext32(number, Builder::reg(i_.reg()));
    }
    const Value place = b_.temp(), within = b_.temp(), constant = b_.temp();
    b_.mov(constant, b_.constant(unsigned(std::countr_zero(bits))));
    bmi2(kSarx, place, number, constant);
    b_.mov(constant, b_.constant(bits - 1));
    bmi2(kPext, within, constant, number);
    instruction->reg.value = within;
    b_.native(*instruction, {.base = at, .index = place, .shift = std::uint8_t(std::countr_zero(size))});
    return true;
}

/// x87 and MMX. What a memory operand of more than ten bytes has is the state as a whole.
bool Translator::x87() {
    const Row& row = i_.row();
    const bool raises = row.has(row_flag::kFloat) && (unit_.key.flags & key_flag::kUnmasked);
    if (!unit_.native || !(unit_.key.flags & key_flag::kX87) || raises) return false;
    if (i_.immediate2 != kPreparedTemplate) return false;
    std::optional<tcg::Native> instruction = x87_native_of(original_);
    if (!instruction) return false;
    if (loads_control_word(i_)) instruction->unmasked_pc = b_.pc_constant(next_pc());
    if (!i_.has_memory()) {
        b_.native(*instruction);
        return true;
    }
    const std::optional<tcg::Address> at = memory(true);
    if (!at) return false;
    b_.native(*instruction, *at);
    return true;
}

/// The template's code itself.
bool Translator::registers_only() {
    if (i_.has_memory() || i_.immediate2 != kPreparedTemplate || i_.row().has(row_flag::kProtected))
        return false;
    b_.call({}, std::bit_cast<tcg::Helper0>(i_.immediate), "template",
            tcg::helper::kReadsRegisters | tcg::helper::kWritesRegisters, {});
    return true;
}

/// VZEROUPPER.
bool Translator::zero_upper() {
    if (!unit_.native || !i_.is_64bit() || i_.vvvv() || i_.long_vector()) return false;
    if (!(unit_.key.flags & key_flag::kAvx)) return false;
    b_.clear_upper();
    return true;
}

/// LFENCE orders nothing that the host does not. SFENCE has non-temporal stores to order, which are the host's.
void Translator::fence() {
    if (i_.extension() != 5) b_.fence(tcg::FenceKind::All);
}

bool Translator::data() {
    switch (i_.operation()) {
    case Operation::Nop: return true;
    case Operation::Fence: fence(); return true;
    case Operation::ZeroUpper: return zero_upper();
    case Operation::VectorTemplate: return native();
    case Operation::MmxTemplate:
    case Operation::X87: return x87();
    case Operation::Wait: return (unit_.key.flags & key_flag::kX87) != 0;
    case Operation::Lea: return lea();
    case Operation::BitMemory: return bit_in_memory();
    case Operation::Divide: return divide();
    case Operation::Leave:
        if (!i_.is_64bit() || i_.operand_size != 8) return false;
        leave_frame();
        return true;
    case Operation::Push:
    case Operation::PushImmediate: return push();
    case Operation::Pop: return pop();
    case Operation::Template: break;
    default: return false;
    }
    if (native()) return true;
    if (i_.map == 0 && i_.opcode >= 0x88 && i_.opcode <= 0x8b && move()) return true;
    if (i_.map == 0 && (i_.opcode & 0xf0) == 0xb0) {  // MOV with an immediate
        const std::uint64_t value = original_.immediate;
        set_register(i_.opcode_register(), b_.constant(i_.operand_size == 4 ? std::uint32_t(value) : value),
                     i_.operand_size);
        return true;
    }
    const bool extends = i_.map == 1 && (i_.opcode & 0xf6) == 0xb6;
    if ((extends || (i_.map == 0 && i_.opcode == 0x63)) && extend()) return true;
    return registers_only();
}

}  // namespace backplane::x86
