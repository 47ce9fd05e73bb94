// String instructions a page at a time do what they do element by element.
#include "processor.h"

#include <gtest/gtest.h>

#include <array>

namespace backplane::x86::testing {
namespace {

struct Case {
    std::uint8_t opcode;
    std::uint8_t prefix;
    unsigned size;
    bool down;
    int distance;  ///< from RSI to RDI
    std::uint64_t count;
};

/// As many steps as it takes.
void run(TestCpu& cpu, const Case& c, bool plain) {
    std::array<std::uint8_t, 4> bytes{};
    unsigned n = 0;
    if (c.size == 2) bytes[n++] = 0x66;
    bytes[n++] = c.prefix;
    if (c.size == 8) bytes[n++] = 0x48;
    bytes[n] = std::uint8_t(c.opcode | (c.size != 1));
    CodeBytes code(bytes.data());
    const Instruction instruction = decode(code, CodeSize::Code64);
    for (unsigned at = 0; at < kMemorySize; ++at)  // runs of equal bytes, now and then another
        cpu.vcpu.bytes[at] = std::uint8_t(at % 61 == 60 ? at : 0x20);
    X86State& s = cpu.state;
    s.gpr[kRax] = 0x2020202020202020;
    s.gpr[kRcx] = c.count;
    s.gpr[kRsi] = kMemoryBase + 0x8000;
    s.gpr[kRdi] = s.gpr[kRsi] + std::uint64_t(std::int64_t(c.distance));
    s.rflags = rflags::kOne | (c.down ? rflags::kDirection : 0);
    s.pc = 0x400000;
    cpu.vcpu.plain = plain;
    for (unsigned more = 0; more < 10000 && s.pc == 0x400000; ++more)
        ASSERT_EQ(cpu.run(instruction), std::nullopt);
}

void compare(const Case& c) {
    TestCpu bulk, elements;
    run(bulk, c, true);
    run(elements, c, false);
    const auto what = ::testing::PrintToString(
        std::array{int(c.opcode), int(c.prefix), int(c.size), int(c.down), c.distance});
    for (unsigned n = 0; n < kGprCount; ++n) ASSERT_EQ(bulk.state.gpr[n], elements.state.gpr[n]) << n << what;
    ASSERT_EQ(bulk.state.rflags, elements.state.rflags) << what;
    ASSERT_EQ(bulk.vcpu.bytes, elements.vcpu.bytes) << what;
}

TEST(X86Strings, WhatOverlapsIsMovedAsElementByElement) {
    for (const unsigned size : {1u, 2u, 4u, 8u})
        for (const bool down : {false, true})
            for (const int distance :
                 {-4096, -100, -24, -8, -5, -1, 0, 1, 2, 3, 4, 7, 8, 9, 13, 16, 100, 777, 4096})
                for (const std::uint64_t count : {3u, 60u, 1100u})
                    compare({0xa4, 0xf3, size, down, distance, count});
}

TEST(X86Strings, FillsAndComparisonsEndWhereElementsDo) {
    for (const std::uint8_t opcode : {0xaa, 0xa6, 0xae})
        for (const std::uint8_t prefix : {0xf3, 0xf2})
            for (const unsigned size : {1u, 2u, 4u, 8u})
                for (const bool down : {false, true})
                    for (const int distance : {0, 1, 61, 122, 488, 1000})
                        for (const std::uint64_t count : {0u, 5u, 60u, 1100u})
                            compare({opcode, prefix, size, down, distance, count});
}

}  // namespace
}  // namespace backplane::x86::testing
