// Vector registers as operands of native instructions: in the host's registers for a while, in the state for whatever else
// runs. And the floating-point word that such instructions compute by.
#include "harness.h"

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

constexpr std::uint64_t kOfCompare = 0x95, kBits = 0x8d5;  // of 1 - 2; all status flags

class TcgVectors : public ::testing::Test {
  protected:
    TcgVectors() {
        m.guest().x[1] = 1;
        m.guest().x[2] = 2;
        cmp = m.plain([](Builder& b) {
            Native n;
            n.name = "cmp";
            n.opcode = 0x39;
            n.wide = true;
            n.reg = {X(2), 8, false, true, false};
            n.rm = {X(1), 8, false, true, false};
            n.status_written = status::kAll;
            b.native(n);
        });
    }
    Machine m{1, {.code_size = 4u << 20}, Status::With};
    std::uint32_t cmp = 0;
    std::uint64_t flags() { return m.guest().status & kBits; }
};

Native vector(const char* name, bool vex, unsigned prefix, unsigned opcode, unsigned bytes) {
    Native n;
    n.name = name;
    n.vex = vex;
    n.map = 1;
    n.prefix = std::uint8_t(prefix);
    n.opcode = std::uint8_t(opcode);
    n.long_vector = bytes == 32;
    return n;
}

NativeOperand part(Value v, unsigned bytes, bool read, bool written) {
    return {v, std::uint8_t(bytes), false, read, written};
}

TEST_F(TcgVectors, VectorsAreOperands) {
    GuestState& g = m.guest();
    for (unsigned i = 0; i < 16; ++i)
        for (unsigned r = 0; r < 3; ++r) {
            g.v[r][i] = std::uint8_t(16 * r + i);
            g.upper[r][i] = std::uint8_t(0x80 + 16 * r + i);
        }
    const auto legacy = m.plain([](Builder& b) {  // paddb v0, v1
        Native n = vector("paddb", false, 0x66, 0xfc, 16);
        n.reg = part(V(0), 16, true, true);
        n.rm = part(V(1), 16, true, false);
        b.native(n);
    });
    const auto memory = m.plain([](Builder& b) {
        Native load = vector("movups", false, 0, 0x10, 16);
        load.reg = part(V(3), 16, false, true);
        load.rm.bytes = 16;
        load.rm.read = true;
        b.native(load, Address{.base = X(6)});
        Native store = vector("movups", false, 0, 0x11, 16);
        store.reg = part(V(3), 16, true, false);
        store.rm.bytes = 16;
        store.rm.written = true;
        b.native(store, Address{.base = X(6), .displacement = 0x1001});
    });
    for (unsigned i = 0; i < 16; ++i) *m.space().at(kRamBase + 0x4ff8 + i) = std::uint8_t(3 * i);
    g.x[6] = kRamBase + 0x4ff8;  // across a page, and the store as well
    m.run({cmp, legacy, memory});
    for (unsigned i = 0; i < 16; ++i) {
        EXPECT_EQ(g.v[0][i], 16 + 2 * i);
        EXPECT_EQ(g.upper[0][i], 0x80 + i);
        EXPECT_EQ(g.v[3][i], 3 * i);
        EXPECT_EQ(*m.space().at(kRamBase + 0x5ff9 + i), 3 * i);
    }
    EXPECT_EQ(flags(), kOfCompare);
}

TEST_F(TcgVectors, LongVectorsHaveTwoHalves) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2";
    GuestState& g = m.guest();
    for (unsigned i = 0; i < 16; ++i) {
        g.v[1][i] = std::uint8_t(i);
        g.upper[1][i] = std::uint8_t(0x40 + i);
        g.v[2][i] = 1;
        g.upper[2][i] = 2;
        g.v[4][i] = g.upper[4][i] = 0xee;
    }
    const auto add = m.plain([](Builder& b) {  // vpaddb v3, v1, v2 of 256 bits, and of 128
        Native n = vector("vpaddb", true, 0x66, 0xfc, 32);
        n.reg = part(V(3), 32, false, true);
        n.vvvv = part(V(1), 32, true, false);
        n.rm = part(V(2), 32, true, false);
        b.native(n);
        n = vector("vpaddb", true, 0x66, 0xfc, 16);
        n.reg = part(V(4), 16, false, true);
        n.vvvv = part(V(1), 16, true, false);
        n.rm = part(V(2), 16, true, false);
        b.native(n);
    });
    m.run({add});
    for (unsigned i = 0; i < 16; ++i) {
        EXPECT_EQ(g.v[3][i], i + 1);
        EXPECT_EQ(g.upper[3][i], 0x42 + i);
        EXPECT_EQ(g.v[4][i], i + 1);
        EXPECT_EQ(g.upper[4][i], 0);  // an instruction with VEX clears it
    }
}

