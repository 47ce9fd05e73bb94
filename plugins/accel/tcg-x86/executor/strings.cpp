// String instructions (SDM 1, 7.3.9): element by element, or a page at a time where nothing can tell the difference.
//
// A repeated one does at most a stretch and then stays at its place, so that interrupts come in between.
#include "breakpoints.h"
#include "executor.h"

#include <algorithm>

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kStretch = 1024;  ///< elements
constexpr std::uint64_t kPage = 4096;

std::uint64_t mask_of(unsigned size) {
    return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

}  // namespace

void Executor::compare_flags(std::uint64_t a, std::uint64_t b, unsigned size) {
    const std::uint64_t mask = mask_of(size), sign = std::uint64_t{1} << (8 * size - 1);
    const std::uint64_t result = (a - b) & mask;
    s_.rflags &= ~kArithmeticFlags;
    if (a < b) s_.rflags |= rflags::kCarry;
    if (result == 0) s_.rflags |= rflags::kZero;
    if (result & sign) s_.rflags |= rflags::kSign;
    if ((a ^ b) & (a ^ result) & sign) s_.rflags |= rflags::kOverflow;
    if ((a ^ b ^ result) & 0x10) s_.rflags |= rflags::kAdjust;
    if ((__builtin_popcountll(result & 0xff) & 1) == 0) s_.rflags |= rflags::kParity;
}

/// One element. True: a repeated comparison ends here.
bool Executor::string_step(unsigned size) {
    const std::uint64_t mask = mask_of(i_.address_size);
    const std::uint64_t step = s_.rflags & rflags::kDirection ? 0 - std::uint64_t(size) : size;
    const auto source = [&](unsigned bytes) {
        return load_linear(linear(i_.segment, s_.gpr[kRsi] & mask, bytes, false), bytes, data_mode());
    };
    const auto target = [&](bool write) { return linear(kEs, s_.gpr[kRdi] & mask, size, write); };
    const auto advance = [&](unsigned reg) { set_gpr(reg, s_.gpr[reg] + step, i_.address_size); };
    switch (i_.operation()) {
    case Operation::Movs: {
        const std::uint64_t value = source(size);
        store_linear(target(true), value, size, data_mode());
        advance(kRsi);
        advance(kRdi);
        return false;
    }
    case Operation::Stos:
        store_linear(target(true), s_.gpr[kRax], size, data_mode());
        advance(kRdi);
        return false;
    case Operation::Lods:
        set_gpr(kRax, source(size), size);
        advance(kRsi);
        return false;
    case Operation::Scas: {
        const std::uint64_t value = load_linear(target(false), size, data_mode());
        compare_flags(s_.gpr[kRax] & mask_of(size), value, size);
        advance(kRdi);
        break;
    }
    case Operation::Cmps: {
        const std::uint64_t first = source(size);
        const std::uint64_t second = load_linear(target(false), size, data_mode());
        compare_flags(first, second, size);
        advance(kRsi);
        advance(kRdi);
        break;
    }
    case Operation::Ins: {
        const auto port = std::uint16_t(s_.gpr[kRdx]);
        check_port(port, size);
        const std::uint64_t address = target(true);
        check_writable(address, size, data_mode());
        store_linear(address, read_port(port, size), size, data_mode());
        advance(kRdi);
        return false;
    }
    default: {
        const auto port = std::uint16_t(s_.gpr[kRdx]);
        check_port(port, size);
        write_port(port, source(size), size);
        advance(kRsi);
        return false;
    }
    }
    const bool zero = s_.rflags & rflags::kZero;
    return i_.has(prefix::kRep) ? !zero : i_.has(prefix::kRepne) && zero;
}

/// MOVS and STOS upwards, as many elements as lie in one page of plain memory each. 0: not this way, or not while each is
/// watched.
std::uint64_t Executor::bulk(unsigned size, std::uint64_t count) {
    const bool move = i_.operation() == Operation::Movs;
    if ((!move && i_.operation() != Operation::Stos) || count < 4 || breakpoints_enabled(s_) ||
        (s_.rflags & (rflags::kDirection | rflags::kTrap)))
        return 0;
    const std::uint64_t mask = mask_of(i_.address_size);
    const std::uint64_t to = s_.gpr[kRdi] & mask, from = s_.gpr[kRsi] & mask;
    const std::uint64_t target = linear(kEs, to, size, true);
    std::uint64_t bytes = std::min({count * size, kPage - (target & (kPage - 1)), mask - to});
    const std::uint64_t source = move ? linear(i_.segment, from, size, false) : 0;
    if (move) bytes = std::min({bytes, kPage - (source & (kPage - 1)), mask - from});
    bytes -= bytes % size;
    if (bytes < 4 * size) return 0;
    linear(kEs, to, unsigned(bytes), true);
    if (move) linear(i_.segment, from, unsigned(bytes), false);
    const void* const in = move ? host_pointer(source, unsigned(bytes), false, data_mode()) : nullptr;
    if (move && !in) return 0;
    auto* const out = static_cast<std::uint8_t*>(host_pointer(target, unsigned(bytes), true, data_mode()));
    if (!out) return 0;
    if (move) {
        const auto* const bytes_in = static_cast<const std::uint8_t*>(in);
        // An overlap repeats what was just written (a fill), as the element-wise order says.
        if (out > bytes_in && out < bytes_in + bytes)
            for (std::uint64_t n = 0; n < bytes; n += size) std::memmove(out + n, bytes_in + n, size);
        else std::memmove(out, in, bytes);
        set_gpr(kRsi, from + bytes, i_.address_size);
    } else if (size == 1) {
        std::memset(out, int(s_.gpr[kRax] & 0xff), bytes);
    } else {
        for (std::uint64_t n = 0; n < bytes; n += size) std::memcpy(out + n, &s_.gpr[kRax], size);
    }
    set_gpr(kRdi, to + bytes, i_.address_size);
    return bytes / size;
}

void Executor::string_operation() {
    const unsigned size =
        i_.operand_size == 8 && (i_.operation() == Operation::Ins || i_.operation() == Operation::Outs)
            ? 4
            : i_.operand_size;
    if (!i_.has(prefix::kRep | prefix::kRepne)) {
        string_step(size);
        return;
    }
    const auto count = [this] { return s_.gpr[kRcx] & mask_of(i_.address_size); };
    std::uint64_t left = s_.rflags & rflags::kTrap ? 1 : kStretch;
    while (count() != 0) {
        if (left == 0 || cpu_.traps) {  // a trap comes behind the step that met it
            next_ = instruction_pointer(s_);
            return;
        }
        std::uint64_t done = 0;
        try {
            done = bulk(size, count());
        } catch (const GuestFault&) {
            done = 0;  // up to the element that faults
        }
        const bool ends = done == 0 && string_step(size);
        if (done == 0) done = 1;
        set_gpr(kRcx, s_.gpr[kRcx] - done, i_.address_size);
        if (ends) return;
        --left;
    }
}

}  // namespace backplane::x86
