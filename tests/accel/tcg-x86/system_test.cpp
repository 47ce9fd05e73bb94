// Instructions that no user program executes, one by one.
#include "processor.h"

#include <gtest/gtest.h>

#include <array>

namespace backplane::x86::testing {
namespace {

class SystemTest : public ::testing::Test {
  protected:
    SystemTest() {
        for (Segment& segment : cpu.state.segments) segment.attributes &= ~(3u << Segment::kDplShift);
    }
    template <std::size_t Size>
    std::optional<Vector> run(std::array<std::uint8_t, Size> bytes) {
        CodeBytes code(bytes.data());
        return cpu.run(decode(code, CodeSize::Code64));
    }
    TestCpu cpu;
};

constexpr std::array<std::uint8_t, 2> kRdmsr{0x0f, 0x32}, kWrmsr{0x0f, 0x30};

TEST_F(SystemTest, WhatLinuxAsksProcessorsOfAmdIsThereAndOff) {
    constexpr std::uint32_t kInterruptPending = 0xc0010055, kNorthbridge = 0xc001001f;
    for (const std::uint32_t index : {msr::kAmdSyscfg, kInterruptPending, kNorthbridge}) {
        cpu.state.gpr[kRax] = cpu.state.gpr[kRdx] = 5;
        cpu.state.gpr[kRcx] = index;
        EXPECT_EQ(run(kRdmsr), std::nullopt);
        EXPECT_EQ(cpu.state.gpr[kRax], 0u);
        EXPECT_EQ(cpu.state.gpr[kRdx], 0u);
        EXPECT_EQ(run(kWrmsr), std::nullopt);
    }
}

/// Intel's show it in 64-bit mode alone; systems set it before they are in it.
TEST_F(SystemTest, SyscallMayBeEnabledWhereCpuidDoesNotShowIt) {
    cpu.processor.shows_syscall = false;
    cpu.state.efer = 0;
    cpu.state.cr0 &= ~cr0::kPg;
    cpu.state.gpr[kRax] = efer::kSce | efer::kLme;
    cpu.state.gpr[kRdx] = 0;
    cpu.state.gpr[kRcx] = msr::kEfer;
    EXPECT_EQ(run(kWrmsr), std::nullopt);
    EXPECT_EQ(cpu.state.efer, efer::kSce | efer::kLme);
}

TEST_F(SystemTest, AnMsrThatIsNotThereIsAFault) {
    cpu.state.gpr[kRcx] = 0x12345678;
    EXPECT_EQ(run(kRdmsr), Vector::GeneralProtection);
    EXPECT_EQ(run(kWrmsr), Vector::GeneralProtection);
}

TEST_F(SystemTest, ProcessorsOfAmdHaveCountersThatCountNothing) {
    for (const std::uint32_t index : {0xc0010000u, 0xc0010007u}) {
        cpu.processor.leaves.clear();
        cpu.state.gpr[kRcx] = index;
        EXPECT_EQ(run(kWrmsr), Vector::GeneralProtection) << "others have none";
        cpu.processor.leaves[0] = {1, 0x68747541, 0x444d4163, 0x69746e65};
        cpu.state.gpr[kRax] = 5;
        EXPECT_EQ(run(kWrmsr), std::nullopt);
        EXPECT_EQ(run(kRdmsr), std::nullopt);
        EXPECT_EQ(cpu.state.gpr[kRax], 0u);
    }
}

TEST_F(SystemTest, AnMsrOfAFeatureThatIsNotShownIsAFault) {
    cpu.state.gpr[kRax] = cpu.state.gpr[kRdx] = 0;
    for (const std::uint32_t index : {msr::kSpecCtrl, msr::kPkrs, msr::kTscAdjust, msr::kUmwaitControl}) {
        cpu.processor.leaves.clear();
        cpu.state.gpr[kRcx] = index;
        EXPECT_EQ(run(kRdmsr), std::nullopt) << index;
        cpu.processor.leaves[7] = {};
        EXPECT_EQ(run(kRdmsr), Vector::GeneralProtection) << index;
        EXPECT_EQ(run(kWrmsr), Vector::GeneralProtection) << index;
    }
}

TEST_F(SystemTest, BanksThatMachineCheckDoesNotTellOfAreFaults) {
    cpu.state.msrs.mcg_cap = 2;
    cpu.state.gpr[kRcx] = msr::kMc0Ctl + 7;
    EXPECT_EQ(run(kRdmsr), std::nullopt);
    cpu.state.gpr[kRcx] = msr::kMc0Ctl + 8;
    EXPECT_EQ(run(kRdmsr), Vector::GeneralProtection);
}

TEST_F(SystemTest, ABaseIsAsWideAsAnyPagingOfTheProcessors) {
    const auto write = [&](std::uint64_t value) {
        cpu.state.gpr[kRcx] = msr::kKernelGsBase;
        cpu.state.gpr[kRax] = std::uint32_t(value);
        cpu.state.gpr[kRdx] = value >> 32;
        return run(kWrmsr);
    };
    EXPECT_EQ(write(0x00ff000000000000), std::nullopt) << "with four levels in use";
    EXPECT_EQ(cpu.state.msrs.kernel_gs_base, 0x00ff000000000000u);
    EXPECT_EQ(write(0x0200000000000000), Vector::GeneralProtection);
    cpu.processor.leaves[7] = {};
    EXPECT_EQ(write(0x00ff000000000000), Vector::GeneralProtection);
}

TEST_F(SystemTest, ATableOutsideOfEveryAddressIsAFault) {
    constexpr std::array<std::uint8_t, 3> kLldt{0x0f, 0x00, 0xd0};  // EAX
    cpu.state.gdt = {kMemoryBase, 0xff};
    std::uint64_t descriptor[] = {0x0000820000000fff, 0};
    std::memcpy(cpu.vcpu.at(kMemoryBase + 8), descriptor, sizeof descriptor);
    cpu.state.gpr[kRax] = 8;
    EXPECT_EQ(run(kLldt), std::nullopt);
    descriptor[1] = 0xaaaaaaaa;
    std::memcpy(cpu.vcpu.at(kMemoryBase + 8), descriptor, sizeof descriptor);
    EXPECT_EQ(run(kLldt), Vector::GeneralProtection);
}

TEST_F(SystemTest, InvpcidWantsAnAddressSpaceThatIsThere) {
    constexpr std::array<std::uint8_t, 5> kInvpcid{0x66, 0x0f, 0x38, 0x82, 0x01};  // RAX, (RCX)
    const auto invalidate = [&](std::uint64_t type, std::uint64_t context, std::uint64_t address) {
        const std::uint64_t descriptor[] = {context, address};
        std::memcpy(cpu.vcpu.at(kMemoryBase), descriptor, sizeof descriptor);
        cpu.state.gpr[kRax] = type;
        cpu.state.gpr[kRcx] = kMemoryBase;
        return run(kInvpcid);
    };
    for (std::uint64_t type = 0; type < 4; ++type) EXPECT_EQ(invalidate(type, 0, 0), std::nullopt);
    EXPECT_EQ(invalidate(4, 0, 0), Vector::GeneralProtection);
    EXPECT_EQ(invalidate(0, 1, 0), Vector::GeneralProtection);
    EXPECT_EQ(invalidate(1, 1, 0), Vector::GeneralProtection);
    EXPECT_EQ(invalidate(2, 1, 0), std::nullopt);
    EXPECT_EQ(invalidate(0, 0, 0x0800000000000000), Vector::GeneralProtection);
    cpu.state.cr4 |= cr4::kPcide;
    EXPECT_EQ(invalidate(1, 0xfff, 0), std::nullopt);
    EXPECT_EQ(invalidate(1, 0x1000, 0), Vector::GeneralProtection);
}

TEST_F(SystemTest, ABreakpointBehindALoadOfSsIsOnlyHeldBackByIntel) {
    constexpr std::array<std::uint8_t, 1> kNop{0x90};
    CodeBytes code(kNop.data());
    const Instruction nop = decode(code, CodeSize::Code64);
    for (const bool intel : {false, true}) {
        cpu.processor.leaves[0] = {1, intel ? 0x756e6547u : 0x68747541u, 0, 0};
        cpu.state.pc = cpu.state.dr[0] = 0x1000;
        cpu.state.dr6 = 0;
        cpu.state.dr7 = 1;
        cpu.own.stack_loaded = true;
        Executor(cpu.state).run_watched(nop);
        EXPECT_EQ(cpu.state.dr6 & 1, intel ? 0u : 1u);
        cpu.processor.shut = false;
        cpu.state.activity = Activity::Running;
    }
}

// --- system management mode ---

class ManagementTest : public SystemTest {
  protected:
    static constexpr std::uint64_t kArea = kMemoryBase + 0xfe00;

