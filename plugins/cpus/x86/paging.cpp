// A linear address as a debugger looks it up (SDM 3A, chapter 4): without permissions and without side effects.
#include "x86_cpu.h"

#include <backplane/draft/address_space.h>

namespace backplane::x86 {

namespace {

constexpr std::uint64_t kPresent = 1u << 0, kPageSizeBit = 1u << 7;
constexpr std::uint64_t kFrame = 0x000ffffffffff000;  ///< bits 51:12

class Walk {
  public:
    explicit Walk(AddressSpace& memory) : memory_(memory) {}

    bool entry(std::uint64_t address, unsigned size, std::uint64_t& value) {
        Access access{.intent = Intent::Debug};
        value = memory_.load(GuestAddress(address), size, access);
        return !access.failed && (value & kPresent) != 0;
    }

    /// Tables of 512 entries from the one that covers `shift` + 9 bits down.
    bool wide(std::uint64_t table, unsigned shift, unsigned largest_page, std::uint64_t address,
              std::uint64_t& physical) {
        for (;; shift -= 9) {
            std::uint64_t value = 0;
            if (!entry((table & kFrame) + (address >> shift & 0x1ff) * 8, 8, value)) return false;
            if (shift == kPageBits || (shift <= largest_page && (value & kPageSizeBit))) {
                const std::uint64_t inside = (std::uint64_t{1} << shift) - 1;
                physical = (value & kFrame & ~inside) | (address & inside);
                return true;
            }
            table = value;
        }
    }

    /// 32-bit paging, with the upper bits of 4 MiB pages (SDM 3A, table 4-4).
    bool narrow(std::uint64_t table, bool large_pages, std::uint32_t address, std::uint64_t& physical) {
        std::uint64_t value = 0;
        if (!entry((table & 0xfffff000) + (address >> 22) * 4, 4, value)) return false;
        if (large_pages && (value & kPageSizeBit)) {
            physical = (value >> 13 & 0xff) << 32 | (value & 0xffc00000) | (address & 0x3fffff);
            return true;
        }
        if (!entry((value & 0xfffff000) + (address >> 12 & 0x3ff) * 4, 4, value)) return false;
        physical = (value & 0xfffff000) | (address & 0xfff);
        return true;
    }

  private:
    AddressSpace& memory_;
};

bool translate(const X86State& s, AddressSpace& memory, std::uint64_t address, std::uint64_t& physical) {
    constexpr unsigned kLevel5 = 48, kLevel4 = 39, kLevel3 = 30, kLevel2 = 21;
    Walk walk(memory);
    if (!(s.cr0 & cr0::kPg)) {
        physical = std::uint32_t(address);
        return true;
    }
    if (s.efer & efer::kLma) {
        const bool five = s.cr4 & cr4::kLa57;
        const unsigned unused = five ? 7 : 16;
        if (static_cast<std::uint64_t>(static_cast<std::int64_t>(address << unused) >> unused) != address)
            return false;
        return walk.wide(s.cr3, five ? kLevel5 : kLevel4, kLevel3, address, physical);
    }
    const std::uint32_t linear = std::uint32_t(address);
    if (!(s.cr4 & cr4::kPae)) return walk.narrow(s.cr3, (s.cr4 & cr4::kPse) != 0, linear, physical);
    std::uint64_t pointer = s.pdptrs[linear >> kLevel3];
    if (!s.pdptrs_valid) walk.entry((s.cr3 & 0xffffffe0) + (linear >> kLevel3) * 8, 8, pointer);
    return (pointer & kPresent) && walk.wide(pointer, kLevel2, kLevel2, linear, physical);
}

}  // namespace

bool X86Cpu::translate_debug(std::uint64_t virtual_address, GuestAddress& physical) {
    constexpr std::uint64_t kA20 = 1u << 20;
    std::uint64_t found = 0;
    if (!translate(state_, address_space(0), virtual_address, found)) return false;
    physical = GuestAddress(a20_ ? found : found & ~kA20);
    return true;
}

}  // namespace backplane::x86
