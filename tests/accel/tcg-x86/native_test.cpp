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
