// Counters and time: cycle, time, instret, their enables, mcountinhibit, stimecmp, menvcfg.
// Priv 3.1.10-3.1.12, 3.1.18, 4.1.5; Sstc 1.0.
//
// mcycle and minstret count the virtual clock in ns: a hart of 1 GHz that retires one instruction per cycle, whatever
// the host does. Not modelled: counting of retired instructions, hpmcounters (they read as zero).
#include "csr_table.h"

namespace backplane::riscv {

namespace {

constexpr unsigned kCycleBit = 0;
constexpr unsigned kTimeBit = 1;
constexpr unsigned kInstretBit = 2;

bool inhibited(const HartState& state, unsigned counter) { return (state.mcountinhibit >> counter & 1) != 0; }

std::uint64_t count(const HartState& state, std::uint64_t held, unsigned counter) {
    return inhibited(state, counter) ? held : held + state.services->now_ns();
}

void set_count(const HartState& state, std::uint64_t& held, unsigned counter, std::uint64_t value) {
    held = inhibited(state, counter) ? value : value - state.services->now_ns();
}

bool enabled(const HartState& state, unsigned counter) {
    if (state.privilege == Privilege::Machine) return true;
    if (!(state.mcounteren >> counter & 1)) return false;
    if (state.privilege == Privilege::Supervisor || !state.has(Extension::S)) return true;
    return (state.scounteren >> counter & 1) != 0;
}

}  // namespace

bool counter_legal(const HartState& state, unsigned number) {
    return state.has(Extension::Zicntr) && enabled(state, number - kCycle);
}

bool hpm_counter_legal(const HartState& state, unsigned number) {
    return state.has(Extension::Zihpm) && enabled(state, number - kCycle);
}

/// Below M it needs both mcounteren.TM and menvcfg.STCE (Sstc 2.1).
bool stimecmp_legal(const HartState& state, unsigned) {
    if (!state.has(Extension::Sstc)) return false;
    if (state.privilege == Privilege::Machine) return true;
    return (state.mcounteren >> kTimeBit & 1) != 0 && (state.menvcfg & envcfg::kStce) != 0;
}

std::uint64_t read_time(const HartState& state, unsigned) { return state.services->time(); }
std::uint64_t read_cycle(const HartState& state, unsigned) { return count(state, state.mcycle, kCycleBit); }
std::uint64_t read_instret(const HartState& state, unsigned) {
    return count(state, state.minstret, kInstretBit);
}
std::uint64_t read_mcountinhibit(const HartState& state, unsigned) { return state.mcountinhibit; }
std::uint64_t read_stimecmp(const HartState& state, unsigned) { return state.stimecmp.load(); }

std::uint32_t write_mcycle(HartState& state, unsigned, std::uint64_t value) {
    set_count(state, state.mcycle, kCycleBit, value);
    return kNoEffect;
}

std::uint32_t write_minstret(HartState& state, unsigned, std::uint64_t value) {
    set_count(state, state.minstret, kInstretBit, value);
    return kNoEffect;
}

/// A counter that stops keeps its value and goes on from there.
std::uint32_t write_mcountinhibit(HartState& state, unsigned, std::uint64_t value) {
    const std::uint64_t cycle = count(state, state.mcycle, kCycleBit);
    const std::uint64_t instret = count(state, state.minstret, kInstretBit);
    state.mcountinhibit = value & (1u << kCycleBit | 1u << kInstretBit);
    set_count(state, state.mcycle, kCycleBit, cycle);
    set_count(state, state.minstret, kInstretBit, instret);
    return kNoEffect;
}

std::uint32_t write_stimecmp(HartState& state, unsigned, std::uint64_t value) {
    state.stimecmp.store(value);
    state.services->supervisor_timer_changed();
    return kCheckInterrupts;
}

std::uint32_t write_menvcfg(HartState& state, unsigned, std::uint64_t value) {
    std::uint64_t mask = envcfg::kFiom;
    if (state.has(Extension::Sstc)) mask |= envcfg::kStce;
    if (state.has(Extension::Svadu)) mask |= envcfg::kAdue;
    const std::uint64_t changed = (state.menvcfg ^ value) & mask;
    state.menvcfg ^= changed;
    if (changed & envcfg::kStce) {
        // STIP is either stimecmp's or software's, never both.
        state.mip_writable.fetch_and(~interrupt::kStip);
        state.services->supervisor_timer_changed();
    }
    return kCheckInterrupts | (changed & envcfg::kAdue ? kFlushTlb : kNoEffect);
}

}  // namespace backplane::riscv
