// The guest's status flags while they are in the host's: around accesses, exits, helpers and ops that destroy them.
#include "harness.h"

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;

constexpr u64 kCarry = 1, kZero = 0x40, kSign = 0x80, kOverflow = 0x800, kBits = 0x8d5;

/// cmp a, b
void compare(Builder& b, Value left, Value right) {
    Native n;
    n.name = "cmp";
    n.opcode = 0x39;
    n.wide = true;
    n.reg = {right, 8, false, true, false};
    n.rm = {left, 8, false, true, false};
    n.status_written = status::kAll;
    b.native(n);
}

void increment(Builder& b, Value v) {
    Native n;
    n.name = "inc";
    n.opcode = 0xff;
    n.wide = true;
    n.extension = 0;
    n.rm = {v, 8, false, true, true};
    n.status_written = status::kAll & ~status::kCarry;
    b.native(n);
}

class Status_ : public ::testing::Test {
  protected:
    Status_() {
        m.guest().x[1] = 1;
        m.guest().x[2] = 2;  // 1 - 2: carry, sign, adjust; parity of 0xff
        cmp = m.plain([](Builder& b) { compare(b, X(1), X(2)); });
    }
    Machine m{1, {.code_size = 4u << 20}, Status::With};
    std::uint32_t cmp = 0;
    static constexpr u64 kOfCompare = kCarry | kSign | 0x10 | 4;
    u64 flags() { return m.guest().status & kBits; }
};
using TcgStatus = Status_;

TEST_F(TcgStatus, StaysOverHitsMissesAndDevices) {
    const auto access = m.plain([](Builder& b) {
        b.load(X(5), X(6), 0, mem::k64);
        b.store(X(5), X(6), 8, mem::k32);
        b.store(X(21), X(6), 0xffd, mem::k64);  // two pages
        b.load(X(22), X(7), 0, mem::k16 | mem::kSigned);
        b.store(b.constant(5), X(7), 4, mem::k16);
        b.mov(X(23), b.constant(0));
    });
    m.guest().x[6] = kRamBase + 0x4000;
    m.guest().x[7] = kDevice;
    m.guest().x[21] = 0x0102030405060708;
    const u64 word = 0x1122334455667788;
    std::memcpy(m.space().at(kRamBase + 0x4000), &word, 8);
    for (unsigned twice = 0; twice < 2; ++twice) {
        m.run({cmp, access, access});
        EXPECT_EQ(flags(), kOfCompare);
        EXPECT_EQ(m.guest().x[5], word);
        EXPECT_EQ(m.guest().x[22], 0xfffffffffffff7f8u);
        EXPECT_EQ(std::memcmp(m.space().at(kRamBase + 0x4ffd), &m.guest().x[21], 8), 0);
        std::uint32_t low = 0;
        std::memcpy(&low, m.space().at(kRamBase + 0x4008), 4);
        EXPECT_EQ(low, 0x55667788u);
    }
}

TEST_F(TcgStatus, GoesFromUnitToUnit) {
    const u64 far = kRamBase + 0x3000;
    const auto by_register = m.define([](Builder& b, UnitTranslation&) {
        b.goto_value(X(20));
        return Translated::End;
    });
    const auto decide = m.define([](Builder& b, UnitTranslation& u) {
        const Label below = b.make_label();
        b.branch_if_status(StatusCond::Below, below);
        b.goto_pc(u.pc + 4);
        b.place(below);
        b.mov(X(5), b.constant(77));
        b.goto_pc(u.pc + 4);
        return Translated::End;
    });
    m.place(far, {by_register});
    m.guest().x[20] = kRamBase + 8;
    for (unsigned twice = 0; twice < 2; ++twice) {
        m.guest().x[5] = 0;
        m.run({cmp, m.jump(far), decide});
        EXPECT_EQ(m.guest().x[5], 77u);
        EXPECT_EQ(flags(), kOfCompare);
    }
}

