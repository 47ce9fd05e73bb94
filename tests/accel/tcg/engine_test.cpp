// The engine around the code: chaining, jump caches, self-modifying code, exceptions from helpers, interrupts, halts,
// several vCPUs.
#include "harness.h"

#include <barrier>
#include <thread>

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;

std::uint32_t counted_loop(Machine& m, u64 target) {
    return m.define([target](Builder& b, UnitTranslation& u) {
        b.sub(X(4), X(4), b.constant(1));
        const Label again = b.make_label();
        b.branch_if(Cond::Ne, X(4), b.constant(0), again);
        b.goto_pc(u.pc + 4);
        b.place(again);
        b.goto_pc(target);
        return Translated::End;
    });
}

TEST(TcgEngine, ALoopIsTranslatedOnce) {
    Machine m;
    m.guest().x[4] = 100000;
    m.guest().x[5] = 0;
    const auto add = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(3)); });
    m.run({add, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 300000u);
    EXPECT_EQ(m.front_end.translated, 3u);
}

TEST(TcgEngine, JumpsGoAcrossPagesAndByRegister) {
    Machine m;
    const u64 far = kRamBase + 0x3000;
    const auto add = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    const auto by_register = m.define([](Builder& b, UnitTranslation&) {
        b.goto_value(X(20), JumpHint::Return);
        return Translated::End;
    });
    m.place(far, {add, by_register});
    m.guest().x[4] = 50000;
    m.guest().x[5] = 0;
    m.guest().x[20] = kRamBase + 4;
    m.run({m.jump(far), counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 50000u);
    EXPECT_EQ(m.front_end.translated, 5u);
}

TEST(TcgEngine, FlagsSelectTheTranslation) {
    Machine m;
    const auto flip = m.define([](Builder& b, UnitTranslation& u) {
        b.add(X(5), X(5), b.constant(u.key.flags ? 100 : 1));
        b.store_state(offsetof(GuestState, flags), b.constant(u.key.flags ? 0 : 1), mem::k32);
        b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
        b.leave(LeaveKind::Continue);
        return Translated::End;
    });
    m.guest().x[4] = 10;
    m.guest().x[5] = 0;
    m.run({flip, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 505u);
}

TEST(TcgEngine, MoreContextsThanThereAreTablesStillWork) {
    Machine m;
    const auto next = m.define([](Builder& b, UnitTranslation& u) {
        b.add(X(5), X(5), b.constant(1));
        b.store_state(offsetof(GuestState, flags), X(5), mem::k32);
        b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
        b.leave(LeaveKind::Continue);
        return Translated::End;
    });
    m.guest().x[4] = 200;
    m.guest().x[5] = 0;
    m.run({next, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 200u);
}

TEST(TcgEngine, AContextTooManyCostsTheOldestAlone) {
    Machine m;
    unsigned translations_of_0 = 0;
    const auto next = m.define([&](Builder& b, UnitTranslation& u) {
        translations_of_0 += u.key.flags == 0;
        const Value odd = b.temp();
        b.add(X(5), X(5), b.constant(1));
        b.and_(odd, X(5), b.constant(1));
        b.mul(odd, odd, X(5));  // each even number is context 0
        b.store_state(offsetof(GuestState, flags), odd, mem::k32);
        b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
        b.leave(LeaveKind::Continue);
        return Translated::End;
    });
    m.guest().x[4] = 200;
    m.guest().x[5] = 0;
    m.run({next, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 200u);
    EXPECT_EQ(translations_of_0, 1u);
}

TEST(TcgEngine, AFullCodeCacheIsFlushed) {
    Machine m(1, {.code_size = 512u << 10});
    const auto add = m.plain([](Builder& b) {
        for (unsigned i = 0; i < 20; ++i) b.add(X(25), X(25), b.constant(u64{1} << 40));
        b.add(X(5), X(5), b.constant(1));
    });
    m.guest().x[5] = 0;
    u64 pc = kRamBase + 0x1000;
    for (unsigned page = 0; page < 40; ++page) {
        for (unsigned i = 0; i < 1023; ++i, pc += 4) m.place(pc, {add});
        m.place(pc, {m.jump(pc + 4)});
        pc += 4;
    }
    m.place(pc, {Machine::kFinish});
    for (int round = 1; round < 3; ++round) {
        m.run({m.jump(kRamBase + 0x1000)});
        EXPECT_EQ(m.guest().x[5], u64(40 * 1023 * round));
    }
    EXPECT_EQ(m.context.failure, "");
}

TEST(TcgEngine, AFlushWithinALaterContextLeavesNothingBehind) {
    Machine m(1, {.code_size = 512u << 10});
    const auto flip = m.define([](Builder& b, UnitTranslation& u) {
        b.store_state(offsetof(GuestState, flags), b.constant((u.key.flags + 1) % 20), mem::k32);
        b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
        b.leave(LeaveKind::Continue);
        return Translated::End;
    });
    const auto add = m.plain([](Builder& b) {
        for (unsigned i = 0; i < 20; ++i) b.add(X(25), X(25), b.constant(u64{1} << 40));
        b.add(X(5), X(5), b.constant(1));
    });
    u64 pc = kRamBase + 0x1000;
    for (unsigned i = 0; i < 4000; ++i, pc += 16) m.place(pc, {add, add, flip, m.jump(pc + 16)});
    m.place(pc, {Machine::kFinish});
    m.guest().x[5] = 0;
    for (int round = 1; round < 4; ++round) {
        m.guest().flags = unsigned(round);
        m.run({m.jump(kRamBase + 0x1000)});
        ASSERT_EQ(m.guest().x[5], u64(8000 * round));
    }
}

TEST(TcgEngine, AnInstructionMayLieAcrossTheEndOfTheAddressSpace) {
    Machine m;
    const auto add = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    // The last page is the first of RAM, and the page at 0 the second.
    m.front_end.walk = [](const FillRequest& request, FillAnswer& answer) {
        answer = {kRamBase + ((request.address + 4096) & 0x1fff), true, true, true};
        return true;
    };
    const std::uint64_t start = kRamBase + 4096 - 2;
    m.place(start, {add, Machine::kFinish});
    m.guest().pc = ~u64{0} - 1;
    m.guest().x[5] = 0;
    m.run();
    EXPECT_EQ(m.guest().x[5], 1u);
}

TEST(TcgEngine, NothingIsFetchedFromBeforeThePage) {
    struct Reader final : CodeReader {
        Reader() {
            page_start_ = 0x1000;
            page_ = bytes;
            page_size_ = 4;
        }
        std::uint32_t fetch_slow(std::uint64_t, unsigned) override {
            failed_ = true;
            return 0;
        }
        std::uint8_t bytes[4] = {1, 2, 3, 4};
    } reader;
    EXPECT_EQ(reader.fetch(0x1002, 2), 0x0403u);
    EXPECT_FALSE(reader.failed());
    reader.fetch(0xffc, 4);
    EXPECT_TRUE(reader.failed());
}

// ---- self-modifying code

TEST(TcgEngine, AStoreToCodeReplacesIt) {
    Machine m;
    const auto one = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    const auto ten = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(10)); });
    const u64 routine = kRamBase + 0x40;
    const auto back = m.jump(kRamBase + 8);
    m.place(routine, {one, back});
    const auto patch = m.plain([](Builder& b) { b.store(X(6), X(7), 0, mem::k32); });
    m.guest().x[4] = 3;
    m.guest().x[5] = 0;
    m.guest().x[6] = ten;
    m.guest().x[7] = routine;
    const auto nothing = m.plain([](Builder&) {});
    // enter the routine, come back, patch it, again
    m.run({nothing, m.jump(routine), patch, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.guest().x[5], 21u);
}

TEST(TcgEngine, AUnitMayChangeItsOwnNextInstruction) {
    Machine m;
    const auto one = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    const auto ten = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(10)); });
    const auto patch = m.plain([](Builder& b) {
        b.store(X(6), X(7), 0, mem::k32);
        b.add(X(8), X(8), b.constant(1));
    });
    m.guest().x[5] = 0;
    m.guest().x[6] = ten;
    m.guest().x[7] = kRamBase + 8;
    m.guest().x[8] = 0;
    m.run({one, patch, one, one});
    EXPECT_EQ(m.guest().x[5], 12u);
    EXPECT_EQ(m.guest().x[8], 1u);
}

