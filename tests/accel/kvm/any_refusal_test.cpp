// A kernel that refuses any one request, from the start or from some time on: the machine says why it cannot be made or go on,
// or does without; it neither hangs nor runs a guest with less than it had.
#include "kernel/event/loop.h"
#include "kernel/memory/memory_map.h"
#include "over_fake_kernel.h"

#include <backplane/draft/debug.h>

#include <tuple>

namespace backplane::kvm {
namespace {

using testing::OverFakeKernel;

struct Request {
    const char* name;
    unsigned long code;
};
#define BACKPLANE_REQUEST(name) \
    Request { #name, name }
constexpr Request kRequests[] = {
    BACKPLANE_REQUEST(KVM_GET_API_VERSION),
    BACKPLANE_REQUEST(KVM_GET_VCPU_MMAP_SIZE),
    BACKPLANE_REQUEST(KVM_CHECK_EXTENSION),
    BACKPLANE_REQUEST(KVM_CREATE_VM),
    BACKPLANE_REQUEST(KVM_CREATE_VCPU),
    BACKPLANE_REQUEST(KVM_GET_SUPPORTED_CPUID),
    BACKPLANE_REQUEST(KVM_GET_SUPPORTED_HV_CPUID),
    BACKPLANE_REQUEST(KVM_GET_MSR_INDEX_LIST),
    BACKPLANE_REQUEST(KVM_GET_MSR_FEATURE_INDEX_LIST),
    BACKPLANE_REQUEST(KVM_SET_TSS_ADDR),
    BACKPLANE_REQUEST(KVM_SET_IDENTITY_MAP_ADDR),
    BACKPLANE_REQUEST(KVM_SET_NR_MMU_PAGES),
    BACKPLANE_REQUEST(KVM_ENABLE_CAP),
    BACKPLANE_REQUEST(KVM_CREATE_IRQCHIP),
    BACKPLANE_REQUEST(KVM_SET_GSI_ROUTING),
    BACKPLANE_REQUEST(KVM_IRQFD),
    BACKPLANE_REQUEST(KVM_IRQ_LINE),
    BACKPLANE_REQUEST(KVM_SIGNAL_MSI),
    BACKPLANE_REQUEST(KVM_IOEVENTFD),
    BACKPLANE_REQUEST(KVM_REGISTER_COALESCED_MMIO),
    BACKPLANE_REQUEST(KVM_UNREGISTER_COALESCED_MMIO),
    BACKPLANE_REQUEST(KVM_SET_USER_MEMORY_REGION),
    BACKPLANE_REQUEST(KVM_GET_DIRTY_LOG),
    BACKPLANE_REQUEST(KVM_RESET_DIRTY_RINGS),
    BACKPLANE_REQUEST(KVM_GET_CLOCK),
    BACKPLANE_REQUEST(KVM_SET_CLOCK),
    BACKPLANE_REQUEST(KVM_GET_TSC_KHZ),
    BACKPLANE_REQUEST(KVM_SET_TSC_KHZ),
    BACKPLANE_REQUEST(KVM_SET_CPUID2),
    BACKPLANE_REQUEST(KVM_RUN),
    BACKPLANE_REQUEST(KVM_GET_REGS),
    BACKPLANE_REQUEST(KVM_SET_REGS),
    BACKPLANE_REQUEST(KVM_GET_SREGS),
    BACKPLANE_REQUEST(KVM_SET_SREGS),
    BACKPLANE_REQUEST(KVM_GET_SREGS2),
    BACKPLANE_REQUEST(KVM_SET_SREGS2),
    BACKPLANE_REQUEST(KVM_GET_XSAVE),
    BACKPLANE_REQUEST(KVM_GET_XSAVE2),
    BACKPLANE_REQUEST(KVM_SET_XSAVE),
    BACKPLANE_REQUEST(KVM_GET_XCRS),
    BACKPLANE_REQUEST(KVM_SET_XCRS),
    BACKPLANE_REQUEST(KVM_GET_DEBUGREGS),
    BACKPLANE_REQUEST(KVM_SET_DEBUGREGS),
    BACKPLANE_REQUEST(KVM_GET_VCPU_EVENTS),
    BACKPLANE_REQUEST(KVM_SET_VCPU_EVENTS),
    BACKPLANE_REQUEST(KVM_GET_MP_STATE),
    BACKPLANE_REQUEST(KVM_SET_MP_STATE),
    BACKPLANE_REQUEST(KVM_GET_LAPIC),
    BACKPLANE_REQUEST(KVM_SET_LAPIC),
    BACKPLANE_REQUEST(KVM_GET_MSRS),
    BACKPLANE_REQUEST(KVM_SET_MSRS),
    BACKPLANE_REQUEST(KVM_INTERRUPT),
    BACKPLANE_REQUEST(KVM_NMI),
    BACKPLANE_REQUEST(KVM_SMI),
    BACKPLANE_REQUEST(KVM_SET_GUEST_DEBUG),
};
#undef BACKPLANE_REQUEST

class AnyRefusal : public OverFakeKernel,
                   public ::testing::WithParamInterface<std::tuple<Request, const char*>> {
  protected:
    void SetUp() override {
        OverFakeKernel::SetUp();
        kernel.capabilities[KVM_CAP_SPLIT_IRQCHIP] = 1;
        kernel.capabilities[KVM_CAP_COALESCED_MMIO] = 2;
        kernel.capabilities[KVM_CAP_COALESCED_PIO] = 1;
        kernel.capabilities[KVM_CAP_SREGS2] = 1;
    }
    void refuse() { kernel.refused[std::get<0>(GetParam()).code] = EINVAL; }
    bool build_with_all() {
        return build({{"kernel-irqchip", std::get<1>(GetParam())}, {"kvm-shadow-mem", "64M"}});
    }
    /// What devices, debuggers and those who save machines ask of an accelerator.
    void ask_for_everything() {
        RamBlock& block = *machine.system_memory().view()->find(0x3000)->block;
        machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, true);
        machine.memory().take_dirty(block, kernel::DirtyClient::Other);
        machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, false);
        board().overlay().set_enabled(true);
        board().overlay().set_enabled(false);
        auto& doorbells = accelerator<Doorbells>();
        if (doorbells.add({.size = 1, .region = &board().ports(), .offset = Offset(0x90), .event = 7}))
            doorbells.remove(7);
        if (MessageRoute* route = accelerator<MessageSink>().route(7)) {
            route->set({0xfee00000, 0x41, 0, {}});
            route->release();
        }
        state().requests |= x86::request::kNmi | x86::request::kSmi;
        board().processors[0]->set_interrupt(1);
        asked_ = true;
    }
    /// The guest comes out a few times, ready for an interrupt; all else happens at the first of them.
    void run_and_ask(bool refused_from_here) {
        constexpr unsigned kExits = 4;
        kernel.guest = [this](kvm_run& run) {
            while (written == 1 && !asked_) {
                if (__atomic_load_n(&run.immediate_exit, __ATOMIC_RELAXED)) return -EINTR;
                ::poll(nullptr, 0, 1);
            }
            if (++written > kExits) return wait_for_a_kick(run);
            run.exit_reason = KVM_EXIT_IO;
            run.io = {KVM_EXIT_IO_OUT, 1, kExitPort, 1, 4096};
            run.ready_for_interrupt_injection = run.if_flag = 1;
            return 0;
        };
        board().on_output = [this, refused_from_here](std::uint64_t, std::uint64_t) {
            if (written == 1) {
                if (refused_from_here) refuse();
                machine.loop().post(asking_);
            }
            if (written == kExits) machine.request_end("guest-shutdown");
        };
        run();
    }
    struct Asking final : Work {
        explicit Asking(AnyRefusal& asker) : test(asker) {}
        void run() override { test.ask_for_everything(); }
        AnyRefusal& test;
    } asking_{*this};
    std::atomic<bool> asked_{false};