    ManagementTest() {
        cpu.own.management = true;
        cpu.state.smbase = kMemoryBase;
        for (unsigned n = 0; n < kGprCount; ++n) cpu.state.gpr[n] = std::uint64_t{0x1111111111111111} * n;
        cpu.state.segments[kFs].base = 0x123456789000;
        cpu.state.segments[kEs] = {0, 0, 0, Segment::kUnusable};
        cpu.state.gdt = {0xfffffe0000001000, 0x7f};
        cpu.state.pc = 0x400000;
    }
    void ask(std::uint32_t requests) {
        cpu.state.requests.fetch_or(requests);
        Executor(cpu.state).take_requests();
    }
    template <class T>
    T saved(std::uint32_t place) {
        T value;
        std::memcpy(&value, cpu.vcpu.at(kArea + place), sizeof value);
        return value;
    }
    template <class T>
    void set_saved(std::uint32_t place, T value) {
        std::memcpy(cpu.vcpu.at(kArea + place), &value, sizeof value);
    }
    std::optional<Vector> resume() {
        CodeBytes code(kRsm.data());
        return cpu.run(decode(code, CodeSize::Code16));
    }
    static constexpr std::array<std::uint8_t, 2> kRsm{0x0f, 0xaa};
};

TEST_F(ManagementTest, AnSmiSavesTheStateAndStartsTheHandlerInRealMode) {
    ask(request::kSmi);
    const X86State& s = cpu.state;
    EXPECT_TRUE(s.smm);
    EXPECT_EQ(s.pc, kMemoryBase + 0x8000);
    EXPECT_EQ(s.cr0 & (cr0::kPe | cr0::kPg), 0u);
    EXPECT_EQ(s.cr4, 0u);
    EXPECT_EQ(s.efer, 0u);
    EXPECT_EQ(s.rflags, rflags::kOne);
    EXPECT_EQ(saved<std::uint32_t>(0xfc), 0x20064u);
    EXPECT_EQ(saved<std::uint32_t>(0x100), kMemoryBase);
    EXPECT_EQ(saved<std::uint64_t>(0x178), 0x400000u);
    EXPECT_EQ(saved<std::uint64_t>(0x1f8 - 8 * 15), 0xffffffffffffffffu);
    EXPECT_EQ(saved<std::uint64_t>(0x48), 0x123456789000u);
}

TEST_F(ManagementTest, RsmBringsBackWhatItWasAndMovesTheBase) {
    const X86State& s = cpu.state;
    const std::uint64_t cr0 = s.cr0, cr4 = s.cr4, efer = s.efer, flags = s.rflags;
    ask(request::kSmi);
    cpu.state.gpr[kRbx] = 0;
    set_saved<std::uint32_t>(0x100, 0xa0000);
    ASSERT_EQ(resume(), std::nullopt);
    EXPECT_FALSE(s.smm);
    EXPECT_EQ(s.smbase, 0xa0000u);
    EXPECT_EQ(s.pc, 0x400000u);
    EXPECT_EQ(s.cr0, cr0 | cr0::kEt);
    EXPECT_EQ(s.cr4, cr4);
    EXPECT_EQ(s.efer, efer);
    EXPECT_EQ(s.rflags, flags);
    for (unsigned n = 0; n < kGprCount; ++n) EXPECT_EQ(s.gpr[n], std::uint64_t{0x1111111111111111} * n);
    EXPECT_EQ(s.segments[kFs].base, 0x123456789000u);
    EXPECT_EQ(s.segments[kEs].attributes, Segment::kUnusable);
    EXPECT_EQ(s.segments[kCs].attributes, 0xa09bu);
    EXPECT_EQ(s.gdt.base, 0xfffffe0000001000u);
    EXPECT_EQ(s.gdt.limit, 0x7fu);
}

TEST_F(ManagementTest, RsmElsewhereIsUndefined) { EXPECT_EQ(run(kRsm), Vector::InvalidOpcode); }

TEST_F(ManagementTest, WhatNoProcessorCouldHaveSavedShutsItDown) {
    ask(request::kSmi);
    set_saved<std::uint64_t>(0x158, cr0::kPg);
    EXPECT_EQ(resume(), std::nullopt);
    EXPECT_TRUE(cpu.processor.shut);
}

TEST_F(ManagementTest, ItHoldsBackNmiInitAndAnotherSmiUntilRsm) {
    ask(request::kSmi);
    const std::uint64_t pc = cpu.state.pc;
    ask(request::kSmi | request::kNmi | request::kInit);
    EXPECT_EQ(cpu.state.pc, pc);
    EXPECT_EQ(cpu.state.requests.load(), request::kSmi | request::kNmi | request::kInit);
    resume();
    EXPECT_FALSE(cpu.state.nmi_blocked);
    cpu.state.nmi_blocked = true;  // by an NMI before
    cpu.state.requests = 0;
    ask(request::kSmi);
    resume();
    EXPECT_TRUE(cpu.state.nmi_blocked);
}

TEST_F(ManagementTest, AHaltedProcessorHaltsAgain) {
    ASSERT_EQ(run(std::array<std::uint8_t, 2>{0xf4, 0x90}), std::nullopt);
    cpu.state.run.halted = 0;  // as the engine does, for there is work
    ask(request::kSmi);
    EXPECT_EQ(saved<std::uint8_t>(0xc9), 1u);
    resume();
    EXPECT_EQ(cpu.state.run.halted.load(), 1u);
    EXPECT_EQ(cpu.state.pc, 0x400001u);
    cpu.state.run.halted = 0;
    ask(request::kSmi);
    set_saved<std::uint8_t>(0xc9, 0);
    resume();
    EXPECT_EQ(cpu.state.run.halted.load(), 0u);
}

TEST_F(ManagementTest, AProcessorWithoutLongModeHasTheAreaOf32BitOnes) {
    cpu.processor.long_mode = false;
    X86State& s = cpu.state;
    s.efer = efer::kNxe;
    s.cr4 = 0;
    s.segments[kCs] = {0x1000, 0xffffffff, 8, 0xc09b};
    set_instruction_pointer(s, 0x2345);
    ask(request::kSmi);
    EXPECT_EQ(saved<std::uint32_t>(0xfc), 0x20000u);
    EXPECT_EQ(saved<std::uint32_t>(0xf8), kMemoryBase);
    EXPECT_EQ(saved<std::uint32_t>(0x1f0), 0x2345u);
    EXPECT_EQ(saved<std::uint32_t>(0x1dc), 0x33333333u);
    EXPECT_EQ(saved<std::uint16_t>(0x1ac), 8u);
    ASSERT_EQ(resume(), std::nullopt);
    EXPECT_EQ(s.pc, 0x3345u);
    EXPECT_EQ(s.efer, efer::kNxe);
    EXPECT_EQ(s.segments[kCs].base, 0x1000u);
    EXPECT_EQ(s.segments[kCs].attributes, 0xc09bu);
}

TEST_F(ManagementTest, WithoutMemoryOfItsOwnAnSmiDoesNothing) {
    cpu.own.management = false;
    ask(request::kSmi);
    EXPECT_FALSE(cpu.state.smm);
    EXPECT_EQ(cpu.state.requests.load(), 0u);
}

}  // namespace
}  // namespace backplane::x86::testing
