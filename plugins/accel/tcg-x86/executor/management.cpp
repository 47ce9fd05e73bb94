// System management mode (SDM 3C, chapter 31; APM 2, chapter 10): SMI, the area where the state is saved, RSM.
//
// A processor with long mode has AMD's area of 64-bit registers, others that of 32-bit ones: firmware goes by the revision in
// them. Both say that SMBASE can be moved, and that I/O instructions are not started again.
#include "executor.h"

#include <backplane/log.h>

#include <array>

namespace backplane::x86 {

namespace {

constexpr std::uint32_t kAreaPlace = 0xfe00, kAreaSize = 0x200;
constexpr std::uint32_t kHandler = 0x8000;
constexpr std::uint32_t kRevision32 = 0x20000, kRevision64 = 0x20064;
constexpr std::uint32_t kEntryData = Segment::kPresent | Segment::kNotSystem | Segment::kGranularity | 3;
constexpr std::uint32_t kEntryCode = kEntryData | Segment::kCode;
constexpr std::uint16_t kKeptAttributes = 0xf0ff;

/// What the area holds beside registers that the state has as they are there.
struct Saved {
    std::uint64_t ip = 0, rflags = 0, cr0 = 0, cr3 = 0, cr4 = 0, efer = 0, dr6 = 0, dr7 = 0;
    std::uint32_t smbase = 0;
    std::uint8_t halted = 0;  ///< RSM halts again
    std::uint8_t nmi_blocked = 0;
};

using Area = std::array<std::uint8_t, kAreaSize>;

struct Save {
    Area& area;
    template <class T>
    void operator()(std::uint32_t place, const T& value) const {
        std::memcpy(area.data() + place, &value, sizeof value);
    }
};
struct Load {
    const Area& area;
    template <class T>
    void operator()(std::uint32_t place, T& value) const {
        std::memcpy(&value, area.data() + place, sizeof value);
    }
};

/// The half of a field that a 32-bit area has.
template <class Move>
void move_half(const Move& move, std::uint32_t place, std::uint64_t& value) {
    auto half = std::uint32_t(value);
    move(place, half);
    value = half;
}

template <class Move>
void move_attributes(const Move& move, std::uint32_t place, Segment& segment) {
    auto kept =
        std::uint16_t(segment.attributes & Segment::kUnusable ? segment.attributes & ~Segment::kPresent
                                                              : segment.attributes);
    kept &= kKeptAttributes;
    move(place, kept);
    segment.attributes = kept | (kept & Segment::kPresent ? 0 : Segment::kUnusable);
}

/// APM 2, table 10-1, from FE00h on. NMI mask: BIOS and Kernel Developer's Guide for family 10h, SMMFECA.
template <class Move>
void move_wide(const Move& move, X86State& s, Saved& saved) {
    const auto segment = [&](std::uint32_t place, Segment& it) {
        move(place, it.selector);
        move_attributes(move, place + 2, it);
        move(place + 4, it.limit);
        move(place + 8, it.base);
    };
    const auto table = [&](std::uint32_t place, DescriptorTable& it) {
        move(place + 4, it.limit);
        move(place + 8, it.base);
    };
    for (unsigned n = 0; n < kSegmentCount; ++n) segment(16 * n, s.segments[n]);
    table(0x60, s.gdt);
    segment(0x70, s.ldt);
    table(0x80, s.idt);
    segment(0x90, s.task);
    move(0xc9, saved.halted);
    move(0xca, saved.nmi_blocked);
    move(0xd0, saved.efer);
    move(0x100, saved.smbase);
    move(0x148, saved.cr4);
    move(0x150, saved.cr3);
    move(0x158, saved.cr0);
    move(0x160, saved.dr7);
    move(0x168, saved.dr6);
    move(0x170, saved.rflags);
    move(0x178, saved.ip);
    for (unsigned n = 0; n < kGprCount; ++n) move(0x1f8 - 8 * n, s.gpr[n]);
}

/// SDM 3C, table 31-1. What is reserved there has the hidden parts of the segments, the tables, CR4 and EFER (of a processor
/// with NX), in an order of ours.
template <class Move>
void move_narrow(const Move& move, X86State& s, Saved& saved) {
    constexpr std::uint32_t kHidden = 0x110, kTables = 0x170, kCr4 = 0x180, kNmiBlocked = 0x184,
                            kEfer = 0x188;
    unsigned hidden = 0;
    const auto segment = [&](std::uint32_t place, Segment& it) {
        move(place, it.selector);
        const std::uint32_t rest = kHidden + 12 * hidden++;
        move_half(move, rest, it.base);
        move(rest + 4, it.limit);
        move_attributes(move, rest + 8, it);
    };
    for (unsigned n = 0; n < kSegmentCount; ++n) segment(0x1a8 + 4 * n, s.segments[n]);
    segment(0x1c0, s.ldt);
    segment(0x1c4, s.task);
    move_half(move, kTables, s.gdt.base);
    move(kTables + 4, s.gdt.limit);
    move_half(move, kTables + 8, s.idt.base);
    move(kTables + 12, s.idt.limit);
    move_half(move, kCr4, saved.cr4);
    move(kNmiBlocked, saved.nmi_blocked);
    move_half(move, kEfer, saved.efer);
    move(0xf8, saved.smbase);
    move(0x102, saved.halted);
    move_half(move, 0x1c8, saved.dr7);
    move_half(move, 0x1cc, saved.dr6);
    for (unsigned n = 0; n < 8; ++n) move_half(move, 0x1d0 + 4 * n, s.gpr[n]);
    move_half(move, 0x1f0, saved.ip);
    move_half(move, 0x1f4, saved.rflags);
    move_half(move, 0x1f8, saved.cr3);
    move_half(move, 0x1fc, saved.cr0);
}

template <class Move>
void move_all(const Move& move, bool wide, X86State& s, Saved& saved) {
    if (wide) move_wide(move, s, saved);
    else move_narrow(move, s, saved);
}

/// SDM 3C 31.3.1 and what APM 2 10.3.3 says of long mode; else RSM shuts the processor down.
bool fits(const Saved& saved, std::uint64_t known_cr4) {
    const bool paging = saved.cr0 & cr0::kPg;
    if (paging && !(saved.cr0 & cr0::kPe)) return false;
    if ((saved.cr0 & cr0::kNw) && !(saved.cr0 & cr0::kCd)) return false;
    if (saved.cr4 & ~known_cr4) return false;
    return !(paging && (saved.efer & efer::kLme) && !(saved.cr4 & cr4::kPae));
}

}  // namespace

void Executor::enter_management(bool was_halted) {
    const bool wide = has_long_mode();
    Area area{};
    Saved saved{.ip = instruction_pointer(s_),
                .rflags = s_.rflags,
                .cr0 = s_.cr0,
                .cr3 = s_.cr3,
                .cr4 = s_.cr4,
                .efer = s_.efer,
                .dr6 = s_.dr6,
                .dr7 = s_.dr7,
                .smbase = s_.smbase,
                .halted = was_halted,
                .nmi_blocked = s_.nmi_blocked};
    move_all(Save{area}, wide, s_, saved);
    const std::uint32_t revision = wide ? kRevision64 : kRevision32;
    std::memcpy(area.data() + 0xfc, &revision, sizeof revision);

    s_.smm = s_.nmi_blocked = true;
    s_.cr0 &= ~(cr0::kPe | cr0::kEm | cr0::kTs | cr0::kPg);
    s_.cr4 = s_.efer = 0;
    s_.dr7 = kDr7Ones;
    s_.rflags = rflags::kOne;
    for (Segment& segment : s_.segments) segment = {0, 0xffffffff, 0, kEntryData};
    s_.segments[kCs] = {s_.smbase, 0xffffffff, std::uint16_t(s_.smbase >> 4), kEntryCode};
    set_instruction_pointer(s_, kHandler);
    vcpu_.flush_tlb();
    try {
        store_bytes(std::uint32_t(s_.smbase + kAreaPlace), area.data(), kAreaSize, kSupervisor);
    } catch (const Abandoned&) {}  // a debugger watches the area: it goes without
}

/// RSM.
void Executor::resume() {
    if (!s_.smm) undefined_opcode();
    Area area{};
    for (std::uint32_t at = 0; at < kAreaSize; at += 8) {
        bool failed = false;
        const std::uint64_t word = vcpu_.load_physical(std::uint32_t(s_.smbase + kAreaPlace) + at, 8, failed);
        std::memcpy(area.data() + at, &word, sizeof word);
    }
    Saved saved;
    move_all(Load{area}, has_long_mode(), s_, saved);
    s_.smm = s_.interrupt_shadow = false;
    vcpu_.flush_tlb();
    if (!fits(saved, known_cr4()))
        return shut_down("the guest's processor shut down: RSM found no valid state");
    s_.nmi_blocked = saved.nmi_blocked & 1;
    s_.smbase = saved.smbase;
    s_.cr0 = (saved.cr0 & kKnownCr0) | cr0::kEt;
    s_.cr3 = saved.cr3 & ~(~std::uint64_t{0} << 52);
    s_.cr4 = saved.cr4;
    const bool long_mode_now = (saved.efer & efer::kLme) && (saved.cr0 & cr0::kPg);
    s_.efer = (saved.efer & known_efer() & ~efer::kLma) | (long_mode_now ? efer::kLma : 0);
    s_.dr6 = (saved.dr6 & kDr6Writable) | kDr6Ones;
    s_.dr7 = (saved.dr7 & kDr7Writable) | kDr7Ones;
    s_.rflags = (saved.rflags & kKnownFlags) | rflags::kOne;
    if (!protected_mode() || long_mode()) s_.rflags &= ~rflags::kVirtual8086;
    for (DescriptorTable* const table : {&s_.gdt, &s_.idt}) table->limit &= 0xffff;
    next_ = saved.ip;
    if ((s_.cr0 & cr0::kPg) && (s_.cr4 & cr4::kPae) && !long_mode()) load_pdptrs(s_.cr3);
    if (saved.halted & 1) await_event();
}

}  // namespace backplane::x86
