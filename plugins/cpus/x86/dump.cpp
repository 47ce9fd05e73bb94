// `info registers` of a processor, in the layout that QEMU's users and scripts know.
#include "x86_cpu.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace backplane::x86 {

namespace {

[[gnu::format(printf, 2, 3)]] void print(TextSink& out, const char* format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    out.append(text);
}

/// SDM 3A, table 3-2, without and with long mode.
constexpr const char* kSystemTypes[2][16] = {
    {"Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16",
     "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32", "TrapGate32"},
    {"<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
     "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64", "TrapGate64"}};

bool long_code(const X86State& s) {
    return (s.efer & efer::kLma) && (s.segments[kCs].attributes & Segment::kLong);
}

/// The descriptor's second word without its base, as far as a segment register has it.
std::uint32_t descriptor_word(const Segment& segment) {
    const std::uint32_t a = segment.attributes;
    const std::uint32_t limit = a & Segment::kGranularity ? segment.limit >> 12 : segment.limit;
    if (a & Segment::kUnusable) return 0;
    return (limit & 0xf0000) | (a & 0xf0ff) << 8;
}

void print_kind(TextSink& out, const X86State& s, std::uint32_t a) {
    print(out, " DPL=%u ", a >> Segment::kDplShift & 3);
    if (!(a & Segment::kNotSystem)) {
        out.append(kSystemTypes[(s.efer & efer::kLma) ? 1 : 0][a & Segment::kType]);
        return;
    }
    const bool code = a & Segment::kCode;
    if (code) out.append(a & Segment::kLong ? "CS64" : a & Segment::kBig ? "CS32" : "CS16");
    else out.append(a & Segment::kBig ? "DS  " : "DS16");
    print(out, " [%c%c%c]", a & 4 ? (code ? 'C' : 'E') : '-', a & 2 ? (code ? 'R' : 'W') : '-',
          a & 1 ? 'A' : '-');
}

void print_segment(TextSink& out, const X86State& s, const char* name, const Segment& segment) {
    const bool wide = long_code(s);
    print(out, "%-3s=%04x %0*" PRIx64 " %08x %08x", name, segment.selector, wide ? 16 : 8, segment.base,
          segment.limit, descriptor_word(segment));
    const bool present =
        (segment.attributes & Segment::kPresent) && !(segment.attributes & Segment::kUnusable);
    if ((s.cr0 & cr0::kPe) && present) print_kind(out, s, segment.attributes);
    out.append("\n");
}

std::uint64_t quad(const X86State& s, std::size_t offset) {
    std::uint64_t value = 0;
    std::memcpy(&value, s.xsave + offset, sizeof value);
    return value;
}

void print_general(TextSink& out, const X86State& s) {
    if (!long_code(s)) {
        const auto low = [&](Gpr name) { return std::uint32_t(s.gpr[name]); };
        print(out, "EAX=%08x EBX=%08x ECX=%08x EDX=%08x\n", low(kRax), low(kRbx), low(kRcx), low(kRdx));
        print(out, "ESI=%08x EDI=%08x EBP=%08x ESP=%08x\n", low(kRsi), low(kRdi), low(kRbp), low(kRsp));
        return;
    }
    constexpr struct {
        const char* name;
        Gpr number;
    } kOrder[] = {{"RAX", kRax}, {"RBX", kRbx}, {"RCX", kRcx}, {"RDX", kRdx},
                  {"RSI", kRsi}, {"RDI", kRdi}, {"RBP", kRbp}, {"RSP", kRsp}};
    for (unsigned i = 0; i < 8; ++i)
        print(out, "%s=%016" PRIx64 "%s", kOrder[i].name, s.gpr[kOrder[i].number], i % 4 == 3 ? "\n" : " ");
    for (unsigned i = 8; i < kGprCount; ++i)
        print(out, "R%-2u=%016" PRIx64 "%s", i, s.gpr[i], i % 4 == 3 ? "\n" : " ");
}

void print_flags(TextSink& out, const X86State& s) {
    constexpr struct {
        char letter;
        std::uint64_t bit;
    } kLetters[] = {{'D', rflags::kDirection}, {'O', rflags::kOverflow}, {'S', rflags::kSign},
                    {'Z', rflags::kZero},      {'A', rflags::kAdjust},   {'P', rflags::kParity},
                    {'C', rflags::kCarry}};
    out.append("[");
    for (const auto& letter : kLetters) print(out, "%c", s.rflags & letter.bit ? letter.letter : '-');
    out.append("]");
}

/// SDM 1, table 10-2.
void print_floating_point(TextSink& out, const X86State& s) {
    constexpr std::size_t kTags = 4, kMxcsr = 24, kFirst = 32, kXmm = 160;
    std::uint16_t control = 0, status = 0;
    std::uint32_t mxcsr = 0;
    std::memcpy(&control, s.xsave, sizeof control);
    std::memcpy(&status, s.xsave + 2, sizeof status);
    std::memcpy(&mxcsr, s.xsave + kMxcsr, sizeof mxcsr);
    print(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n", control, status, status >> 11 & 7,
          s.xsave[kTags], mxcsr);
    for (unsigned i = 0; i < 8; ++i)
        print(out, "FPR%u=%016" PRIx64 " %04x%s", i, quad(s, kFirst + 16 * i),
              unsigned(quad(s, kFirst + 16 * i + 8) & 0xffff), i % 2 ? "\n" : " ");
    const unsigned count = long_code(s) ? 16 : 8;
    for (unsigned i = 0; i < count; ++i)
        print(out, "XMM%02u=%016" PRIx64 " %016" PRIx64 "%s", i, quad(s, kXmm + 16 * i + 8),
              quad(s, kXmm + 16 * i), i % 2 ? "\n" : " ");
}

}  // namespace

