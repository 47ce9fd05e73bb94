// A template's function loads the operands from the state, executes the guest's instruction with its registers
// renamed where the function needs them itself (RSP, and two for the state and the memory operand), and stores the results.
#include "compile.h"

namespace backplane::x86 {

namespace {

constexpr unsigned kHostRax = 0, kHostRcx = 1, kHostRsi = 6, kHostRdi = 7, kNone = 0xff;
constexpr std::uint32_t kFlagsPlace = offsetof(X86State, rflags), kXsavePlace = offsetof(X86State, xsave);

constexpr std::uint32_t gpr_place(unsigned n) {
    return std::uint32_t(offsetof(X86State, gpr) + n * sizeof(std::uint64_t));
}

class Compiler {
  public:
    Compiler(const Instruction& instruction, Assembler& to)
        : i_(instruction), row_(instruction.row()), a_(to) {}

    void run() {
        find_registers();
        save_registers();
        if (base_ != kHostRdi) a_.move(base_, kHostRdi);
        if (memory() && pointer_ != kHostRsi) a_.move(pointer_, kHostRsi);
        load();
        emit();
        if (flags_) a_.put(0x9c);  // PUSHF
        store();
        restore_registers();
        a_.put(0xc3);
    }

  private:
    bool memory() const { return i_.has_memory(); }
    bool has(std::uint8_t which) const { return (row_.operands & which) != 0; }
    bool general() const {
        return row_.operation == Operation::Template || row_.operation == Operation::BitMemory;
    }
    bool x87() const { return row_.operation == Operation::X87 || row_.operation == Operation::MmxTemplate; }
    bool byte_operand(std::uint8_t which) const {
        if (row_.operation != Operation::Template) return false;
        if (row_.size == 'b') return true;
        return row_.size == 'B' && which == operand::kRmGpr;
    }
    /// AH, CH, DH, BH.
    bool high_byte(std::uint8_t which, unsigned number) const {
        return byte_operand(which) && number >= 4 && number < 8 && i_.rex == 0 && !i_.is_vex();
    }

    void use(std::uint8_t which, unsigned number) {
        if (high_byte(which, number)) fixed_ |= 1u << (number - 4);
        else explicit_ |= 1u << number;
    }

    void find_registers() {
        fixed_ = row_.implicit;
        if (row_.operation == Operation::X87 && i_.opcode == 0xdf && i_.modrm == 0xe0)
            fixed_ |= 1;  // FNSTSW AX
        if (has(operand::kRegGpr)) use(operand::kRegGpr, i_.reg());
        if (has(operand::kRmGpr) && !memory()) use(operand::kRmGpr, i_.rm());
        if (has(operand::kVvvvGpr)) use(operand::kVvvvGpr, i_.vvvv());
        if (has(operand::kOpcodeGpr)) use(operand::kOpcodeGpr, i_.opcode_register());
        for (unsigned n = 0; n < 16; ++n) host_[n] = n;
        unsigned taken = (fixed_ | explicit_) & ~(1u << kRsp);
        // RBP and RSP as bases have other encodings without displacement: RBP comes last, for the state.
        const auto take = [&](std::initializer_list<unsigned> candidates) {
            for (const unsigned n : candidates)
                if (!(taken >> n & 1)) {
                    taken |= 1u << n;
                    return n;
                }
            return kNone;
        };
        if (memory()) pointer_ = take({kHostRsi, kHostRdi, 3, 2});
        if (explicit_ >> kRsp & 1) host_[kRsp] = take({3, 5, 2, kHostRsi, kHostRdi});
        base_ = take({kHostRdi, kHostRsi, 5, 3, 2});
        flags_ = (general() || x87() || row_.has(row_flag::kNoInputFlags)) && !row_.has(row_flag::kNoFlags);
        host_used_ = taken;
    }

    static constexpr unsigned kCalleeSaved[] = {3, 5, 12, 13, 14, 15};
    void save_registers() {
        for (const unsigned n : kCalleeSaved)
            if (host_used_ >> n & 1) a_.push(n);
        if (x87()) {
            a_.bytes({0x48, 0x83, 0xec, 0x08});  // SUB RSP, 8
            a_.bytes({0x0f, 0xae, 0x1c, 0x24});  // STMXCSR [RSP]
        }
    }
    void restore_registers() {
        if (x87()) a_.bytes({0x48, 0x83, 0xc4, 0x08});  // ADD RSP, 8
        for (unsigned n = std::size(kCalleeSaved); n-- > 0;)
            if (host_used_ >> kCalleeSaved[n] & 1) a_.pop(kCalleeSaved[n]);
    }

