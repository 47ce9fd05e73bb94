// x87 and MMX: SDM 1, chapters 8 and 9. Their registers have the same numbers in the host's; what of them is read and written
// does not matter.
#include "../decoder/decoder.h"
#include "native.h"

namespace backplane::x86 {

namespace {

namespace status = tcg::status;

constexpr unsigned kMostBytes = 10;  // of an operand that is a number

/// FCOMI and its like write flags, FCMOVcc reads them.
void set_status(const Instruction& i, tcg::Native& n) {
    const unsigned extension = i.extension();
    if ((i.opcode == 0xdb || i.opcode == 0xdf) && (extension == 5 || extension == 6))
        n.status_read = n.status_written = status::kAll;  // what processors do to the others differs
    if ((i.opcode == 0xda || i.opcode == 0xdb) && extension < 4) n.status_read = status::kAll;
}

std::optional<tcg::Native> x87_of(const Instruction& i) {
    tcg::Native n;
    n.name = "x87";
    n.x87 = true;
    n.opcode = i.opcode;
    n.extension = std::int8_t(i.extension());
    if (i.has_memory()) {
        if (i.memory_size > kMostBytes) return std::nullopt;
        n.rm.bytes = i.memory_size;
        n.rm.written = x87_stores(i);
        n.rm.read = !n.rm.written;
        return n;
    }
    n.rm_number = std::int8_t(i.modrm & 7);
    set_status(i, n);
    if (i.opcode == 0xdf && i.modrm == 0xe0) n.fixed[0] = {tcg::Builder::reg(0), 0, true, true};  // FNSTSW AX
    return n;
}

/// Shifts by an immediate: ModRM.reg is a part of the opcode.
bool is_shift_group(const Instruction& i) {
    return i.map == std::uint8_t(Map::Map0f) && i.opcode >= 0x71 && i.opcode <= 0x73;
}

tcg::Native mmx_of(const Instruction& i) {
    const Row& row = i.row();
    const bool to_rm = row.access == MemoryAccess::Write;
    tcg::Native n;
    n.name = "mmx";
    n.x87 = true;
    n.map = i.map;
    constexpr std::uint8_t kPrefixes[] = {0, 0x66, 0xf3, 0xf2};
    n.prefix = kPrefixes[i.mandatory & 3];
    n.wide = i.rex_w();
    n.opcode = i.opcode;
    n.modrm = row.modrm;
    if (!n.modrm) return n;  // EMMS
    if (row.operands & operand::kRegGpr) n.reg = general_operand(i.reg(), n.wide);
    else if (row.operands & operand::kRegXmm) n.reg = vector_operand(i, i.reg());
    else if (is_shift_group(i)) n.extension = std::int8_t(i.extension());
    else n.reg_number = std::int8_t(i.reg() & 7);
    n.reg.read = row.operands & operand::kRegXmm;  // CVTPI2PS leaves the upper half alone
    n.reg.written = !to_rm;
    if (i.has_memory()) {
        n.rm.bytes = i.memory_size;
        n.aligned = i.memory_size == 16;  // CVTPD2PI
    } else if (row.operands & operand::kRmGpr) {
        n.rm = general_operand(i.rm(), n.wide);
    } else if (row.operands & operand::kRmXmm) {
        n.rm = vector_operand(i, i.rm());
    } else {
        n.rm_number = std::int8_t(i.rm() & 7);
    }
    n.rm.read = !to_rm;
    n.rm.written = to_rm;
    if (row.immediate == Immediate::Unsigned8) {
        n.immediate_bytes = 1;
        n.immediate = std::int64_t(i.immediate);
    }
    return n;
}

}  // namespace

std::optional<tcg::Native> x87_native_of(const Instruction& i) {
    if (i.operation() == Operation::X87) return x87_of(i);
    return mmx_of(i);
}

}  // namespace backplane::x86
