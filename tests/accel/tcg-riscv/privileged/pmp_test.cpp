#include "hart_fixture.h"

#include <gtest/gtest.h>

namespace backplane::riscv {
namespace {

constexpr std::uint8_t kRwx = pmpcfg::kRead | pmpcfg::kWrite | pmpcfg::kExecute;
constexpr std::uint8_t kAllowed = kReadable | kWritable | kExecutable;

constexpr std::uint8_t config(pmpcfg::Mode mode, std::uint8_t bits) {
    return static_cast<std::uint8_t>(mode << pmpcfg::kModeShift | bits);
}

struct Pmp : ::testing::Test {
    Pmp() { hart.state.pmp_entries = 16; }
    void entry(unsigned index, pmpcfg::Mode mode, std::uint8_t bits, std::uint64_t pmpaddr) {
        hart.state.pmpcfg[index] = config(mode, bits);
        hart.state.pmpaddr[index] = pmpaddr;
    }
    std::uint8_t permissions(std::uint64_t address, unsigned size = 4,
                             Privilege mode = Privilege::Supervisor) {
        return check_pmp(hart.state, address, size, mode).permissions;
    }
    TestHart hart;
};

TEST_F(Pmp, WithoutEntriesEverythingIsAllowed) {
    hart.state.pmp_entries = 0;
    EXPECT_EQ(permissions(0x1000), kAllowed);
}

TEST_F(Pmp, WithoutAMatchOnlyMachineModePasses) {
    EXPECT_EQ(permissions(0x1000), 0);
    EXPECT_EQ(permissions(0x1000, 4, Privilege::User), 0);
    EXPECT_EQ(permissions(0x1000, 4, Privilege::Machine), kAllowed);
}

TEST_F(Pmp, Na4IsFourBytes) {
    entry(0, pmpcfg::kNa4, pmpcfg::kRead, 0x1004 >> 2);
    EXPECT_EQ(permissions(0x1004), kReadable);
    EXPECT_EQ(permissions(0x1006, 2), kReadable);
    EXPECT_EQ(permissions(0x1000), 0);
    EXPECT_EQ(permissions(0x1008), 0);
}

TEST_F(Pmp, NapotSizesComeFromTrailingOnes) {
    for (unsigned bits = 3; bits <= 56; ++bits) {
        const std::uint64_t size = 1ull << bits;
        const std::uint64_t base = bits < 55 ? size : 0;
        entry(0, pmpcfg::kNapot, pmpcfg::kRead, (base >> 2 | ((size >> 3) - 1)) & ((1ull << 54) - 1));
        EXPECT_EQ(permissions(base), kReadable) << bits;
        EXPECT_EQ(permissions(base + size - 4), kReadable) << bits;
        EXPECT_EQ(permissions(base + size), 0) << bits;
        if (base != 0) {
            EXPECT_EQ(permissions(base - 4), 0) << bits;
        }
    }
}

TEST_F(Pmp, AllOnesMatchTheWholeSpace) {
    entry(0, pmpcfg::kNapot, pmpcfg::kRead, (1ull << 54) - 1);
    EXPECT_EQ(permissions(0), kReadable);
    EXPECT_EQ(permissions((1ull << 56) - 4), kReadable);
}

TEST_F(Pmp, TorRunsFromTheEntryBefore) {
    entry(0, pmpcfg::kOff, 0, 0x1000 >> 2);
    entry(1, pmpcfg::kTor, pmpcfg::kRead, 0x2000 >> 2);
    EXPECT_EQ(permissions(0xffc), 0);
    EXPECT_EQ(permissions(0x1000), kReadable);
    EXPECT_EQ(permissions(0x1ffc), kReadable);
    EXPECT_EQ(permissions(0x2000), 0);
}

TEST_F(Pmp, TorOfTheFirstEntryStartsAtZero) {
    entry(0, pmpcfg::kTor, pmpcfg::kRead, 0x2000 >> 2);
    EXPECT_EQ(permissions(0), kReadable);
}

TEST_F(Pmp, AnInvertedTorRangeMatchesNothing) {
    entry(0, pmpcfg::kOff, 0, 0x3000 >> 2);
    entry(1, pmpcfg::kTor, pmpcfg::kRead, 0x1000 >> 2);
    entry(2, pmpcfg::kTor, pmpcfg::kWrite, 0x4000 >> 2);
    EXPECT_EQ(permissions(0x2000), kWritable);
}

TEST_F(Pmp, TheLowestEntryWins) {
    entry(0, pmpcfg::kNa4, 0, 0x1000 >> 2);
    entry(1, pmpcfg::kNapot, kRwx, 0x1000 >> 2 | 0x1ff);
    EXPECT_EQ(permissions(0x1000), 0);
    EXPECT_EQ(permissions(0x1004), kAllowed);
}

TEST_F(Pmp, AnAccessThatAnEntryCoversInPartFails) {
    entry(0, pmpcfg::kNa4, kRwx, 0x1000 >> 2);
    entry(1, pmpcfg::kNapot, kRwx, 0x1000 >> 2 | 0x1ff);
    EXPECT_EQ(permissions(0x1000, 8), 0);
    EXPECT_EQ(permissions(0x1000, 8, Privilege::Machine), 0);
    EXPECT_EQ(permissions(0x1008, 8), kAllowed);
}

TEST_F(Pmp, SaysWhetherTheAnswerHoldsForThePage) {
    entry(0, pmpcfg::kNa4, 0, 0x1800 >> 2);
    entry(1, pmpcfg::kNapot, kRwx, (1ull << 54) - 1);
    EXPECT_FALSE(check_pmp(hart.state, 0x1000, 4, Privilege::Supervisor).whole_page);
    EXPECT_TRUE(check_pmp(hart.state, 0x2000, 4, Privilege::Supervisor).whole_page);
}

TEST_F(Pmp, OnlyLockedEntriesBindMachineMode) {
    entry(0, pmpcfg::kNapot, 0, 0x1000 >> 2 | 0x1ff);
    EXPECT_EQ(permissions(0x1000, 4, Privilege::Machine), kAllowed);
    hart.state.pmpcfg[0] |= pmpcfg::kLock;
    EXPECT_EQ(permissions(0x1000, 4, Privilege::Machine), 0);
}

TEST_F(Pmp, ConfigurationRegistersHoldEightEntries) {
    EXPECT_EQ(hart.write(kPmpcfg0 + 2, 0x0102030405060700ull | 0x1f).effects, kFlushTlb);
    EXPECT_EQ(hart.state.pmpcfg[8], 0x1f);
    EXPECT_EQ(hart.state.pmpcfg[9], 0x07);
    EXPECT_EQ(hart.state.pmpcfg[15], 0x01);
    EXPECT_FALSE(hart.read(kPmpcfg0 + 1).legal) << "odd numbers are RV32's";
    EXPECT_FALSE(hart.read(kPmpcfg0 + 4).legal) << "16 entries";
    EXPECT_FALSE(hart.read(kPmpaddr15 + 1).legal);
}

TEST_F(Pmp, WriteWithoutReadIsReserved) {
    hart.write(kPmpcfg0, pmpcfg::kWrite);
    EXPECT_EQ(hart.state.pmpcfg[0], 0);
    hart.write(kPmpcfg0, 0xff);
    EXPECT_EQ(hart.state.pmpcfg[0], 0x9f) << "bits 5 and 6 are zero";
}

TEST_F(Pmp, AddressesHave54Bits) {
    hart.write(kPmpaddr0, ~0ull);
    EXPECT_EQ(hart.value(kPmpaddr0), (1ull << 54) - 1);
}

TEST_F(Pmp, ALockedEntryStays) {
    entry(0, pmpcfg::kNapot, pmpcfg::kLock | pmpcfg::kRead, 0x400);
    hart.write(kPmpcfg0, 0);
    hart.write(kPmpaddr0, 0);
    EXPECT_EQ(hart.state.pmpcfg[0], config(pmpcfg::kNapot, pmpcfg::kLock | pmpcfg::kRead));
    EXPECT_EQ(hart.state.pmpaddr[0], 0x400u);
}

TEST_F(Pmp, ALockedTorEntryHoldsTheAddressBelowIt) {
    entry(1, pmpcfg::kTor, pmpcfg::kLock, 0x800);
    hart.write(kPmpaddr0, 5);
    EXPECT_EQ(hart.state.pmpaddr[0], 0u);
    hart.state.pmpcfg[1] = config(pmpcfg::kNapot, pmpcfg::kLock);
    hart.write(kPmpaddr0, 5);
    EXPECT_EQ(hart.state.pmpaddr[0], 5u);
}

TEST_F(Pmp, EntriesThatAreNotThereReadAsZero) {
    hart.state.pmp_entries = 8;
    hart.write(kPmpcfg0 + 2, ~0ull);
    hart.write(kPmpaddr0 + 8, ~0ull);
    EXPECT_EQ(hart.value(kPmpcfg0 + 2), 0u);
    EXPECT_EQ(hart.value(kPmpaddr0 + 8), 0u);
    hart.state.pmp_entries = 0;
    EXPECT_FALSE(hart.read(kPmpcfg0).legal);
}

}  // namespace
}  // namespace backplane::riscv
