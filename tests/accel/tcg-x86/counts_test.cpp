// How many host instructions a snippet costs on the way that is usually gone, without the jump that ends it: a worse translation
// shows as a difference here. And what needs a look at the operands first is right when it must not go that way.
#include "translated.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace backplane::x86::testing {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Snippet {
    const char* name;
    unsigned expected;  ///< host instructions
    Bytes code;
};

const Snippet kSnippets[] = {
    {"mov ecx, eax", 1, {0x89, 0xc1}},
    {"mov cl, al", 1, {0x88, 0xc1}},
    {"movzx ecx, al", 1, {0x0f, 0xb6, 0xc8}},
    {"mov eax, 1", 1, {0xb8, 1, 0, 0, 0}},
    {"add rax, rcx", 1, {0x48, 0x01, 0xc8}},
    {"add rax, r9", 2, {0x4c, 0x01, 0xc8}},
    {"lea rax, [rbx + 4 * rcx + 8]", 1, {0x48, 0x8d, 0x44, 0x8b, 8}},
    {"lea eax, [rbx + 1]", 1, {0x8d, 0x43, 1}},
    {"imul eax, ecx", 1, {0x0f, 0xaf, 0xc1}},
    {"shl eax, cl", 2, {0xd3, 0xe0}},
    {"div rcx, with the call of what may raise", 60, {0x48, 0xf7, 0xf1}},
    {"mov rax, [rbx + 8]", 9, {0x48, 0x8b, 0x43, 8}},
    {"mov [rbx + 8], rax", 9, {0x48, 0x89, 0x43, 8}},
    {"add [rbx], rax", 9, {0x48, 0x01, 0x03}},
    {"mov rax, gs:[rbx]", 11, {0x65, 0x48, 0x8b, 0x03}},
    {"push rax", 10, {0x50}},
    {"pop rax", 10, {0x58}},
    {"cmp eax, ecx; mov rdx, [rbx]; setz al", 11, {0x39, 0xc8, 0x48, 0x8b, 0x13, 0x0f, 0x94, 0xc0}},
    {"addps xmm0, xmm1", 4, {0x0f, 0x58, 0xc1}},
    {"mulsd xmm0, [rbx]", 11, {0xf2, 0x0f, 0x59, 0x03}},
    {"cvtsi2sd xmm0, eax", 3, {0xf2, 0x0f, 0x2a, 0xc0}},
    {"movaps [rbx], xmm0", 10, {0x0f, 0x29, 0x03}},
    {"vpaddd ymm0, ymm1, ymm2", 7, {0xc5, 0xf5, 0xfe, 0xc2}},
    {"vzeroupper", 10, {0xc5, 0xf8, 0x77}},
};

TEST(X86Counts, OfHostInstructions) {
    if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("avx2"))
        GTEST_SKIP() << "the host has no BMI2, or no AVX2";
    TranslatedCpu cpu;
    for (const Snippet& snippet : kSnippets) {
        Bytes code = snippet.code;
        code.insert(code.end(), {0xeb, 0});  // jmp to what follows
        cpu.set_code(kCode, code.data(), unsigned(code.size()));
        for (std::uint64_t& gpr : cpu.guest.gpr) gpr = kMemoryBase + 0x100;
        cpu.guest.gpr[kRdx] = 0;
        const std::string text = cpu.host_code(kCode);
        const auto lines = unsigned(std::count(text.begin(), text.end(), '\n'));
        EXPECT_EQ(lines, snippet.expected + 1) << snippet.name << ":\n" << text;
    }
}

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
