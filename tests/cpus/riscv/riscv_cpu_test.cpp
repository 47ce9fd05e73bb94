// A hart as the machine sees it: reset, interrupt inputs, time, the supervisor's timer, the debugger's view.
#include <backplane/draft/debug.h>
#include <backplane/draft/riscv/hart.h>
#include <backplane/testing/bench.h>

#include "devices/virtio/fakes.h"

#include <gtest/gtest.h>

#include <cstring>

namespace backplane::riscv {
namespace {

using testing::DeviceBench;

struct CountingRunner final : VcpuRunner {
    unsigned kicks = 0;
    void kick() override { ++kicks; }
    void run_on(void (*work)(void* data), void* data) override { work(data); }
};

struct Text final : TextSink {
    std::string value;
    void append(Str text) override { value += text.view(); }
};

struct Hart : ::testing::Test {
    Hart() { cpu.set_runner(&runner); }
    HartState& state() { return *static_cast<HartState*>(cpu.state()); }
    void input(unsigned number, int level) { bench.set_input("irq", number, level); }
    void put(std::uint64_t address, std::uint64_t value) {
        std::memcpy(bench.ram().data + (address - DeviceBench::kRamBase.value), &value, sizeof value);
    }
    DeviceBench bench{"max-riscv-cpu", {{"resetvec", "0x1000"}}};
    Cpu& cpu = *query<Cpu>(bench.device());
    HartControl& control = *query<HartControl>(bench.device());
    CountingRunner runner;
};

TEST_F(Hart, ResetIsTheManuals) {
    state().pc = 5;
    state().privilege = Privilege::User;
    state().mstatus = ~0ull;
    state().mcause = 3;
    state().pmpcfg[2] = 0x9f;
    state().satp = 8ull << 60;
    state().x[5] = 1;
    state().run.halted = 1;
    bench.reset();
    EXPECT_EQ(state().pc, 0x1000u);
    EXPECT_EQ(state().privilege, Privilege::Machine);
    EXPECT_EQ(state().mstatus, mstatus::kUxl64 | mstatus::kSxl64);
    EXPECT_EQ(state().mcause, 0u);
    EXPECT_EQ(state().pmpcfg[2], 0);
    EXPECT_EQ(state().satp, 0u);
    EXPECT_EQ(state().x[5], 0u);
    EXPECT_EQ(state().run.halted, 0u);
    EXPECT_EQ(state().reservation_address, kNoReservation);
}

TEST_F(Hart, LevelsShowInMip) {
    for (const unsigned number : {3u, 7u, 9u, 11u}) {
        input(number, 1);
        EXPECT_EQ(state().pending(), 1ull << number);
        input(number, 0);
        EXPECT_EQ(state().pending(), 0u);
    }
}

TEST_F(Hart, SupervisorSoftwareInterruptIsAnEdge) {
    input(1, 1);
    input(1, 0);
    EXPECT_EQ(state().pending(), interrupt::kSsip);
    EXPECT_EQ(state().mip_writable, interrupt::kSsip) << "software clears it";
}

TEST_F(Hart, LinesSurviveAReset) {
    input(11, 1);
    bench.reset();
    EXPECT_EQ(state().pending(), interrupt::kMeip);
}

TEST_F(Hart, OnlyAnEnabledInterruptKicksTheRunner) {
    input(7, 1);
    EXPECT_EQ(runner.kicks, 0u);
    EXPECT_FALSE(cpu.has_work());
    input(7, 0);
    state().mie = interrupt::kMtip;
    input(7, 1);
    EXPECT_EQ(runner.kicks, 1u);
    EXPECT_TRUE(cpu.has_work());
}

TEST_F(Hart, TimeCountsTheVirtualClock) {
    EXPECT_EQ(control.timebase_frequency(), 10'000'000u);
    bench.advance_ns(12'345'678'999);
    EXPECT_EQ(state().services->time(), 123'456'789u);
    EXPECT_EQ(state().services->now_ns(), 12'345'678'999u);
}

TEST_F(Hart, TimeFollowsMtimesOffset) {
    bench.advance_ns(1000);
    control.set_time_offset(100);
    EXPECT_EQ(state().services->time(), 110u);
    control.set_time_offset(~0ull);
    EXPECT_EQ(state().services->time(), 9u);
}

struct SupervisorTimer : Hart {
    SupervisorTimer() {
        state().menvcfg = envcfg::kStce;
        state().mie = interrupt::kStip;
    }
    void compare(std::uint64_t ticks) {
        state().stimecmp = ticks;
        state().services->supervisor_timer_changed();
    }
    bool pending() { return (state().pending() & interrupt::kStip) != 0; }
};

TEST_F(SupervisorTimer, RaisesStipWhenTimeGetsThere) {
    compare(1000);
    EXPECT_FALSE(pending());
    bench.advance_ns(99'999);
    EXPECT_FALSE(pending());
    bench.advance_ns(1);
    EXPECT_TRUE(pending());
    EXPECT_EQ(runner.kicks, 1u);
}

TEST_F(SupervisorTimer, AValueInThePastRaisesAtOnceAndALaterOneTakesItBack) {
    bench.advance_ns(1'000'000);
    compare(5);
    EXPECT_TRUE(pending());
    compare(20'000);
    EXPECT_FALSE(pending());
}

TEST_F(SupervisorTimer, NeverIsNever) {
    compare(~0ull);
    bench.advance_ns(1'000'000'000'000);
    EXPECT_FALSE(pending());
}

TEST_F(SupervisorTimer, WithoutStceStipIsNotItsBusiness) {
    compare(10);
    state().menvcfg = 0;
    state().services->supervisor_timer_changed();
    bench.advance_ns(10'000);
    EXPECT_FALSE(pending());
}

TEST_F(SupervisorTimer, FollowsAWriteOfMtime) {
    compare(1000);
    control.set_time_offset(990);
    EXPECT_FALSE(pending());
    bench.advance_ns(1000);
    EXPECT_TRUE(pending());
    control.set_time_offset(0);
    EXPECT_FALSE(pending());
}

TEST_F(SupervisorTimer, FallsWhenTimePassesItsEnd) {
    control.set_time_offset(~0ull - 9);
    compare(~0ull - 20);
    EXPECT_TRUE(pending());
    bench.advance_ns(900);
    EXPECT_TRUE(pending());
    bench.advance_ns(100);
    EXPECT_FALSE(pending()) << "time is 0 again";
}

TEST_F(SupervisorTimer, ResetForgetsIt) {
    compare(10);
    bench.reset();
    bench.advance_ns(1'000'000);
    EXPECT_FALSE(pending());
}

TEST_F(SupervisorTimer, SnapshotKeepsIt) {
    compare(1000);
    bench.advance_ns(50'000);
    const std::vector<std::uint8_t> saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    bench.advance_ns(50'000);
    EXPECT_TRUE(pending());
}

TEST_F(Hart, SnapshotHoldsTheArchitecturalState) {
    for (unsigned i = 1; i < 32; ++i) state().x[i] = state().f[i] = i * 0x0101010101010101ull;
    state().privilege = Privilege::Supervisor;
    state().satp = 9ull << 60 | 0x80000;
    state().sepc = 0x1234;
    state().pmpaddr[15] = 77;
    state().pmpcfg[15] = 0x1f;
    state().frm = 4;
    state().mip_writable = interrupt::kSsip;
    const std::vector<std::uint8_t> saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(state().x[31], 31 * 0x0101010101010101ull);
    EXPECT_EQ(state().f[31], 31 * 0x0101010101010101ull);
    EXPECT_EQ(state().privilege, Privilege::Supervisor);
    EXPECT_EQ(state().satp, 9ull << 60 | 0x80000);
    EXPECT_EQ(state().sepc, 0x1234u);
    EXPECT_EQ(state().pmpaddr[15], 77u);
    EXPECT_EQ(state().pmpcfg[15], 0x1f);
    EXPECT_EQ(state().frm, 4u);
    EXPECT_EQ(state().mip_writable, interrupt::kSsip);
}

TEST_F(Hart, AHartThatWaitedLooksForWorkWhereItsMachineGoesOn) {
    state().run.halted = 1;
    const std::vector<std::uint8_t> saved = bench.save_state();
    bench.reset();
    bench.load_state(saved);
    EXPECT_EQ(state().run.halted, 0u);
}

/// A hart that asked for a character (semihosting's SYS_READC), which nobody has typed.
struct Caller : Hart {
    Caller() : typist(static_cast<testing::FakeChar*>(bench.add("fake-char", "typist").part("fake-char"))) {
        bench.add("semihosting", "calls", {{"enable", "on"}, {"chardev", "typist"}});
        state().x[10] = 7;
        EXPECT_EQ(state().services->semihosting_call(), HartServices::Call::Wait);
    }
    void type() {
        const std::uint8_t letter = 'x';
        typist->front->receive({&letter, 1});
    }
    testing::FakeChar* typist;
};

TEST_F(Caller, IsWokenByWhatItWaitsFor) {
    EXPECT_FALSE(cpu.has_work());
    type();
    EXPECT_TRUE(cpu.has_work());
    EXPECT_EQ(runner.kicks, 1u);
    EXPECT_EQ(state().services->semihosting_call(), HartServices::Call::Done);
    EXPECT_EQ(state().x[10], std::uint64_t{'x'});
}

TEST_F(Caller, WaitsForNothingAfterAReset) {
    bench.reset();
    type();
    EXPECT_FALSE(cpu.has_work());
    EXPECT_EQ(runner.kicks, 0u);
}

TEST_F(Caller, MayOutliveWhoServesIt) {
    bench.remove(*bench.device().parent()->child("calls"));
    bench.reset();
    EXPECT_FALSE(cpu.has_work());
}

TEST_F(Caller, CallsAgainWhereItsMachineGoesOn) {
    const std::vector<std::uint8_t> saved = bench.save_state();
    bench.load_state(saved);
    EXPECT_EQ(state().run.halted, 0u);
    type();
    EXPECT_EQ(runner.kicks, 0u) << "of the call before, nobody knows any more";
    EXPECT_EQ(state().services->semihosting_call(), HartServices::Call::Done);
}

TEST_F(Hart, DebuggerTranslatesAsTheHartWould) {
    GuestAddress physical;
    ASSERT_TRUE(cpu.translate_debug(0x1234, physical)) << "machine mode";
    EXPECT_EQ(physical.value, 0x1234u);

    // Sv39: root at 0x80001000, 4 KiB page 0x40003000 -> 0x80005000 over two tables.
    put(0x80001000 + 1 * 8, 0x80002000 >> 12 << 10 | pte::kValid);
    put(0x80002000 + 0 * 8, 0x80003000 >> 12 << 10 | pte::kValid);
    put(0x80003000 + 3 * 8, 0x80005000 >> 12 << 10 | pte::kValid | pte::kRead);
    state().privilege = Privilege::User;
    state().satp = 8ull << 60 | 0x80001;
    ASSERT_TRUE(cpu.translate_debug(0x40003abc, physical)) << "permissions do not matter";
    EXPECT_EQ(physical.value, 0x80005abcu);
    EXPECT_FALSE(cpu.translate_debug(0x40004000, physical));
    std::uint64_t entry;
    std::memcpy(&entry, bench.ram().data + 0x3018, 8);
    EXPECT_FALSE(entry & pte::kAccessed) << "nothing is marked";
}

TEST_F(Hart, DumpHasTheLayoutThatScriptsKnow) {
    state().x[10] = 0xabc;
    Text text;
    cpu.dump(text);
    EXPECT_NE(text.value.find(
                  " pc       0000000000001000\n mhartid  0000000000000000\n mstatus  0000000a00000000\n"),
              std::string::npos);
    EXPECT_NE(text.value.find(" x8/s0    0000000000000000 x9/s1    0000000000000000 x10/a0   0000000000000abc"
                              " x11/a1   0000000000000000\n"),
              std::string::npos);
    EXPECT_NE(text.value.find(" f28/ft8  "), std::string::npos);
}

// --- what a debugger reads and writes ---

struct HartDebug : Hart {
    const DebugRegister* find(std::string_view name) {
        for (const DebugFeature& feature : debug.debug_features())
            for (const DebugRegister& reg : feature.registers)
                if (reg.name == Str(name)) return &reg;
        return nullptr;
    }
    std::uint64_t value(std::string_view name) {
        const DebugRegister* reg = find(name);
        std::uint64_t value = 0;
        EXPECT_TRUE(reg &&
                    debug.read_register(*reg, {reinterpret_cast<std::uint8_t*>(&value), reg->bits / 8u}))
            << name;
        return value;
    }
    bool set(std::string_view name, std::uint64_t value) {
        const DebugRegister* reg = find(name);
        return reg &&
               debug.write_register(*reg, {reinterpret_cast<const std::uint8_t*>(&value), reg->bits / 8u});
    }
    CpuDebug& debug = *query<CpuDebug>(bench.device());
};

TEST_F(HartDebug, TheFirstThirtyThreeRegistersAreTheCores) {
    const DebugFeature& core = debug.debug_features()[0];
    EXPECT_EQ(core.name, Str("org.gnu.gdb.riscv.cpu"));
    ASSERT_EQ(core.registers.size, 33u);
    EXPECT_EQ(core.registers[8].name, Str("fp"));
    EXPECT_EQ(core.registers[32].name, Str("pc"));
    EXPECT_TRUE(core.general);
}

TEST_F(HartDebug, RegistersAreReadAndWritten) {
    EXPECT_TRUE(set("a0", 7));
    EXPECT_EQ(state().x[10], 7u);
    EXPECT_TRUE(set("pc", 0x80000003));
    EXPECT_EQ(value("pc"), 0x80000002u);
    EXPECT_TRUE(set("fa0", 0x3ff0000000000000));
    EXPECT_EQ(value("fa0"), 0x3ff0000000000000u);
    EXPECT_TRUE(set("zero", 5));
    EXPECT_EQ(value("zero"), 0u);
}

TEST_F(HartDebug, TheModeIsARegister) {
    EXPECT_EQ(value("priv"), 3u);
    EXPECT_TRUE(set("priv", 1));
    EXPECT_EQ(state().privilege, Privilege::Supervisor);
    EXPECT_FALSE(set("priv", 2));
    EXPECT_EQ(value("priv"), 1u);
}

TEST_F(HartDebug, WithoutAnExecutorThereAreNoCsrs) { EXPECT_EQ(find("mstatus"), nullptr); }

}  // namespace
}  // namespace backplane::riscv