    template <class Each>
    void each_general(Each each) const {
        for (unsigned n = 0; n < 16; ++n)
            if ((fixed_ | explicit_) >> n & 1) each(n);
    }
    /// Vector registers that it may touch.
    template <class Each>
    void each_vector(Each each) const {
        if (row_.operation != Operation::VectorTemplate) return;
        unsigned all = 0;
        if (has(operand::kRegXmm)) all |= 1u << i_.reg();
        if (has(operand::kRmXmm) && !memory()) all |= 1u << i_.rm();
        if (i_.is_vex()) all |= 1u << i_.vvvv();
        if (row_.has(row_flag::kXmm0)) all |= 1;
        if (row_.has(row_flag::kIs4)) all |= 1u << (i_.immediate >> 4 & (i_.is_64bit() ? 15 : 7));
        for (unsigned n = 0; n < 16; ++n)
            if (all >> n & 1) each(n);
    }

    void load() {
        if (x87()) a_.extended(true, 0xae, 1, base_, kXsavePlace);  // FXRSTOR64
        each_vector([this](unsigned n) {
            a_.load_vector(n, base_, std::uint32_t(vector_place(n)));
            if (i_.is_vex()) a_.load_upper(n, base_, std::uint32_t(upper_place(n)));
        });
        each_general([this](unsigned n) { a_.load(host_[n], base_, gpr_place(n)); });
        if (row_.operation == Operation::BitMemory)
            a_.and_immediate(host_[i_.reg()], i_.operand_size * 8u - 1);
        if (flags_ && !row_.has(row_flag::kNoInputFlags)) {
            a_.bytes({0xff, 0xb0u | base_});  // PUSH [RFLAGS]
            a_.put32(kFlagsPlace);
            a_.bytes({0x81, 0x24, 0x24});  // AND dword [RSP], arithmetic flags
            a_.put32(std::uint32_t(kArithmeticFlags));
            a_.bytes({0xc7, 0x44, 0x24, 0x04, 0, 0, 0, 0});  // the upper half
            a_.put(0x9d);                                    // POPF
        }
    }

    void store() {
        each_vector([this](unsigned n) {
            a_.store_vector(n, base_, std::uint32_t(vector_place(n)));
            if (i_.is_vex()) a_.store_upper(n, base_, std::uint32_t(upper_place(n)));
        });
        if (row_.operation == Operation::VectorTemplate && i_.is_vex()) a_.bytes({0xc5, 0xf8, 0x77});
        if (row_.operation != Operation::BitMemory)
            each_general([this](unsigned n) { a_.store(host_[n], base_, gpr_place(n)); });
        if (x87()) {
            a_.extended(true, 0xae, 0, base_, kXsavePlace);        // FXSAVE64
            a_.bytes({0xdb, 0xe3});                                // FNINIT
            a_.bytes({0x0f, 0xae, 0x54, 0x24, flags_ ? 8u : 0u});  // LDMXCSR
        }
        if (!flags_) return;
        a_.pop(kHostRax);
        a_.put(0x25);  // AND EAX
        a_.put32(std::uint32_t(kArithmeticFlags));
        a_.load(kHostRcx, base_, kFlagsPlace);
        a_.and_immediate(kHostRcx, ~std::uint32_t(kArithmeticFlags));
        a_.bytes({0x48, 0x09, 0xc1});  // OR RCX, RAX
        a_.store(kHostRcx, base_, kFlagsPlace);
    }

    // ---- the instruction itself

    void emit() {
        if (i_.is_vex()) emit_vex();
        else emit_legacy();
        emit_immediate();
    }

    unsigned host_reg() const {
        if (!has(operand::kRegGpr)) return i_.reg();
        return high_byte(operand::kRegGpr, i_.reg()) ? i_.reg() : host_[i_.reg()];
    }
    unsigned host_rm() const {
        if (memory()) return pointer_;
        if (!has(operand::kRmGpr)) return i_.rm();
        return high_byte(operand::kRmGpr, i_.rm()) ? i_.rm() : host_[i_.rm()];
    }
    unsigned host_opcode_register() const {
        const unsigned n = i_.opcode_register();
        return high_byte(operand::kOpcodeGpr, n) ? n : host_[n];
    }

    bool keeps_repeat() const {
        if (!general()) return true;
        const auto map = Map(i_.map);
        if (map == Map::Map0f) return i_.opcode == 0xb8 || i_.opcode == 0xbc || i_.opcode == 0xbd;
        return map == Map::Map0f38;
    }