TEST_F(TcgStatus, DecidesEveryCondition) {
    for (unsigned cond = 0; cond < 16; ++cond) {
        const auto decide = m.plain([cond](Builder& b) {
            const Label taken = b.make_label(), end = b.make_label();
            b.branch_if_status(StatusCond(cond), taken);
            b.mov(X(5), b.constant(0));
            b.branch(end);
            b.place(taken);
            b.mov(X(5), b.constant(1));
            b.place(end);
        });
        for (u64 bits = 0; bits < 64; ++bits) {
            const bool c = bits & 1, p = bits & 2, z = bits & 8, s = bits & 16, o = bits & 32;
            m.guest().status =
                2 | u64{c} | u64{p} << 2 | (bits & 4) << 2 | u64{z} << 6 | u64{s} << 7 | u64{o} << 11;
            const bool holds[] = {o, c, z, c || z, s, p, s != o, z || s != o};
            const u64 before = m.guest().status;
            m.run({decide});
            ASSERT_EQ(m.guest().x[5], u64(holds[cond / 2] != bool(cond & 1))) << cond << " of " << bits;
            ASSERT_EQ(m.guest().status, before);
        }
    }
}

TEST_F(TcgStatus, StaysOverOpsThatDestroyTheHostsFlags) {
    const auto mixed = m.plain([](Builder& b) {
        const Label taken = b.make_label();
        b.add(X(5), X(5), b.constant(3));
        b.branch_if(Cond::Eq, X(5), b.constant(3), taken);  // destroys them on the way to a label
        b.mov(X(5), b.constant(0));
        b.place(taken);
        b.xor_(X(6), X(6), X(6));
    });
    m.guest().x[5] = 0;
    m.run({cmp, mixed});
    EXPECT_EQ(m.guest().x[5], 3u);
    EXPECT_EQ(flags(), kOfCompare);
}

TEST_F(TcgStatus, PathsMeetWithTheSameFlags) {
    for (const u64 which : {0u, 1u}) {
        const auto meet = m.plain([](Builder& b) {
            const Label below = b.make_label();
            b.branch_if_status(StatusCond::Overflow, below);
            b.branch_if(Cond::Ne, X(6), b.constant(0), below);
            b.add(X(5), X(5), b.constant(1));
            b.place(below);
            increment(b, X(7));
        });
        m.guest().x[5] = 0;
        m.guest().x[6] = which;
        m.guest().x[7] = 0;
        m.run({cmp, meet});
        EXPECT_EQ(m.guest().x[5], 1 - which);
        EXPECT_EQ(flags(), kCarry);  // of the comparison; the rest of the increment
    }
}

TEST_F(TcgStatus, IsReadAndWrittenByHelpers) {
    const auto flip = m.plain([](Builder& b) {
        b.call(X(5),
               +[](void* state) -> u64 {
                   auto& s = *static_cast<GuestState*>(state);
                   return std::exchange(s.status, s.status ^ (kCarry | kOverflow));
               },
               "flip", helper::kReadsRegisters | helper::kWritesRegisters, {});
        increment(b, X(6));  // keeps the carry
    });
    m.guest().x[6] = 0;
    m.run({cmp, flip});
    EXPECT_EQ(m.guest().x[5] & kBits, kOfCompare);
    EXPECT_EQ(flags(), 0u);
}

TEST_F(TcgStatus, IsReadAndWrittenInTheState) {
    const auto swap = m.plain([](Builder& b) {
        b.status_to_state();
        b.load_state(X(5), offsetof(GuestState, status), mem::k16);
        b.store_state(offsetof(GuestState, status), b.constant(kZero | kOverflow | 2), mem::k16);
        b.status_from_state();
    });
    m.run({cmp, swap});
    EXPECT_EQ(m.guest().x[5] & kBits, kOfCompare);
    EXPECT_EQ(flags(), kZero | kOverflow);
}

TEST_F(TcgStatus, IsRightWhenAnAccessFaults) {
    m.guest().handler = kRamBase + 0x100;
    m.place(kRamBase + 0x100, {Machine::kFinish});
    const auto access = m.plain([](Builder& b) {
        b.load(X(5), X(6), 0, mem::k64);
        compare(b, X(1), X(1));
    });
    m.guest().x[6] = 0x40000000;
    m.run({cmp, access});
    EXPECT_EQ(m.guest().fault_pc, kRamBase + 4);
    EXPECT_EQ(flags(), kOfCompare);
}

