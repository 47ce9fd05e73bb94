// What of an instruction the engine is told: never more than its back end can do.
#include "plugins/accel/tcg-x86/decoder/decoder.h"
#include "plugins/accel/tcg-x86/front_end.h"
#include "plugins/accel/tcg-x86/translate/native.h"
#include "plugins/accel/tcg/ir_verify.h"
#include "processor.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace backplane::x86 {
namespace {

Instruction decoded(std::initializer_list<unsigned> bytes, CodeSize size = CodeSize::Code64) {
    std::uint8_t code[15] = {};
    std::size_t at = 0;
    for (const unsigned byte : bytes) code[at++] = std::uint8_t(byte);
    testing::CodeBytes source(code);
    return decode(source, size);
}

/// Every general instruction, with registers that meet and with memory, is one that the engine's verifier lets through.
TEST(X86Native, IsWhatTheBackEndTakes) {
    const X86FrontEnd front_end;
    unsigned taken = 0;
    for (const CodeSize size : {CodeSize::Code32, CodeSize::Code64})
        for (const unsigned prefix : {0x90u, 0x66u, 0xf3u, 0xf2u, 0x48u})
            for (unsigned map = 0; map < 3; ++map)
                for (unsigned opcode = 0; opcode < 256; ++opcode)
                    for (unsigned modrm = 0; modrm < 256; ++modrm) {
                        if (prefix == 0x90 ? false : prefix == 0x48 && size != CodeSize::Code64) continue;
                        const unsigned first =
                            prefix == 0x90 ? 0x2e : prefix;  // a segment that changes nothing
                        const Instruction i = map == 0   ? decoded({first, opcode, modrm}, size)
                                              : map == 1 ? decoded({first, 0x0f, opcode, modrm}, size)
                                                         : decoded({first, 0x0f, 0x38, opcode, modrm}, size);
                        const auto native = native_of(i);
                        if (!native) continue;
                        tcg::Block block;
                        tcg::Builder builder(block);
                        block.instructions.push_back({0, i.length});
                        builder.emit({.opcode = tcg::Opcode::insn});
                        if (i.has_memory())
                            builder.native(*native, tcg::Address{.base = tcg::Builder::reg(kRbx)});
                        else builder.native(*native);
                        builder.goto_pc(i.length);
                        ASSERT_EQ(tcg::verify(block, front_end.description()), "")
                            << "map " << map << " opcode " << opcode << " modrm " << modrm << " prefix "
                            << prefix;
                        ++taken;
                    }
    EXPECT_GT(taken, 100'000u);
}

/// Visits instructions on vectors: every opcode with each prefix that may be a part of it, with and without VEX.
template <class Visit>
void each_vector(Visit visit) {
    for (unsigned map = 1; map < 4; ++map)
        for (unsigned prefix = 0; prefix < 4; ++prefix)
            for (unsigned opcode = 0; opcode < 256; ++opcode)
                for (const unsigned modrm : {0x01u, 0xc9u, 0xd1u, 0xe1u, 0xf1u}) {
                    constexpr unsigned kPrefixes[] = {0x2e, 0x66, 0xf3, 0xf2};
                    const unsigned p = kPrefixes[prefix];
                    visit(map == 1   ? decoded({p, 0x0f, opcode, modrm})
                          : map == 2 ? decoded({p, 0x0f, 0x38, opcode, modrm})
                                     : decoded({p, 0x0f, 0x3a, opcode, modrm, 1}));
                    for (const unsigned other : {0x78u, 0x70u, 0xf8u, 0x7cu, 0x74u})  // W, vvvv and L
                        visit(decoded({0xc4, 0xe0 | map, other | prefix, opcode, modrm, 1}));
                }
}

TEST(X86Native, OnVectorsIsWhatTheBackEndTakes) {
    const X86FrontEnd front_end;
    unsigned taken = 0;
    each_vector([&](const Instruction& i) {
        const auto native = vector_native_of(i);
        if (!native) return;
        tcg::Block block;
        tcg::Builder builder(block);
        block.instructions.push_back({0, i.length});
        builder.emit({.opcode = tcg::Opcode::insn});
        if (i.has_memory()) builder.native(*native, tcg::Address{.base = tcg::Builder::reg(kRbx)});
        else builder.native(*native);
        builder.goto_pc(i.length);
        EXPECT_EQ(tcg::verify(block, front_end.description()), "")
            << "map " << int(i.map) << " opcode " << int(i.opcode) << " modrm " << int(i.modrm);
        ++taken;
    });
    EXPECT_GT(taken, 5'000u);
}

/// The host's processor refuses another register there where the instruction has none.
TEST(X86Native, KnowsWhichInstructionsHaveAThirdVector) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2";
    TemplateCache templates;
    unsigned asked = 0;
    each_vector([&](const Instruction& i) {
        if (!i.is_vex() || i.operation() != Operation::VectorTemplate || i.vvvv() != 0) return;
        if (!templates.find(i).code) return;
        Instruction other = i;
        other.vex |= 1;
        EXPECT_EQ(templates.find(other).code != nullptr, uses_vvvv(i))
            << "map " << int(i.map) << " opcode " << int(i.opcode) << " prefix " << int(i.mandatory)
            << " modrm " << int(i.modrm);
        ++asked;
    });
    EXPECT_GT(asked, 1'000u);
}

TEST(X86Native, BytesOfOneRegisterAreNotExchanged) {
    EXPECT_FALSE(native_of(decoded({0x86, 0xe0}))) << "XCHG AL, AH writes RAX twice";
    EXPECT_TRUE(native_of(decoded({0x86, 0xe1}))) << "XCHG CL, AH";
}

TEST(X86Native, ARegisterInTheOpcodeIsNoPartOfIt) {
    const auto native = native_of(decoded({0x0f, 0xcb}));  // BSWAP EBX
    ASSERT_TRUE(native);
    EXPECT_EQ(native->opcode, 0xc8);
    EXPECT_EQ(native->reg.value, tcg::Builder::reg(kRbx));
}

}  // namespace
}  // namespace backplane::x86