    /// A machine that ended before its guest did says so, and names what was refused.
    void expect_a_reason() {
        if (!failed) return;
        EXPECT_NE(said().find("KVM"), std::string::npos) << said();
        EXPECT_NE(said().find("Invalid argument"), std::string::npos) << said();
    }
};

TEST_P(AnyRefusal, FromTheStart) {
    refuse();
    if (!build_with_all()) {
        // The kernel's reason, or what to use instead.
        const bool helps = errors.text().find("Invalid argument") != std::string::npos ||
                           errors.text().find("use -accel") != std::string::npos;
        EXPECT_TRUE(helps) << errors.text();
        return;
    }
    run_and_ask(false);
    expect_a_reason();
}

TEST_P(AnyRefusal, WhileTheGuestRuns) {
    ASSERT_TRUE(build_with_all()) << errors.text();
    run_and_ask(true);
    expect_a_reason();
}

INSTANTIATE_TEST_SUITE_P(Requests, AnyRefusal,
                         ::testing::Combine(::testing::ValuesIn(kRequests),
                                            ::testing::Values("off", "split", "on")),
                         [](const auto& info) {
                             return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param);
                         });

class RefusedState : public OverFakeKernel, public ::testing::WithParamInterface<unsigned long> {};
TEST_P(RefusedState, IsNotRunWith) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.refused[GetParam()] = EINVAL;
    run_until_it_writes();
    EXPECT_TRUE(failed);
    EXPECT_EQ(kernel.count(KVM_RUN), 0u);
}
INSTANTIATE_TEST_SUITE_P(Requests, RefusedState,
                         ::testing::Values(KVM_SET_REGS, KVM_SET_SREGS, KVM_SET_XSAVE, KVM_SET_VCPU_EVENTS));

class RefusedWork : public OverFakeKernel {};

