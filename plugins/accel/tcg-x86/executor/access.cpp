// Operands: registers, effective and linear addresses, memory, the stack (SDM 1, chapter 3; SDM 3A, chapter 5).
#include "executor.h"

#include <bit>

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kMask16 = 0xffff, kMask32 = 0xffffffff;

constexpr std::uint64_t mask_of(unsigned size) {
    return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

}  // namespace

unsigned Executor::privilege() const {
    if (!protected_mode()) return 0;
    if (virtual_8086()) return 3;
    return s_.segments[kSs].attributes >> Segment::kDplShift & 3;
}

std::uint8_t Executor::data_mode() const {
    if (privilege() == 3) return kUser;
    return (s_.cr4 & cr4::kSmap) && !(s_.rflags & rflags::kAlignmentCheck) ? kSupervisorSmap : kSupervisor;
}

bool Executor::canonical(std::uint64_t address) const {
    const unsigned unused = s_.cr4 & cr4::kLa57 ? 7 : 16;
    return std::uint64_t(std::int64_t(address << unused) >> unused) == address;
}

bool Executor::canonical_base(std::uint64_t address) const {
    const unsigned unused = cpu_.processor->cpuid(7, 0).ecx >> 16 & 1 ? 7 : 16;
    return std::uint64_t(std::int64_t(address << unused) >> unused) == address;
}

std::uint64_t Executor::effective_address() const {
    if (i_.address_size == 2) {
        constexpr unsigned kNone = 16;
        constexpr unsigned kBase[] = {kRbx, kRbx, kRbp, kRbp, kRsi, kRdi, kRbp, kRbx};
        constexpr unsigned kIndex[] = {kRsi, kRdi, kRsi, kRdi, kNone, kNone, kNone, kNone};
        const unsigned rm = i_.modrm & 7;
        std::uint64_t offset = std::uint64_t(std::int64_t(i_.displacement));
        if (!(rm == 6 && i_.mod() == 0)) offset += s_.gpr[kBase[rm]];
        if (kIndex[rm] != kNone) offset += s_.gpr[kIndex[rm]];
        return offset & kMask16;
    }
    std::uint64_t offset = std::uint64_t(std::int64_t(i_.displacement));
    const unsigned rm = i_.modrm & 7;
    if (rm == 4) {
        const unsigned base = (i_.sib & 7u) | (i_.rex & 1u) << 3, index = (i_.sib >> 3 & 7u) | (i_.rex & 2u)
                                                                                                   << 2;
        if (!((i_.sib & 7) == 5 && i_.mod() == 0)) offset += s_.gpr[base];
        if (index != 4) offset += s_.gpr[index] << (i_.sib >> 6);
    } else if (rm == 5 && i_.mod() == 0) {
        if (i_.is_64bit()) offset += next_;
    } else {
        offset += s_.gpr[i_.rm()];
    }
    return i_.address_size == 4 ? offset & kMask32 : offset;
}

/// SDM 3A 5.3, 5.8: limits, types and canonical form.
std::uint64_t Executor::within(unsigned name, std::uint64_t offset, unsigned size, bool write) const {
    const Segment& segment = s_.segments[name];
    const auto fault = [name] {
        throw GuestFault{name == kSs ? Vector::StackFault : Vector::GeneralProtection, true, 0};
    };
    if (code_64()) {
        const std::uint64_t address = name >= kFs ? segment.base + offset : offset;
        if (!canonical(address) || (size > 1 && !canonical(address + size - 1))) fault();
        return address;
    }
    const std::uint64_t last = offset + (size - 1);
    const std::uint32_t type = segment.attributes;
    if (segmented()) {
        if (type & Segment::kUnusable) fault();
        const bool code = type & Segment::kCode;
        if (write ? code || !(type & 2) : code && !(type & 2)) fault();
        if (!code && (type & 4)) {  // expand down
            const std::uint64_t top = type & Segment::kBig ? kMask32 : kMask16;
            if (offset <= segment.limit || last > top) fault();
            return std::uint32_t(segment.base + offset);
        }
    }
    if (last > segment.limit) fault();
    return std::uint32_t(segment.base + offset);
}

/// The same, and what is asked of alignment: operands of 2, 4 or 8 bytes.
std::uint64_t Executor::linear(unsigned name, std::uint64_t offset, unsigned size, bool write) const {
    const std::uint64_t address = within(name, offset, size, write);
    if (size <= 8 && std::has_single_bit(size) && (address & (size - 1)) && checks_alignment(s_))
        throw GuestFault{Vector::AlignmentCheck, true, 0};
    return address;
}

// ---- memory

void Executor::throw_recorded() {
    if (!cpu_.fault_recorded) throw Abandoned{};
    cpu_.fault_recorded = false;
    throw cpu_.fault;
}

bool Executor::swallow_bus_fault() {
    if (!cpu_.bus_fault) return false;
    cpu_.bus_fault = false;
    return true;
}

std::uint64_t Executor::load_linear(std::uint64_t address, unsigned size, std::uint8_t mode) {
    std::uint64_t value = 0;
    if (vcpu_.load(address, std::uint8_t(std::countr_zero(size)), mode, value)) return value;
    if (swallow_bus_fault()) return mask_of(size);
    throw_recorded();
}

