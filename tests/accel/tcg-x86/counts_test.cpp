// How many host instructions a snippet costs on the way that is usually gone, without the jump that ends it: a worse translation
// shows as a difference here.
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
    {"div rcx, with the call of what may raise", 62, {0x48, 0xf7, 0xf1}},
    {"mov rax, [rbx + 8]", 9, {0x48, 0x8b, 0x43, 8}},
    {"mov [rbx + 8], rax", 9, {0x48, 0x89, 0x43, 8}},
    {"add [rbx], rax", 9, {0x48, 0x01, 0x03}},
    {"bts [rbx], rdx", 21, {0x48, 0x0f, 0xab, 0x13}},
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
    {"blendvps xmm1, xmm2", 6, {0x66, 0x0f, 0x38, 0x14, 0xca}},
    {"pcmpistri xmm1, xmm2, 0", 4, {0x66, 0x0f, 0x3a, 0x63, 0xca, 0}},
    {"vpblendvb ymm1, ymm2, ymm3, ymm4", 9, {0xc4, 0xe3, 0x6d, 0x4c, 0xcb, 0x40}},
    {"fadd st, st1", 4, {0xd8, 0xc1}},
    {"fadd st, st1; fxch", 5, {0xd8, 0xc1, 0xd9, 0xc9}},
    {"fld tbyte [rbx]", 12, {0xdb, 0x2b}},
    {"fldcw [rbx]", 18, {0xd9, 0x2b}},
    {"fcomi st, st1; fnstsw ax", 7, {0xdb, 0xf1, 0xdf, 0xe0}},
    {"paddb mm0, mm1", 4, {0x0f, 0xfc, 0xc1}},
};

TEST(X86Counts, OfHostInstructions) {
    if (!__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("avx2"))
        GTEST_SKIP() << "the host has no BMI2, or no AVX2";
    TranslatedCpu cpu;
    constexpr std::uint16_t kControlWord = 0x37f;
    for (const Snippet& snippet : kSnippets) {
        Bytes code = snippet.code;
        code.insert(code.end(), {0xeb, 0});  // jmp to what follows
        cpu.set_code(kCode, code.data(), unsigned(code.size()));
        for (std::uint64_t& gpr : cpu.guest.gpr) gpr = kMemoryBase + 0x100;
        cpu.guest.gpr[kRdx] = 0;
        std::memcpy(cpu.memory() + 0x100, &kControlWord, sizeof kControlWord);
        const std::string text = cpu.host_code(kCode);
        const auto lines = unsigned(std::count(text.begin(), text.end(), '\n'));
        EXPECT_EQ(lines, snippet.expected + 1) << snippet.name << ":\n" << text;
    }
}

}  // namespace
}  // namespace backplane::x86::testing