TEST(TcgEngine, DataBesideCodeDoesNotCostTheCode) {
    Machine m;
    const auto store = m.plain([](Builder& b) { b.store(X(4), X(7), 0, mem::k64); });
    m.guest().x[4] = 1000;
    m.guest().x[7] = kRamBase + 0x800;
    m.run({store, counted_loop(m, kRamBase)});
    EXPECT_EQ(m.front_end.translated, 3u);
}

TEST(TcgEngine, APageWithoutCodeIsStoredToDirectlyAgain) {
    Machine m;
    const u64 routine = kRamBase + 0x3000;
    m.place(routine, {m.jump(kRamBase + 4)});
    const auto store = m.plain([](Builder& b) { b.store(X(4), X(7), 0, mem::k64); });
    m.guest().x[4] = 5;
    m.guest().x[7] = routine;
    m.run({m.jump(routine), store, counted_loop(m, kRamBase + 4)});
    EXPECT_EQ(m.space().block().page_flags[3].load() & kPageCode, 0);
    EXPECT_NE(m.space().block().page_flags[0].load() & kPageCode, 0);
}

TEST(TcgEngine, WhatSomebodyElseWritesIsSeen) {
    Machine m;
    const auto one = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    const auto ten = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(10)); });
    m.guest().x[5] = 0;
    m.run({one});
    m.place(kRamBase, {ten});
    m.pages.written(m.space().block(), 0, 4, nullptr);
    m.guest().pc = kRamBase;
    m.run();
    EXPECT_EQ(m.guest().x[5], 11u);
}

