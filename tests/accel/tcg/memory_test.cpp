// Guest memory: the inline hit, its misses, devices, page crossings, faults, atomics, watched pages.
#include "harness.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;
constexpr u64 kData = kRamBase + 0x8000;

u64 extended(u64 v, std::uint8_t flags) {
    const unsigned bits = 8 * mem::size(flags);
    if (bits == 64) return v;
    v &= (u64{1} << bits) - 1;
    if ((flags & mem::kSigned) && v >> (bits - 1) & 1) v |= ~u64{0} << bits;
    return v;
}

TEST(TcgMemory, LoadsOfEverySizeSignAndAlignment) {
    Machine m;
    for (unsigned i = 0; i < 64; ++i) *m.space().at(kData + i) = std::uint8_t(0x71 + 37 * i);
    for (std::uint8_t flags : {0, 1, 2, 3, 8, 9, 10, 11, 33, 34, 35, 42, 41})
        for (unsigned offset = 0; offset < 9; ++offset)
            for (unsigned dst : {2u, 20u}) {
                for (unsigned base : {3u, 21u}) {
                    m.guest().x[base] = kData + 16;
                    m.run({m.plain(
                        [&](Builder& b) { b.load(X(dst), X(base), std::int32_t(offset) - 8, flags); })});
                    u64 expected = 0;
                    const unsigned size = mem::size(flags);
                    for (unsigned i = 0; i < size; ++i) {
                        const u64 byte = *m.space().at(kData + 8 + offset + i);
                        expected |= byte << 8 * ((flags & mem::kBigEndian) ? size - 1 - i : i);
                    }
                    ASSERT_EQ(m.guest().x[dst], extended(expected, flags))
                        << unsigned(flags) << ' ' << offset;
                }
            }
}

TEST(TcgMemory, StoresWriteTheirBytesAlone) {
    Machine m;
    const u64 value = 0x1122334455667788;
    for (std::uint8_t flags : {0, 1, 2, 3, 33, 34, 35})
        for (unsigned from : {2u, 20u, 99u}) {
            std::memset(m.space().at(kData), 0xee, 32);
            m.guest().x[3] = kData + 7;
            if (from < 32) m.guest().x[from] = value;
            m.run({m.plain(
                [&](Builder& b) { b.store(from < 32 ? X(from) : b.constant(value), X(3), 2, flags); })});
            const unsigned size = mem::size(flags);
            for (unsigned i = 0; i < 32; ++i) {
                std::uint8_t expected = 0xee;
                if (i >= 9 && i < 9 + size) {
                    const unsigned byte = (flags & mem::kBigEndian) ? size - 1 - (i - 9) : i - 9;
                    expected = std::uint8_t(value >> 8 * byte);
                }
                ASSERT_EQ(*m.space().at(kData + i), expected) << unsigned(flags) << " byte " << i;
            }
        }
}

TEST(TcgMemory, AccessesMayCrossAPage) {
    Machine m;
    m.guest().x[3] = kData + 0xffd;
    m.guest().x[4] = 0x1122334455667788;
    const auto store = m.plain([](Builder& b) { b.store(X(4), X(3), 0, mem::k64); });
    const auto load = m.plain([](Builder& b) { b.load(X(5), X(3), 0, mem::k64); });
    const auto part = m.plain([](Builder& b) { b.load(X(6), X(3), 2, mem::k32 | mem::kSigned); });
    m.run({store, load, part, store, load});
    EXPECT_EQ(m.guest().x[5], 0x1122334455667788u);
    EXPECT_EQ(m.guest().x[6], 0x33445566u);
}

/// As in system management mode, which sees other memory at the same addresses.
TEST(TcgMemory, EachPageIsOfTheAddressSpaceThatItsWalkNamed) {
    Machine m;
    m.front_end.walk = [](const FillRequest& request, FillAnswer& answer) {
        const bool other = request.kind != AccessKind::Fetch && request.mode == 1;
        answer = {request.address, true, true, true};
        answer.space = other ? 1 : 0;
        return true;
    };
    *m.space().at(kData) = 0x11;
    *m.other_space().at(kData) = 0x22;
    m.guest().x[3] = kData;
    m.guest().x[4] = 0x33;
    m.guest().x[5] = kDevice;
    m.run({m.plain([](Builder& b) {
        b.load(X(6), X(3), 0, mem::k8, 0);
        b.load(X(7), X(3), 0, mem::k8, 1);
        b.store(X(4), X(3), 1, mem::k8, 1);
        b.load(X(8), X(5), 4, mem::k32, 0);
        b.load(X(8), X(5), 8, mem::k32, 1);
    })});
    EXPECT_EQ(m.guest().x[6], 0x11u);
    EXPECT_EQ(m.guest().x[7], 0x22u);
    EXPECT_EQ(*m.space().at(kData + 1), 0);
    EXPECT_EQ(*m.other_space().at(kData + 1), 0x33);
    ASSERT_EQ(m.space().log.size(), 1u);
    EXPECT_EQ(m.space().log[0].offset, 4u);
    ASSERT_EQ(m.other_space().log.size(), 1u);
    EXPECT_EQ(m.other_space().log[0].offset, 8u);
}