TEST_F(TcgStatus, IsRightWhereAHelperChangedTheUnit) {
    const auto patch = m.plain([](Builder& b) {
        b.call({},
               +[](void* state, u64 address, u64 word) -> u64 {
                   vcpu_of(state).store(address, word, mem::k32, 0);
                   return 0;
               },
               "patch", helper::kAll | helper::kStores, {X(6), X(7)});
    });
    const auto old = m.plain([](Builder& b) { compare(b, X(1), X(1)); });
    m.guest().x[6] = kRamBase + 8;
    m.guest().x[7] = m.plain([](Builder& b) { b.mov(X(5), b.constant(9)); });
    m.guest().x[5] = 0;
    m.run({cmp, patch, old});
    EXPECT_EQ(m.guest().x[5], 9u);
    EXPECT_EQ(flags(), kOfCompare);
}

TEST_F(TcgStatus, StaysOverALoopThatIsInterrupted) {
    unsigned looks = 0;
    m.front_end.interrupt = [&](GuestState& s) {
        if (s.x[4] == 0 || s.x[4] == 10) return false;  // behind the loop, ahead of the comparison
        ++looks;
        EXPECT_EQ(s.status & kBits, kOfCompare);
        return false;
    };
    const auto loop = m.define([](Builder& b, UnitTranslation& u) {
        b.address(X(4), {.base = X(4), .displacement = -1});
        b.call({},
               +[](void* state) -> u64 {
                   static_cast<GuestState*>(state)->run.exit_request = 1;
                   return 0;
               },
               "request", helper::kReadsRegisters, {});
        const Label again = b.make_label();
        b.branch_if(Cond::Ne, X(4), b.constant(0), again);
        b.goto_pc(u.pc + 4);
        b.place(again);
        b.goto_pc(u.pc);
        return Translated::End;
    });
    m.guest().x[4] = 10;
    m.run({cmp, loop});
    EXPECT_GE(looks, 8u);
    EXPECT_EQ(flags(), kOfCompare);
}

// ---- what goes with native instructions: bytes 8 to 15, addresses, vectors, locks, stores into the unit

TEST_F(TcgStatus, HighBytesAreOperands) {
    // mov rm8, r8 and add rm8, r8, with each operand a high byte, in host registers and in memory.
    for (const unsigned reg : {1u, 21u})
        for (const unsigned rm : {2u, 22u})
            for (const unsigned which : {1u, 2u, 3u}) {
                const auto add = m.plain([=](Builder& b) {
                    Native n;
                    n.name = "add";
                    n.opcode = 0x00;
                    n.reg = {X(reg), 1, (which & 1) != 0, true, false};
                    n.rm = {X(rm), 1, (which & 2) != 0, true, true};
                    n.status_written = status::kAll;
                    b.native(n);
                });
                m.guest().x[reg] = 0x1122334455667788;
                m.guest().x[rm] = 0x99aabbccddeeff01;
                m.run({add});
                const u64 addend = which & 1 ? 0x77 : 0x88;
                EXPECT_EQ(m.guest().x[rm], which & 2 ? 0x99aabbccddee0001 | ((0xff + addend) & 0xff) << 8
                                                     : 0x99aabbccddeeff00 | (0x01 + addend))
                    << reg << " " << rm << " " << which;
                EXPECT_EQ(flags() & kCarry, which & 2 ? kCarry : 0);
            }
}

TEST_F(TcgStatus, AddressesWrapAtTheirSize) {
    const auto address = m.plain([](Builder& b) {
        b.address(X(5), {.base = X(6), .index = X(7), .displacement = 0x10, .shift = 2});
        b.address(X(8), {.base = X(6), .index = X(27), .displacement = 0x10, .shift = 2, .bits = 32});
        b.address(X(9), {.base = X(6), .index = X(7), .segment = X(28), .displacement = 0x10, .bits = 16});
        b.address(X(23), {.base = X(6), .segment = X(28), .bits = 32, .linear_bits = 32});
        b.address(X(24), {.segment = X(28), .displacement = -1, .bits = 16, .linear_bits = 32});
        b.address(X(25), {.index = X(7), .displacement = -8, .shift = 3});
        b.address(X(6), {.base = X(6), .displacement = 1, .bits = 32});
    });
    GuestState& g = m.guest();
    g.x[6] = 0xfffffff0fffffff8;
    g.x[7] = g.x[27] = 0x10004;
    g.x[28] = 0xffff0000;
    m.run({cmp, address});
    EXPECT_EQ(g.x[5], 0xfffffff0fffffff8 + 4 * 0x10004 + 0x10);
    EXPECT_EQ(g.x[8], (0xfffffff8u + 4 * 0x10004u + 0x10u) & 0xffffffffu);
    EXPECT_EQ(g.x[9], 0xffff0000u + ((0xfff8 + 4 + 0x10) & 0xffff));
    EXPECT_EQ(g.x[23], 0xfffefff8u);
    EXPECT_EQ(g.x[24], 0xffffu + 0xffff0000u);
    EXPECT_EQ(g.x[25], 8u * 0x10004 - 8);
    EXPECT_EQ(g.x[6], 0xfffffff9u);
    EXPECT_EQ(flags(), kOfCompare);
}

