// What more than one instruction of a unit makes, and what needs a look at the operands first, where that says no.
#include "translated.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace backplane::x86::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

// addps xmm0, xmm1; paddd xmm2, xmm3; dec ecx; jnz to the first
const Bytes kLoop = {0x0f, 0x58, 0xc1, 0x66, 0x0f, 0xfe, 0xd3, 0xff, 0xc9, 0x75, 0xf5};

TEST(X86Units, ALoopKeepsItsVectors) {
    TranslatedCpu cpu;
    cpu.set_code(kCode, kLoop.data(), unsigned(kLoop.size()));
    std::uint32_t values[4][4] = {};
    std::fill_n(values[1], 4, 0x3f800000u);  // 1.0
    std::fill_n(values[3], 4, 1u);
    std::memcpy(cpu.guest.xsave + kVectorOffset, values, sizeof values);
    cpu.guest.gpr[kRcx] = 1000;
    cpu.guest.pc = kCode;
    EXPECT_EQ(cpu.run(), std::nullopt);
    std::memcpy(values, cpu.guest.xsave + kVectorOffset, sizeof values);
    for (unsigned lane = 0; lane < 4; ++lane) {
        EXPECT_EQ(values[0][lane], 0x447a0000u);  // 1000.0
        EXPECT_EQ(values[2][lane], 1000u);
    }
}

/// From its end it goes on behind the loads.
TEST(X86Units, ALoopLoadsItsVectorsOnce) {
    if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "without BMI2 there are no native instructions";
    TranslatedCpu cpu;
    cpu.set_code(kCode, kLoop.data(), unsigned(kLoop.size()));
    cpu.guest.gpr[kRcx] = 2;
    const std::string text = cpu.host_code(kCode);
    const auto address = [&](std::size_t at) {
        return std::stoull(text.substr(text.find("0x", at)), nullptr, 16);
    };
    const std::size_t loads = text.rfind("movups xmm"), jump = text.rfind("jmp 0x");
    ASSERT_NE(loads, std::string::npos);
    ASSERT_NE(jump, std::string::npos);
    EXPECT_EQ(address(jump), address(text.find('\n', loads))) << text;
}

/// It ends in its middle, where a branch forward is taken.
TEST(X86Units, ALoopThatIsLeftInItsMiddleStoresWhenItIs) {
    if (!__builtin_cpu_supports("bmi2")) GTEST_SKIP() << "without BMI2 there are no native instructions";
    TranslatedCpu cpu;
    // addps xmm0, xmm1; dec ecx; jz out; paddd xmm2, xmm3; jmp to the first
    const Bytes code = {0x0f, 0x58, 0xc1, 0xff, 0xc9, 0x74, 0x06, 0x66, 0x0f, 0xfe, 0xd3, 0xeb, 0xf3};
    cpu.set_code(kCode, code.data(), unsigned(code.size()));
    std::uint32_t values[4][4] = {};
    std::fill_n(values[1], 4, 0x3f800000u);  // 1.0
    std::fill_n(values[3], 4, 1u);
    std::memcpy(cpu.guest.xsave + kVectorOffset, values, sizeof values);
    cpu.guest.gpr[kRcx] = 1000;
    const std::string text = cpu.host_code(kCode);
    std::memcpy(values, cpu.guest.xsave + kVectorOffset, sizeof values);
    for (unsigned lane = 0; lane < 4; ++lane) {
        EXPECT_EQ(values[0][lane], 0x447a0000u);  // 1000.0
        EXPECT_EQ(values[2][lane], 999u);
    }
    EXPECT_EQ(text.find("movups ["), std::string::npos) << text;
}

/// Behind the instruction, also where that changes what units are made for (LDMXCSR that unmasks an exception).
TEST(X86Units, ASingleStepTrapsBehindItsInstruction) {
    TranslatedCpu cpu;
    constexpr std::uint32_t kUnmasked = 0x1f00;
    std::memcpy(cpu.memory(), &kUnmasked, sizeof kUnmasked);
    for (const Bytes& code : {Bytes{0x48, 0xff, 0xc1}, Bytes{0x0f, 0xae, 0x10}}) {  // inc rcx; ldmxcsr [rax]
        Bytes two = code;
        two.push_back(0x90);
        cpu.set_code(kCode, two.data(), unsigned(two.size()));
        cpu.guest.gpr[kRax] = kMemoryBase;
        cpu.guest.gpr[kRcx] = 5;
        cpu.guest.pc = kCode;
        cpu.guest.rflags = rflags::kOne | rflags::kTrap;
        EXPECT_EQ(cpu.run(), Vector::Debug);
        EXPECT_EQ(cpu.guest.pc, kCode + code.size());
    }
    EXPECT_EQ(mxcsr_of(cpu.guest), kUnmasked);
}