TEST(TcgMemory, APageWalkReadsTheSpaceThatTheCpuIsIn) {
    Machine m;
    *m.space().at(kData) = 0x11;
    *m.other_space().at(kData) = 0x22;
    bool failed = false;
    Vcpu& vcpu = *m.vcpus[0];
    EXPECT_EQ(vcpu.load_physical(kData, 1, failed), 0x11u);
    m.guest().space = 1;
    EXPECT_EQ(vcpu.load_physical(kData, 1, failed), 0x22u);
    EXPECT_TRUE(vcpu.update_physical(kData, 0x22, 0x44, 4, failed));
    EXPECT_EQ(*m.other_space().at(kData), 0x44);
    EXPECT_EQ(*m.space().at(kData), 0x11);
    EXPECT_EQ(vcpu.memory().name(), m.other_space().name());
    EXPECT_EQ(&vcpu.memory(), &m.other_space());
}

TEST(TcgMemory, APageIsWalkedOnce) {
    Machine m;
    m.guest().x[3] = kData;
    m.guest().x[4] = 1000;
    const auto load = m.plain([](Builder& b) { b.load(X(5), X(3), 8, mem::k64); });
    const auto count = m.plain([](Builder& b) { b.sub(X(4), X(4), b.constant(1)); });
    const auto loop = m.define([](Builder& b, UnitTranslation& u) {
        const Label out = b.make_label();
        b.branch_if(Cond::Eq, X(4), b.constant(0), out);
        b.goto_pc(kRamBase);
        b.place(out);
        b.goto_pc(u.pc + 4);
        return Translated::End;
    });
    m.run({load, count, loop});
    EXPECT_EQ(m.guest().x[4], 0u);
    EXPECT_EQ(m.front_end.fills, 2u);  // the code's page and the data's
}

TEST(TcgMemory, TwoPagesOfOneSetDoNotMixUp) {
    Machine m;
    m.front_end.walk = [](const FillRequest& r, FillAnswer& a) {  // everything beyond RAM is RAM again
        a = {kRamBase + (r.address & (kRamSize - 1)), true, true, true};
        return true;
    };
    const u64 far = u64{kTlbSize} << 12;
    *m.space().at(kData + 8) = 1;
    m.guest().x[3] = kData;
    m.guest().x[4] = kData + 0x1000 * 2 + far * 3;
    *m.space().at(kData + 0x2008) = 2;
    m.guest().x[7] = kData + far * 2;
    const auto a = m.plain([](Builder& b) { b.load(X(5), X(3), 8, mem::k8); });
    const auto c = m.plain([](Builder& b) { b.load(X(8), X(7), 8, mem::k8); });
    const auto d = m.plain([](Builder& b) { b.load(X(6), X(4), 8, mem::k8); });
    m.run({a, c, d, a, c});
    EXPECT_EQ(m.guest().x[5], 1u);
    EXPECT_EQ(m.guest().x[8], 1u);
    EXPECT_EQ(m.guest().x[6], 2u);
}

TEST(TcgMemory, DevicesGetEachAccessOnceWithItsSize) {
    Machine m;
    m.guest().x[3] = kDevice;
    m.guest().x[4] = 0xabcdef;
    m.run({m.plain([](Builder& b) { b.load(X(5), X(3), 0x10, mem::k32 | mem::kSigned); }),
           m.plain([](Builder& b) { b.store(X(4), X(3), 0x24, mem::k16); }),
           m.plain([](Builder& b) { b.load(X(20), X(3), 0x10, mem::k8); })});
    ASSERT_EQ(m.space().log.size(), 3u);
    EXPECT_EQ(m.space().log[0].offset, 0x10u);
    EXPECT_EQ(m.space().log[0].size, 4u);
    EXPECT_EQ(m.space().log[1].offset, 0x24u);
    EXPECT_EQ(m.space().log[1].size, 2u);
    EXPECT_EQ(m.space().log[1].value & 0xffff, 0xcdefu);
    EXPECT_EQ(m.guest().x[5], 0xfffffffff5f6f808u);
    EXPECT_EQ(m.guest().x[20], 0x08u);
}

