#include "hart_fixture.h"

#include <gtest/gtest.h>

namespace backplane::riscv {
namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

struct Warl {
    unsigned number;
    std::uint64_t written;
    std::uint64_t read;
    const char* rule;
};

// What all ones, or an illegal value, leaves in a register. The manual's section in the text.
constexpr Warl kWarl[] = {
    {kMstatus, kOnes, 0x8000000a007e79aaull, "3.1.6: UXL and SXL fixed, VS and XS absent, SD follows FS"},
    {kSstatus, kOnes, 0x80000002000c6122ull, "4.1.1: the supervisor's part"},
    {kMisa, 0, 0, "3.1.1: read-only here"},
    {kMedeleg, kOnes, 0xb3ff, "3.1.8: no ECALL from M, no reserved causes"},
    {kMideleg, kOnes, 0x222, "3.1.8: supervisor interrupts only"},
    {kMie, kOnes, 0xaaa, "3.1.9"},
    {kMip, kOnes, 0x222, "3.1.9: machine bits belong to devices"},
    {kMtvec, 0x80000001, 0x80000001, "3.1.7: vectored"},
    {kMtvec, 0x80000004, 0x80000004, "3.1.7: direct"},
    {kMtvec, 0x80000006, 0, "3.1.7: a reserved mode is not taken"},
    {kStvec, 0x80000003, 0, "4.1.2: likewise"},
    {kMcounteren, kOnes, 0xffffffff, "3.1.11"},
    {kScounteren, kOnes, 0xffffffff, "4.1.5"},
    {kMcountinhibit, kOnes, 5, "3.1.12: TIME cannot be inhibited, hpmcounters do not count"},
    {kMepc, kOnes, kOnes - 1, "3.1.14: bit 0 is zero"},
    {kSepc, kOnes, kOnes - 1, "4.1.7"},
    {kMscratch, kOnes, kOnes, "3.1.13"},
    {kSscratch, kOnes, kOnes, "4.1.6"},
    {kMcause, kOnes, kOnes, "3.1.15: WLRL, holds what it is given"},
    {kMtval, kOnes, kOnes, "3.1.16"},
    {kMenvcfg, kOnes, envcfg::kFiom | envcfg::kAdue | envcfg::kStce, "3.1.18: no PBMTE, CBZE, CBCFE, CBIE"},
    {kSenvcfg, kOnes, envcfg::kFiom, "4.1.10"},
    {kSatp, 0x8fffffffffffffffull, 0x8fffffffffffffffull, "4.1.11: Sv39, 16 ASID bits"},
    {kSatp, 0x9000000000000001ull, 0x9000000000000001ull, "Sv48"},
    {kSatp, 0xa000000000000001ull, 0xa000000000000001ull, "Sv57"},
    {kSatp, 0xb000000000000001ull, 0, "4.1.11: a mode that is not there leaves all as it was"},
    {kSatp, 0x1000000000000001ull, 0, "a reserved mode likewise"},
    {kMhpmevent3, kOnes, 0, "3.1.10: no events"},
    {kMhpmcounter31, kOnes, 0, "3.1.10: no counters"},
};

TEST(CsrWarl, WritesLeaveLegalValues) {
    for (const Warl& row : kWarl) {
        TestHart hart;
        ASSERT_TRUE(hart.write(row.number, row.written).legal) << csr_name(row.number);
        EXPECT_EQ(hart.value(row.number), row.read) << csr_name(row.number) << ": " << row.rule;
    }
}

TEST(CsrWarl, MppKeepsItsValueWhenGivenTheReservedMode) {
    TestHart hart;
    hart.write(kMstatus, 1ull << mstatus::kMppShift);
    hart.write(kMstatus, 2ull << mstatus::kMppShift | mstatus::kMie);
    EXPECT_EQ(hart.value(kMstatus) & mstatus::kMpp, 1ull << mstatus::kMppShift);
    EXPECT_TRUE(hart.value(kMstatus) & mstatus::kMie);
}

TEST(CsrWarl, WithoutSupervisorModeItsFieldsAreZero) {
    TestHart hart(bit(Extension::U) | bit(Extension::Zicsr));
    hart.state.mstatus = 0;
    hart.write(kMstatus, kOnes);
    EXPECT_EQ(hart.value(kMstatus),
              mstatus::kMie | mstatus::kMpie | mstatus::kMpp | mstatus::kMprv | mstatus::kTw);
    hart.write(kMie, kOnes);
    EXPECT_EQ(hart.value(kMie), interrupt::kMachine);
    for (const unsigned number : {kSstatus, kSie, kStvec, kSatp, kMedeleg, kMideleg, kSip, kStimecmp})
        EXPECT_FALSE(hart.read(number).legal) << csr_name(number);
}

TEST(CsrWarl, WithoutCompressedInstructionsEpcIsFourByteAligned) {
    TestHart hart(kFullSet & ~bit(Extension::C));
    hart.write(kMepc, 0x1002);
    EXPECT_EQ(hart.value(kMepc), 0x1000u);
}

TEST(CsrAccess, NumberSaysTheLowestPrivilege) {
    TestHart hart;
    hart.enter(Privilege::Supervisor);
    EXPECT_FALSE(hart.read(kMstatus).legal);
    EXPECT_TRUE(hart.read(kSstatus).legal);
    hart.enter(Privilege::User);
    EXPECT_FALSE(hart.read(kSstatus).legal);
}

TEST(CsrAccess, ReadOnlyNumbersRefuseEveryWrite) {
    TestHart hart;
    EXPECT_TRUE(hart.read(kMhartid).legal);
    EXPECT_FALSE(hart.write(kMhartid, 0).legal);
    EXPECT_FALSE(hart.set(kMhartid, 0).legal) << "CSRRS with rs1 != x0 writes even when the value is 0";
    EXPECT_FALSE(hart.clear(kCycle, 0).legal);
}

TEST(CsrAccess, UnknownNumbersAreIllegal) {
    TestHart hart;
    for (const unsigned number :
         {0x000u, 0x008u, 0x200u, 0x600u, 0x747u, 0x7a0u, 0x7b0u, 0x5a8u, 0xc80u, 0xf16u, 0x1000u})
        EXPECT_FALSE(hart.read(number).legal) << std::hex << number;
}

TEST(CsrAccess, SetAndClearTouchTheirBitsAndReturnTheOldValue) {
    TestHart hart;
    hart.write(kMscratch, 0xf0);
    EXPECT_EQ(hart.set(kMscratch, 0x0f).value, 0xf0u);
    EXPECT_EQ(hart.clear(kMscratch, 0x81).value, 0xffu);
    EXPECT_EQ(hart.value(kMscratch), 0x7eu);
}

TEST(CsrAccess, OlderPrivilegedArchitecturesLackTheNewerRegisters) {
    TestHart hart;
    hart.state.privileged_version = 10;
    for (const unsigned number : {kMenvcfg, kSenvcfg, kMconfigptr, kMcountinhibit})
        EXPECT_FALSE(hart.read(number).legal) << csr_name(number);
    hart.state.privileged_version = 11;
    EXPECT_TRUE(hart.read(kMcountinhibit).legal);
}

TEST(CsrNames, RunsCarryTheirIndex) {
    EXPECT_EQ(csr_name(kMstatus), "mstatus");
    EXPECT_EQ(csr_name(kPmpaddr15), "pmpaddr15");
    EXPECT_EQ(csr_name(kMhpmcounter31), "mhpmcounter31");
    EXPECT_EQ(csr_name(0x7c0), "csr0x7c0");
}

TEST(Satp, TvmTrapsTheSupervisor) {
    TestHart hart;
    hart.enter(Privilege::Supervisor);
    EXPECT_TRUE(hart.read(kSatp).legal);
    hart.state.mstatus |= mstatus::kTvm;
    EXPECT_FALSE(hart.read(kSatp).legal);
    hart.enter(Privilege::Machine);
    EXPECT_TRUE(hart.read(kSatp).legal);
}

TEST(Satp, ChangeIsAnEffectAndTheSameValueIsNone) {
    TestHart hart;
    EXPECT_EQ(hart.write(kSatp, 8ull << 60 | 5).effects, kSatpChanged);
    EXPECT_EQ(hart.write(kSatp, 8ull << 60 | 5).effects, kNoEffect);
}

TEST(Mstatus, OnlyAChangeOfMxrFlushes) {
    TestHart hart;
    EXPECT_FALSE(hart.set(kMstatus, mstatus::kSum).effects & kFlushTlb);
    EXPECT_TRUE(hart.set(kMstatus, mstatus::kMxr).effects & kFlushTlb);
    EXPECT_FALSE(hart.set(kMstatus, mstatus::kMxr).effects & kFlushTlb);
}

TEST(Mstatus, FieldsOfTheMachineAreOutOfTheSupervisorsReach) {
    TestHart hart;
    hart.enter(Privilege::Supervisor);
    hart.write(kSstatus, kOnes);
    EXPECT_EQ(hart.state.mstatus & (mstatus::kMie | mstatus::kMpie | mstatus::kMpp | mstatus::kMprv |
                                    mstatus::kTvm | mstatus::kTw | mstatus::kTsr),
              0u);
}

TEST(Interrupts, SupervisorSeesOnlyWhatIsDelegated) {
    TestHart hart;
    hart.write(kMideleg, interrupt::kSsip);
    hart.write(kMie, interrupt::kSupervisor);
    hart.state.mip_lines = interrupt::kSeip | interrupt::kMtip;
    hart.state.mip_writable = interrupt::kSsip;
    EXPECT_EQ(hart.value(kSie), interrupt::kSsip);
    EXPECT_EQ(hart.value(kSip), interrupt::kSsip);
    hart.write(kSie, kOnes);
    EXPECT_EQ(hart.value(kMie), interrupt::kSupervisor) << "bits that are not delegated stay";
    hart.clear(kSip, interrupt::kSsip);
    EXPECT_EQ(hart.value(kMip), interrupt::kSeip | interrupt::kMtip);
}

TEST(Interrupts, SettingABitOfMipDoesNotKeepTheExternalLine) {
    // 3.1.9: CSRRS and CSRRC modify the software bit of SEIP, not its union with the line.
    TestHart hart;
    hart.state.mip_lines = interrupt::kSeip;
    EXPECT_EQ(hart.set(kMip, interrupt::kSsip).value, interrupt::kSeip);
    hart.state.mip_lines = 0;
    EXPECT_EQ(hart.value(kMip), interrupt::kSsip);
}

TEST(Interrupts, SoftwareCannotClearALine) {
    TestHart hart;
    hart.state.mip_lines = interrupt::kSeip;
    hart.clear(kMip, interrupt::kSeip);
    EXPECT_EQ(hart.value(kMip), interrupt::kSeip);
}

TEST(Interrupts, SupervisorTimerBitIsReadOnlyUnderStimecmp) {
    TestHart hart;
    hart.write(kMip, interrupt::kStip);
    EXPECT_EQ(hart.value(kMip), interrupt::kStip);
    hart.set(kMenvcfg, envcfg::kStce);
    EXPECT_EQ(hart.value(kMip), 0u) << "software's bit is gone";
    hart.write(kMip, interrupt::kStip);
    EXPECT_EQ(hart.value(kMip), 0u);
}

TEST(FloatCsrs, AreIllegalWhileTheUnitIsOff) {
    TestHart hart;
    EXPECT_FALSE(hart.read(kFcsr).legal);
    hart.state.mstatus |= 1ull << mstatus::kFsShift;
    EXPECT_TRUE(hart.read(kFcsr).legal);
}

TEST(FloatCsrs, AWriteMakesTheUnitDirtyAndSaysSo) {
    TestHart hart;
    hart.state.mstatus |= 1ull << mstatus::kFsShift;
    EXPECT_EQ(hart.read(kFflags).effects, kNoEffect);
    EXPECT_EQ(hart.write(kFflags, 0).effects, kFlagsChanged);
    EXPECT_EQ(hart.state.mstatus & mstatus::kFs, mstatus::kFs);
    EXPECT_EQ(hart.write(kFflags, 0x11).effects, kNoEffect) << "dirty already";
}

TEST(FloatCsrs, FcsrIsFrmAndFflags) {
    TestHart hart;
    hart.state.mstatus |= mstatus::kFs;
    EXPECT_EQ(hart.write(kFcsr, kOnes).effects, kRoundingChanged);
    EXPECT_EQ(hart.value(kFcsr), 0xffu);
    EXPECT_EQ(hart.value(kFrm), 7u);
    EXPECT_EQ(hart.value(kFflags), 0x1fu);
    hart.write(kFrm, kRtz);
    EXPECT_EQ(hart.value(kFcsr), 0x3fu);
}

TEST(CsrEffects, QuietRegistersNeedNotEndABlock) {
    EXPECT_FALSE(csr_write_has_effects(kMscratch));
    EXPECT_FALSE(csr_write_has_effects(kSepc));
    EXPECT_TRUE(csr_write_has_effects(kSatp));
    EXPECT_TRUE(csr_write_has_effects(kSie));
    EXPECT_TRUE(csr_write_has_effects(0x7c0));
}

TEST(TranslationFlags, HoldPrivilegeDataIndexAndFloatState) {
    TestHart hart;
    const std::uint32_t machine = translation_flags(hart.state);
    hart.state.mstatus |= mstatus::kMprv | mstatus::kSum | 1ull << mstatus::kMppShift;
    EXPECT_NE(translation_flags(hart.state), machine);
    EXPECT_EQ(translation_flags(hart.state) >> kFlagsDataIndexShift & 3, unsigned{kMmuSupervisorSum});
    hart.state.mstatus |= mstatus::kFs;
    EXPECT_EQ(translation_flags(hart.state) >> kFlagsFsShift & 3, 3u);
    EXPECT_EQ(translation_flags(hart.state) >> kFlagsFreeShift, 0u);
}

// --- as a debugger sees them ---

TEST(CsrRules, EveryRegisterIsReachedFromAnyMode) {
    TestHart hart;
    hart.enter(Privilege::User);
    hart.state.frm = 2;
    std::uint64_t value = 0;
    EXPECT_TRUE(csr_rules().read(hart.state, kFrm, value));  // with mstatus.FS off
    EXPECT_EQ(value, 2u);
    EXPECT_TRUE(csr_rules().write(hart.state, kMscratch, 77));
    EXPECT_EQ(hart.state.mscratch, 77u);
    EXPECT_TRUE(csr_rules().write(hart.state, kFcsr, 0x21));
    EXPECT_EQ(hart.state.mstatus & mstatus::kFs, 0u) << "the debugger does not switch the unit on";
    EXPECT_EQ(hart.state.privilege, Privilege::User);
}

TEST(CsrRules, WhatTheHartDoesNotHaveHasNoName) {
    TestHart small(bit(Extension::M) | bit(Extension::Zicsr));
    EXPECT_EQ(csr_rules().name(small.state, kMstatus), "mstatus");
    for (const unsigned number : {unsigned{kSstatus}, unsigned{kFcsr}, unsigned{kPmpcfg0}, 0x123u})
        EXPECT_EQ(csr_rules().name(small.state, number), "") << number;
    TestHart full;
    EXPECT_EQ(csr_rules().name(full.state, kFcsr), "fcsr");
    full.state.pmp_entries = 16;
    EXPECT_EQ(csr_rules().name(full.state, kPmpaddr0 + 3), "pmpaddr3");
}

TEST(CsrRules, AReadOnlyRegisterIsNotWritten) {
    TestHart hart;
    EXPECT_FALSE(csr_rules().write(hart.state, kMhartid, 1));
    EXPECT_FALSE(csr_rules().write(hart.state, kCycle, 1));
}

}  // namespace
}  // namespace backplane::riscv
