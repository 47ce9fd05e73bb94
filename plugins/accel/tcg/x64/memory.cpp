// Guest memory: the inline soft-TLB hit, and the calls of the slow paths behind the block.
//
//     lea  rax, [base + offset]          (nothing when there is no offset and an index can be made from the base)
//     rorx rcx, rax, 8
//     and  ecx, 0x3ff0                   entry
//     xor  rax, [rcx + table.tag]        the offset in the page, or something big
//     cmp  rax, 4096 - size / ja slow    another page, or across its end
//     mov  rcx, [rcx + table.host]
//     mov  dst, [rcx + rax]
//
// For guests with status flags, which are in the host's:
//
//     lea  rax, [base + offset]
//     pext rdx, rax, [mask]          entry
//     mov  rcx, [rdx * 8 + table.negated_tag]
//     lea  rcx, [rcx + rax + size - 1]
//     pext rcx, rcx, [~4095]         0 unless another page, or across its end
//     jrcxz / jmp slow
//     mov  rcx, [rdx * 8 + table.delta]
//     mov  dst, [rcx + rax]
#include "emitter.h"

namespace backplane::tcg::x64 {

void Emitter::memory(const Op& op) {
    switch (op.opcode) {
    case Opcode::load: return load(op);
    case Opcode::store: return store(op);
    case Opcode::fence:
        // Loads and stores are plain accesses of a host with total store order: only a later load may pass a store.
        if (unsigned(op.imm) & unsigned(FenceKind::StoreLoad)) a_.lock().or_(x86::dword_ptr(x86::rsp, -8), 0);
        return;
    default: return atomic(op);
    }
}

std::uint8_t Emitter::mode_of(const Op& op) const {
    return op.mode == kBlockMode ? block_->mmu_mode : op.mode;
}

std::uint32_t Emitter::descriptor(const Op& op) const {
    AccessDescriptor access{};
    access.flags = op.aux;
    access.mode = mode_of(op) & 15;
    access.operation = op.opcode >= Opcode::atomic_add && op.opcode <= Opcode::cmpxchg
                           ? (std::uint8_t(op.opcode) - std::uint8_t(Opcode::atomic_add)) & 15
                           : 0;
    access.pc_delta = std::uint16_t(delta_);
    std::uint32_t bits = 0;
    __builtin_memcpy(&bits, &access, sizeof bits);
    return bits;
}

/// The address in rax; leaves two numbers in rcx and rax whose sum is the host's address. Uses rdx.
Emitter::Cold& Emitter::flagless_tlb(const Op& op, bool for_store, unsigned size, std::uint8_t mode,
                                     bool aligned, void (Emitter::*slow)(const Cold&)) {
    const TlbTable& table = *hot_.tlb[mode];
    const TlbColumns& columns = for_store ? table.store.columns : table.load.columns;
    const auto at = [](const std::uint64_t* column) {
        return x86::ptr(std::uint64_t(reinterpret_cast<std::uintptr_t>(column)), x86::rdx, 3, 8);
    };
    a_.pext(x86::rdx, x86::rax, constant(kIndexBits, 8));
    a_.mov(x86::rcx, at(columns.negated_tag));
    if (aligned && size > 1) {  // what is aligned crosses nothing
        a_.lea(x86::rcx, x86::ptr(x86::rcx, x86::rax));
        a_.pext(x86::rcx, x86::rcx, constant(Constant(kUnaligned + __builtin_ctz(size) - 1), 8));
    } else {
        a_.lea(x86::rcx, x86::ptr(x86::rcx, x86::rax, 0, std::int32_t(size) - 1));
        a_.pext(x86::rcx, x86::rcx, constant(kPageBitsOf, 8));
    }
    const std::uint32_t field = jump_unless_rcx_zero();
    Cold& c = cold(op, slow);
    c.from[0] = field;
    a_.mov(x86::rcx, at(columns.delta));
    return c;
}

void Emitter::call_slow(const std::uint32_t (&thunks)[2], const Cold& c) {
    store_residents(resident_sets_[c.residents]);
    call_to(thunks[c.status_in_host]);
    load_residents(resident_sets_[c.residents]);
}

/// On the slow path: the address in rax.
void Emitter::address_again(const Cold& c) {
    if (!flags_) a_.xor_(x86::rax, x86::ptr(x86::rcx, std::int32_t(c.x), 8));
}

/// Leaves the page's host address in rcx and the offset in rax.
Emitter::Cold& Emitter::tlb(const Op& op, bool for_store, bool aligned, void (Emitter::*slow)(const Cold&)) {
    if (op.a.is_constant()) {
        load_immediate(kRax, value_of(op.a) + std::uint64_t(std::int64_t(op.imm)));
    } else {
        const int base = home(op.a);
        if (base >= 0 && op.imm) a_.lea(x86::rax, x86::ptr(q(base), op.imm));
        else if (base >= 0) a_.mov(x86::rax, q(base));
        else {
            a_.mov(x86::rax, slot(op.a));
            if (op.imm && flags_) a_.lea(x86::rax, x86::ptr(x86::rax, op.imm));
            else if (op.imm) a_.add(x86::rax, Imm(op.imm));
        }
    }
    if (flags_) return flagless_tlb(op, for_store, mem::size(op.aux), mode_of(op), aligned, slow);
    if (host_.bmi2) {
        a_.rorx(x86::rcx, x86::rax, 12 - 4);
    } else {
        a_.mov(x86::rcx, x86::rax);
        a_.shr(x86::rcx, 12 - 4);
    }
    a_.and_(x86::ecx, Imm((kTlbSize - 1) << 4));
    const unsigned size = mem::size(op.aux);
    const TlbTable& table = *hot_.tlb[mode_of(op)];
    const TlbEntry* entries = (for_store ? table.store : table.load).entries;
    const auto address = std::int32_t(reinterpret_cast<std::uintptr_t>(entries));
    a_.xor_(x86::rax, x86::ptr(x86::rcx, address, 8));
    a_.cmp(x86::rax, Imm(4096 - size));
    Cold& c = cold(op, slow);
    c.x = std::uint64_t(std::int64_t(address));
    c.from[0] = jump(CC::kA);
    if (aligned && size > 1) {
        a_.test(x86::al, Imm(size - 1));
        c.from[1] = jump(CC::kNE);
    }
    a_.mov(x86::rcx, x86::ptr(x86::rcx, address + 8, 8));
    return c;
}

void Emitter::sized_load(int to, const x86::Mem& from, std::uint8_t flags) {
    const bool sign = flags & mem::kSigned;
    switch (flags & mem::kSizeMask) {
    case mem::k8: sign ? a_.movsx(q(to), from) : a_.movzx(d(to), from); return;
    case mem::k16: sign ? a_.movsx(q(to), from) : a_.movzx(d(to), from); return;
    case mem::k32: sign ? a_.movsxd(q(to), from) : a_.mov(d(to), from); return;
    default: a_.mov(q(to), from); return;
    }
}

void Emitter::store_sized(const x86::Mem& to, int from, unsigned size) { a_.mov(to, by_size(from, size)); }

/// A value of the access's size in `reg`, extended as the flags say.
void Emitter::extend_value(int reg, std::uint8_t flags) {
    const bool sign = flags & mem::kSigned;
    switch (flags & mem::kSizeMask) {
    case mem::k8: sign ? a_.movsx(q(reg), b(reg)) : a_.movzx(d(reg), b(reg)); return;
    case mem::k16: sign ? a_.movsx(q(reg), w(reg)) : a_.movzx(d(reg), w(reg)); return;
    case mem::k32: sign ? a_.movsxd(q(reg), d(reg)) : a_.mov(d(reg), d(reg)); return;
    default: return;
    }
}

void Emitter::swap_bytes(int reg, unsigned size) {
    if (size == 8) {
        a_.bswap(q(reg));
    } else if (size > 1) {
        a_.bswap(d(reg));
        if (size == 2) a_.shr(d(reg), 16);
    }
}

void Emitter::load(const Op& op) {
    const unsigned size = mem::size(op.aux);
    const std::size_t index = cold_.size();
    tlb(op, false, op.aux & mem::kAligned, &Emitter::cold_load);
    const int r = def(op.dst, kRax);
    const x86::Mem from = x86::ptr(x86::rcx, x86::rax, 0, 0, size);
    if (op.aux & mem::kBigEndian) {
        sized_load(r, from, op.aux & mem::kSizeMask);
        swap_bytes(r, size);
        extend_value(r, op.aux);
    } else {
        sized_load(r, from, op.aux);
    }
    done(op.dst, r);
    cold_[index].back = here();
    cold_[index].y = op.dst.none() ? std::uint64_t{kRax} : location(op.dst);
}

void Emitter::cold_load(const Cold& c) {
    address_again(c);
    a_.mov(x86::ecx, Imm(descriptor(*c.op)));
    call_slow(thunks_.load, c);
    to_location(c.y, kRax);
    jump_to(c.back);
}

/// The register that holds what goes to memory; -1: it is a constant that fits the instruction.
int Emitter::store_operand(const Op& op) {
    const unsigned size = mem::size(op.aux);
    const bool swap = op.aux & mem::kBigEndian && size > 1;
    if (op.b.is_constant() && !swap && (size < 8 || fits32(value_of(op.b)))) return -1;
    const int value = use(op.b, kRdx);
    if (!swap) return value;
    if (value != kRdx) a_.mov(x86::rdx, q(value));
    swap_bytes(kRdx, size);
    return kRdx;
}

void Emitter::store(const Op& op) {
    const unsigned size = mem::size(op.aux);
    int value = flags_ ? -1 : store_operand(op);  // with status flags the way to the hit uses rdx
    const std::size_t index = cold_.size();
    tlb(op, true, op.aux & mem::kAligned, &Emitter::cold_store);
    if (flags_) value = store_operand(op);
    const x86::Mem to = x86::ptr(x86::rcx, x86::rax, 0, 0, size);
    if (value < 0) {
        const auto c = std::int64_t(value_of(op.b));
        a_.mov(to, Imm(size == 1   ? std::int64_t(std::int8_t(c))
                       : size == 2 ? std::int64_t(std::int16_t(c))
                                   : std::int64_t(std::int32_t(c))));
    } else {
        store_sized(to, value, size);
    }
    cold_[index].back = here();
    cold_[index].y = std::uint64_t(std::int64_t(value));
    if (!op.b.is_constant()) cold_[index].z = location(op.b);
}

void Emitter::cold_store(const Cold& c) {
    address_again(c);
    const int value = int(std::int64_t(c.y));
    if (value < 0 || (flags_ && c.op->b.is_constant())) {
        load_immediate(kRdx, value_of(c.op->b));
    } else if (flags_ && value == kRdx) {
        from_location(kRdx, c.z);
    } else if (value != kRdx) {
        a_.mov(x86::rdx, q(value));
    }
    if (flags_ && value == kRdx && c.op->aux & mem::kBigEndian) swap_bytes(kRdx, mem::size(c.op->aux));
    std::uint32_t access = descriptor(*c.op);
    access &= ~std::uint32_t{mem::kBigEndian};  // rdx holds the value as it goes on the bus
    a_.mov(x86::ecx, Imm(access));
    call_slow(thunks_.store, c);
    jump_to(c.back);
}

/// Host address in rcx afterwards, the operand in rdx.
void Emitter::atomic(const Op& op) {
    const bool exchange = op.opcode == Opcode::cmpxchg;
    const Value operand_value = exchange ? op.c : op.b;
    if (!flags_) move(kRdx, operand_value);
    const std::size_t index = cold_.size();
    tlb(op, true, !guest_.misaligned_atomics, &Emitter::cold_atomic);
    if (flags_) {  // the way to the hit used rdx
        move(kRdx, operand_value);
        if (!operand_value.is_constant()) cold_[index].x = location(operand_value);
    }
    const unsigned size = mem::size(op.aux);
    a_.add(x86::rcx, x86::rax);
    const x86::Mem cell = x86::ptr(x86::rcx, 0, size);
    const x86::Gp operand = by_size(kRdx, size);
    int result = kRdx;
    switch (op.opcode) {
    case Opcode::atomic_add: a_.lock().xadd(cell, operand); break;
    case Opcode::atomic_swap: a_.xchg(cell, operand); break;
    case Opcode::cmpxchg:
        move(kRax, op.b);
        a_.lock().cmpxchg(cell, operand);
        result = kRax;
        break;
    default:
        atomic_loop(op, cell);
        result = kRax;
        break;
    }
    if (!op.dst.none()) {
        extend_value(result, op.aux);
        done(op.dst, result);
    }
    cold_[index].back = here();
    cold_[index].y = op.dst.none() ? std::uint64_t{kRax} : location(op.dst);
    if (exchange && !op.b.is_constant()) cold_[index].z = location(op.b);
}

/// Old value in rax. The new one is made in rdx from the operand, which rests in the frame.
void Emitter::atomic_loop(const Op& op, const x86::Mem& cell) {
    const unsigned size = mem::size(op.aux);
    const std::uint8_t unsigned_flags = op.aux & mem::kSizeMask;
    const bool is_signed = op.opcode == Opcode::atomic_min_s || op.opcode == Opcode::atomic_max_s;
    const std::uint8_t flags = is_signed ? std::uint8_t(unsigned_flags | mem::kSigned) : unsigned_flags;
    const x86::Mem operand = x86::ptr(x86::rsp, kOperandSlot, 8);
    extend_value(kRdx, flags);
    a_.mov(operand, x86::rdx);
    sized_load(kRax, cell, flags);
    const std::uint32_t again = here();
    a_.mov(x86::rdx, operand);
    switch (op.opcode) {
    case Opcode::atomic_and: a_.and_(x86::rdx, x86::rax); break;
    case Opcode::atomic_or: a_.or_(x86::rdx, x86::rax); break;
    case Opcode::atomic_xor: a_.xor_(x86::rdx, x86::rax); break;
    default:
        a_.cmp(x86::rax, x86::rdx);
        if (op.opcode == Opcode::atomic_min_s) a_.cmovl(x86::rdx, x86::rax);
        else if (op.opcode == Opcode::atomic_max_s) a_.cmovg(x86::rdx, x86::rax);
        else if (op.opcode == Opcode::atomic_min_u) a_.cmovb(x86::rdx, x86::rax);
        else a_.cmova(x86::rdx, x86::rax);
        break;
    }
    const x86::Gp desired = by_size(kRdx, size);
    a_.lock().cmpxchg(cell, desired);
    const std::uint32_t out = jump(CC::kE);
    extend_value(kRax, flags);
    jump_to(again);
    patch_here(out);
}

void Emitter::cold_atomic(const Cold& c) {
    address_again(c);
    if (flags_) {
        const Value operand = c.op->opcode == Opcode::cmpxchg ? c.op->c : c.op->b;
        if (operand.is_constant()) load_immediate(kRdx, value_of(operand));
        else from_location(kRdx, c.x);
    }
    if (c.op->opcode == Opcode::cmpxchg) {
        // rdx has the desired value; what is expected goes by memory.
        if (c.op->b.is_constant()) load_immediate(kRcx, value_of(c.op->b));
        else from_location(kRcx, c.z);
        a_.mov(hot(&hot_.expected, 8), x86::rcx);
    }
    a_.mov(x86::ecx, Imm(descriptor(*c.op)));
    call_slow(thunks_.atomic, c);
    to_location(c.y, kRax);
    jump_to(c.back);
}

}  // namespace backplane::tcg::x64
