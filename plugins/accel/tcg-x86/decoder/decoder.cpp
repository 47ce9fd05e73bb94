// SDM 2A, chapter 2: prefixes, REX, VEX, ModRM, SIB, displacement, immediate.
#include "decoder.h"

namespace backplane::x86 {

namespace {

constexpr std::uint8_t kRexW = 8, kRexR = 4, kRexX = 2, kRexB = 1, kRexPresent = 0x40;
constexpr std::uint8_t kEs = 0, kCs = 1, kSs = 2, kDs = 3, kFs = 4, kGs = 5;

class Decoder {
  public:
    Decoder(ByteSource& bytes, CodeSize code_size) : bytes_(bytes) {
        i_.code_size = code_size;
        i_.segment = kDs;
    }

    Instruction run() {
        const std::uint8_t opcode = prefixes();
        operation(opcode);
        i_.length = std::uint8_t(at_ > kLongestInstruction ? kLongestInstruction : at_);
        if (at_ > kLongestInstruction) i_.row_index = kTooLong;
        return i_;
    }

  private:
    static constexpr std::uint16_t kUndefined = 0;
    static constexpr std::uint16_t kTooLong = 1;

    bool wide() const { return i_.code_size == CodeSize::Code64; }
    std::uint8_t next() {
        const unsigned at = at_++;
        return at < kLongestInstruction && !bytes_.failed() ? bytes_.byte(at) : 0;
    }
    std::uint64_t next(unsigned size) {
        std::uint64_t value = 0;
        for (unsigned n = 0; n < size; ++n) value |= std::uint64_t(next()) << (8 * n);
        return value;
    }
    std::uint64_t next_signed(unsigned size) {
        const unsigned shift = 64 - 8 * size;
        return std::uint64_t(std::int64_t(next(size) << shift) >> shift);
    }

    void override_segment(std::uint8_t segment) {
        // SDM 1, 3.3.7.1: in 64-bit mode the others are as if they were not there.
        if (!wide() || segment >= kFs) override_ = segment;
    }

    /// Returns the first byte that is none.
    std::uint8_t prefixes() {
        for (;;) {
            if (at_ >= kLongestInstruction) return next();
            const std::uint8_t byte = next();
            if (wide() && (byte & 0xf0) == 0x40) {
                i_.rex = std::uint8_t((byte & 15) | kRexPresent);
                const std::uint8_t following = next();
                if (!is_prefix(following)) return following;
                i_.rex = 0;  // one that does not stand right before the opcode is ignored
                --at_;
                continue;
            }
            switch (byte) {
            case 0x26: override_segment(kEs); break;
            case 0x2e: override_segment(kCs); break;
            case 0x36: override_segment(kSs); break;
            case 0x3e: override_segment(kDs); break;
            case 0x64: override_segment(kFs); break;
            case 0x65: override_segment(kGs); break;
            case 0x66: i_.prefixes |= prefix::kOperand; break;
            case 0x67: i_.prefixes |= prefix::kAddress; break;
            case 0xf0: i_.prefixes |= prefix::kLock; break;
            case 0xf2: i_.prefixes = std::uint8_t((i_.prefixes & ~prefix::kRep) | prefix::kRepne); break;
            case 0xf3: i_.prefixes = std::uint8_t((i_.prefixes & ~prefix::kRepne) | prefix::kRep); break;
            default: return byte;
            }
        }
    }
    bool is_prefix(std::uint8_t byte) const {
        switch (byte) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x66:
        case 0x67:
        case 0xf0:
        case 0xf2:
        case 0xf3: return true;
        default: return wide() && (byte & 0xf0) == 0x40;
        }
    }

    Mandatory mandatory() const {
        return i_.has(prefix::kRep)       ? Mandatory::Rep
               : i_.has(prefix::kRepne)   ? Mandatory::Repne
               : i_.has(prefix::kOperand) ? Mandatory::Operand
                                          : Mandatory::None;
    }

    void operation(std::uint8_t opcode) {
        i_.address_size = std::uint8_t(wide() ? (i_.has(prefix::kAddress) ? 4 : 8)
                                       : (i_.code_size == CodeSize::Code32) != i_.has(prefix::kAddress) ? 4
                                                                                                        : 2);
        if (opcode == 0x0f) return two_byte();
        if (opcode == 0xc4 || opcode == 0xc5) {
            const std::uint8_t following = next();
            if (wide() || following >= 0xc0) return vex(opcode, following);
            --at_;
        }
        if (wide() && opcode == 0x62) return undefined();                  // EVEX
        if (opcode == 0x8f && (peek() >> 3 & 7) != 0) return undefined();  // XOP
        finish(Map::OneByte, opcode, mandatory());
    }
    std::uint8_t peek() {
        const std::uint8_t byte = next();
        --at_;
        return byte;
    }
    void undefined() { i_.row_index = kUndefined; }