// ---- helpers

std::uint64_t sum(void* state, u64 a, u64 b, u64 c, u64 d) {
    return a + 2 * b + 3 * c + 4 * d + static_cast<GuestState*>(state)->x[20];
}

TEST(TcgEngine, HelpersGetTheirArgumentsFromWhereverTheyAre) {
    Machine m;
    for (unsigned n = 0; n < 32; ++n) m.guest().x[n] = 1000 + n;
    m.run({m.plain([](Builder& b) {
        const Value t = b.temp(), u = b.temp();
        b.add(t, X(1), b.constant(0));
        b.add(u, X(2), b.constant(0));
        b.call(X(5), &sum, "sum", 0, {X(9), X(5), t, u});
        b.call(X(6), &sum, "sum", helper::kReadsRegisters, {u, X(25), b.constant(7), X(8)});
        b.add(X(7), t, u);
    })});
    EXPECT_EQ(m.guest().x[5], 1009 + 2 * 1005 + 3 * 1001 + 4 * 1002 + 1020u);
    EXPECT_EQ(m.guest().x[6], 1002 + 2 * 1025 + 3 * 7 + 4 * 1008 + 1020u);
    EXPECT_EQ(m.guest().x[7], 2003u);
    for (unsigned n : {0u, 1u, 2u, 3u, 4u, 8u, 9u, 10u}) EXPECT_EQ(m.guest().x[n], 1000 + n);
}

std::uint64_t trap(void* state, u64 wanted) {
    auto& s = *static_cast<GuestState*>(state);
    s.x[3] += 5;
    if (!wanted) return 77;
    s.fault_pc = s.pc;
    s.pc = s.handler;
    vcpu_of(state).raised();
    return 99;
}

