// The slow paths of guest accesses: soft-TLB misses, devices, page crossings, watched pages, faults.
//
// Registers are in the guest state when code calls these; only the pc is not: it is made from the return address when
// somebody needs it.
#include "vcpu.h"

#include "text.h"

#include <cstring>

namespace backplane::tcg {

namespace {

std::uint64_t extend(std::uint64_t value, std::uint8_t flags) {
    const bool sign = flags & mem::kSigned;
    switch (flags & mem::kSizeMask) {
    case mem::k8: return sign ? std::uint64_t(std::int64_t(std::int8_t(value))) : std::uint8_t(value);
    case mem::k16: return sign ? std::uint64_t(std::int64_t(std::int16_t(value))) : std::uint16_t(value);
    case mem::k32: return sign ? std::uint64_t(std::int64_t(std::int32_t(value))) : std::uint32_t(value);
    default: return value;
    }
}

std::uint64_t swap(std::uint64_t value, unsigned size) {
    return size == 1 ? value : __builtin_bswap64(value) >> (64 - 8 * size);
}

/// Little-endian, any alignment. Aligned accesses are single host accesses.
std::uint64_t read_host(const std::uint8_t* from, unsigned size) {
    switch (size) {
    case 1: return *from;
    case 2: {
        std::uint16_t v;
        std::memcpy(&v, from, 2);
        return v;
    }
    case 4: {
        std::uint32_t v;
        std::memcpy(&v, from, 4);
        return v;
    }
    case 8: {
        std::uint64_t v;
        std::memcpy(&v, from, 8);
        return v;
    }
    default: {
        std::uint64_t v = 0;
        std::memcpy(&v, from, size);
        return v;
    }
    }
}

void write_host(std::uint8_t* to, std::uint64_t value, unsigned size) {
    switch (size) {
    case 1: *to = std::uint8_t(value); return;
    case 2: std::memcpy(to, &value, 2); return;
    case 4: std::memcpy(to, &value, 4); return;
    case 8: std::memcpy(to, &value, 8); return;
    default: std::memcpy(to, &value, size); return;
    }
}

template <class T>
T combine(Opcode operation, T old, T value) {
    using S = std::make_signed_t<T>;
    switch (operation) {
    case Opcode::atomic_add: return T(old + value);
    case Opcode::atomic_and: return old & value;
    case Opcode::atomic_or: return old | value;
    case Opcode::atomic_xor: return old ^ value;
    case Opcode::atomic_min_s: return S(value) < S(old) ? value : old;
    case Opcode::atomic_max_s: return S(value) > S(old) ? value : old;
    case Opcode::atomic_min_u: return value < old ? value : old;
    case Opcode::atomic_max_u: return value > old ? value : old;
    default: return value;  // atomic_swap, cmpxchg
    }
}

/// `cell` may be misaligned: hosts that run guests with such atomics do them.
template <class T>
__attribute__((no_sanitize("alignment"))) std::uint64_t
atomic_host(T* cell, Opcode operation, std::uint64_t operand, std::uint64_t expected) {
    T old = operation == Opcode::cmpxchg ? T(expected) : __atomic_load_n(cell, __ATOMIC_RELAXED);
    for (;;) {
        const T next = combine(operation, old, T(operand));
        if (__atomic_compare_exchange_n(cell, &old, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return old;
        if (operation == Opcode::cmpxchg) return old;
    }
}

std::uint64_t atomic_cell(std::uint8_t* cell, unsigned size, Opcode operation, std::uint64_t operand,
                          std::uint64_t expected) {
    switch (size) {
    case 1: return atomic_host(cell, operation, operand, expected);
    case 2: return atomic_host(reinterpret_cast<std::uint16_t*>(cell), operation, operand, expected);
    case 4: return atomic_host(reinterpret_cast<std::uint32_t*>(cell), operation, operand, expected);
    default: return atomic_host(reinterpret_cast<std::uint64_t*>(cell), operation, operand, expected);
    }
}

constexpr std::uint8_t need(AccessKind kind) {
    return kind == AccessKind::Load    ? PageInfo::kRead
           : kind == AccessKind::Store ? PageInfo::kWrite
                                       : PageInfo::kExecute;
}

}  // namespace

// ---- pages

PageInfo* TcgVcpu::resolve(unsigned mode, std::uint64_t address, AccessKind kind, unsigned size,
                           MemoryFault& fault) {
    PageInfo& known = tlb_->slot(mode, kind, address);
    const std::uint64_t page = address & ~(kPageSize - 1);
    if ((known.permissions & need(kind)) && known.page == page && !known.once) return &known;
    if (PageInfo* other = tlb_->borrow(mode, kind, address, need(kind))) return other;
    FillAnswer answer;
    const FillRequest request{address, kind, std::uint8_t(mode), std::uint8_t(size)};
    if (!front_end_.fill(state_, request, answer)) {
        fault = {MemoryFaultKind::Translation, kind, address, 0, answer.fault};
        if (log_mmu_)
            log().write(LogLevel::Debug, "mmu", text("%016llx mode %u: no mapping", ull(address), mode));
        return nullptr;
    }
    if (log_mmu_)
        log().write(LogLevel::Debug, "mmu",
                    text("%016llx mode %u -> %016llx %c%c%c", ull(address), mode, ull(answer.physical),
                         answer.readable ? 'r' : '-', answer.writable ? 'w' : '-',
                         answer.executable ? 'x' : '-'));
    return &tlb_->enter(mode, kind, address, answer, *seen_.at(answer.space).view);
}

/// Within one page.
bool TcgVcpu::read_part(PageInfo& info, std::uint64_t address, unsigned size, std::uint64_t& value,
                        MemoryFault& fault) {
    if (info.block) {
        value = read_host(info.host(address), size);
        return true;
    }
    const std::uint64_t physical = info.physical | (address & (kPageSize - 1));
    AddressSpace& memory = *seen_[info.space].space;
    const std::uint32_t saved = backend_->enter_host_fp();
    Access access;
    access.cpu = cpu_.index();
    if (info.mixed || (size & (size - 1))) {
        value = 0;
        if (size & (size - 1)) {  // a part of an access across pages
            for (unsigned i = 0; i < size; ++i) {
                Access part = access;
                const std::uint64_t byte = memory.load(GuestAddress(physical + i), 1, part);
                value |= (part.failed ? 0xff : byte & 0xff) << (8 * i);
                access.failed |= part.failed && !front_end_.description().ignores_bus_errors;
            }
        } else {
            value = memory.load(GuestAddress(physical), size, access);
        }
    } else {
        value = memory.load_io(*info.range, Offset(info.range->offset + (physical - info.range->start)), size,
                               access);
    }
    backend_->leave_host_fp(saved);
    if (access.failed) value = ~std::uint64_t{0} >> (64 - 8 * size);
    if (failed(access)) fault = {MemoryFaultKind::Bus, AccessKind::Load, address, physical, 0};
    return !failed(access);
}

bool TcgVcpu::write_part(PageInfo& info, std::uint64_t address, unsigned size, std::uint64_t value,
                         MemoryFault& fault) {
    if (info.block && info.direct_store) {
        write_host(info.host(address), value, size);
        return true;
    }
    if (info.block && !info.range->handler) return true;  // ROM: the store has no effect
    const std::uint64_t physical = info.physical | (address & (kPageSize - 1));
    AddressSpace& memory = *seen_[info.space].space;
    const std::uint32_t saved = backend_->enter_host_fp();
    Access access;
    access.cpu = cpu_.index();
    if (size & (size - 1)) {
        for (unsigned i = 0; i < size; ++i)
            memory.store(GuestAddress(physical + i), value >> (8 * i) & 0xff, 1, access);
    } else if (info.mixed) {
        memory.store(GuestAddress(physical), value, size, access);
    } else {
        memory.store_io(*info.range, Offset(info.range->offset + (physical - info.range->start)), value, size,
                        access);
    }
    backend_->leave_host_fp(saved);
    if (failed(access)) fault = {MemoryFaultKind::Bus, AccessKind::Store, address, physical, 0};
    return !failed(access);
}

// ---- whole accesses

bool TcgVcpu::load_any(std::uint64_t address, std::uint8_t flags, unsigned mode, std::uint64_t& value,
                       MemoryFault& fault) {
    const unsigned size = mem::size(flags);
    const AccessKind reported = flags & mem::kAsStore ? AccessKind::Store : AccessKind::Load;
    if ((flags & mem::kAligned) && (address & (size - 1))) {
        fault = {MemoryFaultKind::Misaligned, reported, address, 0, 0};
        return false;
    }
    const unsigned in_page = unsigned(kPageSize - (address & (kPageSize - 1)));
    PageInfo* info = resolve(mode, address, AccessKind::Load, size, fault);
    bool ok = info != nullptr;
    if (ok && size <= in_page) {
        ok = read_part(*info, address, size, value, fault);
    } else if (ok) {
        // Both pages answer before either is read; resolving the second may evict the first.
        const PageInfo first = *info;
        PageInfo* second = resolve(mode, address + in_page, AccessKind::Load, size - in_page, fault);
        std::uint64_t low = 0, high = 0;
        PageInfo copy = first;
        ok = second && read_part(copy, address, in_page, low, fault) &&
             read_part(*second, address + in_page, size - in_page, high, fault);
        value = low | high << (8 * in_page);
    }
    if (!ok) {
        fault.access = reported;
        return false;
    }
    if (flags & mem::kBigEndian) value = swap(value, size);
    value = extend(value, flags);
    return true;
}

bool TcgVcpu::store_any(std::uint64_t address, std::uint64_t value, std::uint8_t flags, unsigned mode,
                        const Where& where, MemoryFault& fault) {
    const unsigned size = mem::size(flags);
    if ((flags & mem::kAligned) && (address & (size - 1))) {
        fault = {MemoryFaultKind::Misaligned, AccessKind::Store, address, 0, 0};
        return false;
    }
    if (flags & mem::kBigEndian) value = swap(value, size);
    const unsigned in_page = unsigned(kPageSize - (address & (kPageSize - 1)));
    PageInfo* info = resolve(mode, address, AccessKind::Store, size, fault);
    if (!info) return false;
    if (size <= in_page) {
        if (hits_own_code(*info, address, size, where)) return false;
        if (!write_part(*info, address, size, value, fault)) return false;
        wrote(*info, mode, address, size);
    } else {
        PageInfo first = *info;
        PageInfo* found = resolve(mode, address + in_page, AccessKind::Store, size - in_page, fault);
        if (!found) return false;
        PageInfo second = *found;
        if (hits_own_code(first, address, in_page, where) ||
            hits_own_code(second, address + in_page, size - in_page, where))
            return false;
        if (!write_part(first, address, in_page, value, fault)) return false;
        wrote(first, mode, address, in_page);
        if (!write_part(second, address + in_page, size - in_page, value >> (8 * in_page), fault))
            return false;
        wrote(second, mode, address + in_page, size - in_page);
    }
    if (posted_any_.load(std::memory_order_relaxed))
        apply_posted();  // the map may have changed under this very store
    return true;
}

bool TcgVcpu::atomic_any(std::uint64_t address, std::uint64_t value, const AccessDescriptor& access,
                         const Where& where, std::uint64_t& old, MemoryFault& fault) {
    const unsigned size = mem::size(access.flags);
    if ((address & (size - 1)) && !front_end_.description().misaligned_atomics) {
        fault = {MemoryFaultKind::Misaligned, AccessKind::Store, address, 0, 0};
        return false;
    }
    if ((address & (kPageSize - 1)) + size > kPageSize)
        return atomic_across(address, value, access, where, old, fault);
    PageInfo* info = resolve(access.mode, address, AccessKind::Store, size, fault);
    if (!info || hits_own_code(*info, address, size, where)) return false;
    const auto operation = Opcode(unsigned(Opcode::atomic_add) + access.operation);
    if (info->block && info->direct_store) {
        old = atomic_cell(info->host(address), size, operation, value, hot_->expected);
        wrote(*info, access.mode, address, size);
    } else {
        // A device, or ROM: a read and a write, together under the machine's lock.
        context_.lock().lock();
        bool ok = read_part(*info, address, size, old, fault);
        if (ok) {
            std::uint64_t cell = old;
            atomic_cell(reinterpret_cast<std::uint8_t*>(&cell), size, operation, value, hot_->expected);
            ok = write_part(*info, address, size, cell, fault);
        }
        context_.lock().unlock();
        if (!ok) {
            fault.access = AccessKind::Store;
            return false;
        }
    }
    old = extend(old, access.flags);
    return true;
}

/// Across the end of a page: a read and a write under the machine's lock, so that such accesses are atomic among each
/// other; a plain access of another vCPU may come in between.
bool TcgVcpu::atomic_across(std::uint64_t address, std::uint64_t value, const AccessDescriptor& access,
                            const Where& where, std::uint64_t& old, MemoryFault& fault) {
    const unsigned size = mem::size(access.flags);
    const auto operation = Opcode(unsigned(Opcode::atomic_add) + access.operation);
    const std::uint8_t plain = access.flags & mem::kSizeMask;
    const unsigned in_page = unsigned(kPageSize - (address & (kPageSize - 1)));
    // Both pages must take the store before anything is done.
    for (const std::uint64_t part : {address, address + in_page})
        if (!resolve(access.mode, part, AccessKind::Store, 1, fault)) return false;
    context_.lock().lock();
    bool ok = load_any(address, plain | mem::kAsStore, access.mode, old, fault);
    if (ok) {
        std::uint64_t cell = old;
        atomic_cell(reinterpret_cast<std::uint8_t*>(&cell), size, operation, value, hot_->expected);
        ok = store_any(address, cell, plain, access.mode, where, fault);
    }
    context_.lock().unlock();
    if (!ok) return false;
    old = extend(old, access.flags);
    return true;
}

// ---- watched pages

bool TcgVcpu::hits_own_code(const PageInfo& info, std::uint64_t address, unsigned size, const Where& where) {
    if (!where.code || !info.block || !(info.flags().load(std::memory_order_relaxed) & kPageCode))
        return false;
    const Unit* running = cache_->at(where.code);
    const auto from = std::uint32_t(address & (kPageSize - 1));
    if (!running || running->single || !running->overlaps(info.page_id(), from, from + size)) return false;
    sync_pc(where);
    single_step_ = true;
    return true;
}

void TcgVcpu::wrote(PageInfo& info, unsigned mode, std::uint64_t address, unsigned size) {
    if (!info.block || !info.direct_store) return;
    const std::uint64_t offset = info.block_offset + (address & (kPageSize - 1));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint8_t flags = info.flags().load(std::memory_order_relaxed);
    if (flags & kPageCode) code_written(*info.block, offset, size);
    if (flags & std::uint8_t(~kPageCode)) seen_[info.space].space->mark_dirty(*info.block, offset, size);
    tlb_->allow_stores(mode, info);
}

void TcgVcpu::code_written(RamBlock& block, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t page = block.base_id + (offset >> kPageBits);
    const auto from = std::uint32_t(offset & (kPageSize - 1));
    const std::uint64_t before = cache_->dropped();
    if (cache_->invalidate(page, from, from + std::uint32_t(size))) pages_.remove(*this, page);
    if (cache_->dropped() != before) hot_->stale = 1;
    pages_.written(block, offset, size, this);
}

// ---- what code calls

void TcgVcpu::sync_pc(const Where& where) {
    if (!where.code) return;
    if (const Unit* unit = cache_->at(where.code)) state_pc() = unit->pc + where.delta;
}

SlowResult TcgVcpu::fault_at(const Where& where, const MemoryFault& fault) {
    if (!single_step_) {
        sync_pc(where);
        watch_hit_.reset();
        front_end_.raise_memory_fault(state_, fault);
    }
    return {0, 1};
}

SlowResult TcgVcpu::slow_load(void* engine, std::uint64_t address, std::uint64_t, std::uint32_t descriptor,
                              const void* code) {
    auto& self = *static_cast<TcgVcpu*>(engine);
    const AccessDescriptor access = unpack(descriptor);
    const Where where{code, access.pc_delta};
    if (self.stops_before(address, mem::size(access.flags), true, false, where)) return {0, 1};
    MemoryFault fault;
    std::uint64_t value = 0;
    if (self.load_any(address, access.flags, access.mode, value, fault)) return {value, 0};
    return self.fault_at(where, fault);
}

SlowResult TcgVcpu::slow_store(void* engine, std::uint64_t address, std::uint64_t value,
                               std::uint32_t descriptor, const void* code) {
    auto& self = *static_cast<TcgVcpu*>(engine);
    const AccessDescriptor access = unpack(descriptor);
    const Where where{code, access.pc_delta};
    if (self.stops_before(address, mem::size(access.flags), false, true, where)) return {0, 1};
    MemoryFault fault;
    if (self.store_any(address, value, access.flags, access.mode, where, fault)) return {0, 0};
    return self.fault_at(where, fault);
}

SlowResult TcgVcpu::slow_atomic(void* engine, std::uint64_t address, std::uint64_t value,
                                std::uint32_t descriptor, const void* code) {
    auto& self = *static_cast<TcgVcpu*>(engine);
    const AccessDescriptor access = unpack(descriptor);
    const Where where{code, access.pc_delta};
    if (self.stops_before(address, mem::size(access.flags), true, true, where)) return {0, 1};
    MemoryFault fault;
    std::uint64_t old = 0;
    if (self.atomic_any(address, value, access, where, old, fault)) return {old, 0};
    return self.fault_at(where, fault);
}

// ---- what helpers call

std::uint32_t TcgVcpu::load_port(std::uint16_t port, unsigned size) {
    const std::uint32_t saved = backend_->enter_host_fp();
    Access access;
    access.cpu = cpu_.index();
    const auto value = std::uint32_t(context_.io_ports().load(GuestAddress(port), size, access));
    backend_->leave_host_fp(saved);
    return (access.failed ? ~std::uint32_t{0} : value) & (~std::uint32_t{0} >> (32 - 8 * size));
}

void TcgVcpu::store_port(std::uint16_t port, std::uint32_t value, unsigned size) {
    const std::uint32_t saved = backend_->enter_host_fp();
    Access access;
    access.cpu = cpu_.index();
    context_.io_ports().store(GuestAddress(port), value, size, access);
    backend_->leave_host_fp(saved);
    if (posted_any_.load(std::memory_order_relaxed)) apply_posted();  // the map may have changed
}

bool TcgVcpu::load(std::uint64_t address, std::uint8_t mem_flags, std::uint8_t mode, std::uint64_t& value) {
    MemoryFault fault;
    if (!stops_before(address, mem::size(mem_flags), true, false, {})) {
        if (load_any(address, mem_flags, mode, value, fault)) return true;
        fault_at({}, fault);
    }
    raised();
    return false;
}

bool TcgVcpu::store(std::uint64_t address, std::uint64_t value, std::uint8_t mem_flags, std::uint8_t mode) {
    MemoryFault fault;
    if (!stops_before(address, mem::size(mem_flags), false, true, {})) {
        if (store_any(address, value, mem_flags, mode, {}, fault)) return true;
        fault_at({}, fault);
    }
    raised();
    return false;
}

void* TcgVcpu::host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t mode,
                            bool& has_raised) {
    has_raised = false;
    if ((address & (kPageSize - 1)) + size > kPageSize) return nullptr;
    if (tlb_->watches() && points_->watch(address, size, !write, write)) return nullptr;
    MemoryFault fault;
    PageInfo* info = resolve(mode, address, write ? AccessKind::Store : AccessKind::Load, size, fault);
    if (!info) {
        front_end_.raise_memory_fault(state_, fault);
        raised();
        has_raised = true;
        return nullptr;
    }
    if (!info->block || (write && (!info->direct_store || info->flags().load() != 0))) return nullptr;
    return info->host(address);
}

std::uint64_t TcgVcpu::load_physical(std::uint64_t address, unsigned size, bool& failed) {
    const Seen& seen = seen_now();
    const FlatRange* range = seen.view->find(address);
    if (range && range->block && range->size - (address - range->start) >= size)
        return read_host(range->host(address), size);
    Access access;
    access.cpu = cpu_.index();
    const std::uint64_t value = seen.space->load(GuestAddress(address), size, access);
    failed = access.failed;
    return value;
}

bool TcgVcpu::update_physical(std::uint64_t address, std::uint64_t expected, std::uint64_t desired,
                              unsigned size, bool& failed) {
    const Seen& seen = seen_now();
    const FlatRange* range = seen.view->find(address);
    if (!range || !range->block || !range->writable || range->size - (address - range->start) < size ||
        (address & (size - 1))) {
        failed = true;
        return false;
    }
    if (atomic_cell(range->host(address), size, Opcode::cmpxchg, desired, expected) != expected) return false;
    const std::uint64_t offset = range->block_offset + (address - range->start);
    const std::uint8_t flags = range->block->page_flags[offset >> kPageBits].load();
    if (flags & kPageCode) code_written(*range->block, offset, size);
    if (flags & std::uint8_t(~kPageCode)) seen.space->mark_dirty(*range->block, offset, size);
    return true;
}

}  // namespace backplane::tcg
