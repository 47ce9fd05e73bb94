// What a debugger asks of the engine: breakpoints, watchpoints, single steps, CPUs that stand.
#include "harness.h"

#include <gtest/gtest.h>

namespace backplane::tcg::testing {
namespace {

using u64 = std::uint64_t;
using Reason = DebugStop::Reason;

/// Waits for a CPU's stop.
class Stops final : public DebugListener {
  public:
    void cpu_stopped(Cpu& cpu, const DebugStop& stop) override {
        const std::lock_guard guard(mutex_);
        stops_.emplace_back(&cpu, stop);
        arrived_.notify_all();
    }
    std::pair<Cpu*, DebugStop> next() {
        std::unique_lock guard(mutex_);
        arrived_.wait(guard, [this] { return !stops_.empty(); });
        const auto first = stops_.front();
        stops_.erase(stops_.begin());
        return first;
    }

  private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::pair<Cpu*, DebugStop>> stops_;
};

class DebugTest : public ::testing::Test {
  protected:
    void points(std::vector<DebugPoint> list) {
        const auto shared =
            list.empty() ? nullptr : std::make_shared<const DebugPoints>(Slice<const DebugPoint>(list));
        for (auto& vcpu : m.vcpus) vcpu->set_debug(shared, &stops);
    }
    /// Goes on until CPU 0 stops.
    DebugStop resume(DebugResume how) {
        m.vcpus[0]->set_resume(how);
        m.start();
        const DebugStop stop = stops.next().second;
        m.stop();
        return stop;
    }
    void begin(std::initializer_list<std::uint32_t> words) {
        m.place(kRamBase, words);
        m.guest().pc = kRamBase;
    }
    std::uint32_t count(unsigned reg) {
        return m.plain([reg](Builder& b) { b.add(X(reg), X(reg), b.constant(1)); });
    }