Native locked_add(Value addend) {
    Native n;
    n.name = "add";
    n.opcode = 0x01;
    n.wide = true;
    n.lock = true;
    n.reg = {addend, 8, false, true, false};
    n.rm.bytes = 8;
    n.rm.read = n.rm.written = true;
    n.status_written = status::kAll;
    return n;
}

TEST(TcgNative, LockedInstructionsOfTwoCpusAddUp) {
    Machine m(2, {.code_size = 4u << 20}, Status::With);
    const auto add = m.plain([](Builder& b) {
        b.native(locked_add(X(5)), Address{.base = X(6)});
        b.native(locked_add(X(25)), Address{.base = X(7)});
    });
    const auto loop = m.define([](Builder& b, UnitTranslation& u) {
        const Label again = b.make_label();
        b.sub(X(4), X(4), b.constant(1));
        b.branch_if(Cond::Ne, X(4), b.constant(0), again);
        b.goto_pc(u.pc + 4);
        b.place(again);
        b.goto_pc(kRamBase);
        return Translated::End;
    });
    m.place(kRamBase, {add, loop, Machine::kFinish});
    for (unsigned cpu = 0; cpu < 2; ++cpu) {
        GuestState& g = m.guest(cpu);
        g.pc = kRamBase;
        g.x[4] = 20000;
        g.x[5] = g.x[25] = 1;
        g.x[6] = kRamBase + 0x4003;  // of any alignment
        g.x[7] = kRamBase + 0x4ffc;  // across a page
    }
    m.run();
    u64 sums[2] = {};
    std::memcpy(&sums[0], m.space().at(kRamBase + 0x4003), 8);
    std::memcpy(&sums[1], m.space().at(kRamBase + 0x4ffc), 8);
    EXPECT_EQ(sums[0], 40000u);
    EXPECT_EQ(sums[1], 40000u);
}

TEST_F(TcgStatus, AStoreIntoTheUnitThatRunsIsSeen) {
    const auto store = m.plain([](Builder& b) {
        Native n;
        n.name = "mov";
        n.opcode = 0x89;
        n.reg = {X(7), 4, false, true, false};
        n.rm.bytes = 4;
        n.rm.written = true;
        b.native(n, Address{.base = X(6)});
    });
    m.guest().x[6] = kRamBase + 8;
    m.guest().x[7] = m.plain([](Builder& b) { b.mov(X(5), b.constant(9)); });
    m.guest().x[5] = 0;
    m.run({cmp, store, m.plain([](Builder& b) { b.mov(X(5), b.constant(1)); })});
    EXPECT_EQ(m.guest().x[5], 9u);
    EXPECT_EQ(flags(), kOfCompare);
}

TEST_F(TcgStatus, ADeviceSeesOneReadAndOneWrite) {
    const auto add = m.plain([](Builder& b) {
        Native n = locked_add(X(5));
        n.wide = false;
        n.lock = false;
        n.reg.bytes = n.rm.bytes = 4;
        b.native(n, Address{.base = X(6)});
    });
    m.guest().x[5] = 1;
    m.guest().x[6] = kDevice + 0x10;
    m.run({add});
    ASSERT_EQ(m.space().log.size(), 2u);
    EXPECT_EQ(m.space().log[1].offset, 0x10u);
    EXPECT_EQ(m.space().log[1].size, 4u);
    EXPECT_EQ(m.space().log[1].value, (0xf5f6f7f8u + 0x10 + 1));
}

}  // namespace
}  // namespace backplane::tcg::testing
