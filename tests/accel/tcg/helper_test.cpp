// What a helper may ask of the engine beside guest memory: I/O ports, the end of the unit, stores into the code that runs.
#include "harness.h"

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;

constexpr std::uint8_t kStoring = helper::kAll | helper::kStores;

TEST(TcgHelper, ReachesTheIoPorts) {
    Machine m;
    const auto ports = m.plain([](Builder& b) {
        b.call(X(5), +[](void* state) -> u64 { return vcpu_of(state).load_port(0x60, 1); }, "in",
               helper::kAll, {});
        b.call({},
               +[](void* state) -> u64 {
                   vcpu_of(state).store_port(0x64, 0xfe, 1);
                   return 0;
               },
               "out", helper::kAll, {});
    });
    m.run({ports});
    EXPECT_EQ(m.guest().x[5], 0xffu);
    ASSERT_EQ(m.context.ports.log.size(), 2u);
    EXPECT_EQ(m.context.ports.log[0].offset, 0x60u);
    EXPECT_EQ(m.context.ports.log[1].offset, 0x64u);
    EXPECT_EQ(m.context.ports.log[1].value, 0xfeu);
}

TEST(TcgHelper, EndsTheUnitWithThePcThatItSet) {
    Machine m;
    const auto skip = m.plain([](Builder& b) {
        b.call({},
               +[](void* state) -> u64 {
                   auto& s = *static_cast<GuestState*>(state);
                   s.pc += 8;
                   s.x[6] = 7;
                   vcpu_of(state).leave(LeaveKind::Continue);
                   return 0;
               },
               "skip", helper::kAll, {});
        b.mov(X(6), b.constant(1));  // the helper did the whole instruction
    });
    const auto mark = m.plain([](Builder& b) { b.mov(X(5), b.constant(1)); });
    m.guest().x[5] = 0;
    m.run({skip, mark});
    EXPECT_EQ(m.guest().x[5], 0u);
    EXPECT_EQ(m.guest().x[6], 7u);
}

TEST(TcgHelper, LeavesForALookAtTheInterrupts) {
    Machine m;
    unsigned looks = 0;
    m.front_end.interrupt = [&](GuestState& s) {
        looks += s.x[6] == 1;
        return false;
    };
    const auto enable = m.plain([](Builder& b) {
        b.call({},
               +[](void* state) -> u64 {
                   auto& s = *static_cast<GuestState*>(state);
                   s.pc += 4;
                   s.x[6] = 1;
                   vcpu_of(state).leave(LeaveKind::Interrupts);
                   return 0;
               },
               "enable", helper::kAll, {});
    });
    const auto disable = m.plain([](Builder& b) { b.mov(X(6), b.constant(0)); });
    m.guest().x[6] = 0;
    m.run({enable, disable});
    EXPECT_EQ(looks, 1u);
}

TEST(TcgHelper, AnExceptionGoesBeforeALeave) {
    Machine m;
    m.guest().handler = kRamBase + 0x100;
    const auto raise = m.plain([](Builder& b) {
        b.call({},
               +[](void* state) -> u64 {
                   u64 value = 0;
                   vcpu_of(state).load(0x40000000, mem::k32, 0, value);  // a hole
                   vcpu_of(state).leave(LeaveKind::Interrupts);
                   return 0;
               },
               "raise", helper::kAll, {});
    });
    m.place(kRamBase + 0x100, {Machine::kFinish});
    m.run({raise});
    EXPECT_EQ(m.guest().fault_pc, kRamBase);
    EXPECT_EQ(m.guest().fault_kind, MemoryFaultKind::Bus);
}

TEST(TcgHelper, AStoreIntoTheUnitThatRunsIsSeenByTheNextInstruction) {
    Machine m;
    const auto old = m.plain([](Builder& b) { b.mov(X(5), b.constant(1)); });
    const auto changed = m.plain([](Builder& b) { b.mov(X(5), b.constant(2)); });
    const auto patch = m.plain([](Builder& b) {
        b.call({},
               +[](void* state, u64 address, u64 word) -> u64 {
                   vcpu_of(state).store(address, word, mem::k32, 0);
                   return 0;
               },
               "patch", kStoring, {X(6), X(7)});
        b.add(X(8), X(8), b.constant(1));  // what is left of the instruction is done, once
    });
    m.guest().x[5] = m.guest().x[8] = 0;
    m.guest().x[6] = kRamBase + 4;
    m.guest().x[7] = changed;
    m.run({patch, old});
    EXPECT_EQ(m.guest().x[5], 2u);
    EXPECT_EQ(m.guest().x[8], 1u);
}

}  // namespace
}  // namespace backplane::tcg::testing
