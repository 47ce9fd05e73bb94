// A kernel that refuses: what a machine needs is an error that says so, all else is named at -d kvm and done without.
#include "kernel/memory/memory_map.h"
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using testing::KvmBoard;

class Refusals : public testing::OverFakeKernel {};

struct Need {
    const char* name;
    unsigned long request;
    int error;
    const char* text;
    const char* irqchip = "off";
};
std::string name_of(const ::testing::TestParamInfo<Need>& info) { return info.param.name; }

class OpeningNeeds : public Refusals, public ::testing::WithParamInterface<Need> {};
TEST_P(OpeningNeeds, ARefusalIsAReason) {
    kernel.refused[GetParam().request] = GetParam().error;
    EXPECT_FALSE(open({{"kernel-irqchip", GetParam().irqchip}, {"kvm-shadow-mem", "64M"}}));
    EXPECT_NE(errors.text().find(GetParam().text), std::string::npos) << errors.text();
}
INSTANTIATE_TEST_SUITE_P(
    Requests, OpeningNeeds,
    ::testing::Values(
        Need{"Version", KVM_GET_API_VERSION, ENOTTY, "is not the kernel's KVM device: Inappropriate ioctl"},
        Need{"Mapping", KVM_GET_VCPU_MMAP_SIZE, EINVAL, "does not tell the size of a CPU's shared memory"},
        Need{"Cpuid", KVM_GET_SUPPORTED_CPUID, EPERM, "KVM_GET_SUPPORTED_CPUID: Operation not permitted"},
        Need{"EndlessCpuid", KVM_GET_SUPPORTED_CPUID, E2BIG, "has no end"},
        Need{"Vm", KVM_CREATE_VM, ENOMEM, "refuses to make a virtual machine: Cannot allocate memory"},
        Need{"BusyVm", KVM_CREATE_VM, EBUSY, "another hypervisor may have the processor"},
        Need{"ShadowMemory", KVM_SET_NR_MMU_PAGES, EINVAL, "kvm-shadow-mem: the kernel refuses it"},
        Need{"TaskState", KVM_SET_TSS_ADDR, EEXIST, "refuses an address for its task state: File exists"},
        Need{"Irqchip", KVM_CREATE_IRQCHIP, ENOTTY, "use -accel kvm,kernel-irqchip=off", "on"},
        Need{"Routes", KVM_SET_GSI_ROUTING, EINVAL, "refuses the routes of interrupts", "on"},
        Need{"Split", KVM_ENABLE_CAP, EINVAL, "kernel-irqchip=on or off", "split"}),
    name_of);

TEST_F(Refusals, NoDeviceAndNoPermissionSayWhatToDo) {
    kernel.open_error = ENOENT;
    EXPECT_FALSE(open());
    EXPECT_NE(errors.text().find("is the kernel's module loaded"), std::string::npos) << errors.text();
    errors.clear();
    kernel.open_error = EACCES;
    EXPECT_FALSE(open());
    EXPECT_NE(errors.text().find("your user needs to be in its group"), std::string::npos) << errors.text();
}

TEST_F(Refusals, AnOldKernelIsNamedByWhatItLacks) {
    for (const auto& [capability, text] :
         {std::pair(KVM_CAP_IMMEDIATE_EXIT, "immediate exits"), std::pair(KVM_CAP_XSAVE, "XSAVE areas"),
          std::pair(KVM_CAP_VCPU_EVENTS, "vCPU events")}) {
        kernel.capabilities[unsigned(capability)] = 0;
        errors.clear();
        EXPECT_FALSE(open());
        EXPECT_NE(errors.text().find(std::string("too old: it has no ") + text), std::string::npos)
            << errors.text();
        kernel.capabilities[unsigned(capability)] = 1;
    }
}

TEST_F(Refusals, ControllersWithoutMessagesOrRoutesAreNotUsed) {
    kernel.capabilities[KVM_CAP_SIGNAL_MSI] = 0;
    EXPECT_FALSE(open({{"kernel-irqchip", "on"}}));
    EXPECT_NE(errors.text().find("take no messages"), std::string::npos) << errors.text();
    kernel.capabilities[KVM_CAP_IRQ_ROUTING] = 0;
    errors.clear();
    EXPECT_FALSE(open({{"kernel-irqchip", "on"}}));
    EXPECT_NE(errors.text().find("take no routes"), std::string::npos) << errors.text();
}

