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
    constexpr std::uint32_t kInterruptPending = 0xc0010055;
    for (const std::uint32_t index : {msr::kAmdSyscfg, kInterruptPending}) {
        cpu.state.gpr[kRax] = cpu.state.gpr[kRdx] = 5;
        cpu.state.gpr[kRcx] = index;
        EXPECT_EQ(run(kRdmsr), std::nullopt);
        EXPECT_EQ(cpu.state.gpr[kRax], 0u);
        EXPECT_EQ(cpu.state.gpr[kRdx], 0u);
        EXPECT_EQ(run(kWrmsr), std::nullopt);
    }
}

TEST_F(SystemTest, AnMsrThatIsNotThereIsAFault) {
    cpu.state.gpr[kRcx] = 0x12345678;
    EXPECT_EQ(run(kRdmsr), Vector::GeneralProtection);
    EXPECT_EQ(run(kWrmsr), Vector::GeneralProtection);
}

}  // namespace
}  // namespace backplane::x86::testing