void X86Cpu::dump(TextSink& out) const {
    const X86State& s = state_;
    const bool wide = long_code(s);
    const int digits = wide ? 16 : 8;
    print_general(out, s);
    if (wide) print(out, "RIP=%016" PRIx64 " RFL=%08x ", instruction_pointer(s), unsigned(s.rflags));
    else print(out, "EIP=%08x EFL=%08x ", unsigned(instruction_pointer(s)), unsigned(s.rflags));
    print_flags(out, s);
    const unsigned level = s.cr0 & cr0::kPe ? s.segments[kSs].attributes >> Segment::kDplShift & 3 : 0;
    print(out, " CPL=%u II=%u A20=%u SMM=%u HLT=%u\n", level, s.interrupt_shadow, a20_, s.smm,
          s.run.halted.load());
    constexpr const char* kNames[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    for (unsigned i = 0; i < kSegmentCount; ++i) print_segment(out, s, kNames[i], s.segments[i]);
    print_segment(out, s, "LDT", s.ldt);
    print_segment(out, s, "TR", s.task);
    print(out, "GDT=     %0*" PRIx64 " %08x\n", digits, s.gdt.base, s.gdt.limit);
    print(out, "IDT=     %0*" PRIx64 " %08x\n", digits, s.idt.base, s.idt.limit);
    print(out, "CR0=%08x CR2=%0*" PRIx64 " CR3=%0*" PRIx64 " CR4=%08x\n", unsigned(s.cr0), digits, s.cr2,
          digits, s.cr3, unsigned(s.cr4));
    for (unsigned i = 0; i < 4; ++i) print(out, "DR%u=%016" PRIx64 " ", i, s.dr[i]);
    print(out, "\nDR6=%016" PRIx64 " DR7=%016" PRIx64 "\n", s.dr6, s.dr7);
    print(out, "EFER=%016" PRIx64 "\n", s.efer);
    print_floating_point(out, s);
}

}  // namespace backplane::x86