    void emit_legacy() {
        const bool swap = i_.map == 0 && (i_.opcode & 0xf8) == 0x90;   // XCHG with RAX
        const bool count = i_.map == 0 && (i_.opcode & 0xf0) == 0x40;  // INC, DEC
        const bool in_opcode = has(operand::kOpcodeGpr) && !swap && !count;
        const bool modrm = row_.modrm || swap || count;
        const unsigned reg = swap ? 0 : count ? unsigned(i_.opcode >> 3 & 1) : host_reg();
        const unsigned rm = has(operand::kOpcodeGpr) ? host_opcode_register() : host_rm();
        if (i_.has(prefix::kLock) && memory()) a_.put(0xf0);
        const bool operand_size = general()
                                      ? i_.operand_size == 2
                                      : row_.operation == Operation::X87 &&
                                            i_.has(prefix::kOperand) != (i_.code_size == CodeSize::Code16);
        if (operand_size || (Mandatory(i_.mandatory) == Mandatory::Operand && (!general() || adcx())))
            a_.put(0x66);
        if (keeps_repeat() && row_.operation != Operation::X87) {
            if (Mandatory(i_.mandatory) == Mandatory::Rep) a_.put(0xf3);
            if (Mandatory(i_.mandatory) == Mandatory::Repne) a_.put(0xf2);
        }
        unsigned rex = i_.rex & 0x48u;
        if (modrm && reg >= 8) rex |= 4;
        if ((modrm || in_opcode) && rm >= 8) rex |= 1;
        if (rex) a_.put(0x40u | rex);
        const auto map = Map(i_.map);
        if (map != Map::OneByte) a_.put(0x0f);
        if (map == Map::Map0f38) a_.put(0x38);
        if (map == Map::Map0f3a) a_.put(0x3a);
        unsigned opcode = i_.opcode;
        if (swap) opcode = 0x87;
        else if (count) opcode = 0xff;
        else if (in_opcode) opcode = (opcode & 0xf8) | (rm & 7);
        a_.put(opcode);
        if (modrm) a_.put((memory() ? 0u : 0xc0u) | (reg & 7) << 3 | (rm & 7));
    }
    bool adcx() const { return Map(i_.map) == Map::Map0f38 && i_.opcode == 0xf6; }

    void emit_vex() {
        const unsigned reg = host_reg(), rm = host_rm();
        const unsigned vvvv = has(operand::kVvvvGpr) ? host_[i_.vvvv()] : i_.vvvv();
        a_.put(0xc4);
        a_.put((reg >= 8 ? 0u : 0x80u) | 0x40u | (rm >= 8 ? 0u : 0x20u) | i_.map);
        a_.put((i_.rex_w() ? 0x80u : 0u) | (~vvvv & 15) << 3 | (i_.long_vector() ? 4u : 0u) | i_.mandatory);
        a_.put(i_.opcode);
        a_.put((memory() ? 0u : 0xc0u) | (reg & 7) << 3 | (rm & 7));
    }

    void emit_immediate() {
        switch (row_.immediate) {
        case Immediate::Signed8:
        case Immediate::Unsigned8: a_.put(i_.immediate, 1); break;
        case Immediate::Word: a_.put(i_.immediate, 2); break;
        case Immediate::Operand: a_.put(i_.immediate, i_.operand_size == 2 ? 2 : 4); break;
        case Immediate::OperandFull: a_.put(i_.immediate, i_.operand_size); break;
        default: break;
        }
    }

    const Instruction& i_;
    const Row& row_;
    Assembler& a_;
    unsigned fixed_ = 0, explicit_ = 0, host_used_ = 0;
    unsigned host_[16] = {};
    unsigned base_ = kHostRdi, pointer_ = kHostRsi;
    bool flags_ = false;
};

}  // namespace

bool is_template(const Instruction& instruction) {
    switch (instruction.operation()) {
    case Operation::Template:
    case Operation::VectorTemplate:
    case Operation::MmxTemplate:
    case Operation::X87:
    case Operation::BitMemory: return true;
    default: return false;
    }
}

Instruction template_key(const Instruction& instruction) {
    Instruction key = instruction;
    key.displacement = 0;
    key.sib = 0;
    key.segment = 0;
    key.length = 0;
    key.address_size = 0;
    key.immediate2 = 0;
    if (key.has_memory()) {
        key.modrm &= 0x38;
        key.rex &= 0x4c;
    }
    return key;
}

void compile(const Instruction& instruction, Assembler& to) { Compiler(instruction, to).run(); }

}  // namespace backplane::x86
