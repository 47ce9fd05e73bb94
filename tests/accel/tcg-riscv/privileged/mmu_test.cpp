// Page-table walks on tables in a buffer, for every mode, permission and kind of access.
#include "hart_fixture.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <vector>

namespace backplane::riscv {
namespace {

constexpr std::uint64_t kRam = 0x80000000;
constexpr std::uint64_t kLeafPage = 0x123456000;

/// 1 MiB of RAM at kRam.
struct Tables final : PageTableMemory {
    std::vector<std::uint64_t> words = std::vector<std::uint64_t>((1 << 20) / 8);
    bool writable = true;
    unsigned changes_by_others = 0;  ///< as many updates fail, because another hart set A first

    std::uint64_t& at(std::uint64_t physical) { return words.at((physical - kRam) / 8); }
    bool has(std::uint64_t physical) const { return physical >= kRam && physical < kRam + (1 << 20); }

    std::optional<std::uint64_t> load(std::uint64_t physical) override {
        if (!has(physical)) return std::nullopt;
        return at(physical);
    }
    Update update(std::uint64_t physical, std::uint64_t expected, std::uint64_t desired) override {
        if (!writable) return Update::NoMemory;
        if (changes_by_others > 0) {
            --changes_by_others;
            at(physical) |= pte::kAccessed;
        }
        if (at(physical) != expected) return Update::Changed;
        at(physical) = desired;
        return Update::Done;
    }
};

constexpr std::uint64_t pointer(std::uint64_t table) { return table >> 12 << pte::kPpnShift | pte::kValid; }
constexpr std::uint64_t leaf(std::uint64_t page, std::uint64_t bits) {
    return page >> 12 << pte::kPpnShift | pte::kValid | bits;
}

struct Paging : ::testing::Test {
    /// A chain of tables for `address`, one page each from kRam, whose entry at `level` is `entry`.
    void map(std::uint64_t address, unsigned levels, std::uint64_t entry, unsigned level = 0) {
        hart.state.satp = std::uint64_t{levels + 5} << satp::kModeShift | kRam >> 12;
        std::uint64_t table = kRam;
        for (unsigned i = levels; i-- > level;) {
            std::uint64_t& slot = tables.at(table + (address >> (12 + 9 * i) & 0x1ff) * 8);
            slot = i == level ? entry : pointer(table + 0x1000);
            entry_slot = &slot;
            table += 0x1000;
        }
    }
    Translation walk(std::uint64_t address, AccessKind kind, unsigned index, unsigned size = 4) {
        return translate(hart.state, tables, address, size, kind, index);
    }
    void expect_fault(const Translation& result, Cause cause) {
        EXPECT_FALSE(result.valid);
        EXPECT_EQ(result.cause, cause);
    }

