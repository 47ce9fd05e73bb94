#include "translator.h"

#include "../executor/executor.h"

#include <array>
#include <bit>

namespace backplane::x86 {

namespace {

using tcg::Builder;
using tcg::Translated;
using tcg::Value;

constexpr std::uint32_t kPcPlace = offsetof(X86State, pc);

/// Carries out the instruction whose 32 bytes are the arguments.
std::uint64_t execute(void* state, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    const auto instruction = std::bit_cast<Instruction>(std::array{a, b, c, d});
    Executor(*static_cast<X86State*>(state)).run(instruction);
    return 0;
}

std::uint64_t single_step(void* state) {
    Executor(*static_cast<X86State*>(state)).trap_single_step();
    tcg::vcpu_of(state).raised();
    return 0;
}

class Translator {
  public:
    Translator(Builder& builder, const tcg::UnitTranslation& unit, const Instruction& instruction)
        : b_(builder), unit_(unit), i_(instruction) {}

    Translated run() {
        const bool shadow = unit_.key.flags & key_flag::kShadow, trap = unit_.key.flags & key_flag::kTrap;
        if (shadow) b_.store_state(offsetof(X86State, interrupt_shadow), b_.constant(0), tcg::mem::k8);
        call();
        if (trap) b_.call({}, single_step, "single_step", tcg::helper::kAll, {});
        if (shadow || trap) return leave(tcg::LeaveKind::Interrupts);
        if (repeated()) return go_on();
        if (i_.operation() == Operation::In || i_.operation() == Operation::Out) return go_on();
        if (!i_.row().has(row_flag::kEnds)) return Translated::Next;
        if (stays_in_mode()) return go_on();
        const bool interrupts = i_.operation() == Operation::Halt || i_.operation() == Operation::Sti ||
                                i_.operation() == Operation::PopFlags ||
                                i_.operation() == Operation::InterruptReturn;
        return leave(interrupts ? tcg::LeaveKind::Interrupts : tcg::LeaveKind::Continue);
    }

  private:
    void call() {
        const auto words = std::bit_cast<std::array<std::uint64_t, 4>>(i_);
        b_.call({}, execute, "execute", tcg::helper::kAll | tcg::helper::kStores,
                {b_.constant(words[0]), b_.constant(words[1]), b_.constant(words[2]), b_.constant(words[3])});
    }
    bool repeated() const {
        const Operation operation = i_.operation();
        return operation >= Operation::Movs && operation <= Operation::Outs;
    }
    /// Near transfers: only the pc is another.
    bool stays_in_mode() const {
        switch (i_.operation()) {
        case Operation::Jump:
        case Operation::JumpIf:
        case Operation::JumpRm:
        case Operation::JumpCount:
        case Operation::Call:
        case Operation::CallRm:
        case Operation::Return: return true;
        default: return false;
        }
    }
    /// At the state's pc, in the same mode.
    Translated go_on() {
        const Value pc = b_.temp();
        b_.load_state(pc, kPcPlace, tcg::mem::k64);
        b_.goto_value(pc);
        return Translated::End;
    }
    Translated leave(tcg::LeaveKind kind) {
        b_.leave(kind);
        return Translated::End;
    }

    Builder& b_;
    const tcg::UnitTranslation& unit_;
    const Instruction& i_;
};

}  // namespace

Translated translate_instruction(Builder& builder, const tcg::UnitTranslation& unit, Instruction instruction,
                                 TemplateCache& templates) {
    if (is_template(instruction)) {
        const TemplateCache::Found found = templates.find(instruction);
        if (found.code) {
            std::memcpy(&instruction.immediate, &found.code, sizeof found.code);
            instruction.immediate2 = kPreparedTemplate;
        } else if (!found.full) {
            instruction.row_index = 0;  // Operation::Undefined
        }
    }
    return Translator(builder, unit, instruction).run();
}

}  // namespace backplane::x86
