// What virtual-8086 mode does by itself, and the virtual interrupt flag (SDM 3B, 20.2.7, 20.3 and 20.4).
#include "executor.h"

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kIopl = 3u << rflags::kIoplShift;
constexpr std::uint32_t kMapPlace = 102, kRedirectionSize = 32;

}  // namespace

/// Virtual-8086 mode whose flag for interrupts is VIF; in others CLI and STI only have it, by CR4.PVI.
bool Executor::virtual_interrupts() const {
    return virtual_8086() && (s_.cr4 & cr4::kVme) && io_privilege() != 3;
}

/// What PUSHF and INT show there: IOPL 3, and IF as VIF is.
std::uint64_t Executor::virtual_flags() const {
    std::uint64_t flags = (s_.rflags & ~rflags::kInterrupt) | kIopl;
    if (s_.rflags & rflags::kVirtualInterrupt) flags |= rflags::kInterrupt;
    return flags;
}

/// What POPF and IRET of 16 bits take there; IOPL and IF stay. An interrupt that waits, or a single step, is the supervisor's
/// business.
void Executor::take_virtual_flags(std::uint64_t flags) {
    const bool pending = s_.rflags & rflags::kVirtualInterruptPending;
    if ((flags & rflags::kTrap) || (pending && (flags & rflags::kInterrupt))) general_protection();
    constexpr std::uint64_t kChangeable =
        kArithmeticFlags | rflags::kTrap | rflags::kDirection | rflags::kNestedTask;
    write_flags(flags, kChangeable);
    set_virtual_interrupt((flags & rflags::kInterrupt) != 0);
}

void Executor::set_virtual_interrupt(bool on) {
    if (on) s_.rflags |= rflags::kVirtualInterrupt;
    else s_.rflags &= ~rflags::kVirtualInterrupt;
}

/// CLI and STI without the privilege for IF.
void Executor::change_virtual_interrupt(bool on) {
    const bool protected_code = segmented() && privilege() == 3 && (s_.cr4 & cr4::kPvi);
    if (!virtual_interrupts() && !protected_code) general_protection();
    if (on && (s_.rflags & rflags::kVirtualInterruptPending)) general_protection();
    set_virtual_interrupt(on);
}

/// Does the task's map leave INT n to the 8086 program? It lies below the map of ports.
bool Executor::redirected(std::uint8_t vector) {
    const Segment& task = s_.task;
    if (!(task.attributes & 8) || task.limit < kMapPlace + 1) general_protection();
    const std::uint64_t map = load_linear(task.base + kMapPlace, 2, system_mode());
    const std::uint64_t at = map - kRedirectionSize + vector / 8;
    if (map < kRedirectionSize || at > task.limit) general_protection();
    return !(load_linear(task.base + at, 1, system_mode()) >> (vector & 7) & 1);
}

/// INT n there, but for INT3 and INTO. False: it goes to the protected handler.
bool Executor::virtual_interrupt(std::uint8_t vector) {
    const bool whole = io_privilege() == 3;
    if (!(s_.cr4 & cr4::kVme) || !redirected(vector)) {
        if (!whole) general_protection();
        return false;
    }
    const std::uint64_t target = load_linear(vector * 4u, 4, data_mode());
    Stack all = stack();
    push(all, whole ? s_.rflags : virtual_flags(), 2);
    push(all, s_.segments[kCs].selector, 2);
    push(all, next_, 2);
    commit(all);
    s_.rflags &= ~(rflags::kTrap | (whole ? rflags::kInterrupt : rflags::kVirtualInterrupt));
    set_real_segment(kCs, std::uint16_t(target >> 16));
    next_ = target & 0xffff;
    return true;
}

}  // namespace backplane::x86
