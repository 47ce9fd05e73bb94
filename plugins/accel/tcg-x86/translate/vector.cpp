// SDM 2, for each vector instruction: which operands it reads, and which it writes.
#include "native.h"

#include "values.h"

#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

namespace {

using tcg::NativeOperand;

constexpr std::uint8_t k0f = std::uint8_t(Map::Map0f), k0f38 = std::uint8_t(Map::Map0f38);

constexpr bool within(unsigned opcode, unsigned first, unsigned last) {
    return opcode >= first && opcode <= last;
}

bool scalar(const Instruction& i) {
    return Mandatory(i.mandatory) == Mandatory::Rep || Mandatory(i.mandatory) == Mandatory::Repne;
}

/// Shifts by an immediate: ModRM.reg is a part of the opcode.
bool is_shift_group(const Instruction& i) { return i.map == k0f && within(i.opcode, 0x71, 0x73); }

/// PCMPESTRM, PCMPESTRI, PCMPISTRM, PCMPISTRI: bit 0, an index in ECX instead of a mask in XMM0; bit 1, no lengths in EAX and EDX.
bool compares_strings(const Instruction& i) {
    return i.map == std::uint8_t(Map::Map0f3a) && within(i.opcode, 0x60, 0x63);
}

/// EXTRQ with immediates has a part of the opcode in ModRM.reg.
bool is_extract(const Instruction& i) {
    return i.map == k0f && i.opcode == 0x78 && Mandatory(i.mandatory) == Mandatory::Operand;
}

/// COMISS and its like, PTEST, VTESTPS: nothing but flags is written.
bool compares(const Instruction& i) {
    if (i.map == k0f) return i.opcode == 0x2e || i.opcode == 0x2f;
    if (compares_strings(i)) return true;
    return i.map == k0f38 && (i.opcode == 0x17 || i.opcode == 0x0e || i.opcode == 0x0f);
}

/// Nothing of what the destination held stays (of instructions without VEX, whose destination is often a source).
bool overwrites(const Instruction& i) {
    const unsigned opcode = i.opcode;
    if (i.map == k0f) {
        switch (opcode) {
        case 0x10: return !scalar(i) || i.has_memory();
        case 0x12:
        case 0x16: return scalar(i);  // MOVSLDUP, MOVDDUP, MOVSHDUP
        case 0x51:
        case 0x52:
        case 0x53:
        case 0x5a: return !scalar(i);
        case 0x28:
        case 0x2c:
        case 0x2d:
        case 0x50:
        case 0x5b:
        case 0x6e:
        case 0x6f:
        case 0x70:
        case 0x7e:
        case 0xc5:
        case 0xd7:
        case 0xe6:
        case 0xf0: return true;
        default: return false;
        }
    }
    if (i.map == k0f38)
        return within(opcode, 0x1c, 0x1e) || within(opcode, 0x20, 0x25) || opcode == 0x2a ||
               within(opcode, 0x30, 0x35) || opcode == 0x41 || opcode == 0xdb;
    return opcode == 0x08 || opcode == 0x09 || opcode == 0xdf;
}

bool reads_destination(const Instruction& i) {
    if (!i.is_vex()) return !overwrites(i);
    return i.map == k0f38 && within(i.opcode, 0x96, 0xbf);  // FMA
}

bool uses_vvvv_0f(const Instruction& i) {
    const unsigned opcode = i.opcode;
    if (opcode == 0x10 || opcode == 0x11) return scalar(i) && !i.has_memory();
    if (opcode == 0x12 || opcode == 0x16 || opcode == 0x70) return opcode != 0x70 && !scalar(i);
    if (within(opcode, 0x51, 0x53) || opcode == 0x5a) return scalar(i);
    return opcode == 0x14 || opcode == 0x15 || opcode == 0x2a || within(opcode, 0x54, 0x59) ||
           within(opcode, 0x5c, 0x6d) || within(opcode, 0x71, 0x76) || within(opcode, 0x7c, 0x7d) ||
           opcode == 0xc2 || opcode == 0xc4 || opcode == 0xc6 || within(opcode, 0xd0, 0xd5) ||
           (within(opcode, 0xd8, 0xef) && opcode != 0xe6 && opcode != 0xe7) || within(opcode, 0xf1, 0xf6) ||
           within(opcode, 0xf8, 0xfe);
}

void set_uses(const Instruction& i, tcg::Native& n) {
    const bool to_rm = i.row().access == MemoryAccess::Write;
    if (is_extract(i)) {
        n.rm.read = n.rm.written = true;
    } else if (is_shift_group(i)) {
        n.rm.read = true;
        (i.is_vex() ? n.vvvv : n.rm).written = true;
    } else if (to_rm) {
        n.reg.read = n.rm.written = true;
        // MOVSS and MOVSD between registers leave the rest of the destination alone.
        n.rm.read = i.map == k0f && i.opcode == 0x11 && scalar(i) && !i.has_memory() && !i.is_vex();
    } else {
        n.rm.read = true;
        n.reg.written = !compares(i);
        n.reg.read = !n.reg.written || reads_destination(i);
    }
    n.vvvv.read = !n.vvvv.value.none() && !n.vvvv.written;
}

/// Operands that the encoding does not name. False: too many.
bool set_fixed(const Instruction& i, tcg::Native& n) {
    if (!compares_strings(i)) {
        if (i.row().has(row_flag::kXmm0)) n.fixed[0] = {vector_value(0), 0, true, false};
        return true;
    }
    const bool index = i.opcode & 1, lengths = !(i.opcode & 2);
    if (index) n.fixed[0] = {tcg::Builder::reg(kRcx), 1, false, true};
    else n.fixed[0] = {vector_value(0), 0, false, true};
    if (lengths) {
        n.fixed[1] = {tcg::Builder::reg(kRax), 0, true, false};
        n.fixed[2] = {tcg::Builder::reg(kRdx), 2, true, false};
    }
    return !(index && lengths && i.has_memory());
}

}  // namespace

