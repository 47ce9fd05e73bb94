// Debug exceptions (SDM 3B 17.3): ahead of an instruction, and behind one.
#include "breakpoints.h"

#include "executor.h"

namespace backplane::x86 {

namespace {

/// What enters a handler, and SYSRET, have TF as it is behind them; of all others it counts what TF was before them (SDM 3B,
/// 17.3.1.4; SDM 2B, SYSRET).
bool counts_behind(Operation operation) {
    switch (operation) {
    case Operation::Interrupt:
    case Operation::Breakpoint:
    case Operation::Overflow:
    case Operation::DebugTrap:
    case Operation::SystemCall:
    case Operation::SystemReturn:
    case Operation::SysEnter: return true;
    default: return false;
    }
}

/// MOV SS and POP SS hold debug exceptions back until the next instruction is done (SDM 3A 6.8.3).
bool loads_stack(const Instruction& i) {
    constexpr std::uint8_t kPopSs = 0x17;
    return i.operation() == Operation::MoveToSegment
               ? i.extension() == kSs
               : i.operation() == Operation::PopSegment && i.opcode == kPopSs;
}

}  // namespace

/// IA32_DEBUGCTL.BTF: TF steps to the next branch that is taken.
bool Executor::steps_over(const Instruction& instruction, std::uint64_t pc) const {
    if (!(s_.msrs.debug_ctl & debug::kBranchSteps)) return true;
    switch (instruction.operation()) {
    case Operation::Jump:
    case Operation::JumpRm:
    case Operation::Call:
    case Operation::CallRm:
    case Operation::Return: return true;  // even to the next instruction
    default: return s_.pc != pc && s_.pc != pc + instruction.length;
    }
}

bool Executor::run_watched(const Instruction& instruction) {
    const bool held_back = cpu_.stack_loaded;
    cpu_.stack_loaded = false;
    if (!held_back) cpu_.traps = 0;
    if ((!held_back || !of_intel()) && stop_at_breakpoint()) return true;
    const std::uint64_t pc = s_.pc, before = s_.rflags;
    s_.rflags &= ~rflags::kResume;
    if (!run(instruction)) return true;
    cpu_.stack_loaded = loads_stack(instruction);
    const bool counts =
        counts_behind(instruction.operation()) ? s_.rflags & rflags::kTrap : before & rflags::kTrap;
    if (counts && !cpu_.stack_loaded && steps_over(instruction, pc)) cpu_.traps |= debug::kSingleStep;
    // Between two steps of a string instruction (SDM 3B 17.3.1.1).
    if (instruction.has(prefix::kRep | prefix::kRepne) && s_.pc == pc) s_.rflags |= rflags::kResume;
    return !cpu_.stack_loaded && trap();
}

/// What the delivery of an exception or a switch of tasks has met comes ahead of the next instruction.
void Executor::post_trap() {
    s_.dr6 = (s_.dr6 & ~debug::kBreakpoints) | cpu_.traps;
    cpu_.traps = 0;
    s_.exception_pending = true;
    s_.exception_vector = std::uint8_t(Vector::Debug);
    s_.exception_has_error = false;
    s_.run.exit_request.store(1, std::memory_order_relaxed);
}

/// INT1 behind a load of SS, whose breakpoint has no exception of its own then.
void Executor::show_held_back() {
    if (cpu_.traps) s_.dr6 = (s_.dr6 & ~debug::kBreakpoints) | cpu_.traps;
    cpu_.traps = 0;
}

/// What the instruction behind which it is has met.
bool Executor::trap() {
    if (!cpu_.traps) return false;
    s_.dr6 = (s_.dr6 & ~debug::kBreakpoints) | cpu_.traps;
    cpu_.traps = 0;
    s_.wakes_on = 0;  // HLT ends by it
    s_.run.halted.store(0, std::memory_order_relaxed);
    raise({Vector::Debug});
    return true;
}

/// RFLAGS.RF lets one instruction pass.
bool Executor::stop_at_breakpoint() {
    if (s_.rflags & rflags::kResume) return false;
    std::uint64_t hits = 0;
    for_each_breakpoint(s_, Break::Execute, [&](unsigned number, std::uint64_t first, unsigned size) {
        if (size == 1 && first == s_.pc) hits |= 1u << number;
    });
    if (!hits) return false;
    s_.dr6 = (s_.dr6 & ~debug::kBreakpoints) | hits | cpu_.traps;
    cpu_.traps = 0;
    raise({Vector::Debug});
    return true;
}

void Executor::watch_port(std::uint16_t port, unsigned size) {
    if (!breakpoints_enabled(s_) || !(s_.cr4 & cr4::kDe)) return;
    for_each_breakpoint(s_, Break::Io, [&](unsigned number, std::uint64_t first, unsigned length) {
        if (port < first + length && first < port + size) cpu_.traps |= std::uint16_t(1u << number);
    });
}

void Executor::move_debug() {
    require_kernel();
    unsigned number = i_.reg();
    const unsigned size = i_.is_64bit() ? 8 : 4;
    if (number > 7) undefined_opcode();
    if (number == 4 || number == 5) {
        if (s_.cr4 & cr4::kDe) undefined_opcode();
        number += 2;
    }
    if (s_.dr7 & debug::kGeneralDetect) {
        s_.dr6 |= debug::kGeneralDetect;
        throw GuestFault{Vector::Debug};
    }
    std::uint64_t& reg = number < 4 ? s_.dr[number] : number == 6 ? s_.dr6 : s_.dr7;
    if (i_.opcode == 0x21) return set_gpr(i_.rm(), reg, size);
    const std::uint64_t value = gpr(i_.rm(), size);
    if (number >= 6 && value >> 32) general_protection();
    const bool enabled = breakpoints_enabled(s_);
    if (number == 6) reg = (value & kDr6Writable) | kDr6Ones;
    else if (number == 7) reg = (value & kDr7Writable) | kDr7Ones;
    else reg = value;
    // Pages with a data breakpoint are kept out of the tables.
    if (number != 6 && (enabled || breakpoints_enabled(s_))) vcpu_.flush_tlb();
    // It is kept while breakpoints are enabled, and may be of long ago.
    if (!enabled) s_.rflags &= ~rflags::kResume;
}

}  // namespace backplane::x86
