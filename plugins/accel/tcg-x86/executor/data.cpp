// Instructions on data that the host cannot execute for the guest: the stack, decimal arithmetic, division (SDM 2).
#include "breakpoints.h"
#include "executor.h"

#include <bit>

namespace backplane::x86 {

namespace {

__extension__ typedef unsigned __int128 Wide;
__extension__ typedef __int128 SignedWide;

}  // namespace

void Executor::do_push() {
    const unsigned size = i_.operand_size;
    std::uint64_t value = i_.immediate;
    if (i_.operation() == Operation::PushSegment) {
        const unsigned segment = i_.map != 0 ? (i_.opcode == 0xa0 ? kFs : kGs) : i_.opcode >> 3 & 3u;
        value = s_.segments[segment].selector;
    } else if (i_.operation() == Operation::Push) {
        value = i_.row().modrm ? load_rm(size) : gpr(i_.opcode_register(), size);
    }
    push(value, size);
}

void Executor::do_pop() {
    const unsigned size = i_.operand_size;
    Stack all = stack();
    const std::uint64_t value = pop(all, size);
    if (i_.operation() == Operation::PopSegment) {
        const unsigned segment = i_.map != 0 ? (i_.opcode == 0xa1 ? kFs : kGs) : i_.opcode >> 3 & 3u;
        load_segment(segment, std::uint16_t(value));
        if (segment == kSs) s_.interrupt_shadow = true;
        return commit(all);
    }
    if (!i_.row().modrm) {
        commit(all);
        return set_gpr(i_.opcode_register(), value, size);
    }
    if (!i_.has_memory()) {
        commit(all);
        return set_gpr(i_.rm(), value, size);
    }
    // The address is made with RSP as it is behind the pop (SDM 2B, POP).
    const std::uint64_t before = s_.gpr[kRsp];
    commit(all);
    try {
        store_memory(value, size);
    } catch (...) {
        s_.gpr[kRsp] = before;
        throw;
    }
}

void Executor::push_all() {
    Stack all = stack();
    for (unsigned n = 0; n < 8; ++n) push(all, s_.gpr[n], i_.operand_size);
    commit(all);
}

void Executor::pop_all() {
    Stack all = stack();
    std::uint64_t values[8];
    for (unsigned n = 8; n-- > 0;) values[n] = pop(all, i_.operand_size);
    commit(all);
    for (unsigned n = 0; n < 8; ++n)
        if (n != kRsp) set_gpr(n, values[n], i_.operand_size);
}

void Executor::push_flags() {
    if (virtual_interrupts() && i_.operand_size == 2) return push(virtual_flags(), 2);
    if (virtual_8086() && io_privilege() != 3) general_protection();
    push(s_.rflags & ~(rflags::kResume | rflags::kVirtual8086), i_.operand_size);
}

/// RF is kept while it has a meaning.
void Executor::write_flags(std::uint64_t value, std::uint64_t changeable) {
    if (!breakpoints_enabled(s_)) value &= ~rflags::kResume;
    s_.rflags = (s_.rflags & ~changeable) | (value & changeable) | rflags::kOne;
}

void Executor::pop_flags() {
    const unsigned iopl = io_privilege();
    const bool virtual_flag = virtual_interrupts() && i_.operand_size == 2;
    if (virtual_8086() && iopl != 3 && !virtual_flag) general_protection();
    Stack all = stack();
    const std::uint64_t value = pop(all, i_.operand_size);
    if (virtual_flag) take_virtual_flags(value);
    commit(all);
    if (virtual_flag) return;
    take_flags(value, i_.operand_size);
}

void Executor::take_flags(std::uint64_t value, unsigned size) {
    constexpr std::uint64_t kReturnsAlone = rflags::kVirtualInterrupt | rflags::kVirtualInterruptPending;
    write_flags(size == 2 ? value : value & ~rflags::kResume, changeable_by_return(size) & ~kReturnsAlone);
}

void Executor::enter() {
    const unsigned size = i_.operand_size, level = i_.immediate2 & 31;
    Stack all = stack();
    push(all, s_.gpr[kRbp], size);
    const std::uint64_t frame = all.pointer;
    for (unsigned n = 1; n < level; ++n) {
        const std::uint64_t at = (s_.gpr[kRbp] - n * size) & all.mask;
        push(all, load_linear(linear(kSs, at, size, false), size, all.mode), size);
    }
    if (level) push(all, frame, size);
    all.pointer = (all.pointer & ~all.mask) | ((all.pointer - i_.immediate) & all.mask);
    // The new top must be there (SDM 2A, ENTER).
    check_writable(linear(kSs, all.pointer & all.mask, 1, true), 1, all.mode);
    commit(all);
    set_gpr(kRbp, frame & all.mask, size);
}

void Executor::leave() {
    Stack all = stack();
    all.pointer = (all.pointer & ~all.mask) | (s_.gpr[kRbp] & all.mask);
    const std::uint64_t value = pop(all, i_.operand_size);
    commit(all);
    set_gpr(kRbp, value, i_.operand_size);
}

/// Flags are undefined behind it; they stay as they are.
void Executor::divide() {
    const unsigned size = i_.operand_size, bits = size * 8;
    const bool is_signed = i_.extension() == 7;
    const std::uint64_t divisor = load_rm(size);
    if (divisor == 0) throw GuestFault{Vector::DivideError};
    Wide dividend = 0;
    if (size == 1) dividend = s_.gpr[kRax] & 0xffff;
    else dividend = Wide(gpr(kRdx, size)) << bits | gpr(kRax, size);
    Wide quotient = 0, remainder = 0;
    if (is_signed) {
        const auto extend = [](Wide value, unsigned width) {
            return static_cast<SignedWide>(value << (128 - width)) >> (128 - width);
        };
        const SignedWide a = extend(dividend, 2 * bits), b = extend(divisor, bits);
        // The one overflow that C++ does not define either.
        if (b == -1 && a == extend(Wide{1} << (2 * bits - 1), 2 * bits))
            throw GuestFault{Vector::DivideError};
        const SignedWide q = a / b;
        if (q != extend(Wide(q), bits)) throw GuestFault{Vector::DivideError};
        quotient = Wide(q);
        remainder = Wide(a % b);
    } else {
        quotient = dividend / divisor;
        if (quotient >> bits) throw GuestFault{Vector::DivideError};
        remainder = dividend % divisor;
    }
    if (size == 1) {
        set_gpr(kRax, (std::uint64_t(quotient) & 0xff) | (std::uint64_t(remainder) & 0xff) << 8, 2);
    } else {
        set_gpr(kRax, std::uint64_t(quotient), size);
        set_gpr(kRdx, std::uint64_t(remainder), size);
    }
}

void Executor::set_arithmetic_flags(std::uint8_t result) {
    s_.rflags &= ~(rflags::kSign | rflags::kZero | rflags::kParity);
    if (result & 0x80) s_.rflags |= rflags::kSign;
    if (result == 0) s_.rflags |= rflags::kZero;
    if ((std::popcount(result) & 1) == 0) s_.rflags |= rflags::kParity;
}

/// DAA and DAS (SDM 2A).
void Executor::decimal_adjust() {
    const bool subtract = i_.opcode == 0x2f;
    const std::uint8_t old = std::uint8_t(s_.gpr[kRax]);
    const bool carry = s_.rflags & rflags::kCarry;
    std::uint8_t al = old;
    bool now_carry = false, adjust = false;
    if ((old & 15) > 9 || (s_.rflags & rflags::kAdjust)) {
        now_carry = carry || (subtract ? old < 6 : old > 0xf9);
        al = std::uint8_t(subtract ? al - 6 : al + 6);
        adjust = true;
    }
    if (old > 0x99 || carry) {
        al = std::uint8_t(subtract ? al - 0x60 : al + 0x60);
        now_carry = true;
    }
    set_gpr(kRax, al, 1);
    s_.rflags &= ~(rflags::kCarry | rflags::kAdjust | rflags::kOverflow);
    if (now_carry) s_.rflags |= rflags::kCarry;
    if (adjust) s_.rflags |= rflags::kAdjust;
    set_arithmetic_flags(al);
}

/// AAA and AAS.
void Executor::ascii_adjust() {
    const bool subtract = i_.opcode == 0x3f;
    std::uint16_t ax = std::uint16_t(s_.gpr[kRax]);
    const bool adjust = (ax & 15) > 9 || (s_.rflags & rflags::kAdjust);
    if (adjust) ax = std::uint16_t(subtract ? ax - 0x106 : ax + 0x106);
    set_gpr(kRax, ax & 0xff0f, 2);
    s_.rflags &= ~(rflags::kCarry | rflags::kAdjust);
    if (adjust) s_.rflags |= rflags::kCarry | rflags::kAdjust;
}

void Executor::ascii_multiply() {
    const std::uint8_t base = std::uint8_t(i_.immediate), al = std::uint8_t(s_.gpr[kRax]);
    if (base == 0) throw GuestFault{Vector::DivideError};
    set_gpr(kRax, std::uint64_t(al / base) << 8 | al % base, 2);
    s_.rflags &= ~(rflags::kCarry | rflags::kAdjust | rflags::kOverflow);
    set_arithmetic_flags(std::uint8_t(al % base));
}

void Executor::ascii_divide() {
    const std::uint64_t ax = s_.gpr[kRax];
    const std::uint8_t al = std::uint8_t((ax & 0xff) + (ax >> 8 & 0xff) * i_.immediate);
    set_gpr(kRax, al, 2);
    s_.rflags &= ~(rflags::kCarry | rflags::kAdjust | rflags::kOverflow);
    set_arithmetic_flags(al);
}

void Executor::change_flag() {
    switch (i_.opcode) {
    case 0xf5: s_.rflags ^= rflags::kCarry; break;
    case 0xf8: s_.rflags &= ~rflags::kCarry; break;
    case 0xf9: s_.rflags |= rflags::kCarry; break;
    case 0xfc: s_.rflags &= ~rflags::kDirection; break;
    default: s_.rflags |= rflags::kDirection; break;
    }
}

void Executor::bound() {
    const unsigned size = i_.operand_size, shift = 64 - 8 * size;
    const std::uint64_t address = memory_linear(2 * size, false);
    const auto extend = [shift](std::uint64_t value) { return std::int64_t(value << shift) >> shift; };
    const std::int64_t lower = extend(load_linear(address, size, data_mode()));
    const std::int64_t upper = extend(load_linear(address + size, size, data_mode()));
    const std::int64_t index = extend(gpr(i_.reg(), size));
    if (index < lower || index > upper) throw GuestFault{Vector::BoundRange};
}

}  // namespace backplane::x86
