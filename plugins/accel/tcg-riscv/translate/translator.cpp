// From an opcode to its function, and what many functions share.
#include "translator.h"

#include "../helpers/system.h"

namespace backplane::riscv {
namespace {

using Function = void (*)(Translator&, const Instruction&);

constexpr Function kFunctions[] = {
    [](Translator& t, const Instruction&) { t.illegal(); },
#define INST(opcode, mnemonic, encoding, extension, immediate, operands) semantics::opcode,
#include "../decoder/riscv.inc"
#undef INST
};
static_assert(std::size(kFunctions) == static_cast<std::size_t>(Opcode::kCount));

}  // namespace

void translate_instruction(Translator& translator, const Instruction& instruction) {
    kFunctions[static_cast<std::size_t>(instruction.opcode)](translator, instruction);
}

tcg::Op* Translator::previous_write(unsigned number) {
    auto& ops = b.block().ops;
    if (number == 0 || ops.size() < 2 || ops.back().opcode != tcg::Opcode::insn) return nullptr;
    tcg::Op& op = ops[ops.size() - 2];
    return op.dst == tcg::Builder::reg(number) ? &op : nullptr;
}

void Translator::set_x(unsigned number, Value value) {
    if (number == 0) return;
    // LUI and ADDI, AUIPC and ADDI: one move instead of two.
    tcg::Op* const before = previous_write(number);
    if (before && before->opcode == tcg::Opcode::mov && before->a.is_constant()) before->a = value;
    else b.mov(tcg::Builder::reg(number), value);
    progress().known_register = static_cast<std::uint8_t>(number);
    progress().known_value = b.constant_of(value);
}

void Translator::will_replace_word(unsigned number) {
    tcg::Op* const before = previous_write(number);
    if (before && before->width == Width::I32S && before->opcode >= tcg::Opcode::mov &&
        before->opcode <= tcg::Opcode::max_u)
        before->width = Width::I32;
}

void Translator::illegal() { raise(Cause::IllegalInstruction, b.constant(instruction_.bits)); }

void Translator::raise_here(Cause cause, Value value) {
    b.call({}, helpers::raise, "raise", tcg::helper::kAll,
           {b.constant(static_cast<std::uint64_t>(cause)), value});
    b.leave(tcg::LeaveKind::Raised);
}

void Translator::raise(Cause cause, Value value) {
    raise_here(cause, value);
    end();
}

bool Translator::float_enabled() {
    if (float_is_on()) return true;
    illegal();
    return false;
}

void Translator::float_changes() {
    if ((unit_.key.flags >> kFlagsFsShift & 3) == 3 || progress().float_dirty) return;
    const Value mstatus = b.temp();
    b.load_state(mstatus, kMstatusOffset, tcg::mem::k64);
    b.or_(mstatus, mstatus, b.constant(mstatus::kFs));
    b.store_state(kMstatusOffset, mstatus, tcg::mem::k64);
    progress().float_dirty = true;
}

}  // namespace backplane::riscv