TEST_F(RefusedWork, AnInterruptThatIsNotTakenStopsTheMachine) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.refused[KVM_INTERRUPT] = EINVAL;
    kernel.guest = [&](kvm_run& run) {
        if (written++) return wait_for_a_kick(run);
        run.exit_reason = KVM_EXIT_IO;
        run.io = {KVM_EXIT_IO_OUT, 1, kExitPort, 1, 4096};
        run.ready_for_interrupt_injection = run.if_flag = 1;
        return 0;
    };
    board().on_output = [this](std::uint64_t, std::uint64_t) { board().processors[0]->set_interrupt(1); };
    run();
    EXPECT_TRUE(failed);
    EXPECT_NE(said().find("KVM does not take an interrupt: Invalid argument"), std::string::npos) << said();
}

TEST_F(RefusedWork, RingsThatStayFullStopTheMachine) {
    kernel.capabilities[KVM_CAP_DIRTY_LOG_RING] = 4096;
    ASSERT_TRUE(build({{"dirty-ring-size", "256"}})) << errors.text();
    kernel.refused[KVM_RESET_DIRTY_RINGS] = EINVAL;
    kernel.guest = [&](kvm_run& run) {
        kernel.ring[written++ % 256] = {KVM_DIRTY_GFN_F_DIRTY, 0, 3};
        run.exit_reason = KVM_EXIT_DIRTY_RING_FULL;
        return 0;
    };
    run();
    EXPECT_TRUE(failed);
    EXPECT_EQ(written, 1u);
    EXPECT_NE(said().find("rings of changed pages be used again: Invalid argument"), std::string::npos)
        << said();
}

/// A debugger over a kernel that does as the test says.
class DebuggedOverFake : public OverFakeKernel, public DebugListener {
  protected:
    void cpu_stopped(Cpu&, const DebugStop& stop) override {
        stop_ = stop;
        machine.request_end("guest-shutdown");
    }
    void build_debugged(DebugResume how) {
        ASSERT_TRUE(build()) << errors.text();
        debug = &accelerator<AcceleratorDebug>();
        debug->set_debug_listener(this);
        debug->set_debug_resume(*machine.cpus()[0], how);
    }
    void TearDown() override {
        if (debug) debug->set_debug_listener(nullptr);
        OverFakeKernel::TearDown();
    }
    /// What the guest left for, once.
    void leaves_with(std::uint64_t dr6) {
        kernel.guest = [this, dr6](kvm_run& run) {
            if (written++) return wait_for_a_kick(run);
            run.exit_reason = KVM_EXIT_DEBUG;
            run.debug.arch = {.exception = 1, .pad = 0, .pc = 0x1000, .dr6 = dr6, .dr7 = 0};
            return 0;
        };
    }
    AcceleratorDebug* debug = nullptr;
    std::optional<DebugStop> stop_;
};

TEST_F(DebuggedOverFake, AStepIsAskedOfTheKernel) {
    build_debugged(DebugResume::Step);
    leaves_with(1 << 14);
    run();
    ASSERT_TRUE(stop_);
    EXPECT_EQ(stop_->reason, DebugStop::Reason::Step);
    ASSERT_FALSE(kernel.debug.empty());
    EXPECT_EQ(kernel.debug[0].control, unsigned(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP));
}

TEST_F(DebuggedOverFake, PointsAreInTheDebugRegisters) {
    build_debugged(DebugResume::Run);
    const DebugPoint points[] = {{DebugStop::Reason::HardwareBreakpoint, 0x1234, 1},
                                 {DebugStop::Reason::Write, 0x2000, 4}};
    ASSERT_TRUE(debug->set_debug_points(points));
    leaves_with(1 << 1);
    run();
    ASSERT_TRUE(stop_);
    EXPECT_EQ(stop_->reason, DebugStop::Reason::Write);
    EXPECT_EQ(stop_->address, 0x2000u);
    ASSERT_FALSE(kernel.debug.empty());
    const kvm_guest_debug& set = kernel.debug[0];
    EXPECT_EQ(set.control, unsigned(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP));
    EXPECT_EQ(set.arch.debugreg[0], 0x1234u);
    EXPECT_EQ(set.arch.debugreg[1], 0x2000u);
    // SDM 3B 17.2.4: G0 and G1; R/W0 and LEN0 0; R/W1 01, LEN1 11.
    EXPECT_EQ(set.arch.debugreg[7] & 0xffff00ff, 0x00d0000au);
}

TEST_F(DebuggedOverFake, AStepThatTheKernelRefusesGoesNowhereAndSaysWhy) {
    build_debugged(DebugResume::Step);
    kernel.refused[KVM_SET_GUEST_DEBUG] = EINVAL;
    leaves_with(0);
    run();
    EXPECT_TRUE(stop_) << "a debugger waits for it";
    EXPECT_EQ(kernel.count(KVM_RUN), 0u);
    EXPECT_FALSE(failed);
    EXPECT_NE(
        said().find("warning: KVM refuses steps and breakpoints (KVM_SET_GUEST_DEBUG: Invalid argument)"),
        std::string::npos)
        << said();
}

}  // namespace
}  // namespace backplane::kvm
