// Microsoft's hypervisor interface as a kernel has it.
#include "over_fake_kernel.h"

#include <algorithm>

namespace backplane::kvm {
namespace {

using testing::OverFakeKernel;

class Hyperv : public OverFakeKernel {
  protected:
    static constexpr std::uint32_t kGuestOsId = 0x40000000, kFirstSource = 0x40000090;

    void SetUp() override {
        OverFakeKernel::SetUp();
        kernel.capabilities[KVM_CAP_SYS_HYPERV_CPUID] = 1;
        kernel.hyperv = {leaf(0x40000003, 0xffff, ~0u), leaf(0x40000004, ~0u, 0), leaf(0x4000000a, 0x101, 0)};
    }
    static kvm_cpuid_entry2 leaf(std::uint32_t number, std::uint32_t eax, std::uint32_t edx) {
        kvm_cpuid_entry2 entry{};
        entry.function = number;
        entry.eax = eax;
        entry.edx = edx;
        return entry;
    }
    bool build_with(const Properties& features, const char* irqchip = "on") {
        machine.set_cpu("qemu64-v1-x86_64-cpu", features);
        return build({{"kernel-irqchip", irqchip}});
    }
    x86::CpuidRegisters cpuid(std::uint32_t number) {
        return query<x86::Processor>(machine.cpus()[0]->object())->cpuid(number, 0);
    }
    bool enabled(std::uint32_t capability) const {
        return std::ranges::any_of(kernel.enabled, [=](const auto& each) { return each.cap == capability; });
    }
    /// Leaves the guest with `exit` once.
    void run_with(const std::function<void(kvm_run&)>& exit) {
        kernel.guest = [this, exit](kvm_run& run) {
            if (written++) {
                machine.request_end("guest-shutdown");
                return wait_for_a_kick(run);
            }
            exit(run);
            return 0;
        };
        run();
    }
};

TEST_F(Hyperv, HasItsMsrsSet) {
    ASSERT_TRUE(build_with({{"hv-synic", "on"}})) << errors.text();
    EXPECT_TRUE(enabled(KVM_CAP_HYPERV_SYNIC2));
    state().hyperv.guest_os_id = 0x1234;
    state().hyperv.synic_source[0] = 0x10030;
    run_until_it_writes();
    EXPECT_EQ(kernel.msrs[kGuestOsId], 0x1234u);
    EXPECT_EQ(kernel.msrs[kFirstSource], 0x10030u);
}

TEST_F(Hyperv, WithoutItHasNoneSet) {
    ASSERT_TRUE(build_with({})) << errors.text();
    run_until_it_writes();
    EXPECT_FALSE(kernel.msrs.contains(kGuestOsId));
    EXPECT_FALSE(enabled(KVM_CAP_HYPERV_SYNIC2));
}

TEST_F(Hyperv, OfLocalApicsNeedsThemInTheKernel) {
    ASSERT_TRUE(build_with({{"hv-vapic", "on"}, {"hv-synic", "on"}, {"hv-vpindex", "on"}}, "off"))
        << errors.text();
    EXPECT_EQ(cpuid(0x40000003).eax, 1u << 5 | 1u << 6);
}

TEST_F(Hyperv, IsNamedWhereTheKernelHasNone) {
    kernel.capabilities[KVM_CAP_SYS_HYPERV_CPUID] = 0;
    ASSERT_TRUE(build_with({{"hv-relaxed", "on"}})) << errors.text();
    EXPECT_NE(said().find("host doesn't support requested feature: hv-relaxed"), std::string::npos) << said();
    EXPECT_NE(cpuid(0x40000001).eax, 0x31237648u);
}

TEST_F(Hyperv, ACapabilityThatIsRefusedIsAReason) {
    kernel.refused[KVM_ENABLE_CAP] = EINVAL;
    EXPECT_FALSE(build_with({{"hv-relaxed", "on"}, {"hv-enforce-cpuid", "on"}}));
    EXPECT_NE(errors.text().find("hv-enforce-cpuid: KVM refuses it (Invalid argument)"), std::string::npos)
        << errors.text();
}

TEST_F(Hyperv, NobodyTakesCallsOfPartitions) {
    ASSERT_TRUE(build_with({{"hv-synic", "on"}})) << errors.text();
    const kvm_run* shared = nullptr;
    run_with([&](kvm_run& run) {
        shared = &run;
        run.exit_reason = KVM_EXIT_HYPERV;
        run.hyperv.type = KVM_EXIT_HYPERV_HCALL;
    });
    EXPECT_FALSE(failed) << said();
    EXPECT_EQ(shared->hyperv.u.hcall.result, 2u);
}

TEST_F(Hyperv, AGuestsCrashIsAPanic) {
    ASSERT_TRUE(build_with({{"hv-crash", "on"}})) << errors.text();
    std::vector<std::string> events;
    struct Watch final : kernel::EventListener {
        std::vector<std::string>* events = nullptr;
        void machine_event(std::string_view name, std::string_view) override { events->emplace_back(name); }
    } watch;
    watch.events = &events;
    machine.add_event_listener(watch);
    run_with([](kvm_run& run) {
        run.exit_reason = KVM_EXIT_SYSTEM_EVENT;
        run.system_event.type = KVM_SYSTEM_EVENT_CRASH;
    });
    machine.remove_event_listener(watch);
    EXPECT_TRUE(std::ranges::count(events, "GUEST_PANICKED")) << said();
}

}  // namespace
}  // namespace backplane::kvm