TEST(TcgMemory, StoresToRomHaveNoEffect) {
    Machine m;
    const u64 rom = kRamBase + kRamSize - 4096;
    *m.space().at(rom) = 0x5a;
    m.guest().x[3] = rom;
    m.run({m.plain([](Builder& b) { b.store(b.constant(1), X(3), 0, mem::k8); }),
           m.plain([](Builder& b) { b.load(X(5), X(3), 0, mem::k8); })});
    EXPECT_EQ(m.guest().x[5], 0x5au);
}

class Faults : public ::testing::Test {
  protected:
    Faults() {
        m.guest().handler = kRamBase + 0x100;
        m.place(kRamBase + 0x100, {Machine::kFinish});
    }
    Machine m;
};

TEST_F(Faults, AreDeliveredWithThePcAndTheRegistersOfTheirInstruction) {
    m.front_end.walk = [](const FillRequest& r, FillAnswer& a) {
        a = {r.address, true, true, true};
        return r.address < 0x90000000;
    };
    for (unsigned n = 0; n < 20; ++n) m.guest().x[n] = n;
    m.guest().x[3] = 0x90000123;
    const auto step = m.plain([](Builder& b) {
        for (unsigned n : {0u, 1u, 5u, 6u, 7u, 8u, 9u, 15u}) b.add(X(n), X(n), b.constant(100));
    });
    const auto load = m.plain([](Builder& b) {
        b.load(X(5), X(3), 1, mem::k32);
        b.mov(X(3), b.constant(1));
    });
    m.run({step, step, load, step});
    EXPECT_EQ(m.guest().fault_pc, kRamBase + 8);
    EXPECT_EQ(m.guest().fault_address, 0x90000124u);
    EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Translation);
    EXPECT_EQ(m.guest().fault_access, AccessKind::Load);
    for (unsigned n : {0u, 1u, 5u, 6u, 7u, 8u, 9u, 15u}) EXPECT_EQ(m.guest().x[n], n + 200);
    EXPECT_EQ(m.guest().x[3], 0x90000123u);
}

TEST_F(Faults, OfACrossingStoreLeaveMemoryAlone) {
    m.front_end.walk = [](const FillRequest& r, FillAnswer& a) {
        a = {r.address, true, r.address < kData + 0x1000, true};
        return r.kind != AccessKind::Store || r.address < kData + 0x1000;
    };
    m.guest().x[3] = kData + 0xffe;
    m.guest().x[4] = ~u64{0};
    m.run({m.plain([](Builder& b) { b.store(X(4), X(3), 0, mem::k64); })});
    EXPECT_EQ(m.guest().fault_address, kData + 0x1000);
    EXPECT_EQ(m.guest().fault_access, AccessKind::Store);
    EXPECT_EQ(*m.space().at(kData + 0xffe), 0);
}

TEST_F(Faults, OfTheBusComeFromHolesAndFromDevicesThatRefuse) {
    m.guest().x[3] = kDevice + 0x900;
    m.run({m.plain([](Builder& b) { b.load(X(5), X(3), 0, mem::k32); })});
    EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Bus);
    EXPECT_EQ(m.guest().fault_address, kDevice + 0x900);
    m.guest().x[3] = 0x20000000;
    m.run({m.plain([](Builder& b) { b.store(X(5), X(3), 8, mem::k32); })});
    EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Bus);
    EXPECT_EQ(m.guest().fault_address, 0x20000008u);
    EXPECT_EQ(m.guest().fault_access, AccessKind::Store);
}

TEST_F(Faults, OfAlignmentWhereAnAccessAsksForIt) {
    m.guest().x[3] = kData + 2;
    m.run({m.plain([](Builder& b) { b.load(X(5), X(3), 0, mem::k16 | mem::kAligned); }),
           m.plain([](Builder& b) { b.atomic(Opcode::atomic_add, X(6), X(3), X(7), mem::k32); })});
    EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Misaligned);
    EXPECT_EQ(m.guest().fault_pc, kRamBase + 4);
    EXPECT_EQ(m.guest().fault_access, AccessKind::Store);
}

