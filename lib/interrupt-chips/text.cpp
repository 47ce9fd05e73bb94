// The chips' registers in words, as users of `info pic` know them.
#include <lib/interrupt_chips.h>

#include <cstdio>
#include <string>

namespace backplane::chips {
namespace {

template <class... Values>
void line(TextSink& out, const char* format, Values... values) {
    char text[120];
    std::snprintf(text, sizeof text, format, values...);
    out.append(text);
}

/// "IRR      4 9 "
void pins(TextSink& out, const char* name, std::uint32_t set) {
    std::string text;
    for (unsigned pin = 0; pin < 32; ++pin)
        if (set >> pin & 1) text += std::to_string(pin) + " ";
    line(out, "  %-8s %s\n", name, text.empty() ? "(none)" : text.c_str());
}

}  // namespace

void I8259Registers::write_text(TextSink& out, bool master) const {
    const unsigned level = all_level_triggered_ ? 0xff : level_triggered_;
    line(out, "pic%u: irr=%02x imr=%02x isr=%02x hprio=%u irq_base=%02x rr_sel=%u elcr=%02x fnm=%u\n",
         master ? 0u : 1u, (requests_ & ~level) | (lines_ & level), unsigned{mask_}, unsigned{in_service_},
         (lowest_ + 1u) & 7, unsigned{vector_base_}, unsigned{read_in_service_}, unsigned{level_triggered_},
         unsigned{fully_nested_});
}

void IoApicRegisters::write_text(TextSink& out, unsigned version) const {
    constexpr const char* kModes[] = {"fixed", "lowest", "SMI", "...", "NMI", "INIT", "...", "extINT"};
    constexpr unsigned kEntries = 0x10;
    line(out, "ioapic0: ver=0x%x id=0x%02x sel=0x%02x", version, id_ >> 24, unsigned{select_});
    if (select_ >= kEntries && (select_ - kEntries) / 2u < kPins)
        line(out, " (redir[%u])", (select_ - kEntries) / 2u);
    out.append("\n");
    std::uint32_t remote = 0;
    for (unsigned pin = 0; pin < kPins; ++pin) {
        const std::uint64_t entry = entries_[pin];
        remote |= std::uint32_t(entry >> 14 & 1) << pin;
        line(out, "  pin %-2u 0x%016llx dest=%llx vec=%-3u %s %-5s %-6s %-6s %s\n", pin,
             static_cast<unsigned long long>(entry), static_cast<unsigned long long>(entry >> 56),
             unsigned(entry & 0xff), entry >> 13 & 1 ? "active-lo" : "active-hi",
             entry >> 15 & 1 ? "level" : "edge", entry & kMasked ? "masked" : "", kModes[entry >> 8 & 7],
             entry >> 11 & 1 ? "logical" : "physical");
    }
    pins(out, "IRR", levels_);
    pins(out, "Remote IRR", remote);
}

}  // namespace backplane::chips
