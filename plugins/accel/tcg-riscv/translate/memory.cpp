// Loads, stores and fences ("The RISC-V Instruction Set Manual", volume I, chapters 2.6, 2.7 and 4.3; Zifencei).
// Misaligned accesses are carried out.
#include "translator.h"

namespace backplane::riscv::semantics {
namespace {

void load(Translator& t, const Instruction& i, std::uint8_t flags) {
    const Value base = t.x(i.rs1);
    t.b.load(t.x_result(i.rd), base, i.immediate, flags, t.data_mode());
}
void store(Translator& t, const Instruction& i, Value value, std::uint8_t flags) {
    t.b.store(value, t.x(i.rs1), i.immediate, flags, t.data_mode());
}

/// Memory and I/O are ordered alike here. Sets: bit 3 I, 2 O, 1 R, 0 W.
unsigned ordering(unsigned predecessors, unsigned successors) {
    const bool after_load = (predecessors & 10) != 0, after_store = (predecessors & 5) != 0;
    const bool before_load = (successors & 10) != 0, before_store = (successors & 5) != 0;
    unsigned kinds = 0;
    if (after_load && before_load) kinds |= static_cast<unsigned>(tcg::FenceKind::LoadLoad);
    if (after_load && before_store) kinds |= static_cast<unsigned>(tcg::FenceKind::LoadStore);
    if (after_store && before_load) kinds |= static_cast<unsigned>(tcg::FenceKind::StoreLoad);
    if (after_store && before_store) kinds |= static_cast<unsigned>(tcg::FenceKind::StoreStore);
    return kinds;
}

}  // namespace

void LB(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k8 | tcg::mem::kSigned); }
void LH(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k16 | tcg::mem::kSigned); }
void LW(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k32 | tcg::mem::kSigned); }
void LD(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k64); }
void LBU(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k8); }
void LHU(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k16); }
void LWU(Translator& t, const Instruction& i) { load(t, i, tcg::mem::k32); }
void SB(Translator& t, const Instruction& i) { store(t, i, t.x(i.rs2), tcg::mem::k8); }
void SH(Translator& t, const Instruction& i) { store(t, i, t.x(i.rs2), tcg::mem::k16); }
void SW(Translator& t, const Instruction& i) { store(t, i, t.x(i.rs2), tcg::mem::k32); }
void SD(Translator& t, const Instruction& i) { store(t, i, t.x(i.rs2), tcg::mem::k64); }

void FLW(Translator& t, const Instruction& i) {
    if (!t.float_enabled()) return;
    const Value word = t.b.temp();
    t.b.load(word, t.x(i.rs1), i.immediate, tcg::mem::k32, t.data_mode());
    t.float_changes();
    t.b.fbox(t.f(i.rd), word);
}
void FLD(Translator& t, const Instruction& i) {
    if (!t.float_enabled()) return;
    t.b.load(t.f(i.rd), t.x(i.rs1), i.immediate, tcg::mem::k64, t.data_mode());
    t.float_changes();
}
void FSW(Translator& t, const Instruction& i) {
    if (t.float_enabled()) store(t, i, t.f(i.rs2), tcg::mem::k32);
}
void FSD(Translator& t, const Instruction& i) {
    if (t.float_enabled()) store(t, i, t.f(i.rs2), tcg::mem::k64);
}

void FENCE(Translator& t, const Instruction& i) {
    const unsigned kinds = ordering(i.predecessors, i.successors);
    if (kinds != 0) t.b.fence(static_cast<tcg::FenceKind>(kinds));
}
/// All but stores before loads.
void FENCE_TSO(Translator& t, const Instruction&) {
    const unsigned all = static_cast<unsigned>(tcg::FenceKind::All);
    t.b.fence(static_cast<tcg::FenceKind>(all & ~static_cast<unsigned>(tcg::FenceKind::StoreLoad)));
}
/// Stores drop translations of what they change; only what this unit already fetched is stale.
void FENCE_I(Translator& t, const Instruction&) {
    t.b.store_state(kPcOffset, t.b.pc_constant(t.next_pc()), tcg::mem::k64);
    t.leave(tcg::LeaveKind::Continue);
}

}  // namespace backplane::riscv::semantics
