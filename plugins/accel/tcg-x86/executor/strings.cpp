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

constexpr std::uint64_t kFewest = 4;  ///< elements that are worth the while

std::uint64_t mask_of(unsigned size) {
    return size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * size)) - 1;
}

std::uint64_t element(const std::uint8_t* at, unsigned size) {
    std::uint64_t value = 0;
    switch (size) {
    case 1: return *at;
    case 2: std::memcpy(&value, at, 2); break;
    case 4: std::memcpy(&value, at, 4); break;
    default: std::memcpy(&value, at, 8); break;
    }
    return value;
}

void fill_elements(std::uint8_t* out, const std::uint64_t* value, std::uint64_t bytes, unsigned size) {
    if (size == 1) std::memset(out, int(*value & 0xff), bytes);
    else
        for (std::uint64_t n = 0; n < bytes; n += size) std::memcpy(out + n, value, size);
}

/// Moved upwards onto what is yet to be read, the bytes between the two repeat: what was written doubles with each copy.
void repeat(std::uint8_t* out, const std::uint8_t* in, std::uint64_t bytes) {
    std::uint64_t done = std::min(bytes, std::uint64_t(out - in));
    std::memcpy(out, in, done);
    for (std::uint64_t more = 0; done < bytes; done += more) {
        more = std::min(done, bytes - done);
        std::memcpy(out + done, out, more);
    }
}

/// What overlaps is as element after element makes it.
void move_elements(std::uint8_t* out, const std::uint8_t* in, std::uint64_t bytes, unsigned size, bool down) {
    const std::uint64_t distance = std::uint64_t(down ? in - out : out - in);
    if (distance == 0 || distance >= bytes) {
        std::memmove(out, in, bytes);
    } else if (!down && distance >= size) {
        repeat(out, in, bytes);
    } else {
        for (std::uint64_t n = 0; n < bytes; n += size) {
            const std::uint64_t at = down ? bytes - size - n : n;
            std::memmove(out + at, in + at, size);
        }
    }
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

/// What lies in one page of plain memory, from the element at `offset` on in the direction of DF: at most `most` bytes of
/// whole elements, by the lowest address. No bytes: not this way.
Executor::Stretch Executor::stretch(unsigned segment, std::uint64_t offset, unsigned size, std::uint64_t most,
                                    bool write) {
    const std::uint64_t mask = mask_of(i_.address_size);
    offset &= mask;
    const std::uint64_t place = linear(segment, offset, size, write) & (kPage - 1);
    if (place + size > kPage) return {};
    const bool down = s_.rflags & rflags::kDirection;
    std::uint64_t bytes =
        down ? std::min({most, place + size, offset + size}) : std::min({most, kPage - place, mask - offset});
    bytes -= bytes % size;
    if (bytes < kFewest * size) return {};
    return {down ? offset + size - bytes : offset, bytes};
}

std::uint8_t* Executor::stretch_memory(unsigned segment, const Stretch& stretch, bool write) {
    const std::uint64_t address = linear(segment, stretch.offset, unsigned(stretch.bytes), write);
    return static_cast<std::uint8_t*>(host_pointer(address, unsigned(stretch.bytes), write, data_mode()));
}

/// As many steps of a repeated one as lie in one page of plain memory each. None: not this way, or not while each is watched.
Executor::Steps Executor::bulk(unsigned size, std::uint64_t count) {
    const Operation operation = i_.operation();
    const bool source = operation == Operation::Movs || operation == Operation::Cmps;
    const bool write = operation == Operation::Movs || operation == Operation::Stos;
    if (!source && !write && operation != Operation::Scas) return {};
    if (count < kFewest || breakpoints_enabled(s_) || (s_.rflags & rflags::kTrap)) return {};
    Stretch to = stretch(kEs, s_.gpr[kRdi], size, std::min(count, kPage) * size, write), from{};
    if (source && to.bytes) {
        from = stretch(i_.segment, s_.gpr[kRsi], size, to.bytes, false);
        to = stretch(kEs, s_.gpr[kRdi], size, from.bytes, write);
    }
    if (to.bytes == 0) return {};
    const std::uint8_t* const in = source ? stretch_memory(i_.segment, from, false) : nullptr;
    if (source && !in) return {};
    std::uint8_t* const out = stretch_memory(kEs, to, write);
    if (!out) return {};
    const bool down = s_.rflags & rflags::kDirection;
    Steps steps{to.bytes / size, false};
    if (operation == Operation::Movs) move_elements(out, in, to.bytes, size, down);
    else if (operation == Operation::Stos) fill_elements(out, &s_.gpr[kRax], to.bytes, size);
    else steps = compare_elements(in, out, steps.done, size);
    const std::uint64_t by = down ? 0 - steps.done * size : steps.done * size;
    if (source) set_gpr(kRsi, s_.gpr[kRsi] + by, i_.address_size);
    set_gpr(kRdi, s_.gpr[kRdi] + by, i_.address_size);
    return steps;
}

/// CMPS, and SCAS (`first` is null), up to the element that ends it.
Executor::Steps Executor::compare_elements(const std::uint8_t* first, const std::uint8_t* second,
                                           std::uint64_t count, unsigned size) {
    const bool down = s_.rflags & rflags::kDirection, while_equal = i_.has(prefix::kRep);
    const std::uint64_t start = down ? (count - 1) * size : 0, step = down ? 0 - std::uint64_t(size) : size;
    std::uint64_t a = s_.gpr[kRax] & mask_of(size), b = 0, done = 0;
    bool ends = false;
    for (std::uint64_t at = start; done < count && !ends; at += step, ++done) {
        if (first) a = element(first + at, size);
        b = element(second + at, size);
        ends = (a == b) != while_equal;
    }
    compare_flags(a, b, size);
    return {done, ends};
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
        Steps steps;
        try {
            steps = bulk(size, count());
        } catch (const GuestFault&) {}  // up to the element that faults
        if (steps.done == 0) steps = {1, string_step(size)};
        set_gpr(kRcx, s_.gpr[kRcx] - steps.done, i_.address_size);
        if (steps.end) return;
        --left;
    }
}

}  // namespace backplane::x86