class ProcessorNeeds : public Refusals, public ::testing::WithParamInterface<Need> {};
TEST_P(ProcessorNeeds, ARefusalIsAReason) {
    kernel.refused[GetParam().request] = GetParam().error;
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find(GetParam().text), std::string::npos) << errors.text();
}
INSTANTIATE_TEST_SUITE_P(Requests, ProcessorNeeds,
                         ::testing::Values(Need{"Vcpu", KVM_CREATE_VCPU, EINVAL,
                                                "refuses CPU 0 (of at most 8)"},
                                           Need{"Cpuid", KVM_SET_CPUID2, EINVAL, "try -cpu host"}),
                         name_of);

TEST_F(Refusals, SharedMemoryThatTheHostDoesNotMapIsAReason) {
    kernel.map_fails = true;
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("does not map a CPU's shared memory"), std::string::npos) << errors.text();
}

class RunningNeeds : public Refusals, public ::testing::WithParamInterface<Need> {};
TEST_P(RunningNeeds, ARefusalStopsTheMachine) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.refused[GetParam().request] = GetParam().error;
    run_until_it_writes();
    EXPECT_TRUE(failed);
    EXPECT_NE(said().find(GetParam().text), std::string::npos) << said();
}
INSTANTIATE_TEST_SUITE_P(
    Requests, RunningNeeds,
    ::testing::Values(Need{"SetRegisters", KVM_SET_REGS, EINVAL, "KVM_SET_REGS: Invalid argument"},
                      Need{"SetSpecial", KVM_SET_SREGS, EINVAL, "KVM_SET_SREGS: Invalid argument"},
                      Need{"SetXsave", KVM_SET_XSAVE, EINVAL, "KVM_SET_XSAVE: Invalid argument"},
                      Need{"SetDebug", KVM_SET_DEBUGREGS, EINVAL, "KVM_SET_DEBUGREGS: Invalid argument"},
                      Need{"SetEvents", KVM_SET_VCPU_EVENTS, EINVAL, "KVM_SET_VCPU_EVENTS: Invalid argument"},
                      Need{"Run", KVM_RUN, EFAULT, "KVM cannot run CPU 0: Bad address"}),
    name_of);

/// As the state is shown that the guest was left in.
class TellingNeeds : public Refusals, public ::testing::WithParamInterface<Need> {};
TEST_P(TellingNeeds, ARefusalIsSaid) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.guest = [&](kvm_run& run) {
        if (written++) return wait_for_a_kick(run);
        kernel.refused[GetParam().request] = GetParam().error;
        run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
        return 0;
    };
    run();
    EXPECT_TRUE(failed);
    EXPECT_NE(said().find(GetParam().text), std::string::npos) << said();
}
INSTANTIATE_TEST_SUITE_P(
    Requests, TellingNeeds,
    ::testing::Values(Need{"GetRegisters", KVM_GET_REGS, EINVAL, "KVM_GET_REGS: Invalid argument"},
                      Need{"GetSpecial", KVM_GET_SREGS, EINVAL, "KVM_GET_SREGS: Invalid argument"},
                      Need{"GetXsave", KVM_GET_XSAVE, EINVAL, "KVM_GET_XSAVE: Invalid argument"},
                      Need{"GetDebug", KVM_GET_DEBUGREGS, EINVAL, "KVM_GET_DEBUGREGS: Invalid argument"}),
    name_of);

class Luxuries : public Refusals, public ::testing::WithParamInterface<Need> {};
TEST_P(Luxuries, ARefusalIsNamedAndDoneWithout) {
    kernel.refused[GetParam().request] = GetParam().error;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    EXPECT_FALSE(failed);
    EXPECT_NE(said().find(std::string("the kernel refuses ") + GetParam().text), std::string::npos) << said();
}
INSTANTIATE_TEST_SUITE_P(
    Requests, Luxuries,
    ::testing::Values(Need{"IdentityMap", KVM_SET_IDENTITY_MAP_ADDR, EINVAL,
                           "an address for its identity map"},
                      Need{"SetXcr0", KVM_SET_XCRS, EINVAL, "XCR0: Invalid argument"},
                      Need{"GetXcr0", KVM_GET_XCRS, EINVAL, "to tell XCR0: Invalid argument"},
                      Need{"GetEvents", KVM_GET_VCPU_EVENTS, EINVAL, "to tell pending events"},
                      Need{"Msrs", KVM_GET_MSRS, EINVAL, "MSR 0x10"},
                      Need{"GetClock", KVM_GET_CLOCK, EINVAL, "to tell the paravirtual clock"}),
    name_of);

