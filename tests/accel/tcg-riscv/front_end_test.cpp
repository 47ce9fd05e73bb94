// What the instruction tests cannot show from inside a program: exceptions, state off and dirty, missing extensions.
#include "interpreter.h"

#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>

namespace backplane::riscv {
namespace {

constexpr std::uint64_t kHandler = testing::kRamBase + 0x100;
constexpr std::uint64_t kData = testing::kRamBase + 0x800;

/// A hart in machine mode at the start of RAM, with a trap handler that the test never runs: run_one() stops there.
class FrontEnd : public ::testing::Test {
  protected:
    FrontEnd() {
        hart().mtvec = kHandler;
        hart().mstatus = mstatus::kFs;
        hart().x[10] = kData;
    }
    HartState& hart() { return machine_.hart(); }
    void run(std::initializer_list<std::uint32_t> code) {
        std::uint64_t at = 0;
        for (const std::uint32_t word : code) {
            std::memcpy(machine_.ram().data() + at, &word, 4);
            at += 4;
        }
        const std::uint32_t stop = 0x0000006f;  // j .
        std::memcpy(machine_.ram().data() + at, &stop, 4);
        std::memcpy(machine_.ram().data() + 0x100, &stop, 4);
        machine_.run(2 + code.size());
    }
    bool trapped(Cause cause, std::uint64_t value, std::uint64_t offset = 0) {
        return hart().pc == kHandler && hart().mcause == static_cast<std::uint64_t>(cause) &&
               hart().mtval == value && hart().mepc == testing::kRamBase + offset;
    }
    void without(Extension extension) { hart().extensions &= ~bit(extension); }

    testing::Interpreter machine_{0x1000};
};

constexpr std::uint32_t kNop = 0x00000013;

TEST_F(FrontEnd, ReportsTheBitsOfAnIllegalInstruction) {
    run({kNop, 0xffffffff});
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0xffffffff, 4));
}

TEST_F(FrontEnd, ReportsSixteenBitsOfAnIllegalCompressedInstruction) {
    run({0x12348002});
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0x8002));
}

TEST_F(FrontEnd, RefusesAMissingExtension) {
    without(Extension::Zbb);
    run({0x60051513});  // clz a0,a0
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0x60051513));
}

TEST_F(FrontEnd, CallsTheEnvironment) {
    run({0x00000073});
    EXPECT_TRUE(trapped(Cause::MachineCall, 0));
}

TEST_F(FrontEnd, BreaksAtTheInstruction) {
    run({kNop, 0x00100073});
    EXPECT_TRUE(trapped(Cause::Breakpoint, testing::kRamBase + 4, 4));
}

// ---- semihosting calls

constexpr std::uint32_t kBeforeCall = 0x01f01013, kCall = 0x00100073, kBehindCall = 0x40705013;

struct CallServices final : HartServices {
    std::uint64_t time() const override { return 0; }
    std::uint64_t now_ns() const override { return 0; }
    void supervisor_timer_changed() override {}
    Call semihosting_call() override {
        ++calls;
        return answer;
    }
    Call answer = Call::Done;
    unsigned calls = 0;
};

TEST_F(FrontEnd, ASemihostingCallGoesOnBehindItsBreakpoint) {
    CallServices services;
    hart().services = &services;
    run({kBeforeCall, kCall, kBehindCall});
    EXPECT_EQ(services.calls, 1u);
    EXPECT_EQ(hart().pc, testing::kRamBase + 12);
}

TEST_F(FrontEnd, ASemihostingCallThatWaitsIsMadeAgain) {
    CallServices services;
    hart().services = &services;
    services.answer = HartServices::Call::Wait;
    run({kBeforeCall, kCall, kBehindCall});
    EXPECT_GT(services.calls, 1u);
    EXPECT_EQ(hart().pc, testing::kRamBase + 4);
}

TEST_F(FrontEnd, ASemihostingCallThatNobodyServesIsABreakpoint) {
    run({kBeforeCall, kCall, kBehindCall});
    EXPECT_TRUE(trapped(Cause::Breakpoint, testing::kRamBase + 4, 4));
}

TEST_F(FrontEnd, PartOfTheSequenceIsABreakpoint) {
    CallServices services;
    hart().services = &services;
    run({kNop, kCall, kBehindCall});
    EXPECT_TRUE(trapped(Cause::Breakpoint, testing::kRamBase + 4, 4));
    EXPECT_EQ(services.calls, 0u);
}

TEST_F(FrontEnd, RaisesOnAMisalignedAtomic) {
    hart().x[10] = kData + 2;
    run({0x00b5252f});  // amoadd.w a0,a1,(a0)
    EXPECT_TRUE(trapped(Cause::StoreMisaligned, kData + 2));
}

TEST_F(FrontEnd, RaisesOnAMisalignedLoadReserved) {
    hart().x[10] = kData + 4;
    run({0x100535af});  // lr.d a1,(a0)
    EXPECT_TRUE(trapped(Cause::LoadMisaligned, kData + 4));
}

TEST_F(FrontEnd, RaisesOnAMisalignedStoreConditional) {
    hart().x[10] = kData + 1;
    run({0x18c525af});  // sc.w a1,a2,(a0)
    EXPECT_TRUE(trapped(Cause::StoreMisaligned, kData + 1));
}

TEST_F(FrontEnd, FailsAStoreConditionalWithoutReservation) {
    run({0x18c525af});  // sc.w a1,a2,(a0)
    EXPECT_EQ(hart().x[11], 1u);
}

