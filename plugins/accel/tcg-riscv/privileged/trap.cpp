// Traps: entry, delegation and return, interrupts and their priority, WFI.
// Priv 3.1.6 (mstatus), 3.1.7-3.1.9 (vectors, delegation, interrupts), 3.3 (MRET, SRET, WFI), 4.1.
#include "privileged.h"

namespace backplane::riscv {

namespace {

constexpr std::uint64_t kVectorMode = 3;

/// mtvec, stvec: BASE, and for an interrupt in vectored mode BASE + 4 × cause.
std::uint64_t handler_address(std::uint64_t vector, std::uint64_t cause) {
    const std::uint64_t base = vector & ~kVectorMode;
    const bool vectored = (vector & kVectorMode) == 1 && (cause & interrupt::kCauseFlag) != 0;
    return vectored ? base + 4 * (cause & ~interrupt::kCauseFlag) : base;
}

void enter_supervisor(HartState& state, std::uint64_t cause, std::uint64_t value) {
    state.scause = cause;
    state.sepc = state.pc;
    state.stval = value;
    std::uint64_t status = state.mstatus & ~(mstatus::kSpie | mstatus::kSpp | mstatus::kSie);
    if (state.mstatus & mstatus::kSie) status |= mstatus::kSpie;
    if (state.privilege == Privilege::Supervisor) status |= mstatus::kSpp;
    state.mstatus = status;
    state.privilege = Privilege::Supervisor;
    state.pc = handler_address(state.stvec, cause);
}

void enter_machine(HartState& state, std::uint64_t cause, std::uint64_t value) {
    state.mcause = cause;
    state.mepc = state.pc;
    state.mtval = value;
    std::uint64_t status = state.mstatus & ~(mstatus::kMpie | mstatus::kMpp | mstatus::kMie);
    if (state.mstatus & mstatus::kMie) status |= mstatus::kMpie;
    status |= static_cast<std::uint64_t>(state.privilege) << mstatus::kMppShift;
    state.mstatus = status;
    state.privilege = Privilege::Machine;
    state.pc = handler_address(state.mtvec, cause);
}

void enter(HartState& state, std::uint64_t cause, std::uint64_t value) {
    const bool is_interrupt = (cause & interrupt::kCauseFlag) != 0;
    const std::uint64_t delegation = is_interrupt ? state.mideleg : state.medeleg;
    // A trap never goes to a less privileged mode than the one it came from.
    const bool delegated = state.privilege != Privilege::Machine && (delegation >> (cause & 63) & 1) != 0;
    state.reservation_address = kNoReservation;
    if (delegated) enter_supervisor(state, cause, value);
    else enter_machine(state, cause, value);
}

/// What is left for a trap return once the mode to return to is known.
std::uint32_t leave_to(HartState& state, Privilege privilege) {
    if (privilege != Privilege::Machine) state.mstatus &= ~mstatus::kMprv;
    state.privilege = privilege;
    state.reservation_address = kNoReservation;
    return kFlagsChanged | kCheckInterrupts;
}

}  // namespace

void raise_exception(HartState& state, Cause cause, std::uint64_t value) {
    state.exception_cause = cause;
    state.exception_value = value;
    state.exception_pending = true;
}

std::uint32_t take_exception(HartState& state, Cause cause, std::uint64_t value) {
    enter(state, static_cast<std::uint64_t>(cause), value);
    return kFlagsChanged;
}

std::uint32_t take_pending_exception(HartState& state) {
    state.exception_pending = false;
    return take_exception(state, state.exception_cause, state.exception_value);
}

int deliverable_interrupt(const HartState& state) {
    const std::uint64_t pending = state.pending() & state.mie.load(std::memory_order_relaxed);
    if (pending == 0) return -1;
    const bool machine_enabled =
        state.privilege != Privilege::Machine || (state.mstatus & mstatus::kMie) != 0;
    const bool supervisor_enabled =
        state.privilege == Privilege::User ||
        (state.privilege == Privilege::Supervisor && (state.mstatus & mstatus::kSie) != 0);
    // What goes to M comes before what goes to S (3.1.9).
    std::uint64_t candidates = machine_enabled ? pending & ~state.mideleg : 0;
    if (candidates == 0 && supervisor_enabled) candidates = pending & state.mideleg;
    for (const unsigned number :
         {interrupt::kMachineExternal, interrupt::kMachineSoftware, interrupt::kMachineTimer,
          interrupt::kSupervisorExternal, interrupt::kSupervisorSoftware, interrupt::kSupervisorTimer})
        if (candidates >> number & 1) return static_cast<int>(number);
    return -1;
}

bool take_interrupt(HartState& state) {
    const int number = deliverable_interrupt(state);
    if (number < 0) return false;
    enter(state, interrupt::kCauseFlag | static_cast<unsigned>(number), 0);
    return true;
}

Cause environment_call_cause(const HartState& state) {
    switch (state.privilege) {
    case Privilege::User: return Cause::UserCall;
    case Privilege::Supervisor: return Cause::SupervisorCall;
    case Privilege::Machine: break;
    }
    return Cause::MachineCall;
}

ReturnResult machine_return(HartState& state) {
    if (state.privilege != Privilege::Machine) return {};
    const auto previous = static_cast<Privilege>((state.mstatus & mstatus::kMpp) >> mstatus::kMppShift);
    const bool interrupts = (state.mstatus & mstatus::kMpie) != 0;
    // MPP becomes the least privileged mode that there is.
    const Privilege least = state.has(Extension::U) ? Privilege::User : Privilege::Machine;
    state.mstatus &= ~(mstatus::kMpp | mstatus::kMie);
    state.mstatus |= mstatus::kMpie | static_cast<std::uint64_t>(least) << mstatus::kMppShift;
    if (interrupts) state.mstatus |= mstatus::kMie;
    state.pc = state.mepc;
    return {true, leave_to(state, previous)};
}

ReturnResult supervisor_return(HartState& state) {
    if (!state.has(Extension::S) || state.privilege == Privilege::User) return {};
    if (state.privilege == Privilege::Supervisor && (state.mstatus & mstatus::kTsr)) return {};
    const auto previous = state.mstatus & mstatus::kSpp ? Privilege::Supervisor : Privilege::User;
    const bool interrupts = (state.mstatus & mstatus::kSpie) != 0;
    state.mstatus &= ~(mstatus::kSpp | mstatus::kSie);
    state.mstatus |= mstatus::kSpie;
    if (interrupts) state.mstatus |= mstatus::kSie;
    state.pc = state.sepc;
    return {true, leave_to(state, previous)};
}

WaitResult wait_for_interrupt(const HartState& state) {
    if (state.privilege == Privilege::Machine) return WaitResult::Halt;
    if (state.mstatus & mstatus::kTw) return WaitResult::Illegal;
    // With supervisor mode, WFI in user mode would have to end within a bounded time.
    if (state.privilege == Privilege::User && state.has(Extension::S)) return WaitResult::Illegal;
    return WaitResult::Halt;
}

bool fence_vma_legal(const HartState& state) {
    if (!state.has(Extension::S) || state.privilege == Privilege::User) return false;
    return state.privilege == Privilege::Machine || (state.mstatus & mstatus::kTvm) == 0;
}

bool fence_inval_legal(const HartState& state) {
    return state.has(Extension::Svinval) && state.privilege != Privilege::User;
}

}  // namespace backplane::riscv
