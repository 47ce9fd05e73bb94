#include "table.h"

#include <cstring>
#include <vector>

namespace backplane::x86 {

namespace {

using enum Operation;
using enum Immediate;

constexpr std::uint16_t kL = row_flag::kLock, kI64 = row_flag::kNot64, kO64 = row_flag::kOnly64,
                        kD64 = row_flag::kDefault64, kF64 = row_flag::kForce64, kAl = row_flag::kAligned,
                        kUn = row_flag::kUnaligned, kFp = row_flag::kFloat, kEnd = row_flag::kEnds,
                        kNif = row_flag::kNoInputFlags, kNf = row_flag::kNoFlags, kIs4 = row_flag::kIs4,
                        kPr = row_flag::kProtected, kX0 = row_flag::kXmm0;
constexpr std::uint8_t kAx = 1, kCx = 2, kDx = 4, kBx = 8;

/// One line of a map: opcodes `first`–`last`; `mandatory` of "n63 2"; `encoding` l(egacy), v(ex) or b(oth);
/// `extensions` of ModRM.reg ("*": any; "": no ModRM); `mod` m(emory), r(egister) or *.
///
/// `operands`: G E B Z general registers in ModRM.reg, ModRM.rm, VEX.vvvv, the opcode; V W vectors in reg, rm; P Q MMX.
/// `size` b w d q: bytes 1 2 4 8; v: the operand size; y: 8 with W, else 4; o: 16; x h f e: the vector, or a half, a quarter,
/// an eighth of it; S: 4, of a source that is extended; p: 8, or the whole vector of 32 (MOVDDUP); s: four bytes of an MMX operand; X: as the operation says.
struct Line {
    std::uint8_t first, last;
    const char* mandatory;
    char encoding;
    const char* extensions;
    char mod;
    Operation operation;
    const char* operands;
    char size;
    char access;  ///< r, w, x (both), '-'
    Immediate immediate = None;
    std::uint16_t flags = 0;
    std::uint8_t implicit = 0;
};

constexpr Line kOneByte[] = {
#include "one_byte.inc"
};
constexpr Line kMap0f[] = {
#include "map_0f.inc"
};
/// Vector rows: sizes of memory for each mandatory prefix none, 66, F3, F2; '-': undefined; m: MMX, 8 bytes; s: MMX, 4 bytes.
struct VectorLine {
    std::uint8_t first, last;
    const char* sizes;
    char encoding;
    char mod;
    const char* operands;
    char access;
    Immediate immediate = None;
    std::uint16_t flags = 0;
    std::uint8_t implicit = 0;
};
constexpr VectorLine kVector0f[] = {
#include "vector_0f.inc"
};
constexpr Line kMap0f38[] = {
#include "map_0f38.inc"
};
constexpr VectorLine kVector0f38[] = {
#include "vector_0f38.inc"
};
constexpr Line kMap0f3a[] = {
    {0xf0, 0xf0, "2", 'v', "*", '*', Template, "GE", 'y', 'r', Unsigned8, kNf | kPr},  // RORX
};
constexpr VectorLine kVector0f3a[] = {
#include "vector_0f3a.inc"
};

class Tables {
  public:
    Tables() {
        rows_.emplace_back();
        rows_.push_back({.operation = TooLong});
        for (const Line& line : kOneByte) add(Map::OneByte, line);
        for (const Line& line : kMap0f) add(Map::Map0f, line);
        for (const Line& line : kMap0f38) add(Map::Map0f38, line);
        for (const Line& line : kMap0f3a) add(Map::Map0f3a, line);
        for (const VectorLine& line : kVector0f) add(Map::Map0f, line);
        for (const VectorLine& line : kVector0f38) add(Map::Map0f38, line);
        for (const VectorLine& line : kVector0f3a) add(Map::Map0f3a, line);
    }

    const Row* rows() const { return rows_.data(); }
    std::uint16_t find(Map map, std::uint8_t opcode, unsigned mandatory, bool vex, std::uint8_t modrm) const {
        return index_[vex][unsigned(map)][opcode][mandatory][place(modrm)];
    }
    bool modrm(std::uint8_t opcode) const { return modrm_[opcode]; }