    TestHart hart;
    Tables tables;
    std::uint64_t* entry_slot = nullptr;
};

constexpr std::uint64_t kAllBits = pte::kRead | pte::kWrite | pte::kExecute | pte::kAccessed | pte::kDirty;

TEST_F(Paging, EveryLevelOfEveryScheme) {
    for (const unsigned levels : {3u, 4u, 5u}) {
        for (unsigned level = 0; level < levels; ++level) {
            SCOPED_TRACE(testing::Message() << "Sv" << 12 + 9 * levels << " level " << level);
            const std::uint64_t size = 1ull << (12 + 9 * level);
            const std::uint64_t address = 0x35'5555'5678;
            const std::uint64_t page = size * 3;
            map(address, levels, leaf(page, kAllBits), level);
            const Translation result = walk(address, AccessKind::Load, kMmuSupervisor);
            ASSERT_TRUE(result.valid);
            EXPECT_EQ(result.physical, page + (address & (size - 1)));
            EXPECT_EQ(result.page_size, size);
            EXPECT_EQ(result.permissions, kReadable | kWritable | kExecutable);
            if (level > 0) {
                map(address, levels, leaf(page + (size >> 1), kAllBits), level);
                expect_fault(walk(address, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
            }
        }
    }
}

TEST_F(Paging, AddressesRepeatTheirHighestBit) {
    for (const unsigned levels : {3u, 4u, 5u}) {
        const unsigned width = 12 + 9 * levels;
        const std::uint64_t low_end = (1ull << (width - 1)) - 0x1000;
        const std::uint64_t high_start = ~0ull << (width - 1);
        map(low_end, levels, leaf(kLeafPage, kAllBits));
        EXPECT_TRUE(walk(low_end, AccessKind::Load, kMmuSupervisor).valid);
        expect_fault(walk(low_end | 1ull << 63, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
        map(high_start, levels, leaf(kLeafPage, kAllBits));
        EXPECT_TRUE(walk(high_start, AccessKind::Load, kMmuSupervisor).valid);
        expect_fault(walk(high_start & ~(1ull << 63), AccessKind::Fetch, kMmuSupervisor),
                     Cause::InstructionPageFault);
    }
}

// 4.3.1 and 3.1.6.3 as a truth table: all R, W, X, U, A, D with all askers.
TEST_F(Paging, EveryCombinationOfPermissions) {
    constexpr std::uint64_t kAddress = 0x40000000;
    for (unsigned bits = 0; bits < 64; ++bits)
        for (const unsigned index : {kMmuUser, kMmuSupervisor, kMmuSupervisorSum})
            for (const AccessKind kind : {AccessKind::Fetch, AccessKind::Load, AccessKind::Store})
                for (const bool mxr : {false, true})
                    for (const bool adue : {false, true}) {
                        const bool r = bits & 1, w = bits & 2, x = bits & 4, u = bits & 8, a = bits & 16,
                                   d = bits & 32;
                        const std::uint64_t entry =
                            leaf(kLeafPage, (r ? pte::kRead : 0) | (w ? pte::kWrite : 0) |
                                                (x ? pte::kExecute : 0) | (u ? pte::kUser : 0) |
                                                (a ? pte::kAccessed : 0) | (d ? pte::kDirty : 0));
                        map(kAddress, 3, entry);
                        hart.state.mstatus = mxr ? mstatus::kMxr : 0;
                        hart.state.menvcfg = adue ? envcfg::kAdue : 0;

                        const bool is_leaf = (r || x) && !(w && !r);
                        const bool reach = index == kMmuUser         ? u
                                           : index == kMmuSupervisor ? !u
                                                                     : !u || kind != AccessKind::Fetch;
                        const bool right = kind == AccessKind::Fetch  ? x
                                           : kind == AccessKind::Load ? r || (mxr && x)
                                                                      : w;
                        const bool needs_update = !a || (kind == AccessKind::Store && !d);
                        const bool expected = is_leaf && reach && right && (adue || !needs_update);

                        const Translation result = walk(kAddress + 0x123, kind, index, 1);
                        SCOPED_TRACE(testing::Message()
                                     << "R" << r << " W" << w << " X" << x << " U" << u << " A" << a << " D"
                                     << d << " index " << index << " kind " << int(kind) << " MXR " << mxr
                                     << " ADUE " << adue);
                        ASSERT_EQ(result.valid, expected);
                        if (!expected) {
                            const Cause cause = kind == AccessKind::Fetch  ? Cause::InstructionPageFault
                                                : kind == AccessKind::Load ? Cause::LoadPageFault
                                                                           : Cause::StorePageFault;
                            ASSERT_EQ(result.cause, cause);
                            ASSERT_EQ(*entry_slot, entry) << "a fault leaves the entry alone";
                            continue;
                        }
                        ASSERT_EQ(result.physical, kLeafPage + 0x123);
                        const bool dirty = d || kind == AccessKind::Store;
                        ASSERT_EQ(*entry_slot, entry | pte::kAccessed | (dirty ? pte::kDirty : 0));
                        ASSERT_EQ((result.permissions & kWritable) != 0, w && dirty)
                            << "a first store must be seen";
                        ASSERT_EQ((result.permissions & kReadable) != 0, r || (mxr && x));
                        ASSERT_EQ((result.permissions & kExecutable) != 0, x && !(u && index != kMmuUser));
                    }
}

TEST_F(Paging, ReservedBitsFault) {
    for (unsigned reserved = 54; reserved < 64; ++reserved) {
        map(0x1000, 3, leaf(kLeafPage, kAllBits | 1ull << reserved));
        expect_fault(walk(0x1000, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
    }
}

TEST_F(Paging, APointerWithAttributesFaults) {
    for (const std::uint64_t bits : {pte::kUser, pte::kAccessed, pte::kDirty, std::uint64_t{1} << 61}) {
        map(0x1000, 3, leaf(kLeafPage, kAllBits));
        tables.at(kRam) |= bits;
        expect_fault(walk(0x1000, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
    }
}

TEST_F(Paging, APointerOnTheLastLevelFaults) {
    map(0x1000, 3, pointer(kRam));
    expect_fault(walk(0x1000, AccessKind::Store, kMmuSupervisor), Cause::StorePageFault);
}

TEST_F(Paging, TablesOutsideOfMemoryAreAccessFaults) {
    map(0x1000, 3, leaf(kLeafPage, kAllBits));
    tables.at(kRam) = pointer(0x10000000);
    expect_fault(walk(0x1000, AccessKind::Load, kMmuSupervisor), Cause::LoadAccessFault);
    expect_fault(walk(0x1000, AccessKind::Fetch, kMmuSupervisor), Cause::InstructionAccessFault);
}

TEST_F(Paging, AnEntryThatCannotBeMarkedIsAnAccessFault) {
    tables.writable = false;
    map(0x1000, 3, leaf(kLeafPage, pte::kRead | pte::kWrite | pte::kAccessed));
    EXPECT_TRUE(walk(0x1000, AccessKind::Load, kMmuSupervisor).valid);
    expect_fault(walk(0x1000, AccessKind::Store, kMmuSupervisor), Cause::StoreAccessFault);
}

TEST_F(Paging, AnEntryThatChangesMeanwhileIsWalkedAgain) {
    tables.changes_by_others = 1;
    map(0x1000, 3, leaf(kLeafPage, pte::kRead | pte::kWrite));
    EXPECT_TRUE(walk(0x1000, AccessKind::Store, kMmuSupervisor).valid);
    EXPECT_EQ(*entry_slot, leaf(kLeafPage, pte::kRead | pte::kWrite | pte::kAccessed | pte::kDirty));
}

TEST_F(Paging, Svnapot64KiB) {
    map(0x15000, 3, leaf(0x123408000, kAllBits | 1ull << 63));
    const Translation result = walk(0x15678, AccessKind::Load, kMmuSupervisor);
    ASSERT_TRUE(result.valid);
    EXPECT_EQ(result.physical, 0x123405678u);
    EXPECT_EQ(result.page_size, 0x10000u);
    map(0x15000, 3, leaf(0x123404000, kAllBits | 1ull << 63));
    expect_fault(walk(0x15678, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
    hart.state.extensions &= ~bit(Extension::Svnapot);
    map(0x15000, 3, leaf(0x123408000, kAllBits | 1ull << 63));
    expect_fault(walk(0x15678, AccessKind::Load, kMmuSupervisor), Cause::LoadPageFault);
}

TEST_F(Paging, BareAndMachineModeAreIdentity) {
    const Translation bare = walk(0xdead000, AccessKind::Store, kMmuUser);
    EXPECT_TRUE(bare.valid);
    EXPECT_EQ(bare.physical, 0xdead000u);
    map(0x1000, 3, leaf(kLeafPage, kAllBits));
    EXPECT_EQ(walk(0x1000, AccessKind::Load, kMmuMachine).physical, 0x1000u);
}

TEST_F(Paging, MprvBorrowsTheIndexOfMpp) {
    EXPECT_EQ(data_mmu_index(hart.state), kMmuMachine);
    hart.state.mstatus = mstatus::kMprv;
    EXPECT_EQ(data_mmu_index(hart.state), kMmuUser);
    EXPECT_EQ(fetch_mmu_index(hart.state), kMmuMachine) << "fetches are not affected";
    hart.state.mstatus = mstatus::kMprv | 1ull << mstatus::kMppShift;
    EXPECT_EQ(data_mmu_index(hart.state), kMmuSupervisor);
    hart.state.mstatus |= mstatus::kSum;
    EXPECT_EQ(data_mmu_index(hart.state), kMmuSupervisorSum);
    hart.state.mstatus = mstatus::kMprv | mstatus::kMpp;
    EXPECT_EQ(data_mmu_index(hart.state), kMmuMachine);
}

TEST_F(Paging, PmpGuardsTheWalkAndTheResult) {
    hart.state.pmp_entries = 2;
    map(0x1000, 3, leaf(kLeafPage, kAllBits & ~pte::kAccessed));
    expect_fault(walk(0x1000, AccessKind::Load, kMmuSupervisor), Cause::LoadAccessFault);  // nothing allowed
    // The tables may be read only: A cannot be set.
    hart.state.pmpaddr[0] = (kRam + 0x100000) >> 2;
    hart.state.pmpcfg[0] = pmpcfg::kTor << pmpcfg::kModeShift | pmpcfg::kRead;
    hart.state.pmpaddr[1] = kLeafPage >> 2 | 0x1ff;
    hart.state.pmpcfg[1] = pmpcfg::kNapot << pmpcfg::kModeShift | pmpcfg::kRead;
    expect_fault(walk(0x1000, AccessKind::Load, kMmuSupervisor), Cause::LoadAccessFault);
    hart.state.pmpcfg[0] |= pmpcfg::kWrite;
    const Translation result = walk(0x1000, AccessKind::Load, kMmuSupervisor);
    ASSERT_TRUE(result.valid);
    EXPECT_EQ(result.permissions, kReadable) << "the page's other rights end at PMP";
    EXPECT_TRUE(result.whole_page);
    expect_fault(walk(0x1000, AccessKind::Store, kMmuSupervisor), Cause::StoreAccessFault);
}

TEST_F(Paging, ARefusedStoreDoesNotMarkThePage) {
    hart.state.pmp_entries = 1;
    hart.state.pmpaddr[0] = (kRam + 0x100000) >> 2;
    hart.state.pmpcfg[0] = pmpcfg::kTor << pmpcfg::kModeShift | pmpcfg::kRead | pmpcfg::kWrite;
    const std::uint64_t entry = leaf(kLeafPage, pte::kRead | pte::kWrite);
    map(0x1000, 3, entry);
    expect_fault(walk(0x1000, AccessKind::Store, kMmuSupervisor), Cause::StoreAccessFault);
    EXPECT_EQ(*entry_slot, entry);
}

}  // namespace
}  // namespace backplane::riscv