    Machine m;
    Stops stops;
    const std::uint32_t five = count(5), twenty_one = count(21);
};

TEST_F(DebugTest, ABreakpointStopsAheadOfItsInstruction) {
    begin({five, five, twenty_one, m.jump(kRamBase)});
    points({{Reason::SoftwareBreakpoint, kRamBase + 8}});
    const DebugStop stop = resume(DebugResume::Run);
    EXPECT_EQ(stop.reason, Reason::SoftwareBreakpoint);
    EXPECT_EQ(m.guest().pc, kRamBase + 8);
    EXPECT_EQ(m.guest().x[5], 2u);
    EXPECT_EQ(m.guest().x[21], 0u);
}

TEST_F(DebugTest, ABreakpointInCodeThatRanAlreadyStops) {
    begin({five, five, twenty_one, m.jump(kRamBase)});
    m.start();
    for (int n = 0; n < 2; ++n) m.vcpus[0]->run_on([](void*) {}, nullptr);
    m.stop();
    for (const u64 offset : {u64{4}, u64{8}, u64{0}}) {
        points({{Reason::HardwareBreakpoint, kRamBase + offset}});
        EXPECT_EQ(resume(DebugResume::Run).reason, Reason::HardwareBreakpoint);
        EXPECT_EQ(m.guest().pc, kRamBase + offset);
    }
}

TEST_F(DebugTest, AStopIsReportedAgainUnlessTheCpuIsToRunPastIt) {
    begin({five, m.jump(kRamBase)});
    points({{Reason::SoftwareBreakpoint, kRamBase}});
    resume(DebugResume::Run);
    resume(DebugResume::Run);
    EXPECT_EQ(m.guest().x[5], 0u);
    resume(DebugResume::RunPast);
    EXPECT_EQ(m.guest().x[5], 1u);
    resume(DebugResume::RunPast);
    EXPECT_EQ(m.guest().x[5], 2u);
}

TEST_F(DebugTest, ABreakpointThatIsTakenAwayStopsNobody) {
    begin({five, five, m.jump(kRamBase)});
    points({{Reason::SoftwareBreakpoint, kRamBase + 4}, {Reason::SoftwareBreakpoint, kRamBase + 8}});
    resume(DebugResume::Run);
    points({{Reason::SoftwareBreakpoint, kRamBase + 8}});
    resume(DebugResume::Run);
    EXPECT_EQ(m.guest().pc, kRamBase + 8);
    points({});
    m.place(kRamBase + 8, {Machine::kFinish});
    m.forget();
    m.vcpus[0]->set_resume(DebugResume::Run);
    m.run();
    EXPECT_EQ(m.guest().x[5], 2u);
}

TEST_F(DebugTest, AStepIsOneInstruction) {
    begin({five, five, m.jump(kRamBase + 0x2000)});
    m.place(kRamBase + 0x2000, {twenty_one, m.jump(kRamBase)});
    // What it goes to exists, and is remembered.
    m.start();
    for (int n = 0; n < 2; ++n) m.vcpus[0]->run_on([](void*) {}, nullptr);
    m.stop();
    m.guest().x[5] = m.guest().x[21] = 0;
    m.guest().pc = kRamBase;
    points({});
    for (const u64 next : {kRamBase + 4, kRamBase + 8, kRamBase + 0x2000, kRamBase + 0x2004, kRamBase}) {
        const DebugStop stop = resume(DebugResume::Step);
        EXPECT_EQ(stop.reason, Reason::Step);
        EXPECT_EQ(m.guest().pc, next);
    }
    EXPECT_EQ(m.guest().x[5], 2u);
    EXPECT_EQ(m.guest().x[21], 1u);
}

TEST_F(DebugTest, AStepGoesPastABreakpoint) {
    begin({five, five});
    points({{Reason::SoftwareBreakpoint, kRamBase}, {Reason::SoftwareBreakpoint, kRamBase + 4}});
    resume(DebugResume::Run);
    EXPECT_EQ(resume(DebugResume::Step).reason, Reason::Step);
    EXPECT_EQ(m.guest().pc, kRamBase + 4);
}

TEST_F(DebugTest, AStepIntoAFaultEndsAtTheHandler) {
    begin({m.plain([](Builder& b) { b.load(X(5), X(6), 0, mem::k64); })});
    m.guest().x[6] = 0x40000000;
    m.guest().handler = kRamBase + 0x100;
    points({});
    EXPECT_EQ(resume(DebugResume::Step).reason, Reason::Step);
    EXPECT_EQ(m.guest().pc, kRamBase + 0x100);
    EXPECT_EQ(m.guest().fault_pc, kRamBase);
    m.guest().pc = 0x40000000;  // nothing can be fetched there
    m.guest().handler = kRamBase + 0x200;
    EXPECT_EQ(resume(DebugResume::Step).reason, Reason::Step);
    EXPECT_EQ(m.guest().pc, kRamBase + 0x200);
}

TEST_F(DebugTest, AStepTakesNoInterruptUnlessItIsToldTo) {
    m.front_end.interrupt = [](GuestState& s) {
        s.pc = kRamBase + 0x100;
        return true;
    };
    begin({five, five});
    m.place(kRamBase + 0x100, {twenty_one});
    points({});
    resume(DebugResume::Step);
    EXPECT_EQ(m.guest().pc, kRamBase + 4);
    resume(DebugResume::StepWithInterrupts);
    EXPECT_EQ(m.guest().pc, kRamBase + 0x104);
    EXPECT_EQ(m.guest().x[21], 1u);
}

TEST_F(DebugTest, AWatchpointStopsBehindTheStoreThatWrites) {
    const u64 data = kRamBase + 0x5000;
    const auto store = m.plain([](Builder& b) { b.store(X(5), X(7), 0, mem::k64); });
    const auto next = m.plain([](Builder& b) { b.add(X(7), X(7), b.constant(8)); });
    begin({five, store, next, m.jump(kRamBase)});
    m.guest().x[7] = data;
    points({{Reason::Write, data + 0x13, 2}});
    const DebugStop stop = resume(DebugResume::Run);
    EXPECT_EQ(stop.reason, Reason::Write);
    EXPECT_EQ(stop.address, data + 0x13);
    EXPECT_EQ(m.guest().pc, kRamBase + 8);
    EXPECT_EQ(m.guest().x[5], 3u);
    EXPECT_EQ(m.space().at(data)[0x10], 3) << "the store was done";
}

TEST_F(DebugTest, ReadersAndWritersAreToldApart) {
    const u64 data = kRamBase + 0x5000;
    const auto load = m.plain([](Builder& b) { b.load(X(5), X(7), 0, mem::k8); });
    const auto store = m.plain([](Builder& b) { b.store(X(5), X(7), 0, mem::k8); });
    const auto swap = m.plain([](Builder& b) { b.atomic(Opcode::atomic_swap, X(5), X(7), X(6), mem::k32); });
    m.guest().x[7] = data;
    begin({load, store, swap, m.jump(kRamBase)});
    const auto stops_behind = [&](Reason kind) {
        m.guest().pc = kRamBase;
        points({{kind, data, 1}});
        std::vector<u64> pcs;
        for (int n = 0; n < 3; ++n) {
            EXPECT_EQ(resume(DebugResume::Run).reason, kind);
            pcs.push_back(m.guest().pc - kRamBase);
        }
        return pcs;
    };
    EXPECT_EQ(stops_behind(Reason::Write), (std::vector<u64>{8, 12, 8}));
    EXPECT_EQ(stops_behind(Reason::Read), (std::vector<u64>{4, 12, 4}));
    EXPECT_EQ(stops_behind(Reason::Access), (std::vector<u64>{4, 8, 12}));
}

std::uint64_t touch(void* state, u64 address) {
    u64 value = 0;
    if (!vcpu_of(state).load(address, mem::k32, 0, value)) return 0;
    return value + 1;
}

TEST_F(DebugTest, AHelpersAccessIsWatchedAsWell) {
    const u64 data = kRamBase + 0x5000;
    m.guest().x[7] = data;
    begin({five, m.plain([](Builder& b) { b.call(X(21), &touch, "touch", helper::kMayRaise, {X(7)}); }), five,
           m.jump(kRamBase)});
    points({{Reason::Read, data, 4}});
    EXPECT_EQ(resume(DebugResume::Run).reason, Reason::Read);
    EXPECT_EQ(m.guest().pc, kRamBase + 8);
    EXPECT_EQ(m.guest().x[5], 1u);
    EXPECT_EQ(m.guest().x[21], 1u);
}

TEST_F(DebugTest, AccessesBesideAWatchpointGoOn) {
    const u64 data = kRamBase + 0x5000;
    m.guest().x[7] = data;
    points({{Reason::Access, data + 8, 8}, {Reason::Access, ~u64{0}, 1}});
    m.run({m.plain([](Builder& b) { b.store(X(5), X(7), 0, mem::k64); }),
           m.plain([](Builder& b) { b.load(X(5), X(7), 16, mem::k64); })});
}

TEST_F(DebugTest, AWatchedAccessThatFaultsIsAFault) {
    begin({m.plain([](Builder& b) { b.load(X(5), X(6), 0, mem::k64); })});
    m.guest().x[6] = 0x40000000;
    m.guest().handler = kRamBase + 0x100;
    m.place(kRamBase + 0x100, {Machine::kFinish});
    points({{Reason::Read, 0x40000000, 8}});
    m.run();
    EXPECT_EQ(m.guest().fault_pc, kRamBase);
}

TEST(TcgDebug, OneCpuStepsWhileAnotherStandsOrRuns) {
    Machine m(2);
    Stops stops;
    const auto count = m.plain([](Builder& b) { b.add(X(5), X(5), b.constant(1)); });
    m.place(kRamBase, {count, m.jump(kRamBase)});
    for (unsigned cpu = 0; cpu < 2; ++cpu) {
        m.guest(cpu).pc = kRamBase;
        m.vcpus[cpu]->set_debug(nullptr, &stops);
    }
    const auto step = [&](DebugResume other) {
        m.vcpus[0]->set_resume(DebugResume::Step);
        m.vcpus[1]->set_resume(other);
        m.start();
        EXPECT_EQ(stops.next().first, m.cpus[0].get());
        if (other ==
            DebugResume::
                Run) {  // work is served between instructions, so what it sees says whether the CPU runs
            struct Seen {
                const u64& count;
                bool moved = false;
            } seen{m.guest(1).x[5]};
            while (!seen.moved)
                m.vcpus[1]->run_on(
                    [](void* data) {
                        auto& s = *static_cast<Seen*>(data);
                        s.moved = s.count > 0;
                    },
                    &seen);
        }
        m.stop();
    };
    step(DebugResume::Stand);
    EXPECT_EQ(m.guest(0).x[5], 1u);
    EXPECT_EQ(m.guest(1).x[5], 0u);
    step(DebugResume::Run);
    EXPECT_GT(m.guest(1).x[5], 0u);
}

TEST(TcgDebug, ACpuThatStandsServesWorkAndTakesNoInterrupt) {
    Machine m;
    Stops stops;
    m.front_end.interrupt = [](GuestState& s) {
        s.pc = kRamBase + 0x100;
        return true;
    };
    m.cpus[0]->interrupt = true;
    m.guest().pc = kRamBase;
    m.vcpus[0]->set_debug(nullptr, &stops);
    m.vcpus[0]->set_resume(DebugResume::Stand);
    m.start();
    m.vcpus[0]->kick();
    m.vcpus[0]->run_on([](void*) {}, nullptr);
    m.stop();
    EXPECT_EQ(m.guest().pc, kRamBase);
}

TEST(TcgDebug, WithoutAListenerNothingStops) {
    Machine m;
    Stops stops;
    const std::vector<DebugPoint> list{{Reason::SoftwareBreakpoint, kRamBase}};
    m.vcpus[0]->set_debug(std::make_shared<const DebugPoints>(Slice<const DebugPoint>(list)), nullptr);
    m.vcpus[0]->set_resume(DebugResume::Step);
    m.run({m.plain([](Builder&) {})});
}

}  // namespace
}  // namespace backplane::tcg::testing
