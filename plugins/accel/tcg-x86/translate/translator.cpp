#include "translator.h"

#include "../executor/executor.h"

#include <array>
#include <bit>

namespace backplane::x86 {

namespace {

using tcg::Translated;
using tcg::Value;

constexpr std::uint32_t kPcPlace = offsetof(X86State, pc);

/// Carries out the instruction whose 32 bytes are the arguments.
std::uint64_t execute(void* state, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    const auto instruction = std::bit_cast<Instruction>(std::array{a, b, c, d});
    Executor(*static_cast<X86State*>(state)).run(instruction);
    return 0;
}

std::uint64_t execute_watched(void* state, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                              std::uint64_t d) {
    const auto instruction = std::bit_cast<Instruction>(std::array{a, b, c, d});
    if (Executor(*static_cast<X86State*>(state)).run_watched(instruction)) tcg::vcpu_of(state).raised();
    return 0;
}

}  // namespace

void Translator::call() { call(execute); }

void Translator::call(tcg::Helper4 function) {
    const auto words = std::bit_cast<std::array<std::uint64_t, 4>>(i_);
    b_.call({}, function, "execute", tcg::helper::kAll | tcg::helper::kStores,
            {b_.constant(words[0]), b_.constant(words[1]), b_.constant(words[2]), b_.constant(words[3])});
}

/// At the state's pc, in the same mode.
Translated Translator::go_on() {
    const Value pc = b_.temp();
    b_.load_state(pc, kPcPlace, tcg::mem::k64);
    b_.goto_value(pc);
    return Translated::End;
}

Translated Translator::leave(tcg::LeaveKind kind) {
    b_.leave(kind);
    return Translated::End;
}

/// What follows an instruction that the executor has done.
Translated Translator::behind_call() {
    switch (i_.operation()) {
    case Operation::Movs:
    case Operation::Cmps:
    case Operation::Stos:
    case Operation::Lods:
    case Operation::Scas:
    case Operation::Ins:
    case Operation::Outs:
    case Operation::In:
    case Operation::Out:
    case Operation::Jump:
    case Operation::JumpIf:
    case Operation::JumpRm:
    case Operation::JumpCount:
    case Operation::Call:
    case Operation::CallRm:
    case Operation::Return: return go_on();
    case Operation::MoveToSegment:
    case Operation::PopSegment:
    case Operation::LoadFarPointer:
        // Outside of 64-bit code the unit relies on what the segments are.
        if (!i_.is_64bit()) return leave(tcg::LeaveKind::Continue);
        break;
    case Operation::Halt:
    case Operation::Resume: return leave(tcg::LeaveKind::Interrupts);
    default: break;
    }
    return i_.row().has(row_flag::kEnds) ? leave(tcg::LeaveKind::Continue) : Translated::Next;
}

Translated Translator::run() {
    const bool shadow = unit_.key.flags & key_flag::kShadow;
    const bool watched = unit_.key.flags & key_flag::kWatched;
    if (shadow || watched) {
        if (shadow) b_.store_state(offsetof(X86State, interrupt_shadow), b_.constant(0), tcg::mem::k8);
        call(watched ? execute_watched : execute);
        return leave(tcg::LeaveKind::Interrupts);
    }
    behind_sti();
    const Translated result = instruction();
    return result == Translated::Next && ends_shadow() ? Translated::Together : result;
}

Translated Translator::instruction() {
    if (unit_.key.flags & key_flag::kAligned) {
        call();
        return behind_call();
    }
    if (data()) return Translated::Next;
    for (const auto translated : {&Translator::control, &Translator::system})
        if (const std::optional<Translated> result = (this->*translated)()) return *result;
    call();
    return behind_call();
}

Translated translate_instruction(tcg::Builder& builder, tcg::UnitTranslation& unit, Instruction instruction,
                                 TemplateCache& templates) {
    const Instruction original = instruction;
    if (is_template(instruction)) {
        const TemplateCache::Found found = templates.find(instruction);
        if (found.code) {
            std::memcpy(&instruction.immediate, &found.code, sizeof found.code);
            instruction.immediate2 = kPreparedTemplate;
        } else if (!found.full) {
            instruction.row_index = 0;  // Operation::Undefined
        }
    }
    return Translator(builder, unit, instruction, original).run();
}

}  // namespace backplane::x86
