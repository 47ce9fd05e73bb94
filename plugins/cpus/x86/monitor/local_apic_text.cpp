// A local APIC's registers in words (SDM 3A, chapter 11), as users of `info lapic` know them.
#include "listing.h"

#include <bit>
#include <cstdio>

namespace backplane::x86 {

namespace {

/// Offset / 16 in its page (table 11-1).
enum Register : unsigned {
    TaskPriority = 0x08,
    ArbitrationPriority = 0x09,
    ProcessorPriority = 0x0a,
    LogicalDestination = 0x0d,
    DestinationFormat = 0x0e,
    Spurious = 0x0f,
    InService = 0x10,
    TriggerMode = 0x18,
    Requested = 0x20,
    ErrorStatus = 0x28,
    CommandLow = 0x30,
    CommandHigh = 0x31,
    TimerEntry = 0x32,
    ThermalEntry = 0x33,
    PerformanceEntry = 0x34,
    Lint0Entry = 0x35,
    Lint1Entry = 0x36,
    ErrorEntry = 0x37,
    InitialCount = 0x38,
    CurrentCount = 0x39,
    Divide = 0x3e,
};

constexpr const char* kModes[] = {"Fixed", "LowPri", "SMI", "...", "NMI", "INIT", "SIPI", "ExtINT"};
constexpr unsigned kFixed = 0, kExternal = 7;

template <class... Values>
void line(TextSink& out, const char* format, Values... values) {
    char text[160];
    std::snprintf(text, sizeof text, format, values...);
    out.append(text);
}

class ApicText {
  public:
    ApicText(const LocalApicView& apic, TextSink& out) : apic_(apic), out_(out), x2apic_(apic.x2apic()) {}

    void print(std::uint32_t cpu) {
        line(out_, "dumping local APIC state for CPU %-2u\n\n", cpu);
        entry("LVT0", Lint0Entry);
        entry("LVT1", Lint1Entry);
        entry("LVTPC", PerformanceEntry);
        entry("LVTERR", ErrorEntry);
        entry("LVTTHMR", ThermalEntry);
        entry("LVTT", TimerEntry);
        timer();
        spurious();
        command();
        line(out_, "ESR\t 0x%08x\n", get(ErrorStatus));
        vectors("ISR", InService);
        vectors("IRR", Requested);
        line(out_, "\nAPR 0x%02x TPR 0x%02x DFR 0x%02x LDR 0x%02x PPR 0x%02x\n", get(ArbitrationPriority),
             get(TaskPriority), get(DestinationFormat) >> 28,
             x2apic_ ? get(LogicalDestination) : get(LogicalDestination) >> 24, get(ProcessorPriority));
    }

  private:
    std::uint32_t get(unsigned number) const { return apic_.look(number); }

    /// 11.5.1.
    void entry(const char* name, unsigned number) {
        constexpr const char* kTimerModes[] = {"one-shot", "periodic", "tsc-deadline", "..."};
        const std::uint32_t value = get(number);
        const unsigned mode = number == TimerEntry ? kFixed : value >> 8 & 7;
        char vector[16] = "";
        if (mode == kFixed || mode == kExternal)
            std::snprintf(vector, sizeof vector, " (vec %u)", value & 0xff);
        line(out_, "%s\t 0x%08x %s %-5s %-6s %-7s %-12s %-6s%s\n", name, value,
             value >> 13 & 1 ? "active-lo" : "active-hi", value >> 15 & 1 ? "level" : "edge",
             value >> 16 & 1 ? "masked" : "", value >> 12 & 1 ? "pending" : "",
             number == TimerEntry ? kTimerModes[value >> 17 & 3] : "", kModes[mode], vector);
    }
    /// 11.5.4, figure 11-10.
    void timer() {
        const std::uint32_t divide = get(Divide);
        const unsigned coded = (divide & 3) | (divide >> 1 & 4);
        line(out_, "Timer\t DCR=0x%x (divide by %u) initial_count = %u current_count = %u\n", divide & 0xf,
             coded == 7 ? 1u : 2u << coded, get(InitialCount), get(CurrentCount));
    }
    void spurious() {
        const std::uint32_t value = get(Spurious);
        line(out_, "SPIV\t 0x%08x APIC %s, focus=%s, spurious vec %u\n", value,
             value >> 8 & 1 ? "enabled" : "disabled", value >> 9 & 1 ? "on" : "off", value & 0xff);
    }
    /// 11.6.1.
    void command() {
        constexpr const char* kShorthands[] = {"no-shorthand", "self", "all-self", "all"};
        const std::uint32_t low = get(CommandLow), high = get(CommandHigh);
        const unsigned shorthand = low >> 18 & 3;
        const bool logical = low >> 11 & 1;
        line(out_, "ICR\t 0x%08x %s %s %s %s\n", low, logical ? "logical" : "physical",
             low >> 15 & 1 ? "level" : "edge", low >> 14 & 1 ? "assert" : "de-assert",
             kShorthands[shorthand]);
        line(out_, "ICR2\t 0x%08x", high);
        const std::uint32_t destination = x2apic_ ? high : high >> 24;
        const char* kind = x2apic_ ? "X2APIC ID" : "APIC ID";
        if (shorthand == 0 && logical) line(out_, " mask %08x (%s)", destination, kind);
        else if (shorthand == 0) line(out_, " cpu %u (%s)", destination, kind);
        out_.append("\n");
    }
    void vectors(const char* name, unsigned first) {
        line(out_, "%s\t ", name);
        bool any = false;
        for (unsigned word = 0; word < 8; ++word) {
            const std::uint32_t bits = get(first + word), level = get(TriggerMode + word);
            for (unsigned bit = 0; bit < 32; ++bit) {
                if (!(bits >> bit & 1)) continue;
                line(out_, "%u%s ", word * 32 + bit, level >> bit & 1 ? "(level)" : "");
                any = true;
            }
        }
        out_.append(any ? "\n" : "(none)\n");
    }

    const LocalApicView& apic_;
    TextSink& out_;
    const bool x2apic_;
};

}  // namespace

void print_local_apic(const LocalApicView& apic, std::uint32_t cpu, TextSink& out) {
    ApicText(apic, out).print(cpu);
}

}  // namespace backplane::x86