  private:
    static unsigned place(std::uint8_t modrm) { return (modrm >> 3 & 7) + (modrm >= 0xc0 ? 8 : 0); }
    static std::uint8_t parse(const char* text) {
        std::uint8_t all = 0;
        for (; *text; ++text) {
            constexpr char kLetters[] = "GVPEWQZB";
            all |= std::uint8_t(1u << (std::strchr(kLetters, *text) - kLetters));
        }
        return all;
    }
    static MemoryAccess access_of(char c) {
        return c == 'r'   ? MemoryAccess::Read
               : c == 'w' ? MemoryAccess::Write
               : c == 'x' ? MemoryAccess::ReadWrite
                          : MemoryAccess::None;
    }
    void enter(Map map, unsigned first, unsigned last, unsigned mandatory, bool vex, const char* extensions,
               char mod) {
        const auto row = std::uint16_t(rows_.size() - 1);
        for (unsigned opcode = first; opcode <= last; ++opcode)
            for (unsigned at = 0; at < 16; ++at) {
                if (*extensions && *extensions != '*' && !std::strchr(extensions, int('0' + (at & 7))))
                    continue;
                if ((mod == 'm' && at >= 8) || (mod == 'r' && at < 8)) continue;
                index_[vex][unsigned(map)][opcode][mandatory][at] = row;
            }
    }
    void add(Map map, const Line& line) {
        rows_.push_back({line.operation, *line.extensions != 0, line.immediate, parse(line.operands),
                         line.size, access_of(line.access), line.flags, line.implicit});
        if (map == Map::OneByte)
            for (unsigned opcode = line.first; opcode <= line.last; ++opcode)
                modrm_[opcode] = *line.extensions != 0;
        for (unsigned mandatory = 0; mandatory < 4; ++mandatory) {
            if (*line.mandatory != '*' && !std::strchr(line.mandatory, "n632"[mandatory])) continue;
            for (const bool vex : {false, true})
                if (line.encoding == 'b' || (line.encoding == 'v') == vex)
                    enter(map, line.first, line.last, mandatory, vex, line.extensions, line.mod);
        }
    }
    void add(Map map, const VectorLine& line) {
        for (unsigned mandatory = 0; mandatory < 4; ++mandatory) {
            const char size = line.sizes[mandatory];
            if (size == '-') continue;
            const bool mmx = size == 'm' || size == 's';
            std::uint8_t operands = parse(line.operands);
            if (mmx) operands = mmx_operands(operands);
            rows_.push_back({mmx ? MmxTemplate : VectorTemplate, true, line.immediate, operands,
                             size == 'm'   ? 'q'
                             : size == 's' ? 'd'
                                           : size,
                             access_of(line.access), line.flags, line.implicit});
            if (line.encoding != 'v') enter(map, line.first, line.last, mandatory, false, "*", line.mod);
            if (line.encoding != 'l' && !mmx)
                enter(map, line.first, line.last, mandatory, true, "*", line.mod);
        }
    }
    static std::uint8_t mmx_operands(std::uint8_t all) {
        const std::uint8_t others = all & std::uint8_t(~(operand::kRegXmm | operand::kRmXmm));
        return std::uint8_t(others | (all & operand::kRegXmm ? operand::kRegMmx : 0) |
                            (all & operand::kRmXmm ? operand::kRmMmx : 0));
    }

    std::vector<Row> rows_;
    std::uint16_t index_[2][4][256][4][16] = {};
    bool modrm_[256] = {};
};

const Tables& tables() {
    static const Tables all;
    return all;
}

}  // namespace

const Row* rows() {
    static const Row* const all = tables().rows();
    return all;
}

std::uint16_t row_of(Map map, std::uint8_t opcode, Mandatory mandatory, bool vex, std::uint8_t modrm) {
    return tables().find(map, opcode, unsigned(mandatory), vex, modrm);
}

bool has_modrm(Map map, std::uint8_t opcode) {
    if (map == Map::OneByte) return tables().modrm(opcode);
    if (map != Map::Map0f) return true;
    const auto within = [opcode](unsigned first, unsigned last) { return opcode >= first && opcode <= last; };
    return !(within(0x04, 0x0c) || opcode == 0x0e || within(0x30, 0x37) || opcode == 0x77 ||
             within(0x80, 0x8f) || within(0xa0, 0xa2) || within(0xa8, 0xaa) || within(0xc8, 0xcf));
}

}  // namespace backplane::x86
