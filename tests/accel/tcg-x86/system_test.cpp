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
    std::optional<Vector> run(std::array<std::uint8_t, 2> bytes) {
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
    ASSERT_EQ(run({0xf4, 0x90}), std::nullopt);
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
