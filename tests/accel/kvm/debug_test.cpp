// Debuggers under KVM: steps, breakpoints, watchpoints.
#include "fixture.h"

#include <backplane/draft/debug.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace backplane::kvm {
namespace {

using testing::kProgram;
using testing::KvmTest;

class KvmDebug : public KvmTest, public DebugListener {
  protected:
    void cpu_stopped(Cpu&, const DebugStop& stop) override {
        const std::lock_guard guard(mutex_);
        stop_ = stop;
        stopped_ = true;
        changed_.notify_all();
    }
    void prepare() {
        make();
        put(kProgram, {0x40,                          // 1000: inc ax
                       0x43,                          // 1001: inc bx
                       0xc7, 0x06, 0x00, 0x20, 1, 0,  // 1002: mov word [2000h], 1
                       0x41,                          // 1008: inc cx
                       0xeb, 0xf5});                  // 1009: jmp 1000
        auto* object = machine.accelerator();
        debug = query<AcceleratorDebug>(*machine.objects().find_path("/machine/accel"));
        ASSERT_NE(object, nullptr);
        ASSERT_NE(debug, nullptr);
        debug->set_debug_listener(this);
    }
    ~KvmDebug() override {
        if (debug) debug->set_debug_listener(nullptr);
    }
    /// Lets the CPU go until it stops for the debugger.
    bool go(DebugResume how, unsigned limit_seconds = 20) {
        debug->set_debug_resume(*machine.cpus()[0], how);
        machine.accelerator()->start();
        bool stopped = false;
        {
            std::unique_lock guard(mutex_);
            stopped =
                changed_.wait_for(guard, std::chrono::seconds(limit_seconds), [this] { return stopped_; });
            stopped_ = false;
        }
        machine.accelerator()->stop();
        return stopped;
    }
    void point(DebugStop::Reason kind, std::uint64_t address, std::uint64_t size = 1) {
        const DebugPoint one{kind, address, size};
        ASSERT_TRUE(debug->set_debug_points({&one, 1}));
    }
    std::uint64_t pc() { return machine.cpus()[0]->program_counter(); }

    AcceleratorDebug* debug = nullptr;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopped_ = false;
    DebugStop stop_;
};

TEST_F(KvmDebug, OneInstructionAtATime) {
    prepare();
    ASSERT_TRUE(go(DebugResume::Step));
    EXPECT_EQ(pc(), kProgram) << "the far jump of the boot ROM";
    ASSERT_TRUE(go(DebugResume::Step));
    EXPECT_EQ(pc(), kProgram + 1);
    EXPECT_EQ(stop_.reason, DebugStop::Reason::Step);
    EXPECT_EQ(state().gpr[x86::kRax], 1u);
}

TEST_F(KvmDebug, ABreakpointStopsAheadOfItsInstruction) {
    prepare();
    point(DebugStop::Reason::SoftwareBreakpoint, kProgram + 8);
    ASSERT_TRUE(go(DebugResume::Run));
    EXPECT_EQ(pc(), kProgram + 8);
    EXPECT_EQ(stop_.reason, DebugStop::Reason::SoftwareBreakpoint);
    EXPECT_EQ(state().gpr[x86::kRcx], 0u);
    ASSERT_TRUE(go(DebugResume::RunPast));
    EXPECT_EQ(pc(), kProgram + 8);
    EXPECT_EQ(state().gpr[x86::kRcx], 1u) << "once around";
}

TEST_F(KvmDebug, AWatchpointStopsBehindTheStore) {
    prepare();
    point(DebugStop::Reason::Write, 0x2000, 2);
    constexpr unsigned kPatience = 2;
    if (!go(DebugResume::Run, kPatience))
        GTEST_SKIP() << "this host's KVM emulates real mode, and does not watch what it emulates";
    EXPECT_EQ(pc(), kProgram + 8);
    EXPECT_EQ(stop_.reason, DebugStop::Reason::Write);
    EXPECT_EQ(stop_.address, 0x2000u);
}

TEST_F(KvmDebug, WhatTheProcessorHasNotIsRefused) {
    prepare();
    const DebugPoint read{DebugStop::Reason::Read, 0x2000, 1};
    EXPECT_FALSE(debug->set_debug_points({&read, 1}));
    const DebugPoint odd{DebugStop::Reason::Write, 0x2001, 2};
    EXPECT_FALSE(debug->set_debug_points({&odd, 1}));
    const std::vector<DebugPoint> five(5);
    EXPECT_FALSE(debug->set_debug_points(five));
}

}  // namespace
}  // namespace backplane::kvm