TEST(X86Units, ASingleStepOfWhatFaultsIsTheFault) {
    TranslatedCpu cpu;
    const Bytes code = {0x8b, 0x00};  // mov eax, [rax]
    cpu.set_code(kCode, code.data(), unsigned(code.size()));
    cpu.guest.gpr[kRax] = 0x20000000;
    cpu.guest.pc = kCode;
    cpu.guest.rflags = rflags::kOne | rflags::kTrap;
    EXPECT_EQ(cpu.run(), Vector::PageFault);
    EXPECT_EQ(cpu.guest.pc, kCode);
}

/// SDM 2B, PUSH: of an operand elsewhere the stack is what faults.
TEST(X86Units, AStackThatIsNotCanonicalIsAStackFault) {
    TranslatedCpu cpu;
    const Bytes code = {0xff, 0x30};  // push qword [rax]
    cpu.set_code(kCode, code.data(), unsigned(code.size()));
    cpu.guest.gpr[kRax] = kMemoryBase;
    cpu.guest.gpr[kRsp] = std::uint64_t{1} << 62;
    cpu.guest.pc = kCode;
    cpu.guest.rflags = rflags::kOne;
    EXPECT_EQ(cpu.run(), Vector::StackFault);
    cpu.guest.gpr[kRax] = std::uint64_t{1} << 62;
    cpu.guest.gpr[kRsp] = kMemoryBase + 0x1000;
    cpu.guest.pc = kCode;
    EXPECT_EQ(cpu.run(), Vector::GeneralProtection);
}

struct Division {
    bool is_signed, wide;
    std::uint64_t high, low, divisor;
    std::optional<std::uint64_t> quotient;  ///< nothing: #DE
};

TEST(X86Units, DivideAsTheHostDoesAndRaiseBefore) {
    constexpr std::uint64_t kAll = ~std::uint64_t{0}, kLeast = std::uint64_t{1} << 63;
    const Division all[] = {
        {false, true, 0, 100, 7, 14},
        {false, true, 6, 0, 7, 0xdb6db6db6db6db6d},
        {false, true, 7, 0, 7, {}},
        {false, true, 0, 1, 0, {}},
        {false, false, 0, 100, 7, 14},
        {false, false, 7, 0, 7, {}},
        {true, true, kAll, 0 - 100ull, 7, 0 - 14ull},
        {true, true, kAll, kLeast, kAll, {}},
        {true, true, kAll, 0 - 100ull, kAll, 100},
        {true, true, 0, kLeast, 2, kLeast >> 1},
        {true, true, 0, 5, 0, {}},
        {true, false, 0xffffffff, 0xffffff9c, 7, 0xfffffff2},
        {true, false, 0xffffffff, 0x80000000, 0xffffffff, {}},
    };
    TranslatedCpu cpu;
    for (const Division& d : all) {
        Bytes code = {0xf7, std::uint8_t(d.is_signed ? 0xf9 : 0xf1)};  // by rCX
        if (d.wide) code.insert(code.begin(), 0x48);
        cpu.set_code(kCode, code.data(), unsigned(code.size()));
        cpu.guest.gpr[kRax] = d.low;
        cpu.guest.gpr[kRdx] = d.high;
        cpu.guest.gpr[kRcx] = d.divisor;
        cpu.guest.rflags = rflags::kOne;
        cpu.guest.pc = kCode;
        const std::optional<Vector> vector = cpu.run();
        EXPECT_EQ(vector.has_value(), !d.quotient) << d.high << ":" << d.low << " / " << d.divisor;
        EXPECT_EQ(cpu.guest.gpr[kRax], d.quotient.value_or(d.low));
        EXPECT_EQ(vector.value_or(Vector::DivideError), Vector::DivideError);
    }
}

}  // namespace
}  // namespace backplane::x86::testing
