// SDM 2, for each instruction: "Operation" and "Flags Affected".
#include "native.h"

namespace backplane::x86 {

namespace {

using tcg::NativeOperand;
using tcg::Value;
namespace status = tcg::status;

constexpr unsigned kRaxNumber = 0;

enum Use : std::uint8_t { kNot, kRead, kWritten, kBoth };

/// How the operands are used, and the flags.
struct Effects {
    Use reg = kNot, rm = kNot, vvvv = kNot;
    Use rax = kNot, rcx = kNot, rdx = kNot;
    std::uint8_t flags_read = 0, flags_written = 0;
};

constexpr std::uint8_t kOfCondition[] = {
    status::kOverflow,
    status::kCarry,
    status::kZero,
    status::kCarry | status::kZero,
    status::kSign,
    status::kParity,
    status::kSign | status::kOverflow,
    status::kZero | status::kSign | status::kOverflow,
};

/// ADD OR ADC SBB AND SUB XOR CMP.
void arithmetic(unsigned which, Effects& e) {
    e.flags_written = status::kAll;
    if (which == 2 || which == 3) e.flags_read = status::kCarry;
}

/// IMUL and MUL define two flags; what processors do to the others differs, as some leave them alone.
void multiplication(Effects& e) {
    e.flags_written = status::kAll;
    e.flags_read = status::kAll & ~(status::kCarry | status::kOverflow);
}

/// ROL ROR RCL RCR SHL SHR SAL SAR; a count of 0 leaves the flags alone.
void shift(unsigned which, bool known, unsigned count, Effects& e) {
    e.rm = kBoth;
    e.flags_written = which < 4 ? status::kCarry | status::kOverflow : status::kAll;
    if (which == 2 || which == 3) e.flags_read = status::kCarry;
    if (!known || count == 0) e.flags_read |= e.flags_written;
}

bool one_byte(const Instruction& i, Effects& e) {
    const unsigned opcode = i.opcode, extension = i.extension();
    const bool byte = i.operand_size == 1;
    if (opcode < 0x40) {
        arithmetic(opcode >> 3, e);
        const bool compares = opcode >> 3 == 7;
        if (opcode & 4) e.rax = compares ? kRead : kBoth;
        else (opcode & 2 ? e.reg : e.rm) = compares ? kRead : kBoth, (opcode & 2 ? e.rm : e.reg) = kRead;
        return true;
    }
    switch (opcode) {
    case 0x63: e.reg = kWritten, e.rm = kRead; return true;
    case 0x69:
    case 0x6b:
        e.reg = kWritten, e.rm = kRead;
        multiplication(e);
        return true;
    case 0x80:
    case 0x81:
    case 0x83:
        arithmetic(extension, e);
        e.rm = extension == 7 ? kRead : kBoth;
        return true;
    case 0x84:
    case 0x85:
        e.reg = e.rm = kRead;
        e.flags_written = status::kAll;
        return true;
    case 0x86:
    case 0x87: e.reg = e.rm = kBoth; return i.has_memory() || i.reg() != i.rm();
    case 0x88:
    case 0x89: e.reg = kRead, e.rm = kWritten; return true;
    case 0x8a:
    case 0x8b: e.reg = kWritten, e.rm = kRead; return true;
    case 0x98: e.rax = kBoth; return true;
    case 0x99: e.rax = kRead, e.rdx = i.operand_size == 2 ? kBoth : kWritten; return true;
    case 0xa8:
    case 0xa9: e.rax = kRead, e.flags_written = status::kAll; return true;
    case 0xc0:
    case 0xc1:
        shift(extension, true, unsigned(i.immediate) & (i.operand_size == 8 ? 63 : 31), e);
        return true;
    case 0xc6:
    case 0xc7: e.rm = kWritten; return true;
    case 0xd0:
    case 0xd1: shift(extension, true, 1, e); return true;
    case 0xd2:
    case 0xd3:
        shift(extension, false, 0, e);
        e.rcx = kRead;
        return true;
    case 0xf6:
    case 0xf7:
        if (extension == 2) return e.rm = kBoth, true;
        e.flags_written = status::kAll;
        e.rm = extension == 3 ? kBoth : kRead;
        if (extension >= 4) {
            multiplication(e);
            e.rax = kBoth;
            e.rdx = byte ? kNot : i.operand_size == 2 ? kBoth : kWritten;
        }
        return true;
    case 0xfe:
    case 0xff:
        e.rm = kBoth;
        e.flags_written = status::kAll & ~status::kCarry;
        return true;
    default: break;
    }
    if ((opcode & 0xf8) == 0x90) {
        e.reg = e.rax = kBoth;
        return i.opcode_register() != 0;
    }
    return false;
}

bool map_0f(const Instruction& i, Effects& e) {
    const unsigned opcode = i.opcode;
    if ((opcode & 0xf0) == 0x40) {
        e.reg = kBoth, e.rm = kRead;
        e.flags_read = kOfCondition[opcode >> 1 & 7];
        return true;
    }
    if ((opcode & 0xf0) == 0x90) {
        e.rm = kWritten;
        e.flags_read = kOfCondition[opcode >> 1 & 7];
        return true;
    }
    if ((opcode & 0xf8) == 0xc8) return e.reg = kBoth, i.operand_size != 2;
    switch (opcode) {
    case 0xa3:
    case 0xab:
    case 0xb3:
    case 0xbb: e.reg = kRead; [[fallthrough]];
    case 0xba: {
        const bool test = opcode == 0xa3 || (opcode == 0xba && i.extension() == 4);
        e.rm = test ? kRead : kBoth;
        e.flags_written = status::kAll;
        e.flags_read = status::kAll & ~status::kCarry;  // what processors do to these differs
        return true;
    }
    case 0xa4:
    case 0xa5:
    case 0xac:
    case 0xad:
        e.reg = kRead, e.rm = kBoth;
        e.flags_read = e.flags_written = status::kAll;
        if (opcode & 1) e.rcx = kRead;
        return true;
    case 0xaf:
        e.reg = kBoth, e.rm = kRead;
        multiplication(e);
        return true;
    case 0xb0:
    case 0xb1:
        e.reg = kRead, e.rm = e.rax = kBoth;
        e.flags_written = status::kAll;
        // A register that is not equal stays whole on some processors.
        return i.has_memory() || i.operand_size != 4;
    case 0xb6:
    case 0xb7:
    case 0xbe:
    case 0xbf: e.reg = kWritten, e.rm = kRead; return true;
    case 0xb8:
    case 0xbc:
    case 0xbd:
        e.reg = kBoth, e.rm = kRead;
        e.flags_read = e.flags_written = status::kAll;
        return true;
    case 0xc0:
    case 0xc1:
        e.reg = e.rm = kBoth;
        e.flags_written = status::kAll;
        return i.has_memory() || i.reg() != i.rm();
    case 0xc3: e.reg = kRead, e.rm = kWritten; return true;
    default: return false;
    }
}

/// BMI, MOVBE, ADX, CRC32.
bool other_maps(const Instruction& i, Effects& e) {
    if (i.map == std::uint8_t(Map::Map0f3a)) return e.reg = kWritten, e.rm = kRead, true;  // RORX
    e.reg = kWritten, e.rm = e.vvvv = kRead;
    switch (i.opcode) {
    case 0xf0:
    case 0xf1:
        e.vvvv = kNot;
        if (i.has(prefix::kRepne)) e.reg = kBoth;
        else if (i.opcode == 0xf1) e.reg = kRead, e.rm = kWritten;
        return true;
    case 0xf2: e.flags_written = status::kAll; return true;
    case 0xf3:
        e.reg = kNot, e.vvvv = kWritten;
        e.flags_written = status::kAll;
        return true;
    case 0xf5:
    case 0xf7:
        if (i.mandatory == 0) e.flags_written = status::kAll;
        return true;
    case 0xf6:
        if (i.is_vex()) {
            e.vvvv = kWritten, e.rdx = kRead;
            return i.reg() != i.vvvv();
        }
        e.vvvv = kNot, e.reg = kBoth;
        e.flags_read = e.flags_written =
            i.mandatory == std::uint8_t(Mandatory::Rep) ? status::kOverflow : status::kCarry;
        return true;
    default: return false;
    }
}

NativeOperand operand_of(const Instruction& i, unsigned number, unsigned bytes, Use use) {
    NativeOperand o;
    o.bytes = std::uint8_t(bytes);
    o.high = bytes == 1 && number >= 4 && number < 8 && i.rex == 0 && !i.is_vex();
    o.value = tcg::Builder::reg(o.high ? number - 4 : number);
    o.read = use & kRead;
    o.written = use & kWritten;
    return o;
}

void set_fixed(tcg::Native& n, std::uint8_t number, Use use) {
    if (use == kNot) return;
    for (tcg::NativeFixed& f : n.fixed)
        if (f.value.none()) {
            f = {tcg::Builder::reg(number), number, (use & kRead) != 0, (use & kWritten) != 0};
            return;
        }
}

/// No value is written through two operands, and what is in a fixed register is in no other place.
bool clashes(const tcg::Native& n) {
    const NativeOperand* const all[] = {&n.reg, &n.rm, &n.vvvv};
    for (unsigned a = 0; a < 3; ++a)
        for (unsigned b = a + 1; b < 3; ++b)  // XCHG AL, AH
            if (all[a]->written && all[b]->written && !all[a]->value.none() && all[a]->value == all[b]->value)
                return true;
    for (const tcg::NativeFixed& f : n.fixed) {
        if (f.value.none()) continue;
        for (const NativeOperand* o : {&n.reg, &n.rm, &n.vvvv})
            if (!o->value.none() && o->value == f.value && (f.written || o->written)) return true;
    }
    return false;
}

/// The back end has three registers for what has no home, and for fixed operands and the address.
bool fits(const Instruction& i, const tcg::Native& n) {
    unsigned needed = i.has_memory() ? 1 : 0;
    for (const tcg::NativeFixed& f : n.fixed) needed += !f.value.none();
    needed += !n.reg.value.none();
    needed += !n.vvvv.value.none();
    needed += !n.rm.value.none() && n.rm_stays_register;
    return needed <= 3;
}

/// Instructions on AL or EAX with an immediate, in the form that names it; INC and DEC of 32-bit code.
void normalize(const Instruction& i, tcg::Native& n, Effects& e) {
    if (i.map != 0) return;
    const bool byte = i.operand_size == 1;
    const bool accumulator = (i.opcode < 0x40 && (i.opcode & 6) == 4) || i.opcode == 0xa8 || i.opcode == 0xa9;
    if (!accumulator) return;
    n.opcode = i.opcode < 0x40 ? (byte ? 0x80 : 0x81) : byte ? 0xf6 : 0xf7;
    n.extension = std::int8_t(i.opcode < 0x40 ? i.opcode >> 3 : 0);
    n.modrm = true;
    e.rm = e.rax;
    e.rax = kNot;
}

}  // namespace

std::optional<tcg::Native> native_of(const Instruction& i) {
    const Row& row = i.row();
    if ((row.operation != Operation::Template && row.operation != Operation::BitMemory) || row.size == 'D')
        return std::nullopt;
    Effects e;
    const Map map = Map(i.map);
    const bool count = map == Map::OneByte && (i.opcode & 0xf0) == 0x40;
    if (count) e.rm = kBoth, e.flags_written = status::kAll & ~status::kCarry;
    const bool known = count || (map == Map::OneByte ? one_byte(i, e)
                                 : map == Map::Map0f ? map_0f(i, e)
                                                     : other_maps(i, e));
    if (!known) return std::nullopt;

    tcg::Native n;
    n.name = "native";
    n.vex = i.is_vex();
    n.map = i.map;
    n.operand16 = i.operand_size == 2;
    n.wide = i.rex_w();
    n.long_vector = i.long_vector();
    n.lock = i.has(prefix::kLock) || (map == Map::OneByte && (i.opcode & 0xfe) == 0x86 && i.has_memory());
    n.opcode = i.opcode;
    n.modrm = row.modrm;
    const auto mandatory = Mandatory(i.mandatory);
    const bool keeps = map != Map::OneByte &&
                       (map != Map::Map0f || i.opcode == 0xb8 || i.opcode == 0xbc || i.opcode == 0xbd);
    if (keeps) {
        if (mandatory == Mandatory::Rep) n.prefix = 0xf3;
        if (mandatory == Mandatory::Repne) n.prefix = 0xf2;
        const bool adcx = map == Map::Map0f38 && i.opcode == 0xf6 && !i.is_vex();
        if (mandatory == Mandatory::Operand && (i.is_vex() || adcx)) n.prefix = 0x66;
    }
    normalize(i, n, e);
    const bool accumulator = n.opcode != i.opcode;
    if (count) {
        n.opcode = 0xff;
        n.extension = std::int8_t(i.opcode >> 3 & 1);
        n.modrm = true;
        n.rm = operand_of(i, i.opcode_register(), i.operand_size, e.rm);
    } else if (accumulator) {
        n.rm = operand_of(i, kRaxNumber, i.operand_size, e.rm);
    } else if (row.operands & operand::kOpcodeGpr) {
        n.reg = operand_of(i, i.opcode_register(), i.operand_size, e.reg);
        n.opcode = i.opcode & 0xf8;
        if ((i.opcode & 0xf8) == 0x90) {  // XCHG with RAX, in the form that names both
            n.opcode = 0x87;
            n.modrm = true;
            n.rm = operand_of(i, kRaxNumber, i.operand_size, e.rax);
            e.rax = kNot;
        }
    } else if (row.modrm) {
        const unsigned memory = i.memory_size ? i.memory_size : i.operand_size;
        if (row.operands & operand::kRegGpr) n.reg = operand_of(i, i.reg(), i.operand_size, e.reg);
        else n.extension = std::int8_t(i.extension());
        if (row.operands & operand::kRmGpr) {
            n.rm = operand_of(i, i.rm(), memory, e.rm);
            if (i.has_memory()) n.rm.value = {}, n.rm.high = false;
        }
        if (row.operands & operand::kVvvvGpr) n.vvvv = operand_of(i, i.vvvv(), i.operand_size, e.vvvv);
    }
    n.rm_stays_register =
        map == Map::Map0f && (i.opcode == 0xa3 || i.opcode == 0xab || i.opcode == 0xb3 || i.opcode == 0xbb);
    set_fixed(n, 0, e.rax);
    set_fixed(n, 1, e.rcx);
    set_fixed(n, 2, e.rdx);
    if (clashes(n) || !fits(i, n)) return std::nullopt;
    n.status_read = e.flags_read;
    n.status_written = e.flags_written;
    n.immediate = std::int64_t(i.immediate);
    switch (row.immediate) {
    case Immediate::Signed8:
    case Immediate::Unsigned8: n.immediate_bytes = 1; break;
    case Immediate::Operand: n.immediate_bytes = i.operand_size == 2 ? 2 : 4; break;
    case Immediate::OperandFull: n.immediate_bytes = i.operand_size; break;
    default: break;
    }
    return n;
}

}  // namespace backplane::x86