    void two_byte() {
        const std::uint8_t opcode = next();
        if (opcode == 0x38) return finish(Map::Map0f38, next(), mandatory());
        if (opcode == 0x3a) return finish(Map::Map0f3a, next(), mandatory());
        finish(Map::Map0f, opcode, mandatory());
    }

    /// SDM 2A 2.3.5.
    void vex(std::uint8_t first, std::uint8_t second) {
        const bool refused =
            (i_.prefixes & (prefix::kOperand | prefix::kRep | prefix::kRepne | prefix::kLock)) != 0 ||
            i_.rex != 0;
        unsigned map = 1;
        std::uint8_t last = second;
        std::uint8_t rex = second & 0x80 ? 0 : kRexR;
        if (first == 0xc4) {
            map = second & 31;
            if (!(second & 0x40)) rex |= kRexX;
            if (!(second & 0x20)) rex |= kRexB;
            last = next();
            if (last & 0x80) rex |= kRexW;
        }
        if (!wide()) rex &= kRexW;
        i_.rex = rex;
        i_.vex = std::uint8_t((~last >> 3 & (wide() ? 15 : 7)) | (last & 4) << 2);
        const std::uint8_t opcode = next();
        if (refused || map < 1 || map > 3) return undefined();
        finish(Map(map), opcode, Mandatory(last & 3));
    }

    void finish(Map map, std::uint8_t opcode, Mandatory mandatory) {
        i_.opcode = opcode;
        i_.map = std::uint8_t(map);
        i_.mandatory = std::uint8_t(mandatory);
        const bool modrm = has_modrm(map, opcode);
        if (modrm) i_.modrm = next();
        if (map == Map::Map0f && opcode >= 0x20 && opcode <= 0x23) i_.modrm |= 0xc0;  // MOV CR, DR
        // MOVSXD stands where ARPL is.
        const bool other = map == Map::OneByte && opcode == 0x63 && wide();
        i_.row_index = row_of(map, opcode, mandatory, i_.is_vex() || other, modrm ? i_.modrm : 0);
        if (map == Map::OneByte && opcode == 0x90 && !(i_.rex & kRexB)) {
            i_.row_index = row_of(Map::Map0f, 0x1f, Mandatory::None, false, 0);
            i_.modrm = 0xc0;
            if (i_.has(prefix::kLock)) undefined();
            return;
        }
        const Row& row = i_.row();
        if (row.operation == Operation::Undefined) return;
        if (row.modrm && i_.modrm < 0xc0) memory_operand();
        if (override_ != kNone) i_.segment = override_;
        sizes(row);
        immediate(row.immediate);
        check(row);
    }

    void check(const Row& row) {
        const bool lock = i_.has(prefix::kLock);
        if ((lock && !(row.has(row_flag::kLock) && i_.has_memory())) ||
            (row.has(row_flag::kNot64) && wide()) || (row.has(row_flag::kOnly64) && !wide()))
            return undefined();
        if (row.operation == Operation::X87 && i_.modrm < 0xc0 && i_.memory_size == 0) undefined();
    }

    void memory_operand() {
        const unsigned mod = i_.mod(), rm = i_.modrm & 7;
        if (i_.address_size == 2) {
            if (rm == 2 || rm == 3 || (rm == 6 && mod != 0)) i_.segment = kSs;
            if (mod == 1) i_.displacement = std::int32_t(next_signed(1));
            else if (mod == 2 || rm == 6) i_.displacement = std::int32_t(next_signed(2));
            return;
        }
        unsigned base = rm;
        if (rm == 4) {
            i_.sib = next();
            base = i_.sib & 7;
        }
        if ((base == 4 && rm == 4) || (base == 5 && mod != 0)) {
            // R12 and R13 are in DS.
            if (!(i_.rex & kRexB)) i_.segment = kSs;
        }
        if (mod == 1) i_.displacement = std::int32_t(next_signed(1));
        else if (mod == 2 || base == 5) i_.displacement = std::int32_t(next_signed(4));
    }

