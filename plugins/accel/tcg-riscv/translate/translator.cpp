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

void Translator::illegal() { raise(Cause::IllegalInstruction, b.constant(instruction_.bits)); }

void Translator::raise_here(Cause cause, Value value) {
    b.call({}, helpers::raise, "raise", tcg::helper::kAll, {b.constant(static_cast<std::uint64_t>(cause)), value});
    b.leave(tcg::LeaveKind::Raised);
}

void Translator::raise(Cause cause, Value value) {
    raise_here(cause, value);
    end();
}

bool Translator::float_enabled() {
    if ((unit_.key.flags >> kFlagsFsShift & 3) != 0) return true;
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
