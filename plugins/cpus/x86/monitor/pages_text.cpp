// Page tables in words (SDM 3A, chapter 4).
#include "listing.h"

#include <backplane/draft/address_space.h>
#include <backplane/draft/x86/state.h>

#include <cstdio>
#include <functional>

namespace backplane::x86 {

namespace {

// 4.5.4, table 4-20.
constexpr std::uint64_t kPresent = 1u << 0, kWritable = 1u << 1, kUser = 1u << 2, kLarge = 1u << 7,
                        kNoExecute = std::uint64_t{1} << 63;
constexpr std::uint64_t kFrame = 0x000ffffffffff000;

/// A page: where it is seen, what it is, its own entry, and the rights that all entries on the way leave.
struct Page {
    std::uint64_t address, size, frame, entry, rights;
};
using Visit = std::function<void(const Page&)>;

class Tables {
  public:
    Tables(Cpu& cpu, const Visit& visit)
        : state_(*static_cast<const X86State*>(cpu.state())), memory_(cpu.address_space()), visit_(visit) {}

    void walk() {
        constexpr std::uint64_t kAll = kWritable | kUser;
        if (state_.efer & efer::kLma)
            return wide(state_.cr3, state_.cr4 & cr4::kLa57 ? kLevel5 : kLevel4, kEntries, 0, kAll);
        if (!(state_.cr4 & cr4::kPae)) return narrow();
        for (unsigned i = 0; i < 4; ++i) {
            const std::uint64_t pointer =
                state_.pdptrs_valid ? state_.pdptrs[i] : load((state_.cr3 & 0xffffffe0) + i * 8, 8);
            if (pointer & kPresent) wide(pointer, kLevel2, kEntries, std::uint64_t{i} << kLevel3, kAll);
        }
    }

  private:
    static constexpr unsigned kLevel5 = 48, kLevel4 = 39, kLevel3 = 30, kLevel2 = 21, kLevel1 = 12;
    static constexpr unsigned kEntries = 512;

    /// Nothing is there: not present.
    std::uint64_t load(std::uint64_t address, unsigned size) {
        Access access{.intent = Intent::Debug};
        const std::uint64_t value = memory_.load(GuestAddress(address), size, access);
        return access.failed ? 0 : value;
    }

    void wide(std::uint64_t table, unsigned shift, unsigned entries, std::uint64_t base,
              std::uint64_t rights) {
        for (unsigned i = 0; i < entries; ++i) {
            const std::uint64_t entry = load((table & kFrame) + i * 8, 8);
            if (!(entry & kPresent)) continue;
            std::uint64_t address = base | std::uint64_t{i} << shift;
            const unsigned top = state_.cr4 & cr4::kLa57 ? 56 : 47;
            if ((state_.efer & efer::kLma) && address >> top & 1) address |= ~std::uint64_t{0} << top;
            const std::uint64_t left = rights & entry;
            if (shift == kLevel1 || (shift <= kLevel3 && (entry & kLarge))) {
                const std::uint64_t size = std::uint64_t{1} << shift;
                visit_({address, size, entry & kFrame & ~(size - 1), entry, left});
            } else {
                wide(entry, shift - 9, kEntries, address, left);
            }
        }
    }

    void narrow() {
        for (unsigned i = 0; i < 1024; ++i) {
            const std::uint64_t directory = load((state_.cr3 & 0xfffff000) + i * 4, 4);
            if (!(directory & kPresent)) continue;
            const std::uint64_t base = std::uint64_t{i} << 22;
            if ((state_.cr4 & cr4::kPse) && (directory & kLarge)) {
                const std::uint64_t frame = (directory >> 13 & 0xff) << 32 | (directory & 0xffc00000);
                visit_({base, 1u << 22, frame, directory, directory & (kWritable | kUser)});
                continue;
            }
            for (unsigned k = 0; k < 1024; ++k) {
                const std::uint64_t entry = load((directory & 0xfffff000) + k * 4, 4);
                if (entry & kPresent)
                    visit_({base | std::uint64_t{k} << 12, 1u << 12, entry & 0xfffff000, entry,
                            directory & entry & (kWritable | kUser)});
            }
        }
    }

    const X86State& state_;
    AddressSpace& memory_;
    const Visit& visit_;
};

/// "XGPDACTUW": execute-disable, global, large page, dirty, accessed, cache-disable, write-through, user, writable.
std::string flags_of(std::uint64_t entry, bool large) {
    std::string text = "---------";
    const std::pair<std::uint64_t, char> flags[] = {{kNoExecute, 'X'}, {1u << 8, 'G'}, {0, 'P'},
                                                    {1u << 6, 'D'},    {1u << 5, 'A'}, {1u << 4, 'C'},
                                                    {1u << 3, 'T'},    {kUser, 'U'},   {kWritable, 'W'}};
    for (std::size_t i = 0; i < text.size(); ++i)
        if (flags[i].first & entry || (flags[i].second == 'P' && large)) text[i] = flags[i].second;
    return text;
}

template <class... Values>
void line(TextSink& out, const char* format, Values... values) {
    char text[120];
    std::snprintf(text, sizeof text, format, values...);
    out.append(text);
}

using Number = unsigned long long;

}  // namespace

void print_pages(Cpu& cpu, TextSink& out) {
    const Visit visit = [&](const Page& page) {
        line(out, "%016llx: %016llx %s\n", Number{page.address}, Number{page.frame},
             flags_of(page.entry, page.size > 4096).c_str());
    };
    Tables(cpu, visit).walk();
}

void print_ranges(Cpu& cpu, TextSink& out) {
    Page range{0, 0, 0, 0, 0};
    const auto flush = [&] {
        if (range.size)
            line(out, "%016llx-%016llx %016llx %cr%c\n", Number{range.address},
                 Number{range.address + range.size}, Number{range.size}, range.rights & kUser ? 'u' : '-',
                 range.rights & kWritable ? 'w' : '-');
    };
    const Visit visit = [&](const Page& page) {
        if (range.size && range.rights == page.rights && range.address + range.size == page.address) {
            range.size += page.size;
            return;
        }
        flush();
        range = page;
    };
    Tables(cpu, visit).walk();
    flush();
}

}  // namespace backplane::x86