TEST(TcgEngine, AHelperMayRaise) {
    Machine m;
    m.guest().handler = kRamBase + 0x100;
    const auto mark = m.plain([](Builder& b) { b.add(X(6), X(6), b.constant(1)); });
    m.place(kRamBase + 0x100, {mark, Machine::kFinish});
    m.guest().x[3] = 10;
    m.guest().x[5] = 0;
    m.guest().x[6] = 0;
    const auto call = [&](u64 wanted) {
        return m.plain(
            [wanted](Builder& b) { b.call(X(5), &trap, "trap", helper::kMayRaise, {b.constant(wanted)}); });
    };
    m.run({mark, call(0), mark, call(1), mark});
    EXPECT_EQ(m.guest().x[5], 77u);
    EXPECT_EQ(m.guest().x[3], 20u);
    EXPECT_EQ(m.guest().x[6], 3u);
    EXPECT_EQ(m.guest().fault_pc, kRamBase + 12);
}

std::uint64_t touch(void* state, u64 address) {
    u64 value = 0;
    auto& v = vcpu_of(state);
    if (!v.load(address, mem::k32, 0, value) || !v.store(address + 4, value + 1, mem::k32, 0)) return 0;
    return value;
}

TEST(TcgEngine, AHelperReachesGuestMemory) {
    Machine m;
    m.guest().handler = kRamBase + 0x100;
    m.place(kRamBase + 0x100, {Machine::kFinish});
    const u64 data = kRamBase + 0x5000;
    m.space().at(data)[0] = 41;
    m.guest().x[3] = data;
    const auto call = m.plain([](Builder& b) { b.call(X(5), &touch, "touch", helper::kMayRaise, {X(3)}); });
    m.run({call});
    EXPECT_EQ(m.guest().x[5], 41u);
    EXPECT_EQ(m.space().at(data)[4], 42);
    m.guest().x[3] = 0x40000000;
    m.run({call});
    EXPECT_EQ(m.guest().fault_address, 0x40000000u);
    EXPECT_EQ(m.guest().fault_pc, kRamBase);
}

// ---- interrupts

TEST(TcgEngine, AKickReachesAnEndlessLoop) {
    Machine m;
    m.front_end.interrupt = [&](GuestState& s) {
        if (!m.cpus[0]->interrupt.exchange(false)) return false;
        s.fault_pc = s.pc;
        s.pc = kRamBase + 0x100;
        return true;
    };
    m.place(kRamBase + 0x100, {Machine::kFinish});
    m.place(kRamBase, {m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); }), m.jump(kRamBase)});
    m.guest().pc = kRamBase;
    std::thread other([&] {
        m.cpus[0]->interrupt = true;
        m.vcpus[0]->kick();
    });
    m.run();
    other.join();
    EXPECT_EQ(m.guest().fault_pc, kRamBase);
}

std::uint64_t halt(void* state) {
    static_cast<GuestState*>(state)->run.halted = 1;
    return 0;
}

TEST(TcgEngine, AHaltedCpuWakesForWorkAndGoesOnBehindTheHalt) {
    Machine m;
    const auto wait = m.define([](Builder& b, UnitTranslation& u) {
        b.call({}, &halt, "halt", 0, {});
        b.store_state(offsetof(GuestState, pc), b.constant(u.pc + 4), mem::k64);
        b.leave(LeaveKind::Interrupts);
        return Translated::End;
    });
    m.place(kRamBase, {wait, m.plain([](Builder& b) { b.mov(X(5), b.constant(1)); }), Machine::kFinish});
    m.guest().pc = kRamBase;
    m.guest().x[5] = 0;
    std::thread other([&] {
        m.cpus[0]->interrupt = true;
        m.vcpus[0]->kick();
    });
    m.run();
    other.join();
    EXPECT_EQ(m.guest().x[5], 1u);
}