TEST_F(Refusals, AnMsrThatIsRefusedIsLeftOut) {
    kernel.refused_msrs.insert(0x174);
    ASSERT_TRUE(build()) << errors.text();
    state().msrs.star = 0x1234;
    run_until_it_writes();
    EXPECT_FALSE(failed);
    EXPECT_NE(said().find("the kernel refuses MSR 0x174"), std::string::npos) << said();
    EXPECT_EQ(kernel.msrs[0xc0000081], 0x1234u) << "those behind it are set";
}

TEST_F(Refusals, MemoryThatIsNotTakenStopsTheMachine) {
    kernel.refused[KVM_SET_USER_MEMORY_REGION] = EEXIST;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    EXPECT_NE(said().find("KVM does not take memory '"), std::string::npos) << said();
}

TEST_F(Refusals, MemoryIsToldOnceHoweverOftenTheMapChangedBefore) {
    ASSERT_TRUE(build()) << errors.text();
    const auto start_and_stop = [&] {
        machine.start();
        machine.stop();
    };
    for (const bool shown : {true, false, true, false}) board().overlay().set_enabled(shown);
    EXPECT_TRUE(kernel.slots.empty()) << "no vCPU has run";
    start_and_stop();
    const std::size_t told = kernel.slots.size();
    EXPECT_GT(told, 0u);
    for (const auto& slot : kernel.slots) EXPECT_NE(slot.memory_size, 0u);
    for (const bool shown : {true, false}) board().overlay().set_enabled(shown);
    start_and_stop();
    EXPECT_EQ(kernel.slots.size(), told) << "it is as it was";
    board().overlay().set_enabled(true);
    start_and_stop();
    EXPECT_GT(kernel.slots.size(), told);
}

TEST_F(Refusals, MsrsAreAskedForTogether) {
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_LE(kernel.count(KVM_GET_MSRS), 4u);
}

TEST_F(Refusals, WithoutReadOnlyMemoryRomIsReachedByExits) {
    kernel.capabilities[KVM_CAP_READONLY_MEM] = 0;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    EXPECT_NE(said().find("the kernel refuses read-only memory"), std::string::npos) << said();
    for (const auto& slot : kernel.slots) EXPECT_NE(slot.guest_phys_addr, testing::kRomBase);
}

TEST_F(Refusals, DoorbellsThatAreRefusedAreRegisters) {
    ASSERT_TRUE(build()) << errors.text();
    auto& doorbells = accelerator<Doorbells>();
    kernel.refused[KVM_IOEVENTFD] = ENOSPC;
    EXPECT_TRUE(doorbells.add({.size = 1, .region = &board().ports(), .offset = Offset(0x90), .event = 7}));
    doorbells.remove(7);
    EXPECT_EQ(kernel.count(KVM_IOEVENTFD), 1u) << "what was never there is not taken away";
    EXPECT_NE(said().find("refuses an event descriptor for a register: No space left"), std::string::npos);
}

TEST_F(Refusals, AKernelWithoutDoorbellsSaysSo) {
    kernel.capabilities[KVM_CAP_IOEVENTFD] = 0;
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_FALSE(accelerator<Doorbells>().add({.region = &board().ports(), .event = 7}));
}

TEST_F(Refusals, RoutesThatAreRefusedAreNoRoutes) {
    ASSERT_TRUE(build({{"kernel-irqchip", "on"}})) << errors.text();
    auto& sink = accelerator<MessageSink>();
    MessageRoute* route = sink.route(7);
    ASSERT_NE(route, nullptr);
    const auto before = kernel.routes;
    kernel.refused[KVM_IRQFD] = EBUSY;
    EXPECT_FALSE(route->set({0xfee00000, 0x41, 0, {}}));
    EXPECT_NE(kernel.routes, before);
    kernel.refused[KVM_SET_GSI_ROUTING] = EINVAL;
    EXPECT_FALSE(route->set({0xfee00000, 0x42, 0, {}}));
    kernel.refused.clear();
    route->release();
    EXPECT_EQ(kernel.routes, before);
    kernel.capabilities[KVM_CAP_IRQFD] = 0;
    EXPECT_EQ(sink.route(7), nullptr);
}