NativeOperand general_operand(unsigned number, bool wide) {
    return {tcg::Builder::reg(number), std::uint8_t(wide ? 8 : 4), false, false, false};
}

NativeOperand vector_operand(const Instruction& i, unsigned number) {
    return {vector_value(number), std::uint8_t(i.long_vector() ? 32 : 16), false, false, false};
}

bool uses_vvvv(const Instruction& i) {
    const unsigned opcode = i.opcode;
    if (!i.is_vex()) return false;
    if (i.map == k0f) return uses_vvvv_0f(i);
    if (i.map == k0f38)
        return within(opcode, 0x00, 0x0d) || opcode == 0x16 || opcode == 0x28 || opcode == 0x29 ||
               opcode == 0x2b || within(opcode, 0x36, 0x40) || within(opcode, 0x45, 0x47) ||
               within(opcode, 0x96, 0xbf) || within(opcode, 0xdc, 0xdf);
    return opcode == 0x02 || opcode == 0x06 || within(opcode, 0x0a, 0x0f) || opcode == 0x18 ||
           within(opcode, 0x20, 0x22) || opcode == 0x38 || within(opcode, 0x40, 0x4c);
}

std::optional<tcg::Native> vector_native_of(const Instruction& i) {
    const Row& row = i.row();
    if (row.operation != Operation::VectorTemplate || (row.implicit && !compares_strings(i)))
        return std::nullopt;
    tcg::Native n;
    n.name = "vector";
    n.vex = i.is_vex();
    n.map = i.map;
    constexpr std::uint8_t kPrefixes[] = {0, 0x66, 0xf3, 0xf2};
    n.prefix = kPrefixes[i.mandatory & 3];
    n.wide = i.rex_w();
    n.long_vector = i.long_vector();
    n.opcode = i.opcode;
    if (is_shift_group(i) || is_extract(i)) n.extension = std::int8_t(i.extension());
    else if (row.operands & operand::kRegGpr) n.reg = general_operand(i.reg(), n.wide);
    else n.reg = vector_operand(i, i.reg());
    if (uses_vvvv(i)) n.vvvv = vector_operand(i, i.vvvv());
    else if (i.is_vex() && i.vvvv() != 0) return std::nullopt;
    if (!i.has_memory())
        n.rm = row.operands & operand::kRmGpr ? general_operand(i.rm(), n.wide) : vector_operand(i, i.rm());
    if (row.has(row_flag::kIs4)) {
        n.is4 = vector_operand(i, unsigned(i.immediate >> 4) & (i.is_64bit() ? 15 : 7));
        n.is4.read = true;
    }
    set_uses(i, n);
    if (!set_fixed(i, n)) return std::nullopt;
    if (i.has_memory()) {
        n.rm.bytes = i.memory_size;
        n.aligned =
            i.memory_size > 1 && (row.has(row_flag::kAligned) ||
                                  (!i.is_vex() && i.memory_size == 16 && !row.has(row_flag::kUnaligned)));
    } else {
        // PEXTRB and PEXTRW write a whole register, and less of memory.
        n.rm_stays_register = i.map == std::uint8_t(Map::Map0f3a) && (i.opcode == 0x14 || i.opcode == 0x15);
    }
    if (row.has(row_flag::kNoInputFlags)) n.status_written = tcg::status::kAll;
    if (row.immediate == Immediate::Unsigned8) {
        n.immediate_bytes = 1;
        n.immediate = std::int64_t(i.immediate);
    } else if (row.immediate == Immediate::Word) {
        n.immediate_bytes = 2;
        n.immediate = std::int64_t(i.immediate);
    }
    return n;
}

}  // namespace backplane::x86