TEST(TcgEngine, WorkRunsOnTheCpusThreadBetweenInstructions) {
    Machine m;
    m.place(kRamBase, {m.jump(kRamBase)});
    m.guest().pc = kRamBase;
    m.start();
    struct Seen {
        GuestState* guest;
        std::thread::id thread;
    } seen{&m.guest(), {}};
    m.vcpus[0]->run_on(
        [](void* data) {
            auto& s = *static_cast<Seen*>(data);
            s.thread = std::this_thread::get_id();
            s.guest->pc = kRamBase + 0x100;
        },
        &seen);
    EXPECT_NE(seen.thread, std::this_thread::get_id());
    m.stop();
    m.vcpus[0]->run_on([](void* data) { static_cast<Seen*>(data)->thread = std::this_thread::get_id(); },
                       &seen);
    EXPECT_EQ(seen.thread, std::this_thread::get_id());
}

TEST(TcgEngine, TwoVcpusThatAskEachOtherServeEachOther) {
    Machine m(2);
    m.place(kRamBase, {m.jump(kRamBase)});
    m.guest(0).pc = m.guest(1).pc = kRamBase;
    m.start();
    struct Side {
        std::barrier<>& both;
        TcgVcpu& other;
        std::thread::id asked_on{}, served_on{};
    };
    std::barrier<> both(2);
    Side sides[] = {{both, *m.vcpus[1]}, {both, *m.vcpus[0]}};
    const auto ask = [](void* data) {
        auto& side = *static_cast<Side*>(data);
        side.asked_on = std::this_thread::get_id();
        side.both.arrive_and_wait();  // both are in the middle of work, and wait for the other from here on
        side.other.run_on(
            [](void* seen) { *static_cast<std::thread::id*>(seen) = std::this_thread::get_id(); },
            &side.served_on);
    };
    std::thread second([&] { m.vcpus[1]->run_on(ask, &sides[1]); });
    m.vcpus[0]->run_on(ask, &sides[0]);
    second.join();
    EXPECT_EQ(sides[0].served_on, sides[1].asked_on);
    EXPECT_EQ(sides[1].served_on, sides[0].asked_on);
    m.stop();
}

TEST(TcgEngine, AStopLeavesTheWholeStateBehind) {
    Machine m;
    const auto step = m.plain([](Builder& b) {
        b.add(X(1), X(1), b.constant(1));
        b.add(X(21), X(1), b.constant(7));
    });
    m.place(kRamBase, {step, m.jump(kRamBase)});
    m.guest().pc = kRamBase;
    m.guest().x[21] = 7;
    for (int i = 0; i < 50; ++i) {
        m.start();
        const u64 before = m.guest().x[1];
        struct Look {
            Machine& machine;
            u64 found;
        } look{m, before};
        while (look.found == before)
            m.vcpus[0]->run_on(
                [](void* data) {
                    auto& seen = *static_cast<Look*>(data);
                    seen.found = seen.machine.guest().x[1];
                },
                &look);
        m.stop();
        ASSERT_EQ(m.guest().x[21], m.guest().x[1] + 7);
        ASSERT_EQ(m.guest().pc, kRamBase);
    }
}

// ---- several CPUs

TEST(TcgEngine, AtomicsOfTwoCpusAddUp) {
    Machine m(2);
    const u64 data = kRamBase + 0x5000;
    const auto add =
        m.plain([](Builder& b) { b.atomic(Opcode::atomic_add, X(6), X(3), b.constant(1), mem::k64); });
    const auto swap = m.plain([](Builder& b) {  // adds by compare and exchange, once more when it fails
        const Value old = b.temp(), next = b.temp(), seen = b.temp();
        b.load(old, X(3), 8, mem::k64);
        b.add(next, old, b.constant(1));
        b.add(X(7), X(3), b.constant(8));
        b.cmpxchg(seen, X(7), old, next, mem::k64);
        b.setcond(Cond::Ne, X(8), seen, old);
        b.add(X(4), X(4), X(8));
    });
    m.place(kRamBase, {add, swap, counted_loop(m, kRamBase), Machine::kFinish});
    for (unsigned c = 0; c < 2; ++c) {
        m.guest(c).pc = kRamBase;
        m.guest(c).x[3] = data;
        m.guest(c).x[4] = 20000;
    }
    m.run();
    u64 sums[2];
    std::memcpy(sums, m.space().at(data), 16);
    EXPECT_EQ(sums[1], 40000u);
    EXPECT_GE(sums[0], 40000u);
}