    void sizes(const Row& row) {
        const bool general = (row.operands & (operand::kRegGpr | operand::kRmGpr | operand::kVvvvGpr)) != 0;
        if (!wide() && general) i_.rex &= std::uint8_t(~kRexW);
        const bool narrow = (i_.code_size == CodeSize::Code16) != i_.has(prefix::kOperand);
        unsigned size = narrow ? 2 : 4;
        if (wide()) {
            if (i_.rex_w() || row.has(row_flag::kForce64)) size = 8;
            else if (row.has(row_flag::kDefault64)) size = i_.has(prefix::kOperand) ? 2 : 8;
        }
        const bool w = i_.rex_w(), l = i_.long_vector();
        unsigned memory = 0;
        switch (row.size) {
        case 'b': size = memory = 1; break;
        case 'B': memory = 1; break;
        case 'w':
        case 'W': memory = 2; break;
        case 'd':
        case 'S': memory = 4; break;
        case 'q': memory = 8; break;
        case 'o': memory = 16; break;
        case 'v': memory = size; break;
        case 'y': memory = size = w ? 8 : 4; break;
        case 'x': memory = l ? 32 : 16; break;
        case 'h': memory = l ? 16 : 8; break;
        case 'f': memory = l ? 8 : 4; break;
        case 'e': memory = l ? 4 : 2; break;
        case 'p': memory = l ? 32 : 8; break;
        case 'D': memory = w ? 16 : 8; break;
        default: break;
        }
        i_.operand_size = std::uint8_t(size);
        if (row.operation == Operation::X87) memory = i_.modrm < 0xc0 ? x87_memory(size == 2) : 0;
        i_.memory_size = std::uint8_t(memory);
    }

    /// Bytes of the memory operand (SDM 2B, appendix B.17); 0: undefined.
    unsigned x87_memory(bool narrow) const {
        const unsigned environment = narrow ? 14 : 28, all = narrow ? 94 : 108;
        const unsigned kSizes[8][8] = {
            {4, 4, 4, 4, 4, 4, 4, 4}, {4, 0, 4, 4, environment, 2, environment, 2},
            {4, 4, 4, 4, 4, 4, 4, 4}, {4, 4, 4, 4, 0, 10, 0, 10},
            {8, 8, 8, 8, 8, 8, 8, 8}, {8, 8, 8, 8, all, 0, all, 2},
            {2, 2, 2, 2, 2, 2, 2, 2}, {2, 2, 2, 2, 10, 8, 10, 8},
        };
        return kSizes[i_.opcode & 7][i_.extension()];
    }

    void immediate(Immediate kind) {
        const unsigned size = i_.operand_size;
        switch (kind) {
        case Immediate::None: return;
        case Immediate::Signed8: i_.immediate = next_signed(1); return;
        case Immediate::Unsigned8: i_.immediate = next(1); return;
        case Immediate::Word: i_.immediate = next(2); return;
        case Immediate::Operand: i_.immediate = next_signed(immediate_size()); return;
        case Immediate::OperandFull: i_.immediate = size == 8 ? next(8) : next_signed(size); return;
        case Immediate::Offset: i_.immediate = next(i_.address_size); return;
        case Immediate::FarPointer:
            i_.immediate = next(size);
            i_.immediate2 = std::uint16_t(next(2));
            return;
        case Immediate::WordAndByte:
            i_.immediate = next(2);
            i_.immediate2 = std::uint16_t(next(1));
            return;
        }
    }
    unsigned immediate_size() const {
        // A near branch's operand size is forced, and with it the displacement's (SDM 2A 2.2.1.7).
        return i_.operand_size == 2 ? 2 : 4;
    }

    static constexpr std::uint8_t kNone = 0xff;

    ByteSource& bytes_;
    Instruction i_;
    unsigned at_ = 0;
    std::uint8_t override_ = kNone;
};

}  // namespace

Instruction decode(ByteSource& bytes, CodeSize code_size) { return Decoder(bytes, code_size).run(); }

bool x87_stores(const Instruction& i) {
    const unsigned extension = i.extension();
    switch (i.opcode) {
    case 0xd9: return extension == 2 || extension == 3 || extension >= 6;
    case 0xdb: return (extension >= 1 && extension <= 3) || extension == 7;
    case 0xdd: return (extension >= 1 && extension <= 3) || extension >= 6;
    case 0xdf: return (extension >= 1 && extension <= 3) || extension >= 6;
    default: return false;
    }
}

}  // namespace backplane::x86