TEST_F(Faults, OfAFetchNameThePageThatIsMissing) {
    m.front_end.walk = [](const FillRequest& r, FillAnswer& a) {
        a = {r.address, true, true, true};
        return r.address < kRamBase + 0x2000;
    };
    m.place(kRamBase + 0x1ffc, {m.plain([](Builder& b) { b.mov(X(5), b.constant(42)); })});
    m.run({m.jump(kRamBase + 0x1ffc)});
    EXPECT_EQ(m.guest().x[5], 42u);
    EXPECT_EQ(m.guest().fault_access, AccessKind::Fetch);
    EXPECT_EQ(m.guest().fault_address, kRamBase + 0x2000);
    EXPECT_EQ(m.guest().fault_pc, kRamBase + 0x2000);
}

TEST(TcgMemory, AnInstructionMayCrossAPage) {
    Machine m;
    const auto set = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    m.place(kRamBase + 0x1ffe, {set, Machine::kFinish});
    m.guest().x[5] = 0;
    m.run({m.jump(kRamBase + 0x1ffe)});
    EXPECT_EQ(m.guest().x[5], 1u);
}

TEST(TcgMemory, AtomicsMatchTheReference) {
    Machine m;
    std::mt19937_64 random(5);
    struct Row {
        Opcode op;
        u64 (*apply)(u64 old, u64 v, u64 sold, u64 sv);
    };
    using enum Opcode;
    const Row rows[] = {
        {atomic_add, [](u64 o, u64 v, u64, u64) { return o + v; }},
        {atomic_and, [](u64 o, u64 v, u64, u64) { return o & v; }},
        {atomic_or, [](u64 o, u64 v, u64, u64) { return o | v; }},
        {atomic_xor, [](u64 o, u64 v, u64, u64) { return o ^ v; }},
        {atomic_swap, [](u64, u64 v, u64, u64) { return v; }},
        {atomic_min_s,
         [](u64 o, u64 v, u64 so, u64 sv) { return std::int64_t(sv) < std::int64_t(so) ? v : o; }},
        {atomic_max_s,
         [](u64 o, u64 v, u64 so, u64 sv) { return std::int64_t(sv) > std::int64_t(so) ? v : o; }},
        {atomic_min_u, [](u64 o, u64 v, u64, u64) { return v < o ? v : o; }},
        {atomic_max_u, [](u64 o, u64 v, u64, u64) { return v > o ? v : o; }},
    };
    for (const Row& row : rows)
        for (std::uint8_t flags : {0, 1, 2, 3, 8, 9, 10})
            for (int i = 0; i < 12; ++i) {
                const unsigned dst = i & 1 ? 5 : 25, val = i & 2 ? 6 : 26;
                const u64 old = random(), v = i & 4 ? random() : old + 1;
                std::memcpy(m.space().at(kData), &old, 8);
                m.guest().x[3] = kData;
                m.guest().x[val] = v;
                // The second time through a watched page: the slow path.
                m.space().block().page_flags[8] = i & 8 ? kPageCleanOther : 0;
                m.run({m.plain([&](Builder& b) { b.atomic(row.op, X(dst), X(3), X(val), flags); })});
                const unsigned bits = 8 * mem::size(flags);
                const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
                const std::uint8_t as_signed = flags | mem::kSigned;
                u64 now = 0;
                std::memcpy(&now, m.space().at(kData), 8);
                const u64 expected =
                    row.apply(old & mask, v & mask, extended(old, as_signed), extended(v, as_signed));
                ASSERT_EQ(now, (old & ~mask) | (expected & mask))
                    << unsigned(row.op) << ' ' << unsigned(flags);
                ASSERT_EQ(m.guest().x[dst], extended(old, flags));
            }
}