TEST_F(FrontEnd, GivesTheReservationUpWithTheFirstStoreConditional) {
    run({0x100525af, 0x18c526af, 0x18c5272f});  // lr.w a1,(a0); sc.w a3,a2,(a0); sc.w a4,a2,(a0)
    EXPECT_EQ(hart().x[13], 0u);
    EXPECT_EQ(hart().x[14], 1u);
    EXPECT_EQ(hart().reservation_address, kNoReservation);
}

TEST_F(FrontEnd, RefusesFloatingPointThatIsOff) {
    hart().mstatus = 0;
    run({0x02000053});  // fadd.d ft0,ft0,ft0,rne
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0x02000053));
}

TEST_F(FrontEnd, MarksFloatingPointStateDirty) {
    hart().mstatus = std::uint64_t{1} << mstatus::kFsShift;
    run({0xf2050053});  // fmv.d.x ft0,a0
    EXPECT_EQ(hart().f[0], kData);
    EXPECT_EQ(hart().mstatus & mstatus::kFs, mstatus::kFs);
}

TEST_F(FrontEnd, LeavesFloatingPointStateCleanWhereItIsOnlyRead) {
    hart().mstatus = std::uint64_t{1} << mstatus::kFsShift;
    run({0xe20005d3});  // fmv.x.d a1,ft0
    EXPECT_EQ(hart().mstatus & mstatus::kFs, std::uint64_t{1} << mstatus::kFsShift);
}

TEST_F(FrontEnd, LeavesFloatingPointStateCleanWhenTheLoadFaults) {
    hart().mstatus = std::uint64_t{1} << mstatus::kFsShift;
    hart().x[10] = 0x40;
    run({0x00053007});  // fld ft0,0(a0)
    EXPECT_TRUE(trapped(Cause::LoadAccessFault, 0x40));
    EXPECT_NE(hart().mstatus & mstatus::kFs, mstatus::kFs);
}

TEST_F(FrontEnd, RefusesAReservedRoundingMode) {
    run({0x02005053});  // fadd.d with rm = 5
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0x02005053));
}

TEST_F(FrontEnd, RefusesDynamicRoundingWhileFrmIsReserved) {
    hart().frm = 6;
    run({0x02007053});  // fadd.d with rm = dyn
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0x02007053));
}

TEST_F(FrontEnd, MinimumNeedsNoValidRoundingMode) {
    hart().frm = 6;
    hart().f[1] = 0xbff0000000000000;
    run({0x2a008053});  // fmin.d ft0,ft1,ft0
    EXPECT_EQ(hart().f[0], 0xbff0000000000000u);
}

TEST_F(FrontEnd, RaisesOnAJumpBetweenInstructionsWithoutC) {
    without(Extension::C);
    run({0x0060006f});  // jal zero,.+6
    EXPECT_TRUE(trapped(Cause::InstructionMisaligned, testing::kRamBase + 6));
}

TEST_F(FrontEnd, LeavesTheLinkRegisterWhenAJumpRaises) {
    without(Extension::C);
    hart().x[10] = kData + 2;
    hart().x[1] = 7;
    run({0x000500e7});  // jalr ra,0(a0)
    EXPECT_TRUE(trapped(Cause::InstructionMisaligned, kData + 2));
    EXPECT_EQ(hart().x[1], 7u);
}

TEST_F(FrontEnd, CountsThirtyTwoZerosBelowAnEmptyLowHalf) {
    hart().x[10] = 0x8000000000000000;
    run({0x6015159b});  // ctzw a1,a0
    EXPECT_EQ(hart().x[11], 32u);
}

TEST_F(FrontEnd, RefusesACsrThatIsReadOnly) {
    run({0xf1151073});  // csrw mvendorid,a0
    EXPECT_TRUE(trapped(Cause::IllegalInstruction, 0xf1151073));
}

TEST_F(FrontEnd, ReadsAReadOnlyCsrWithASetOfNothing) {
    hart().mhartid = 5;
    run({0xf14025f3});  // csrr a1,mhartid
    EXPECT_EQ(hart().x[11], 5u);
}

TEST_F(FrontEnd, SwapsACsrWithTheRegisterThatItGoesTo) {
    hart().mscratch = 42;
    run({0x34051573});  // csrrw a0,mscratch,a0
    EXPECT_EQ(hart().x[10], 42u);
    EXPECT_EQ(hart().mscratch, kData);
}

TEST_F(FrontEnd, ReturnsFromATrapToTheModeBefore) {
    hart().mepc = kData;
    hart().mstatus = std::uint64_t{1} << mstatus::kMppShift;
    std::memset(machine_.ram().data() + 0x800, 0, 4);
    run({0x30200073});  // mret
    EXPECT_EQ(hart().mcause, static_cast<std::uint64_t>(Cause::IllegalInstruction));
    EXPECT_EQ(hart().mepc, kData);
    EXPECT_EQ(hart().mstatus >> mstatus::kMppShift & 3, 1u) << "the zeros were met in supervisor mode";
}

TEST_F(FrontEnd, HaltsWhenItWaitsWithoutWork) {
    run({0x10500073});
    EXPECT_EQ(hart().run.halted.load(), 1u);
    EXPECT_EQ(hart().pc, testing::kRamBase + 4);
}

}  // namespace
}  // namespace backplane::riscv
