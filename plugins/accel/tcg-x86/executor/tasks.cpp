// Task switches (SDM 3A, chapter 7).
#include "breakpoints.h"
#include "executor.h"

namespace backplane::x86 {

namespace {

constexpr unsigned kTss16 = 1, kTss32 = 9, kBusy = 2;
constexpr std::uint32_t kSize16 = 44, kSize32 = 104;
constexpr unsigned kOrder[] = {kEs, kCs, kSs, kDs, kFs, kGs};

constexpr std::uint32_t error_of(std::uint16_t selector) { return selector & 0xfffcu; }

}  // namespace

/// `source`: 0 JMP, 1 CALL or an interrupt, 2 IRET.
void Executor::task_switch(std::uint16_t selector, Descriptor d, int source, bool has_error,
                           std::uint32_t error) {
    const bool busy = d.type() & kBusy;
    const unsigned type = d.type() & ~kBusy;
    if ((selector & 4) || !d.system() || (type != kTss16 && type != kTss32) || busy != (source == 2))
        throw GuestFault{source == 2 ? Vector::InvalidTss : Vector::GeneralProtection, true,
                         error_of(selector)};
    if (!d.present()) throw GuestFault{Vector::SegmentNotPresent, true, error_of(selector)};
    Segment task = d.segment(selector);
    const bool wide = type == kTss32, old_wide = s_.task.attributes & 8;
    if (task.limit < (wide ? kSize32 : kSize16) - 1)
        throw GuestFault{Vector::InvalidTss, true, error_of(selector)};
    const std::uint8_t mode = system_mode();
    const unsigned word = wide ? 4 : 2, old_word = old_wide ? 4 : 2;

    // All that is read comes before all that is written.
    const std::uint64_t base = task.base;
    const unsigned first = wide ? 28 : 14;  // CR3 of the wide form
    const std::uint64_t cr3 = wide ? load_linear(base + 28, 4, mode) : 0;
    const unsigned state = wide ? 32 : first;
    const std::uint64_t ip = load_linear(base + state, word, mode);
    std::uint64_t flags = load_linear(base + state + word, word, mode);
    std::uint64_t registers[8];
    for (unsigned n = 0; n < 8; ++n) registers[n] = load_linear(base + state + word * (2 + n), word, mode);
    const unsigned segments = state + word * 10, count = wide ? 6 : 4;
    std::uint16_t selectors[6] = {};
    for (unsigned n = 0; n < count; ++n)
        selectors[n] = std::uint16_t(load_linear(base + segments + word * n, 2, mode));
    const auto ldt = std::uint16_t(load_linear(base + segments + word * count, 2, mode));
    const bool traps = wide && (load_linear(base + 100, 2, mode) & 1);

    // The old task.
    const unsigned old_state = old_wide ? 32 : 14;
    std::uint64_t old_flags = s_.rflags;
    if (source == 2) old_flags &= ~rflags::kNestedTask;
    check_writable(s_.task.base, old_wide ? kSize32 : kSize16, mode);
    check_writable(base, word, mode);
    store_linear(s_.task.base + old_state, next_, old_word, mode);
    store_linear(s_.task.base + old_state + old_word, old_flags, old_word, mode);
    for (unsigned n = 0; n < 8; ++n)
        store_linear(s_.task.base + old_state + old_word * (2 + n), s_.gpr[n], old_word, mode);
    const unsigned old_segments = old_state + old_word * 10;
    for (unsigned n = 0; n < (old_wide ? 6u : 4u); ++n)
        store_linear(s_.task.base + old_segments + old_word * n, s_.segments[kOrder[n]].selector, 2, mode);
    if (source == 1) {
        store_linear(base, s_.task.selector, 2, mode);
        flags |= rflags::kNestedTask;
    }
    const auto mark = [&](std::uint16_t which, bool set) {
        const std::uint64_t at = s_.gdt.base + (which & 0xfff8u) + 5;
        const std::uint64_t old = load_linear(at, 1, mode);
        store_linear(at, set ? old | kBusy : old & ~std::uint64_t{kBusy}, 1, mode);
    };
    if (source != 1) mark(s_.task.selector, false);
    if (source != 2) mark(selector, true);

    // The new one.
    task.attributes |= kBusy;
    s_.task = task;
    s_.cr0 |= cr0::kTs;
    s_.dr7 &= ~debug::kEnabledLocally;
    if (traps) cpu_.traps |= debug::kTaskSwitch;
    if (wide && (s_.cr0 & cr0::kPg)) {
        s_.cr3 = cr3;
        if (s_.cr4 & cr4::kPae) load_pdptrs(cr3);
        vcpu_.flush_tlb_local();
    }
    write_flags(flags, ~std::uint64_t{0});
    for (unsigned n = 0; n < 8; ++n) s_.gpr[n] = registers[n];
    next_ = ip;
    s_.ldt = {0, 0, ldt, Segment::kUnusable};
    if (flags & rflags::kVirtual8086) {
        for (unsigned n = 0; n < 6; ++n) set_real_segment(kOrder[n], selectors[n]);
        return;
    }
    for (unsigned n = 0; n < 6; ++n) s_.segments[kOrder[n]] = {0, 0, selectors[n], Segment::kUnusable};
    const auto invalid = [](std::uint16_t which) {
        throw GuestFault{Vector::InvalidTss, true, error_of(which)};
    };
    if (ldt & 0xfffc) {
        const Descriptor local = read_descriptor(ldt, Vector::InvalidTss);
        if ((ldt & 4) || !local.system() || local.type() != 2 || !local.present()) invalid(ldt);
        s_.ldt = local.segment(ldt);
    }
    const unsigned cpl = selectors[1] & 3;
    Descriptor code = read_descriptor(selectors[1], Vector::InvalidTss);
    if ((selectors[1] & 0xfffc) == 0 || !code.code() ||
        (code.conforming() ? code.dpl() > cpl : code.dpl() != cpl))
        invalid(selectors[1]);
    if (!code.present()) throw GuestFault{Vector::SegmentNotPresent, true, error_of(selectors[1])};
    load_stack_segment(selectors[2], cpl, Vector::InvalidTss);
    load_code(selectors[1], code, cpl);
    for (const unsigned n : {0u, 3u, 4u, 5u})
        if (n < count) load_segment(kOrder[n], selectors[n]);
    if (has_error) push(error, word);
}

}  // namespace backplane::x86