TEST_F(Refusals, OtherCpusThanThoseOfX86AreAReasonBeforeAnyIsMade) {
    machine.set_cpu("rv64-riscv-cpu", {});
    EXPECT_FALSE(open());
    EXPECT_NE(errors.text().find("this machine's CPUs are others"), std::string::npos) << errors.text();
    EXPECT_EQ(kernel.count(KVM_CREATE_VM), 0u);
}

TEST_F(Refusals, AFrequencyIsTheHostsOrScaledOrAReason) {
    machine.set_cpu("qemu64-v1-x86_64-cpu", {{"tsc-frequency", "2000100000"}});
    EXPECT_TRUE(build()) << errors.text();
    EXPECT_TRUE(kernel.tsc_khz.empty()) << "near enough";
}

TEST_F(Refusals, AFrequencyIsScaledWhereTheProcessorCan) {
    kernel.capabilities[KVM_CAP_TSC_CONTROL] = 1;
    machine.set_cpu("qemu64-v1-x86_64-cpu", {{"tsc-frequency", "1000000000"}});
    EXPECT_TRUE(build()) << errors.text();
    EXPECT_EQ(kernel.tsc_khz, (std::vector<unsigned long>{1'000'000}));
}

TEST_F(Refusals, AFrequencyThatIsNotToBeHadIsAReason) {
    machine.set_cpu("qemu64-v1-x86_64-cpu", {{"tsc-frequency", "1000000000"}});
    EXPECT_FALSE(build());
    EXPECT_NE(errors.text().find("tsc-frequency: KVM does not give 1000000 kHz"), std::string::npos)
        << errors.text();
    EXPECT_NE(errors.text().find("has 2000000 kHz"), std::string::npos) << errors.text();
}

TEST_F(Refusals, AnUnknownMsrIsAFaultOfTheGuest) {
    log.enable("guest_errors");
    ASSERT_TRUE(build()) << errors.text();
    bool fault = false;
    kernel.guest = [&](kvm_run& run) {
        if (written++) {
            fault = run.msr.error != 0;
            machine.request_end("guest-shutdown");
            return wait_for_a_kick(run);
        }
        run.exit_reason = KVM_EXIT_X86_WRMSR;
        run.msr.index = 0x1234;
        run.msr.error = 0;
        return 0;
    };
    run();
    EXPECT_TRUE(fault);
    EXPECT_NE(said().find("the guest writes MSR 0x1234, which is not there"), std::string::npos) << said();
}

TEST_F(Refusals, TheParavirtualClockCountsTheMachinesTime) {
    ASSERT_TRUE(build()) << errors.text();
    machine.start();
    machine.stop();
    const auto stopped = machine.clock().now_ns();
    ASSERT_GT(stopped, 0u);
    machine.start();
    machine.stop();
    ASSERT_EQ(kernel.clocks.size(), 2u);
    EXPECT_GE(kernel.clocks[1], stopped) << "it goes on from where it stood";
    EXPECT_LE(kernel.clocks[1], machine.clock().now_ns());
}

class Rings : public Refusals {
  protected:
    void SetUp() override {
        Refusals::SetUp();
        kernel.capabilities[KVM_CAP_DIRTY_LOG_RING] = 4096;
    }
    /// The slot of RAM at address 0.
    std::uint32_t ram_slot() const {
        for (const auto& slot : kernel.slots)
            if (slot.guest_phys_addr == 0) return slot.slot;
        return ~0u;
    }
};

TEST_F(Rings, TellOfChangedPages) {
    ASSERT_TRUE(build({{"dirty-ring-size", "256"}})) << errors.text();
    ASSERT_EQ(kernel.ring.size(), 256u);
    run_until_it_writes();
    const auto view = machine.system_memory().view();
    RamBlock& block = *view->find(0x3000)->block;
    machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, true);
    kernel.ring[0] = {KVM_DIRTY_GFN_F_DIRTY, ram_slot(), 3};
    kernel.ring[1] = {KVM_DIRTY_GFN_F_DIRTY, ram_slot(), 1u << 30};  // past its end
    const auto dirty = machine.memory().take_dirty(block, kernel::DirtyClient::Other);
    EXPECT_EQ(dirty[0] & 0xff, 1u << 3);
    EXPECT_EQ(kernel.ring[0].flags, KVM_DIRTY_GFN_F_RESET);
    EXPECT_EQ(kernel.count(KVM_RESET_DIRTY_RINGS), 1u);
    EXPECT_EQ(kernel.count(KVM_GET_DIRTY_LOG), 0u);
    machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, false);
}