TEST(TcgMemory, AtomicsOfAnyAddressWhereTheGuestHasThem) {
    Machine m;
    m.front_end.describe().misaligned_atomics = true;
    const auto add = m.plain([](Builder& b) {
        b.atomic(Opcode::atomic_add, X(5), X(6), X(7), mem::k32);
        b.atomic(Opcode::atomic_xor, X(8), X(9), X(7), mem::k64);
    });
    const u64 inside = kRamBase + 0x2003, across = kRamBase + 0x3ffd;
    const std::uint32_t in = 0x11223344;
    const u64 both = 0x8877665544332211;
    std::memcpy(m.space().at(inside), &in, 4);
    std::memcpy(m.space().at(across), &both, 8);
    m.guest().x[6] = inside;
    m.guest().x[7] = 0x01010101;
    m.guest().x[9] = across;
    m.run({add});
    std::uint32_t now = 0;
    u64 wide = 0;
    std::memcpy(&now, m.space().at(inside), 4);
    std::memcpy(&wide, m.space().at(across), 8);
    EXPECT_EQ(m.guest().x[5], in);
    EXPECT_EQ(now, in + 0x01010101);
    EXPECT_EQ(m.guest().x[8], both);
    EXPECT_EQ(wide, both ^ 0x01010101);
}

TEST(TcgMemory, WhatNothingAnswersReadsAsOnesWhereTheGuestSaysSo) {
    Machine m;
    m.front_end.describe().ignores_bus_errors = true;
    const auto access = m.plain([](Builder& b) {
        b.store(X(7), X(6), 0, mem::k32);
        b.load(X(5), X(6), 0, mem::k16);
        b.load(X(8), X(9), 0, mem::k32);
    });
    m.guest().x[6] = 0x40000000;       // a hole
    m.guest().x[9] = kDevice + 0x800;  // the device refuses
    m.guest().fault_pc = 0;
    m.run({access});
    EXPECT_EQ(m.guest().x[5], 0xffffu);
    EXPECT_EQ(m.guest().x[8], 0xffffffffu);
    EXPECT_EQ(m.guest().fault_pc, 0u);
}

TEST(TcgMemory, CompareAndExchange) {
    Machine m;
    for (std::uint8_t flags : {mem::k64, std::uint8_t(mem::k32 | mem::kSigned), mem::k32})
        for (bool equal : {true, false})
            for (bool watched : {true, false})
                for (unsigned expected : {6u, 26u}) {
                    const u64 old = 0x99887766f5443322, desired = 0x0102030405060708;
                    std::memcpy(m.space().at(kData), &old, 8);
                    m.guest().x[3] = kData;
                    m.guest().x[expected] = equal ? old : old + 1;
                    m.guest().x[7] = desired;
                    m.space().block().page_flags[8] = watched ? kPageCleanOther : 0;
                    m.run({m.plain([&](Builder& b) { b.cmpxchg(X(5), X(3), X(expected), X(7), flags); })});
                    u64 now = 0;
                    std::memcpy(&now, m.space().at(kData), 8);
                    const u64 mask = mem::size(flags) == 8 ? ~u64{0} : 0xffffffff;
                    ASSERT_EQ(now, equal ? (old & ~mask) | (desired & mask) : old);
                    ASSERT_EQ(m.guest().x[5], extended(old, flags));
                }
}

TEST(TcgMemory, TheFirstStoreToACleanPageMarksItDirtyAndTheNextIsDirect) {
    Machine m;
    m.space().block().page_flags[8] = kPageCleanDisplay;
    m.guest().x[3] = kData;
    const auto store = m.plain([](Builder& b) { b.store(X(3), X(3), 0, mem::k64); });
    m.run({store, store, store});
    EXPECT_EQ(m.space().dirty, std::vector<u64>{8});
    // Clean again: told so, the vCPU's direct entries go.
    m.space().block().page_flags[8] = kPageCleanDisplay;
    m.vcpus[0]->pages_cleaned(m.space().block());
    m.run({store, store});
    EXPECT_EQ(m.space().dirty.size(), 2u);
}

TEST(TcgMemory, StateFieldsOfEverySize) {
    Machine m;
    const auto at = std::uint32_t(offsetof(GuestState, field));
    m.run({m.plain([=](Builder& b) {
        b.load_state(X(1), at, mem::k8 | mem::kSigned);
        b.load_state(X(21), at + 1, mem::k16);
        b.load_state(X(2), at + 4, mem::k32 | mem::kSigned);
        b.load_state(X(22), at, mem::k64);
        b.store_state(at, b.constant(0xfe), mem::k8);
        b.store_state(at + 2, X(22), mem::k16);
    })});
    EXPECT_EQ(m.guest().x[1], 0x11u);
    EXPECT_EQ(m.guest().x[21], 0x3322u);
    EXPECT_EQ(m.guest().x[2], 0xffffffff88776655u);
    EXPECT_EQ(m.guest().x[22], 0x8877665544332211u);
    EXPECT_EQ(m.guest().field, 0x88776655221122feu);
}