void add_bytes(Builder& b, Value to, Value from) {  // paddb
    Native n = vector("paddb", false, 0x66, 0xfc, 16);
    n.reg = part(to, 16, true, true);
    n.rm = part(from, 16, true, false);
    b.native(n);
}

TEST_F(TcgVectors, MoreVectorsThanTheHostHasRoomForAreKept) {
    GuestState& g = m.guest();
    for (unsigned r = 0; r < 12; ++r) std::memset(g.v[r], int(r + 1), 16);
    const auto add = m.plain([](Builder& b) {
        for (unsigned r = 0; r < 12; ++r) add_bytes(b, V(r), V((r + 1) % 12));
        b.load(X(5), X(6), 0, mem::k64);  // a device: everything goes to the state and comes back
        for (unsigned r = 0; r < 12; ++r) add_bytes(b, V(r), V((r + 5) % 12));
    });
    g.x[6] = kDevice;
    m.run({add});
    unsigned expected[12];
    for (unsigned r = 0; r < 12; ++r) expected[r] = r + 1;
    for (unsigned r = 0; r < 12; ++r) expected[r] += expected[(r + 1) % 12];
    for (unsigned r = 0; r < 12; ++r) expected[r] += expected[(r + 5) % 12];
    for (unsigned r = 0; r < 12; ++r)
        for (unsigned i = 0; i < 16; ++i) ASSERT_EQ(g.v[r][i], std::uint8_t(expected[r])) << r << " " << i;
}

TEST_F(TcgVectors, VectorsAreRightForHelpersAndFaults) {
    GuestState& g = m.guest();
    g.handler = kRamBase + 0x100;
    m.place(kRamBase + 0x100, {Machine::kFinish});
    for (unsigned r = 0; r < 3; ++r) std::memset(g.v[r], int(r + 1), 16);
    const auto access = m.plain([](Builder& b) {
        add_bytes(b, V(0), V(1));
        b.call(X(5),
               +[](void* state) -> std::uint64_t {
                   auto& s = *static_cast<GuestState*>(state);
                   std::memset(s.v[1], 9, 16);
                   return s.v[0][3];
               },
               "look", helper::kReadsRegisters | helper::kWritesRegisters, {});
        add_bytes(b, V(2), V(1));
        b.load(X(7), X(6), 0, mem::k64);
    });
    g.x[6] = 0x40000000;
    m.run({access});
    EXPECT_EQ(g.x[5], 3u);
    EXPECT_EQ(g.v[0][15], 3);
    EXPECT_EQ(g.v[2][15], 12);
    EXPECT_EQ(g.fault_address, 0x40000000u);
}

TEST_F(TcgVectors, AVectorThatIsWrittenMayBeReadAsAnotherOperand) {
    GuestState& g = m.guest();
    std::memset(g.v[1], 7, 16);
    m.run({m.plain([](Builder& b) {  // movups v1, v1
        Native n = vector("movups", false, 0, 0x10, 16);
        n.reg = part(V(1), 16, false, true);
        n.rm = part(V(1), 16, true, false);
        b.native(n);
    })});
    EXPECT_EQ(g.v[1][5], 7);
}