void Executor::store_linear(std::uint64_t address, std::uint64_t value, unsigned size, std::uint8_t mode) {
    if (vcpu_.store(address, value, std::uint8_t(std::countr_zero(size)), mode)) return;
    if (!swallow_bus_fault()) throw_recorded();
}

void* Executor::host_pointer(std::uint64_t address, unsigned size, bool write, std::uint8_t mode) {
    bool raised = false;
    void* const p = vcpu_.host_pointer(address, size, write, mode, raised);
    if (raised) throw_recorded();
    return p;
}

/// Pieces of 8, 4, 2, 1.
void Executor::load_bytes(std::uint64_t address, void* to, unsigned size, std::uint8_t mode) {
    auto* bytes = static_cast<std::uint8_t*>(to);
    if (const void* p = host_pointer(address, size, false, mode)) {
        std::memcpy(to, p, size);
        return;
    }
    for (unsigned done = 0; done < size;) {
        const unsigned piece = std::min(8u, std::bit_floor(size - done));
        const std::uint64_t value = load_linear(address + done, piece, mode);
        std::memcpy(bytes + done, &value, piece);
        done += piece;
    }
}

void Executor::check_writable(std::uint64_t address, unsigned size, std::uint8_t mode) {
    host_pointer(address, 1, true, mode);
    if ((address ^ (address + size - 1)) >> 12) host_pointer(address + size - 1, 1, true, mode);
}

void Executor::store_bytes(std::uint64_t address, const void* from, unsigned size, std::uint8_t mode) {
    if (void* p = host_pointer(address, size, true, mode)) {
        std::memcpy(p, from, size);
        return;
    }
    check_writable(address, size, mode);
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    for (unsigned done = 0; done < size;) {
        const unsigned piece = std::min(8u, std::bit_floor(size - done));
        std::uint64_t value = 0;
        std::memcpy(&value, bytes + done, piece);
        store_linear(address + done, value, piece, mode);
        done += piece;
    }
}

// ---- registers

std::uint64_t Executor::gpr(unsigned number, unsigned size) const {
    if (size == 1 && number >= 4 && number < 8 && i_.rex == 0) return s_.gpr[number - 4] >> 8 & 0xff;
    return s_.gpr[number] & mask_of(size);
}

void Executor::set_gpr(unsigned number, std::uint64_t value, unsigned size) {
    if (size == 1 && number >= 4 && number < 8 && i_.rex == 0) {
        std::uint64_t& reg = s_.gpr[number - 4];
        reg = (reg & ~std::uint64_t{0xff00}) | (value & 0xff) << 8;
    } else if (size >= 4) {
        s_.gpr[number] = value & mask_of(size);
    } else {
        s_.gpr[number] = (s_.gpr[number] & ~mask_of(size)) | (value & mask_of(size));
    }
}

std::uint64_t Executor::load_rm(unsigned size) {
    return i_.has_memory() ? load_memory(size) : gpr(i_.rm(), size);
}

void Executor::store_rm(std::uint64_t value, unsigned size) {
    if (i_.has_memory()) store_memory(value, size);
    else set_gpr(i_.rm(), value, size);
}

// ---- the stack

std::uint64_t Executor::stack_mask() const {
    if (code_64()) return ~std::uint64_t{0};
    return s_.segments[kSs].attributes & Segment::kBig ? kMask32 : kMask16;
}

Executor::Stack Executor::stack() const {
    return {s_.gpr[kRsp], stack_mask(), code_64() ? 0 : s_.segments[kSs].base, data_mode(), true};
}

void Executor::push(Stack& stack, std::uint64_t value, unsigned size) {
    const std::uint64_t down = (stack.pointer - size) & stack.mask;
    const std::uint64_t address =
        stack.checked ? linear(kSs, down, size, true)
                      : (stack.mask == ~std::uint64_t{0} ? down : std::uint32_t(stack.base + down));
    store_linear(address, value & mask_of(size), size, stack.mode);
    stack.pointer = (stack.pointer & ~stack.mask) | down;
}

std::uint64_t Executor::pop(Stack& stack, unsigned size) {
    const std::uint64_t at = stack.pointer & stack.mask;
    const std::uint64_t value = load_linear(linear(kSs, at, size, false), size, stack.mode);
    stack.pointer = (stack.pointer & ~stack.mask) | ((at + size) & stack.mask);
    return value;
}

void Executor::commit(const Stack& stack) { s_.gpr[kRsp] = stack.pointer; }

void Executor::push(std::uint64_t value, unsigned size) {
    Stack all = stack();
    push(all, value, size);
    commit(all);
}

/// SDM 1, appendix B.
std::uint64_t Executor::condition(unsigned code) const {
    const std::uint64_t f = s_.rflags;
    const bool carry = f & rflags::kCarry, zero = f & rflags::kZero, sign = f & rflags::kSign;
    const bool overflow = f & rflags::kOverflow, parity = f & rflags::kParity;
    bool holds = false;
    switch (code >> 1 & 7) {
    case 0: holds = overflow; break;
    case 1: holds = carry; break;
    case 2: holds = zero; break;
    case 3: holds = carry || zero; break;
    case 4: holds = sign; break;
    case 5: holds = parity; break;
    case 6: holds = sign != overflow; break;
    default: holds = zero || sign != overflow; break;
    }
    return holds != ((code & 1) != 0);
}

}  // namespace backplane::x86
