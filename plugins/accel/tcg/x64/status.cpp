// The guest's status flags, for guests that have the host's (GuestDescription::status_offset).
//
// They are in the host's flags wherever units meet, and inside of a unit until something destroys those: then they go to
// the state, if anything behind reads them, and come back for what needs them. The soft TLB, the jump caches and the
// look at exit_request do without flags, so memory accesses and exits of units cost nothing. What may fault or leave
// reads all of them.
#include "emitter.h"

#include <utility>

namespace backplane::tcg::x64 {

Emitter::StatusUse Emitter::status_use(const Op& op) const {
    constexpr std::uint8_t kAll = status::kAll;
    switch (op.opcode) {
    case Opcode::native: {
        const Native& n = block_->natives[std::size_t(op.imm)];
        return {n.address >= 0 ? kAll : n.status_read, n.status_written};
    }
    case Opcode::status_from_state: return {0, kAll};
    case Opcode::call: return {block_->calls[std::size_t(op.imm)].flags ? kAll : std::uint8_t{0}, 0};
    case Opcode::status_to_state:
    case Opcode::br_status:
    case Opcode::goto_pc:
    case Opcode::goto_value:
    case Opcode::leave:
    case Opcode::look:
    case Opcode::load:
    case Opcode::store: return {kAll, 0};
    default: break;
    }
    const bool atomic = op.opcode >= Opcode::atomic_add && op.opcode <= Opcode::cmpxchg;
    return {atomic ? kAll : std::uint8_t{0}, 0};
}

bool Emitter::clobbers_status(const Op& op) const {
    switch (op.opcode) {
    case Opcode::mov:
    case Opcode::sext8:
    case Opcode::sext16:
    case Opcode::sext32:
    case Opcode::zext8:
    case Opcode::zext16:
    case Opcode::zext32:
    case Opcode::bswap:
    case Opcode::address:
    case Opcode::label:
    case Opcode::br:
    case Opcode::br_status:
    case Opcode::goto_pc:
    case Opcode::goto_value:
    case Opcode::leave:
    case Opcode::look:
    case Opcode::native:
    case Opcode::status_to_state:
    case Opcode::status_from_state:
    case Opcode::clear_upper:
    case Opcode::load_state:
    case Opcode::store_state:
    case Opcode::insn: return false;
    case Opcode::load:
    case Opcode::store: return (op.aux & mem::kBigEndian) != 0;
    default: return true;
    }
}

/// Which flags are read behind each op. Branches go forward only, so one walk from the end is enough.
void Emitter::prepare_status(const Block& block) {
    status_in_host_ = flags_;
    if (!flags_) return;
    for (const Op& op : block.ops)
        if (op.opcode == Opcode::br_status) labels_[std::size_t(op.imm)].wants_host = true;
    status_live_.assign(block.ops.size(), 0);
    std::vector<bool> may_leave(block.ops.size());  // behind a helper's stores
    bool stored = false;
    for (std::size_t i = 0; i < block.ops.size(); ++i) {
        const Op& op = block.ops[i];
        if (op.opcode == Opcode::insn) may_leave[i] = std::exchange(stored, false);
        if (op.opcode == Opcode::call)
            stored |= (block.calls[std::size_t(op.imm)].flags & helper::kStores) != 0;
    }
    std::uint8_t live = 0;
    for (std::size_t i = block.ops.size(); i-- > 0;) {
        const Op& op = block.ops[i];
        switch (op.opcode) {
        case Opcode::label: labels_[std::size_t(op.imm)].live = live; break;
        case Opcode::br: live = labels_[std::size_t(op.imm)].live; break;
        case Opcode::brcond:
        case Opcode::br_status: live |= labels_[std::size_t(op.imm)].live; break;
        case Opcode::goto_pc:
        case Opcode::goto_value:
        case Opcode::leave: live = 0; break;
        default: break;
        }
        status_live_[i] = live;
        const StatusUse use = status_use(op);
        live = std::uint8_t((live & ~use.kills) | use.reads);
        if (may_leave[i]) live = status::kAll;
    }
}

/// Brings the flags to where `op` wants them.
void Emitter::before_op(const Op& op) {
    if (!flags_) return;
    const StatusUse use = status_use(op);
    switch (op.opcode) {
    case Opcode::br_status:
    case Opcode::goto_pc:
    case Opcode::goto_value: return status_to_host();
    case Opcode::status_to_state: return status_to_state();
    case Opcode::status_from_state: status_in_host_ = false; return;
    case Opcode::native: {
        const Native& n = block_->natives[std::size_t(op.imm)];
        const std::uint8_t kept = std::uint8_t(status_live_[index_] & ~n.status_written);
        if (n.status_read || (n.status_written && kept)) status_to_host();
        return;
    }
    case Opcode::br:
        if (!labels_[std::size_t(op.imm)].live) return;
        return labels_[std::size_t(op.imm)].wants_host ? status_to_host() : status_to_state();
    case Opcode::label: {
        const LabelState& label = labels_[std::size_t(op.imm)];
        const Opcode previous = index_ ? block_->ops[index_ - 1].opcode : Opcode::insn;
        const bool reached = previous != Opcode::br && previous != Opcode::goto_pc &&
                             previous != Opcode::goto_value && previous != Opcode::leave;
        if (reached && label.live) label.wants_host ? status_to_host() : status_to_state();
        status_in_host_ = label.wants_host;
        return;
    }
    default: break;
    }
    if (!clobbers_status(op)) return;
    if (use.reads | status_live_[index_]) status_to_state();
    status_in_host_ = false;
}

void Emitter::status_to_state() {
    if (status_in_host_) save_status();
    status_in_host_ = false;
}

void Emitter::status_to_host() {
    if (!status_in_host_) restore_status();
    status_in_host_ = true;
}

/// Uses rax, destroys the host's flags.
void Emitter::save_status() {
    const auto at = std::int32_t(guest_.status_offset);
    a_.lahf();
    a_.seto(x86::al);
    a_.mov(state(at, 1), x86::ah);
    a_.and_(state(at + 1, 1), Imm(0xf7));
    a_.shl(x86::al, 3);
    a_.or_(state(at + 1, 1), x86::al);
}

/// Uses rax. The sum overflows where the overflow flag is to be set.
void Emitter::restore_status() {
    const auto at = std::int32_t(guest_.status_offset);
    a_.mov(x86::ah, state(at, 1));
    a_.mov(x86::al, state(at + 1, 1));
    a_.and_(x86::al, 8);
    a_.add(x86::al, 0x78);
    a_.sahf();
}

/// Without a flag; uses rcx. The rel32 field of the jump.
std::uint32_t Emitter::jump_unless_zero(const x86::Mem& cell) {
    a_.mov(x86::ecx, cell);
    return jump_unless_rcx_zero();
}

std::uint32_t Emitter::jump_unless_rcx_zero() {
    const std::uint8_t bytes[2] = {0xe3, 5};  // jrcxz over the jump
    a_.embed(bytes, sizeof bytes);
    return jump();
}

}  // namespace backplane::tcg::x64
