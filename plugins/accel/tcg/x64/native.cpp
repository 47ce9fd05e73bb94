// Instructions of the host that a front end passes on (native.h): the guest's registers become their homes, or memory
// operands, or scratch registers that are loaded before and stored behind; a memory operand becomes the checked host
// address. Nothing around the instruction touches a flag.
//
// Behind the block: an operand that is no plain memory is read into a buffer (or is at an address that is watched), the
// instruction runs on that, and what it wrote is stored.
#include "emitter.h"

namespace backplane::tcg::x64 {

void Emitter::native_op(const Op& op) {
    switch (op.opcode) {
    case Opcode::native: break;
    case Opcode::clear_upper: return clear_upper();
    default: return;  // before_op() did all of it
    }
    const Native& n = block_->natives[std::size_t(op.imm)];
    const bool memory = n.address >= 0;
    if (n.x87) x87_to_host(op);
    const std::size_t index = cold_.size();
    if (memory) {
        compute_address(block_->addresses[std::size_t(n.address)], kRax);
        const std::uint8_t mode = n.mode == kBlockMode ? block_->mmu_mode : n.mode;
        flagless_tlb(op, n.rm.written, n.rm.bytes, mode, n.aligned, &Emitter::cold_native);
        cold_[index].back = here();
    }
    const NativePlan plan = plan_native(n);
    emit_native(plan);
    if (n.status_written) status_in_host_ = true;
    if (memory) {
        cold_[index].x = here();
        cold_[index].y = plans_.size();
        cold_[index].z = status_in_host_;
        plans_.push_back(plan);
        plans_.back().residents = remember_residents();
    }
    if (!n.unmasked_pc.none()) leave_if_unmasked(op, value_of(n.unmasked_pc));
}

void Emitter::cold_native(const Cold& c) {
    const Native& n = block_->natives[std::size_t(c.op->imm)];
    AccessDescriptor access{};
    const unsigned size = n.rm.bytes == 10 ? kTenBytes : unsigned(__builtin_ctz(n.rm.bytes));
    access.flags = std::uint8_t(size | (n.aligned ? mem::kAligned : 0));
    access.mode = (n.mode == kBlockMode ? block_->mmu_mode : n.mode) & 15;
    access.operation =
        ((n.rm.read ? kReads : 0) | (n.rm.written ? kWrites : 0) | (n.lock ? kLocked : 0)) & 15;
    access.pc_delta = std::uint16_t(c.delta);
    std::uint32_t bits = 0;
    __builtin_memcpy(&bits, &access, sizeof bits);
    store_residents(resident_sets_[c.residents]);
    a_.mov(x86::ecx, Imm(bits));
    call_to(thunks_.begin[c.status_in_host]);
    load_residents(resident_sets_[c.residents]);
    a_.mov(x86::rcx, x86::rax);
    a_.mov(x86::eax, 0);
    if (!n.rm.written) return jump_to(c.back);
    emit_native(plans_[c.y]);
    const Residents& behind = resident_sets_[plans_[c.y].residents];
    store_residents(behind);
    a_.mov(x86::ecx, Imm(bits));
    call_to(thunks_.end[c.z]);
    load_residents(behind);
    jump_to(std::uint32_t(c.x));
}

// ---- where the operands go

int Emitter::take_scratch(NativePlan& plan) {
    for (const int r : {kRdx, kRcx, kRax}) {
        if (!(plan.free >> r & 1)) continue;
        plan.free = std::uint8_t(plan.free & ~(1u << r));
        return r;
    }
    return kRdx;  // the verifier refuses what needs more
}

void Emitter::plan_slot(NativePlan& plan, Value v, std::int32_t plus) {
    if (v.is_temp()) home(v);
    plan.rm = -1;
    plan.index = -1;
    plan.base = v.is_temp() ? kRsp : kRbp;
    plan.displacement =
        (v.is_temp() ? std::int32_t(temps_[v.index()].place) * 8 : displacements_[v.index()]) + plus;
}

/// The register that stands for an operand; -1 when it became the memory operand.
int Emitter::plan_operand(NativePlan& plan, const NativeOperand& operand, bool may_be_memory) {
    const int h = home(operand.value);
    const auto move = [&](NativeMove::Kind kind, int reg, std::int32_t plus) {
        NativePlan at;
        if (h < 0) plan_slot(at, operand.value, plus);
        return NativeMove{kind, std::int8_t(reg), std::int8_t(h), at.base, at.displacement, 0};
    };
    if (h >= 0 && !operand.high) return h;
    if (h < 0 && may_be_memory) {
        plan_slot(plan, operand.value, operand.high ? 1 : 0);
        if (operand.written && operand.bytes == 4)
            plan.after[plan.after_count++] = move(NativeMove::kClearUpper, 0, 4);
        return -1;
    }
    const int scratch = take_scratch(plan);
    const bool byte = operand.high && h < 0;
    const std::int32_t plus = byte ? 1 : 0;
    if (operand.high && h >= 0) {
        plan.before[plan.before_count++] = move(NativeMove::kLoadHigh, scratch, 0);
        if (operand.written) plan.after[plan.after_count++] = move(NativeMove::kStoreHigh, scratch, 0);
        return scratch;
    }
    if (operand.read || operand.bytes < 4)
        plan.before[plan.before_count++] =
            move(byte ? NativeMove::kLoadByte : NativeMove::kLoad, scratch, plus);
    if (operand.written)
        plan.after[plan.after_count++] =
            move(byte ? NativeMove::kStoreByte : NativeMove::kStore, scratch, plus);
    return scratch;
}

Emitter::NativePlan Emitter::plan_native(const Native& n) {
    NativePlan plan;
    plan.native = &n;
    const bool memory = n.address >= 0;
    bool any_fixed = false;
    for (const NativeFixed& f : n.fixed) {
        if (f.value.none() || is_vector(f.value)) continue;
        any_fixed = true;
        plan.free = std::uint8_t(plan.free & ~(1u << f.number));
        const int h = home(f.value);
        NativePlan at;
        if (h < 0) plan_slot(at, f.value, 0);
        NativeMove move{NativeMove::kLoad, std::int8_t(f.number), std::int8_t(h),
                        at.base,           at.displacement,       0};
        if (f.read) plan.before[plan.before_count++] = move;
        move.kind = NativeMove::kStore;
        if (f.written) plan.after[plan.after_count++] = move;
    }
    const auto needs_scratch = [&](const NativeOperand& o) {
        return !o.value.none() && !is_vector(o.value) && (o.high || home(o.value) < 0);
    };
    if (memory) {
        const unsigned scratches = unsigned(needs_scratch(n.reg)) + unsigned(needs_scratch(n.vvvv));
        plan.base = kRcx;
        plan.index = kRax;
        if (any_fixed || scratches > 1) {
            plan.collapse = std::int8_t(plan.free & 2 ? kRcx : plan.free & 4 ? kRdx : kRax);
            plan.base = plan.collapse;
            plan.index = -1;
            plan.free = std::uint8_t(plan.free & ~(1u << plan.collapse));
        } else {
            plan.free = 1u << kRdx;
        }
    }
    if (n.reg_number >= 0) plan.reg = n.reg_number;
    if (n.rm_number >= 0) plan.rm = n.rm_number;
    int number = 0;
    if (!n.reg.value.none()) {
        if (is_vector(n.reg.value)) number = plan_vector(plan, n.reg);
        else number = plan_operand(plan, n.reg, false);
        plan.reg = std::int8_t(number);
    }
    if (!n.vvvv.value.none()) {
        if (is_vector(n.vvvv.value)) number = plan_vector(plan, n.vvvv);
        else number = plan_operand(plan, n.vvvv, false);
        plan.vvvv = std::int8_t(number);
    }
    if (!n.is4.value.none()) plan.is4 = std::int8_t(plan_vector(plan, n.is4));
    if (!memory && !n.rm.value.none()) {
        if (is_vector(n.rm.value)) number = plan_vector(plan, n.rm);
        else number = plan_operand(plan, n.rm, !n.rm_stays_register);
        plan.rm = std::int8_t(number);
    }
    for (const NativeFixed& f : n.fixed)
        if (is_vector(f.value)) plan_fixed_vector(plan, f);
    return plan;
}

// ---- the instruction

void Emitter::move_for_native(const NativeMove& m) {
    const auto at = [&](unsigned size) { return x86::ptr(q(m.base), m.displacement, size); };
    const x86::Mem upper = x86::ptr(x86::rbp, m.upper, 16);
    const int r = m.reg;
    switch (m.kind) {
    case NativeMove::kLoad:
        if (m.home >= 0) a_.mov(q(r), q(m.home));
        else a_.mov(q(r), at(8));
        return;
    case NativeMove::kStore:
        if (m.home >= 0) a_.mov(q(m.home), q(r));
        else a_.mov(at(8), q(r));
        return;
    case NativeMove::kLoadHigh: a_.rorx(q(r), q(m.home), 8); return;
    case NativeMove::kStoreHigh: a_.rorx(q(m.home), q(r), 56); return;
    case NativeMove::kLoadByte: a_.movzx(d(r), at(1)); return;
    case NativeMove::kStoreByte: a_.mov(at(1), b(r)); return;
    case NativeMove::kClearUpper: a_.mov(at(4), Imm(0)); return;
    case NativeMove::kLoadVector: a_.movups(x(r), at(16)); return;
    case NativeMove::kStoreVector: a_.movups(at(16), x(r)); return;
    case NativeMove::kLoadUpper:
        a_.vinsertf128(x86::ymm(std::uint32_t(r)), x86::ymm(std::uint32_t(r)), upper, 1);
        return;
    case NativeMove::kCopyVector: a_.movaps(x(r), x(m.home)); return;
    case NativeMove::kCopyCleared: a_.vmovaps(x(r), x(m.home)); return;
    case NativeMove::kLoadLong:
        a_.vmovups(x(r), at(16));
        a_.vinsertf128(x86::ymm(std::uint32_t(r)), x86::ymm(std::uint32_t(r)), upper, 1);
        return;
    case NativeMove::kStoreLong:
        a_.vmovups(at(16), x(r));
        a_.vextractf128(upper, x86::ymm(std::uint32_t(r)), 1);
        return;
    }
}

void Emitter::emit_native(const NativePlan& plan) {
    if (plan.collapse >= 0) a_.lea(q(plan.collapse), x86::ptr(x86::rcx, x86::rax));
    for (unsigned i = 0; i < plan.before_count; ++i) move_for_native(plan.before[i]);
    encode_native(plan);
    for (unsigned i = 0; i < plan.after_count; ++i) move_for_native(plan.after[i]);
}

/// SDM 2, 2.1 to 2.3.
void Emitter::encode_native(const NativePlan& plan) {
    const Native& n = *plan.native;
    std::uint8_t bytes[32];
    unsigned size = 0;
    const auto put = [&](unsigned byte) { bytes[size++] = std::uint8_t(byte); };
    const unsigned reg = n.extension >= 0 ? unsigned(n.extension) : unsigned(plan.reg);
    const unsigned rm = unsigned(plan.rm >= 0 ? plan.rm : plan.base);
    const unsigned index = plan.index >= 0 ? unsigned(plan.index) : 0;
    const bool in_opcode = !n.modrm && !n.reg.value.none();
    const unsigned r = n.modrm ? reg >> 3 : 0, x_bit = index >> 3;
    const unsigned b_bit = n.modrm ? rm >> 3 : in_opcode ? reg >> 3 : 0;
    if (n.vex) {
        put(0xc4);
        put((~r & 1) << 7 | (~x_bit & 1) << 6 | (~b_bit & 1) << 5 | n.map);
        const unsigned pp = n.prefix == 0x66 ? 1 : n.prefix == 0xf3 ? 2 : n.prefix == 0xf2 ? 3 : 0;
        put(unsigned{n.wide} << 7 | (~unsigned(plan.vvvv) & 15) << 3 | unsigned{n.long_vector} << 2 | pp);
    } else {
        if (n.lock) put(0xf0);
        if (n.operand16) put(0x66);
        if (n.prefix) put(n.prefix);
        // Without REX, byte registers 4 to 7 would be others.
        const auto low_byte = [](const NativeOperand& o, int number) {
            return o.bytes == 1 && !o.value.none() && number >= 4 && number < 8;
        };
        const bool byte_register =
            (n.extension < 0 && low_byte(n.reg, plan.reg)) || (plan.rm >= 0 && low_byte(n.rm, plan.rm));
        const unsigned rex = unsigned{n.wide} << 3 | r << 2 | x_bit << 1 | b_bit;
        if (rex || byte_register) put(0x40 | rex);
        if (n.map >= 1) put(0x0f);
        if (n.map == 2) put(0x38);
        if (n.map == 3) put(0x3a);
    }
    put(in_opcode ? n.opcode | (reg & 7) : n.opcode);
    if (n.modrm && plan.rm >= 0) {
        put(0xc0 | (reg & 7) << 3 | (rm & 7));
    } else if (n.modrm) {
        const bool sib = plan.index >= 0 || (rm & 7) == 4;
        const std::int32_t disp = plan.displacement;
        const unsigned mod = disp == 0 && (rm & 7) != 5 ? 0 : disp == std::int8_t(disp) ? 1 : 2;
        put(mod << 6 | (reg & 7) << 3 | (sib ? 4 : rm & 7));
        if (sib) put((plan.index >= 0 ? index & 7 : 4) << 3 | (rm & 7));
        if (mod == 1) put(unsigned(disp) & 0xff);
        for (unsigned i = 0; mod == 2 && i < 4; ++i) put(unsigned(disp) >> (8 * i) & 0xff);
    }
    const std::uint64_t immediate =
        n.is4.value.none() ? std::uint64_t(n.immediate) : unsigned(plan.is4) << 4 | (n.immediate & 15);
    for (unsigned i = 0; i < n.immediate_bytes; ++i) put(unsigned(immediate >> (8 * i)) & 0xff);
    a_.embed(bytes, size);
}

// ---- addresses

void Emitter::address_op(const Op& op) {
    const int r = def(op.dst, kRax);
    compute_address(block_->addresses[std::size_t(op.imm)], r);
    done(op.dst, r);
}

/// Uses rax and rcx.
void Emitter::compute_address(const Address& address, int to) {
    const bool plain = address.segment.none();
    const unsigned kept = plain && address.linear_bits < address.bits ? address.linear_bits : address.bits;
    const int sum = plain && kept != 16 ? to : kRax;
    if (address.base.none() && address.index.none()) {
        const auto d64 = std::uint64_t(std::int64_t(address.displacement));
        load_immediate(sum, kept == 64 ? d64 : kept == 32 ? std::uint32_t(d64) : std::uint16_t(d64), true);
    } else {
        x86::Mem m;
        if (address.index.none()) {
            m = x86::ptr(q(use(address.base, kRax, true)), address.displacement);
        } else {
            const int i = use(address.index, kRcx, true);
            if (address.base.none()) load_immediate(kRax, 0, true);
            const int base = address.base.none() ? kRax : use(address.base, kRax, true);
            m = x86::ptr(q(base), q(i), address.shift, address.displacement);
        }
        const bool copy = address.index.none() && address.displacement == 0;
        if (copy && kept == 64) {
            if (m.baseId() != std::uint32_t(sum)) a_.mov(q(sum), q(int(m.baseId())));
        } else if (copy && kept == 32) {
            a_.mov(d(sum), d(int(m.baseId())));
        } else {
            a_.lea(kept == 64 ? q(sum) : d(sum), m);
        }
    }
    if (kept == 16) a_.movzx(d(plain ? to : kRax), x86::ax);
    if (plain) return;
    const x86::Mem linear = x86::ptr(x86::rax, q(use(address.segment, kRcx, true)));
    a_.lea(address.linear_bits == 32 ? d(to) : q(to), linear);
}

}  // namespace backplane::tcg::x64