TEST(TcgEngine, ACpuPatchesTheCodeOfAnother) {
    Machine m(2);
    const u64 spin = kRamBase, patcher = kRamBase + 0x2000;
    const auto leave = m.jump(kRamBase + 0x100);
    m.place(spin, {m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); }), m.jump(spin)});
    m.place(kRamBase + 0x100, {Machine::kFinish});
    m.place(patcher, {m.plain([](Builder& b) { b.store(X(6), X(7), 0, mem::k32); }), Machine::kFinish});
    m.guest(0).pc = spin;
    m.guest(1).pc = patcher;
    m.guest(1).x[6] = leave;
    m.guest(1).x[7] = spin;
    m.run();  // ends only when CPU 0 saw the new instruction
    EXPECT_EQ(m.space().at(spin)[0], leave);
}

TEST(TcgEngine, TheLogsShowGuestOpsAndHostCode) {
    for (const char* category : {"in_asm", "op", "out_asm", "exec", "cpu"}) {
        TestContext context;
        context.log_.watched = category;
        CodePages pages;
        TestCpu cpu(context);
        TestFrontEnd front_end;
        struct Quiet final : Errors {
            void fail(Str) override {}
        } errors;
        auto vcpu = TcgVcpu::create(context, cpu, front_end, pages, {.code_size = 1u << 20}, errors);
        cpu.guest.pc = kRamBase;
        const std::map<std::string, const char*> shown{{"in_asm", "test"},
                                                       {"op", "goto_pc"},
                                                       {"out_asm", "jmp"},
                                                       {"exec", "0000000080000000"},
                                                       {"cpu", "x5 0"}};
        // The vCPU looks at its log itself, between instructions: how soon it has run one is its own affair.
        struct Look {
            const std::string& log;
            const char* wanted;
            bool seen = false;
        } look{context.log_.text, shown.at(category)};
        vcpu->start();
        for (int tries = 0; tries < 100'000 && !look.seen; ++tries)
            vcpu->run_on(
                [](void* data) {
                    auto& seen = *static_cast<Look*>(data);
                    seen.seen = seen.log.find(seen.wanted) != std::string::npos;
                },
                &look);
        vcpu->request_stop();
        vcpu->wait_stopped();
        EXPECT_TRUE(look.seen) << category;
    }
}

TEST(TcgEngine, EachUnitIsLoggedEachTimeItRuns) {
    Machine m;
    const u64 far = kRamBase + 0x3000;
    const auto add = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    m.place(far, {add, m.define([](Builder& b, UnitTranslation&) {
                      b.goto_value(X(20), JumpHint::Return);
                      return Translated::End;
                  })});
    m.guest().x[5] = 0;
    m.guest().x[20] = kRamBase + 4;
    const auto loop = counted_loop(m, kRamBase);
    const auto run = [&] {
        m.guest().x[4] = 10;
        m.run({m.jump(far), loop});
    };
    run();  // once without, so that everything is chained
    m.context.log_.watched = "cpu";
    run();
    for (int n = 10; n < 20; ++n)
        EXPECT_NE(m.context.log_.text.find("x5 " + std::to_string(n) + "\n"), std::string::npos) << n;
    m.context.log_.watched = "";
    m.context.log_.text = "";
    run();
    EXPECT_EQ(m.context.log_.text, "");
}

}  // namespace
}  // namespace backplane::tcg::testing