/// The page is clean in a log from now on. Whoever says so keeps the machine lock all the while.
void clean(Machine& m, u64 address) {
    const unsigned before = m.context.lock_.releases;
    RamBlock& block = m.space().block();
    block.page_flags[(address - kRamBase) >> kPageBits].fetch_or(kPageCleanDisplay);
    for (auto& vcpu : m.vcpus) vcpu->pages_cleaned(block);
    EXPECT_EQ(m.context.lock_.releases, before);
}

std::uint64_t take_machine_lock(void* state) {
    TestLock& lock = static_cast<GuestState*>(state)->machine->context.lock_;
    lock.lock();
    lock.unlock();
    return 0;
}

TEST(TcgMemory, AStoreToACleanedPageIsSeenFromAVcpuThatWaitedForTheLock) {
    Machine m;
    m.guest().x[3] = kData;
    m.guest().x[4] = 1;
    const auto store = m.plain([](Builder& b) { b.store(X(4), X(3), 0, mem::k64); });
    const auto wait = m.plain([](Builder& b) { b.call({}, &take_machine_lock, "wait", helper::kAll, {}); });
    m.context.lock_.lock();
    std::thread runner([&] { m.run({store, store, wait, store}); });
    m.context.lock_.await_waiter();
    m.space().dirty.clear();
    clean(m, kData);
    m.context.lock_.unlock();
    runner.join();
    EXPECT_EQ(m.space().dirty, (std::vector<u64>{(kData - kRamBase) >> kPageBits}));
}

TEST(TcgMemory, AStoreToACleanedPageIsSeenFromAVcpuThatRuns) {
    Machine m;
    constexpr u64 kFlag = kData + 0x2000, kSeen = kData + 0x4000;
    m.guest().x[3] = kData;
    m.guest().x[4] = 1;
    m.guest().x[6] = kFlag;
    m.guest().x[7] = kSeen;
    const auto store = m.plain([](Builder& b) { b.store(X(4), X(3), 0, mem::k64); });
    const auto tell = m.plain([](Builder& b) { b.store(X(4), X(7), 0, mem::k64); });
    const auto loop = m.define([](Builder& b, UnitTranslation& u) {  // to itself, until the flag is there
        const Label out = b.make_label();
        b.load(X(5), X(6), 0, mem::k64);
        b.branch_if(Cond::Ne, X(5), b.constant(0), out);
        b.goto_pc(u.pc);
        b.place(out);
        b.goto_pc(u.pc + 4);
        return Translated::End;
    });
    const auto cell = [&](u64 address) {
        return std::atomic_ref<u64>(*reinterpret_cast<u64*>(m.space().at(address)));
    };
    m.context.lock_.lock();
    std::thread runner([&] { m.run({store, store, tell, loop, store}); });
    while (cell(kSeen).load() == 0) std::this_thread::yield();
    m.space().dirty.clear();
    clean(m, kData);
    cell(kFlag).store(1);
    m.context.lock_.unlock();
    runner.join();
    EXPECT_EQ(m.space().dirty, (std::vector<u64>{(kData - kRamBase) >> kPageBits}));
}

/// One waits for the other, which waits for the lock that is held.
TEST(TcgMemory, PagesAreCleanedWhileAVcpuAsksAnotherThatWaitsForTheLock) {
    Machine m(2);
    static Machine* machine;
    machine = &m;
    const auto ask = m.plain([](Builder& b) {
        b.call({},
               +[](void*) -> std::uint64_t {
                   machine->vcpus[1]->run_on([](void*) {}, nullptr);
                   return 0;
               },
               "ask", helper::kAll, {});
    });
    const auto wait = m.plain([](Builder& b) { b.call({}, &take_machine_lock, "wait", helper::kAll, {}); });
    m.place(kRamBase, {ask, Machine::kFinish});
    m.place(kRamBase + 0x100, {wait, Machine::kFinish});
    m.guest(0).pc = kRamBase;
    m.guest(1).pc = kRamBase + 0x100;
    m.context.lock_.lock();
    std::thread runner([&] { m.run(); });
    m.context.lock_.await_waiter();
    clean(m, kData);
    m.context.lock_.unlock();
    runner.join();
}

}  // namespace
}  // namespace backplane::tcg::testing
