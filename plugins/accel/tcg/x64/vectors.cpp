// Vector registers of the guest in the host's. They have no homes across units, as helpers and the engine's own code use
// all of the host's: a register is loaded by the first native instruction of a unit that wants it, and stored where the
// unit is left or something else may run: for a conditional exit, behind its jump. A unit that jumps to its own start finds
// them loaded there, and stores none on the way. The slow ways of accesses store what the state does not have, and load
// again.
#include "emitter.h"

#include <algorithm>

namespace backplane::tcg::x64 {

namespace {
constexpr unsigned kFirst = 1;  // below is scratch
}

Emitter::NativeMove Emitter::vector_move(NativeMove::Kind kind, unsigned number, unsigned guest) const {
    return {kind, std::int8_t(number),   -1,
            kRbp, displacements_[guest], std::int32_t(guest_.registers[guest].upper_offset) - kStateBias};
}

/// A host register that this instruction does not use; what was in it is stored before.
int Emitter::make_room(NativePlan& plan) {
    unsigned best = 0;
    for (unsigned n = kFirst; n < residents_.size(); ++n) {
        if (plan.vectors >> n & 1) continue;
        if (best == 0 || (residents_[best].guest >= 0 &&
                          (residents_[n].guest < 0 || residents_[n].used < residents_[best].used)))
            best = n;
    }
    Resident& r = residents_[best];
    if (r.guest >= 0 && r.dirty)
        plan.before[plan.before_count++] = vector_move(
            r.dirty == 32 ? NativeMove::kStoreLong : NativeMove::kStoreVector, best, unsigned(r.guest));
    r = {};
    return int(best);
}

int Emitter::plan_vector(NativePlan& plan, const NativeOperand& operand) {
    const auto guest = std::int16_t(operand.value.index());
    const auto load = [&](NativeMove::Kind kind, int number) {
        plan.before[plan.before_count++] = vector_move(kind, unsigned(number), unsigned(guest));
    };
    // One that is written may be another operand as well.
    bool read = operand.read;
    for (const NativeOperand* o :
         {&plan.native->reg, &plan.native->vvvv, &plan.native->rm, &plan.native->is4})
        read |= o->read && o->value == operand.value;
    int number = -1;
    for (unsigned n = kFirst; n < residents_.size(); ++n)
        if (residents_[n].guest == guest) number = int(n);
    if (number < 0) {
        number = make_room(plan);
        residents_[std::size_t(number)] = {guest, operand.bytes, 0, 0};
        if (read) load(operand.bytes == 32 ? NativeMove::kLoadLong : NativeMove::kLoadVector, number);
    }
    Resident& r = residents_[std::size_t(number)];
    if (read && operand.bytes > r.bytes) {
        load(NativeMove::kLoadUpper, number);
        r.bytes = 32;
    }
    r.used = std::uint32_t(index_) + 1;
    if (operand.written && plan.native->vex) r.bytes = r.dirty = 32;  // bits above its size become 0
    else if (operand.written && r.dirty == 0) r.dirty = 16;
    plan.vectors = std::uint16_t(plan.vectors | 1u << number);
    any_resident_ = true;
    return number;
}

/// The operand is in xmm0, where no resident is.
void Emitter::plan_fixed_vector(NativePlan& plan, const NativeFixed& fixed) {
    const auto number = std::int8_t(plan_vector(plan, {fixed.value, 16, false, fixed.read, fixed.written}));
    NativeMove move{NativeMove::kCopyVector, 0, number, 0, 0, 0};
    if (fixed.read) plan.before[plan.before_count++] = move;
    if (!fixed.written) return;
    if (plan.native->vex) move.kind = NativeMove::kCopyCleared;
    std::swap(move.reg, move.home);
    plan.after[plan.after_count++] = move;
}

void Emitter::store_residents(const Residents& residents) {
    for (unsigned n = kFirst; n < residents.size(); ++n)
        if (const Resident& r = residents[n]; r.guest >= 0 && r.dirty)
            move_for_native(vector_move(r.dirty == 32 ? NativeMove::kStoreLong : NativeMove::kStoreVector, n,
                                        unsigned(r.guest)));
}

void Emitter::load_residents(const Residents& residents) {
    for (unsigned n = kFirst; n < residents.size(); ++n)
        if (const Resident& r = residents[n]; r.guest >= 0)
            move_for_native(vector_move(r.bytes == 32 ? NativeMove::kLoadLong : NativeMove::kLoadVector, n,
                                        unsigned(r.guest)));
}

void Emitter::vectors_to_state() {
    if (!any_resident_) return;
    store_residents(residents_);
    for (Resident& r : residents_) r.dirty = 0;
}

void Emitter::forget_vectors() {
    residents_ = {};
    any_resident_ = false;
}

/// In the host's registers, and in the state, two neighbours at a time.
void Emitter::clear_upper() {
    a_.vzeroupper();
    a_.vxorps(x86::xmm0, x86::xmm0, x86::xmm0);
    const auto upper = [this](std::size_t i) -> std::uint32_t {
        if (i >= guest_.registers.size || guest_.registers[i].klass != RegisterClass::Vector) return 0;
        return guest_.registers[i].upper_offset;
    };
    for (std::size_t i = 0; i < guest_.registers.size; ++i) {
        const std::uint32_t at = upper(i);
        if (at == 0) continue;
        const bool two = upper(i + 1) == at + 16;
        if (two) a_.vmovups(state(std::int32_t(at), 32), x86::ymm0);
        else a_.vmovups(state(std::int32_t(at), 16), x86::xmm0);
        i += two;
    }
    for (Resident& r : residents_) r.dirty = std::min(r.dirty, std::uint8_t{16});
}

std::uint32_t Emitter::remember_residents() {
    if (!any_resident_) return 0;
    resident_sets_.push_back(residents_);
    return std::uint32_t(resident_sets_.size() - 1);
}

namespace {

/// Is a call, or may be one on this host.
bool forgets_vectors(Opcode op) {
    return op == Opcode::call || op == Opcode::popcnt || op == Opcode::clmul || op == Opcode::clmulh ||
           (op >= Opcode::fadd && op <= Opcode::fp_forget);
}

}  // namespace

/// `if (…) goto L; goto_pc X; L:`: one path comes here, with what it had.
bool Emitter::label_keeps_vectors(const Op& op) const {
    if (index_ < 2 || block_->ops[index_ - 1].opcode != Opcode::goto_pc) return false;
    const auto branches = [&](const Op& o) {
        return o.imm == op.imm && (o.opcode == Opcode::br_status || o.opcode == Opcode::brcond);
    };
    if (!branches(block_->ops[index_ - 2])) return false;
    unsigned uses = 0;
    for (const Op& o : block_->ops) uses += branches(o) || (o.opcode == Opcode::br && o.imm == op.imm);
    return uses == 1;
}

/// The vectors that a unit uses which may jump to its start, where they all have room.
void Emitter::prepare_loop() {
    loop_ = {};
    loop_start_ = 0;
    if (!flags_) return;
    bool round = false;
    unsigned next = kFirst;
    const auto use = [&](const Native& n, const NativeOperand& o) {
        if (!o.value.is_register() || guest_.registers[o.value.index()].klass != RegisterClass::Vector)
            return true;
        const auto guest = std::int16_t(o.value.index());
        unsigned at = kFirst;
        while (at < next && loop_[at].guest != guest) ++at;
        if (at == loop_.size()) return false;
        next = std::max(next, at + 1);
        const std::uint8_t bytes = o.written && n.vex ? 32 : o.bytes;
        const std::uint8_t dirty = o.written ? (n.vex ? 32 : 16) : 0;
        loop_[at] = {guest, std::max(loop_[at].bytes, bytes), std::max(loop_[at].dirty, dirty), 0};
        return true;
    };
    for (const Op& op : block_->ops) {
        bool fits = !forgets_vectors(op.opcode);
        if (op.opcode == Opcode::goto_pc) round |= value_of(op.a) == block_->pc;
        if (op.opcode == Opcode::native) {
            const Native& n = block_->natives[std::size_t(op.imm)];
            fits = use(n, n.reg) && use(n, n.vvvv) && use(n, n.rm) && use(n, n.is4);
            for (const NativeFixed& f : n.fixed)
                fits = fits && use(n, {f.value, 16, false, f.read, f.written});
        }
        if (fits) continue;
        loop_ = {};
        return;
    }
    if (!round || next == kFirst) loop_ = {};
}

void Emitter::load_for_loop() {
    if (loop_[kFirst].guest < 0 || !request_->chain) return;
    load_residents(loop_);
    residents_ = loop_;
    any_resident_ = true;
    loop_start_ = here();
}

bool Emitter::any_dirty() const {
    return std::ranges::any_of(residents_, [](const Resident& r) { return r.guest >= 0 && r.dirty; });
}

/// To the start of the loop, with the vectors where that has them?
bool Emitter::goes_round(std::uint64_t target) const {
    if (loop_start_ == 0 || target != block_->pc || !chains_to(target)) return false;
    for (unsigned n = kFirst; n < loop_.size(); ++n) {
        const Resident &there = loop_[n], &here = residents_[n];
        if (there.guest != here.guest || there.bytes > here.bytes || there.dirty < here.dirty) return false;
    }
    return true;
}

void Emitter::vectors_before_op(const Op& op) {
    if (!any_resident_) return;
    if (forgets_vectors(op.opcode)) {
        vectors_to_state();
        return forget_vectors();
    }
    switch (op.opcode) {
    case Opcode::label:  // other paths come with others
        if (label_keeps_vectors(op)) return;
        vectors_to_state();
        return forget_vectors();
    case Opcode::brcond:
    case Opcode::br_status:
        if (!leaves_in_one_jump(index_)) vectors_to_state();
        return;
    case Opcode::goto_pc:
        if (!goes_round(value_of(op.a))) vectors_to_state();
        return;
    case Opcode::br:
    case Opcode::goto_value:
    case Opcode::leave:
    case Opcode::look: return vectors_to_state();
    case Opcode::insn:
        if (helper_stored_) vectors_to_state();
        return;
    default: break;
    }
}

}  // namespace backplane::tcg::x64