TEST_F(TcgVectors, UpperHalvesAreCleared) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2";
    GuestState& g = m.guest();
    for (unsigned r = 0; r < 12; ++r) {
        std::memset(g.v[r], int(r + 1), 16);
        std::memset(g.upper[r], 0x21, 16);
    }
    m.run({cmp, m.plain([](Builder& b) {
               for (const unsigned to :
                    {0u, 1u}) {  // vpaddb: in the host's registers, the second once more behind it
                   Native n = vector("vpaddb", true, 0x66, 0xfc, 32);
                   n.reg = part(V(to), 32, false, true);
                   n.vvvv = part(V(2), 32, true, false);
                   n.rm = part(V(3), 32, true, false);
                   b.native(n);
               }
               b.clear_upper();
               add_bytes(b, V(1), V(2));
           })});
    for (unsigned r = 0; r < 12; ++r) EXPECT_EQ(g.upper[r][r], 0) << r;
    EXPECT_EQ(g.v[0][0], 7);
    EXPECT_EQ(g.v[1][0], 10);
    EXPECT_EQ(g.v[11][0], 12);
}

TEST_F(TcgVectors, AVectorGrowsToItsUpperHalf) {
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the host has no AVX2";
    GuestState& g = m.guest();
    for (unsigned r = 0; r < 3; ++r) {
        std::memset(g.v[r], int(r + 1), 16);
        std::memset(g.upper[r], int(r + 0x21), 16);
    }
    const auto add = m.plain([](Builder& b) {
        add_bytes(b, V(0), V(1));
        Native n = vector("vpaddb", true, 0x66, 0xfc, 32);
        n.reg = part(V(2), 32, false, true);
        n.vvvv = part(V(0), 32, true, false);
        n.rm = part(V(1), 32, true, false);
        b.native(n);
    });
    m.run({add});
    EXPECT_EQ(g.v[0][15], 3);
    EXPECT_EQ(g.upper[0][15], 0x21);
    EXPECT_EQ(g.v[2][15], 5);
    EXPECT_EQ(g.upper[2][15], 0x43);
}

TEST_F(TcgVectors, NativeFloatingPointHasTheGuestsWholeMode) {
    GuestState& g = m.guest();
    const float one = 1, tiny = 0x1p-40f;
    std::memcpy(g.v[0], &one, 4);
    std::memcpy(g.v[1], &tiny, 4);
    const auto add = m.plain([](Builder& b) {
        b.call(X(5), +[](void* state) -> std::uint64_t { return vcpu_of(state).fp_mode(); }, "mode",
               helper::kReadsRegisters, {});
        Native n = vector("addss", false, 0xf3, 0x58, 16);
        n.reg = part(V(0), 16, true, true);
        n.rm = part(V(1), 16, true, false);
        b.native(n);
        b.call(X(6),
               +[](void* state) -> std::uint64_t {
                   const std::uint64_t mode = vcpu_of(state).fp_mode();
                   vcpu_of(state).set_fp_mode(0x3f80);
                   return mode;
               },
               "change", helper::kReadsRegisters, {});
    });
    m.front_end.mode = 0xffff5f00;  // up; unmasked exceptions and reserved bits stay out of the host
    m.run({add});
    float sum = 0;
    std::memcpy(&sum, g.v[0], 4);
    EXPECT_EQ(sum, 1 + 0x1p-23f);
    EXPECT_EQ(g.x[5], 0x5f80u);
    EXPECT_EQ(g.x[6], 0x5fa0u);  // inexact
    EXPECT_EQ(m.front_end.mode, 0x3f80u);
}

TEST_F(TcgVectors, WhatMustBeAlignedFaultsWhereItIsNot) {
    m.guest().handler = kRamBase + 0x100;
    m.place(kRamBase + 0x100, {Machine::kFinish});
    const auto load = m.plain([](Builder& b) {
        Native n = vector("movaps", false, 0, 0x28, 16);
        n.reg = part(V(3), 16, false, true);
        n.rm.bytes = 16;
        n.rm.read = true;
        n.aligned = true;
        b.native(n, Address{.base = X(6)});
        b.mov(X(5), b.constant(1));
    });
    for (const std::uint64_t off : {0u, 1u, 8u}) {
        m.guest().x[5] = 0;
        m.guest().x[6] = kRamBase + 0x4ff0 + off;
        m.run({load});
        EXPECT_EQ(m.guest().x[5], off == 0);
        if (off != 0) {
            EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Misaligned);
        }
    }
}

}  // namespace
}  // namespace backplane::tcg::testing
