// Memory operands of native instructions off the direct way: in pages that are not known yet or watched, across pages, in
// devices. `begin` says where the instruction finds its operand, `end` does with what it wrote what a store does.
//
// All that can fault does so in `begin`. A locked instruction across pages or on a device holds the machine's lock from
// one to the other: such are atomic among each other.
#include "vcpu.h"

#include <cstring>

namespace backplane::tcg {

namespace {

/// Visits the operand in pieces that single accesses can do.
template <class Visit>
bool in_pieces(unsigned size, Visit visit) {
    for (unsigned done = 0; done < size; done += 8)
        if (!visit(done, std::min(8u, size - done))) return false;
    return true;
}

std::uint8_t flags_of(unsigned bytes) { return std::uint8_t(__builtin_ctz(bytes)); }

}  // namespace

bool TcgVcpu::begin_native(const Where& where, MemoryFault& fault) {
    const AccessDescriptor access = native_.access;
    const unsigned size = operand_bytes(access), mode = access.mode;
    const std::uint64_t address = native_.address;
    const bool writes = access.operation & kWrites;
    const AccessKind kind = writes ? AccessKind::Store : AccessKind::Load;
    if ((access.flags & mem::kAligned) && (address & (size - 1))) {
        fault = {MemoryFaultKind::Misaligned, kind, address, 0, 0};
        return false;
    }
    const unsigned in_page = unsigned(kPageSize - (address & (kPageSize - 1)));
    PageInfo* info = resolve(mode, address, kind, size, fault);
    if (!info) return false;
    if (writes && hits_own_code(*info, address, std::min(size, in_page), where)) return false;
    native_.page = *info;
    native_.direct = size <= in_page && info->block && (!writes || info->direct_store);
    if (native_.direct) return true;
    if (size > in_page) {
        PageInfo* second = resolve(mode, address + in_page, kind, size - in_page, fault);
        if (!second || (writes && hits_own_code(*second, address + in_page, size - in_page, where)))
            return false;
    }
    if (access.operation & kLocked) context_.lock().lock();
    const bool ok = !(access.operation & kReads) || in_pieces(size, [&](unsigned at, unsigned bytes) {
        std::uint64_t value = 0;
        const std::uint8_t flags = std::uint8_t(flags_of(bytes) | (writes ? mem::kAsStore : 0));
        if (!load_any(address + at, flags, mode, value, fault)) return false;
        std::memcpy(hot_->bounce + at, &value, bytes);
        return true;
    });
    if (!ok && access.operation & kLocked) context_.lock().unlock();
    return ok;
}

bool TcgVcpu::end_native(const Where& where, MemoryFault& fault) {
    const AccessDescriptor access = native_.access;
    const unsigned size = operand_bytes(access);
    if (native_.direct) {
        wrote(native_.page, access.mode, native_.address, size);
        if (posted_any_.load(std::memory_order_relaxed)) apply_posted();
        return true;
    }
    const bool ok = in_pieces(size, [&](unsigned at, unsigned bytes) {
        std::uint64_t value = 0;
        std::memcpy(&value, hot_->bounce + at, bytes);
        return store_any(native_.address + at, value, flags_of(bytes), access.mode, where, fault);
    });
    if (access.operation & kLocked) context_.lock().unlock();
    return ok;
}

SlowResult TcgVcpu::slow_begin(void* engine, std::uint64_t address, std::uint64_t, std::uint32_t descriptor,
                               const void* code) {
    auto& self = *static_cast<TcgVcpu*>(engine);
    self.native_.address = address;
    self.native_.access = unpack(descriptor);
    const AccessDescriptor access = self.native_.access;
    const Where where{code, access.pc_delta};
    if (self.stops_before(address, operand_bytes(access), access.operation & kReads,
                          access.operation & kWrites, where))
        return {0, 1};
    MemoryFault fault;
    if (!self.begin_native(where, fault)) return self.fault_at(where, fault);
    const std::uint8_t* operand = self.native_.direct ? self.native_.page.host(address) : self.hot_->bounce;
    return {std::uint64_t(reinterpret_cast<std::uintptr_t>(operand)), 0};
}

SlowResult TcgVcpu::slow_end(void* engine, std::uint64_t, std::uint64_t, std::uint32_t, const void* code) {
    auto& self = *static_cast<TcgVcpu*>(engine);
    const Where where{code, self.native_.access.pc_delta};
    MemoryFault fault;
    if (self.end_native(where, fault)) return {0, 0};
    return self.fault_at(where, fault);
}

}  // namespace backplane::tcg
