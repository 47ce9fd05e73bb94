#include "hart_fixture.h"

#include <gtest/gtest.h>

namespace backplane::riscv {
namespace {

constexpr std::uint64_t kMachineHandler = 0x80001000;
constexpr std::uint64_t kSupervisorHandler = 0x80002000;

struct Trapping : ::testing::Test {
    Trapping() {
        hart.state.mtvec = kMachineHandler;
        hart.state.stvec = kSupervisorHandler;
        hart.state.pc = 0x4000;
    }
    std::uint64_t status(std::uint64_t field) const { return hart.state.mstatus & field; }
    TestHart hart;
};

TEST_F(Trapping, ToMachineModeSavesWhereItCameFrom) {
    hart.state.mstatus |= mstatus::kMie;
    hart.enter(Privilege::User);
    EXPECT_TRUE(take_exception(hart.state, Cause::LoadPageFault, 0x1234) & kFlagsChanged);
    EXPECT_EQ(hart.state.privilege, Privilege::Machine);
    EXPECT_EQ(hart.state.pc, kMachineHandler);
    EXPECT_EQ(hart.state.mepc, 0x4000u);
    EXPECT_EQ(hart.state.mcause, 13u);
    EXPECT_EQ(hart.state.mtval, 0x1234u);
    EXPECT_EQ(status(mstatus::kMpp), 0u);
    EXPECT_EQ(status(mstatus::kMie), 0u);
    EXPECT_NE(status(mstatus::kMpie), 0u);
}

TEST_F(Trapping, DelegatedGoesToTheSupervisor) {
    hart.state.medeleg = 1u << 13;
    hart.state.mstatus |= mstatus::kSie;
    hart.enter(Privilege::Supervisor);
    take_exception(hart.state, Cause::LoadPageFault, 0x1234);
    EXPECT_EQ(hart.state.privilege, Privilege::Supervisor);
    EXPECT_EQ(hart.state.pc, kSupervisorHandler);
    EXPECT_EQ(hart.state.sepc, 0x4000u);
    EXPECT_EQ(hart.state.scause, 13u);
    EXPECT_EQ(hart.state.stval, 0x1234u);
    EXPECT_NE(status(mstatus::kSpp), 0u);
    EXPECT_EQ(status(mstatus::kSie), 0u);
    EXPECT_NE(status(mstatus::kSpie), 0u);
    EXPECT_EQ(hart.state.mcause, 0u);
}

TEST_F(Trapping, DelegationNeverLowersThePrivilege) {
    hart.state.medeleg = ~0ull;
    take_exception(hart.state, Cause::IllegalInstruction, 0);
    EXPECT_EQ(hart.state.privilege, Privilege::Machine);
    EXPECT_EQ(hart.state.pc, kMachineHandler);
    EXPECT_EQ(status(mstatus::kMpp), mstatus::kMpp);
}

TEST_F(Trapping, VectoredModeConcernsInterruptsOnly) {
    hart.state.mtvec = kMachineHandler | 1;
    take_exception(hart.state, Cause::Breakpoint, 0);
    EXPECT_EQ(hart.state.pc, kMachineHandler);
    hart.state.mie = interrupt::kMtip;
    hart.state.mip_lines = interrupt::kMtip;
    hart.enter(Privilege::User);
    ASSERT_TRUE(take_interrupt(hart.state));
    EXPECT_EQ(hart.state.pc, kMachineHandler + 4 * 7);
    EXPECT_EQ(hart.state.mcause, interrupt::kCauseFlag | 7);
}

TEST_F(Trapping, APendingExceptionIsTakenOnce) {
    raise_exception(hart.state, Cause::StoreAccessFault, 0x99);
    EXPECT_TRUE(hart.state.exception_pending);
    take_pending_exception(hart.state);
    EXPECT_FALSE(hart.state.exception_pending);
    EXPECT_EQ(hart.state.mcause, 7u);
    EXPECT_EQ(hart.state.mtval, 0x99u);
}

TEST_F(Trapping, DropsTheReservation) {
    hart.state.reservation_address = 0x80000000;
    take_exception(hart.state, Cause::UserCall, 0);
    EXPECT_EQ(hart.state.reservation_address, kNoReservation);
}

TEST_F(Trapping, EnvironmentCallsAreNumberedByMode) {
    for (const auto& [mode, cause] : {std::pair{Privilege::User, Cause::UserCall},
                                      {Privilege::Supervisor, Cause::SupervisorCall},
                                      {Privilege::Machine, Cause::MachineCall}}) {
        hart.enter(mode);
        EXPECT_EQ(environment_call_cause(hart.state), cause);
    }
}

TEST_F(Trapping, MretRestoresTheStack) {
    hart.state.mepc = 0x5000;
    hart.state.mstatus |= mstatus::kMpie | mstatus::kMprv | 1ull << mstatus::kMppShift;
    const ReturnResult result = machine_return(hart.state);
    EXPECT_TRUE(result.legal);
    EXPECT_EQ(result.effects, kFlagsChanged | kCheckInterrupts);
    EXPECT_EQ(hart.state.privilege, Privilege::Supervisor);
    EXPECT_EQ(hart.state.pc, 0x5000u);
    EXPECT_NE(status(mstatus::kMie), 0u);
    EXPECT_NE(status(mstatus::kMpie), 0u);
    EXPECT_EQ(status(mstatus::kMpp), 0u);
    EXPECT_EQ(status(mstatus::kMprv), 0u) << "cleared when the new mode is less than M";
}

TEST_F(Trapping, MretToMachineModeKeepsMprv) {
    hart.state.mstatus |= mstatus::kMprv | mstatus::kMpp;
    machine_return(hart.state);
    EXPECT_NE(status(mstatus::kMprv), 0u);
}

TEST_F(Trapping, SretRestoresTheStack) {
    hart.enter(Privilege::Supervisor);
    hart.state.sepc = 0x6000;
    hart.state.mstatus |= mstatus::kSie | mstatus::kSpp;
    EXPECT_TRUE(supervisor_return(hart.state).legal);
    EXPECT_EQ(hart.state.privilege, Privilege::Supervisor);
    EXPECT_EQ(hart.state.pc, 0x6000u);
    EXPECT_EQ(status(mstatus::kSie), 0u);
    EXPECT_NE(status(mstatus::kSpie), 0u);
    EXPECT_EQ(status(mstatus::kSpp), 0u);
    supervisor_return(hart.state);
    EXPECT_EQ(hart.state.privilege, Privilege::User);
    EXPECT_NE(status(mstatus::kSie), 0u);
}

TEST_F(Trapping, ReturnsAreIllegalBelowTheirMode) {
    hart.enter(Privilege::Supervisor);
    EXPECT_FALSE(machine_return(hart.state).legal);
    hart.enter(Privilege::User);
    EXPECT_FALSE(supervisor_return(hart.state).legal);
    EXPECT_EQ(hart.state.pc, 0x4000u);
}

TEST_F(Trapping, TsrTrapsSretOfTheSupervisor) {
    hart.state.mstatus |= mstatus::kTsr;
    hart.enter(Privilege::Supervisor);
    EXPECT_FALSE(supervisor_return(hart.state).legal);
    hart.enter(Privilege::Machine);
    EXPECT_TRUE(supervisor_return(hart.state).legal);
}

TEST_F(Trapping, WfiIsIllegalUnderTwAndInUserMode) {
    EXPECT_EQ(wait_for_interrupt(hart.state), WaitResult::Halt);
    hart.enter(Privilege::Supervisor);
    EXPECT_EQ(wait_for_interrupt(hart.state), WaitResult::Halt);
    hart.enter(Privilege::User);
    EXPECT_EQ(wait_for_interrupt(hart.state), WaitResult::Illegal);
    hart.state.mstatus |= mstatus::kTw;
    hart.enter(Privilege::Supervisor);
    EXPECT_EQ(wait_for_interrupt(hart.state), WaitResult::Illegal);
    hart.enter(Privilege::Machine);
    EXPECT_EQ(wait_for_interrupt(hart.state), WaitResult::Halt);
}

TEST_F(Trapping, WfiWakesForAnEnabledInterruptEvenWhenItIsMasked) {
    hart.state.mip_lines = interrupt::kMtip;
    EXPECT_FALSE(has_work(hart.state));
    hart.state.mie = interrupt::kMtip;
    EXPECT_TRUE(has_work(hart.state));
    EXPECT_EQ(deliverable_interrupt(hart.state), -1);
}

TEST_F(Trapping, SfenceVmaIsIllegalInUserModeAndUnderTvm) {
    EXPECT_TRUE(fence_vma_legal(hart.state));
    hart.enter(Privilege::Supervisor);
    EXPECT_TRUE(fence_vma_legal(hart.state));
    hart.state.mstatus |= mstatus::kTvm;
    EXPECT_FALSE(fence_vma_legal(hart.state));
    EXPECT_TRUE(fence_inval_legal(hart.state)) << "Svinval: TVM concerns SINVAL.VMA only";
    hart.enter(Privilege::User);
    EXPECT_FALSE(fence_vma_legal(hart.state));
    EXPECT_FALSE(fence_inval_legal(hart.state));
}

TEST_F(Trapping, InterruptsComeInTheManualsOrder) {
    hart.enter(Privilege::User);
    std::uint64_t pending = interrupt::kMachine | interrupt::kSupervisor;
    hart.state.mie = pending;
    for (const int expected : {11, 3, 7, 9, 1, 5}) {
        hart.state.mip_lines = pending;
        EXPECT_EQ(deliverable_interrupt(hart.state), expected);
        pending &= ~(1ull << expected);
    }
}

TEST_F(Trapping, InterruptsForTheMachineComeBeforeThoseForTheSupervisor) {
    hart.enter(Privilege::User);
    hart.state.mideleg = interrupt::kSeip;
    hart.state.mie = hart.state.mip_lines = interrupt::kSeip | interrupt::kStip;
    EXPECT_EQ(deliverable_interrupt(hart.state), 5) << "STIP is the machine's here";
}

// 3.1.6.1: x IE matters in mode x; lesser modes never mask, higher modes always do.
TEST_F(Trapping, GlobalEnablesGovernTheirOwnMode) {
    for (const bool delegated : {false, true})
        for (const Privilege mode : {Privilege::User, Privilege::Supervisor, Privilege::Machine})
            for (unsigned enables = 0; enables < 4; ++enables) {
                hart.state.mideleg = delegated ? interrupt::kSsip : 0;
                hart.state.mie = interrupt::kSsip;
                hart.state.mip_writable = interrupt::kSsip;
                hart.state.mstatus = (enables & 1 ? mstatus::kMie : 0) | (enables & 2 ? mstatus::kSie : 0);
                hart.enter(mode);
                const Privilege handler = delegated ? Privilege::Supervisor : Privilege::Machine;
                const bool enabled = delegated ? (enables & 2) != 0 : (enables & 1) != 0;
                const bool expected = mode < handler || (mode == handler && enabled);
                EXPECT_EQ(deliverable_interrupt(hart.state) == 1, expected)
                    << "delegated " << delegated << " mode " << static_cast<int>(mode) << " enables "
                    << enables;
            }
}

TEST_F(Trapping, DelegatedInterruptEntersTheSupervisor) {
    hart.state.mideleg = interrupt::kStip;
    hart.state.mie = hart.state.mip_lines = interrupt::kStip;
    hart.enter(Privilege::User);
    ASSERT_TRUE(take_interrupt(hart.state));
    EXPECT_EQ(hart.state.privilege, Privilege::Supervisor);
    EXPECT_EQ(hart.state.scause, interrupt::kCauseFlag | 5);
    EXPECT_EQ(hart.state.stval, 0u);
    EXPECT_FALSE(take_interrupt(hart.state)) << "SIE is clear in the handler";
}

}  // namespace
}  // namespace backplane::riscv
