// Draft: needs the exact host build. The walk of Sv39, Sv48 and Sv57 page tables up to the leaf, without permissions
// and without side effects: priv 4.3.2 steps 1 to 5, 4.4, 4.5, 5.1 (Svnapot). For translators and debuggers alike.
#pragma once

#include <backplane/draft/mark.h>
#include <backplane/draft/riscv/csr.h>

#include <cstdint>
#include <optional>

namespace backplane::riscv {

struct PageTableLeaf {
    enum class Result : std::uint8_t { Found, PageFault, AccessFault };
    Result result = Result::PageFault;
    std::uint64_t entry = 0;          ///< as it was read
    std::uint64_t entry_address = 0;  ///< physical
    std::uint64_t physical = 0;       ///< of the address that was looked up
    std::uint64_t page_size = 0;      ///< bytes mapped by the entry
};

/// Levels of a satp mode; 0 for Bare and for what is reserved.
constexpr unsigned page_table_levels(std::uint64_t satp_value) {
    switch (satp_value >> satp::kModeShift) {
    case satp::kSv39: return 3;
    case satp::kSv48: return 4;
    case satp::kSv57: return 5;
    default: return 0;
    }
}

/// satp's mode must be one that has levels. `read_entry(physical)` gives std::optional<uint64_t>: nothing means that
/// the entry could not be read (no memory there, PMP): an access fault.
template <class ReadEntry>
PageTableLeaf find_leaf(std::uint64_t satp_value, std::uint64_t address, bool svnapot,
                        ReadEntry&& read_entry) {
    const unsigned levels = page_table_levels(satp_value);
    const unsigned unused = 64 - (12 + 9 * levels);
    PageTableLeaf leaf;
    // Bits above the virtual address repeat its highest bit.
    if (static_cast<std::uint64_t>(static_cast<std::int64_t>(address << unused) >> unused) != address)
        return leaf;

    std::uint64_t table = (satp_value & satp::kPpn) << 12;
    for (unsigned level = levels; level-- > 0;) {
        const unsigned shift = 12 + 9 * level;
        leaf.entry_address = table + ((address >> shift) & 0x1ff) * 8;
        const std::optional<std::uint64_t> entry = read_entry(leaf.entry_address);
        if (!entry) {
            leaf.result = PageTableLeaf::Result::AccessFault;
            return leaf;
        }
        leaf.entry = *entry;
        if (!(*entry & pte::kValid) || (*entry & (pte::kRead | pte::kWrite)) == pte::kWrite) return leaf;
        std::uint64_t page_number = (*entry >> pte::kPpnShift) & pte::kPpn;
        if (!(*entry & (pte::kRead | pte::kWrite | pte::kExecute))) {
            // A pointer: D, A, U and the upper bits are reserved.
            if (*entry & (pte::kUser | pte::kAccessed | pte::kDirty | pte::kReserved)) return leaf;
            table = page_number << 12;
            continue;
        }
        leaf.page_size = std::uint64_t{1} << shift;
        if (*entry & pte::kReserved) {
            // Only N on a 4 KiB leaf whose page number says 64 KiB (table 5.1).
            const bool napot =
                svnapot && level == 0 && (*entry & pte::kReserved) == 1ull << 63 && (page_number & 0xf) == 8;
            if (!napot) return leaf;
            leaf.page_size = 1u << 16;
            page_number &= ~std::uint64_t{0xf};
        }
        const std::uint64_t inside = leaf.page_size - 1;
        if ((page_number << 12) & inside) return leaf;  // a misaligned superpage
        leaf.physical = page_number << 12 | (address & inside);
        leaf.result = PageTableLeaf::Result::Found;
        return leaf;
    }
    return leaf;  // a pointer on the last level
}

}  // namespace backplane::riscv