TEST_F(Rings, TellOfPagesThatChangedInSystemManagementMode) {
    KvmBoard::management = true;
    kernel.capabilities[KVM_CAP_MULTI_ADDRESS_SPACE] = 2;
    kernel.capabilities[KVM_CAP_X86_SMM] = 1;
    ASSERT_TRUE(build({{"dirty-ring-size", "256"}})) << errors.text();
    KvmBoard::management = false;
    run_until_it_writes();
    constexpr std::uint32_t kSecondSpace = 1u << 16;
    RamBlock& block = *machine.system_memory().view()->find(0x3000)->block;
    machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, true);
    machine.memory().take_dirty(block, kernel::DirtyClient::Other);
    kernel.ring[0] = {KVM_DIRTY_GFN_F_DIRTY, kSecondSpace, 0};
    EXPECT_EQ(machine.memory().take_dirty(block, kernel::DirtyClient::Other)[0] & 0xff, 1u << 4)
        << "it is seen at 2000h, and is the RAM at 4000h";
    machine.memory().set_dirty_log(block, kernel::DirtyClient::Other, false);
}

TEST_F(Rings, OneThatIsFullIsEmptied) {
    ASSERT_TRUE(build({{"dirty-ring-size", "256"}})) << errors.text();
    kernel.guest = [&](kvm_run& run) {
        if (written++) {
            machine.request_end("guest-shutdown");
            return wait_for_a_kick(run);
        }
        kernel.ring[0] = {KVM_DIRTY_GFN_F_DIRTY, ram_slot(), 3};
        run.exit_reason = KVM_EXIT_DIRTY_RING_FULL;
        return 0;
    };
    run();
    EXPECT_FALSE(failed);
    EXPECT_EQ(kernel.ring[0].flags, KVM_DIRTY_GFN_F_RESET);
}

TEST_F(Rings, OfASizeThatIsNotToBeHadAreAReason) {
    EXPECT_FALSE(open({{"dirty-ring-size", "512"}}));
    EXPECT_NE(errors.text().find("refuses rings of 512 entries (it has at most 256)"), std::string::npos)
        << errors.text();
    errors.clear();
    EXPECT_FALSE(open({{"dirty-ring-size", "100"}}));
    EXPECT_NE(errors.text().find("a power of two"), std::string::npos) << errors.text();
    errors.clear();
    kernel.capabilities[KVM_CAP_DIRTY_LOG_RING] = 0;
    EXPECT_FALSE(open({{"dirty-ring-size", "256"}}));
    EXPECT_NE(errors.text().find("leave it at 0"), std::string::npos) << errors.text();
}

struct Exit {
    const char* name;
    std::uint32_t reason;
    const char* text;
};
class Ends : public Refusals, public ::testing::WithParamInterface<Exit> {};
TEST_P(Ends, StopTheMachineWithItsRegisters) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.guest = [&](kvm_run& run) {
        if (written++) return wait_for_a_kick(run);
        run.exit_reason = GetParam().reason;
        run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
        run.internal.ndata = 1;
        run.internal.data[0] = 0x0f;
        return 0;
    };
    run();
    EXPECT_TRUE(failed);
    EXPECT_NE(said().find(GetParam().text), std::string::npos) << said();
}
INSTANTIATE_TEST_SUITE_P(
    Reasons, Ends,
    ::testing::Values(Exit{"Unknown", KVM_EXIT_UNKNOWN, "KVM: unexpected exit 0"},
                      Exit{"Hypercall", KVM_EXIT_HYPERCALL, "KVM: unexpected exit"},
                      Exit{"Entry", KVM_EXIT_FAIL_ENTRY, "KVM: entry failed, hardware error"},
                      Exit{"Emulation", KVM_EXIT_INTERNAL_ERROR,
                           "suberror 1 (an instruction that the kernel does not emulate); data 0xf"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace backplane::kvm
