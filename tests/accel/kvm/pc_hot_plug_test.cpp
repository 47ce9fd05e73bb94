// A processor that comes and goes while others run, over a kernel that never lets a vCPU go.
#include "kernel/machine/machine_parts.h"
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using backplane::kernel::Instance;
using testing::OverFakeKernel;

class PcHotPlug : public OverFakeKernel {
  protected:
    void SetUp() override {
        catalog.types().register_type(testing::kKvmType, errors);
        firmware = ::testing::TempDir() + "kvm-hot-plug-bios-" + std::to_string(::getpid());
        std::ofstream(firmware) << std::string(64 << 10, '\0');
        machine.set_ram_size(4 << 20);
        machine.set_cpu("qemu64-v1-x86_64-cpu", {{"x2apic", "off"}});
        machine.set_topology({.cpus = 1, .max_cpus = 2, .cores = 2});
        ASSERT_TRUE(machine.set_type("pc-i440fx-11.1-machine", errors) &&
                    machine.machine_object().set_property("firmware", firmware, errors) && build())
            << errors.text();
        machine.start();
    }
    void TearDown() override { std::remove(firmware.c_str()); }
    Instance* plug() {
        return machine.add_device("qemu64-v1-x86_64-cpu", "c1", "",
                                  {{"socket-id", "0"}, {"core-id", "1"}, {"thread-id", "0"}}, errors);
    }
    void unplug(Instance& processor) {
        const std::lock_guard guard(machine.lock());
        machine.parts().devices.unplugged(processor);
        machine.loop().run_ready();
    }
    std::string firmware;
};

TEST_F(PcHotPlug, AVcpuComesWhileOthersRun) {
    Instance* processor = plug();
    ASSERT_TRUE(processor) << errors.text();
    EXPECT_EQ(kernel.count(KVM_CREATE_VCPU), 2u);
    ASSERT_EQ(machine.cpus().size(), 2u);
    EXPECT_EQ(machine.cpus()[1]->index(), 1u);
    EXPECT_TRUE(machine.cpus()[1]->powered_off()) << "it waits for its start-up message";
    TextBuffer x2apic;
    EXPECT_TRUE(processor->get_property("x2apic", x2apic, errors));
    EXPECT_EQ(x2apic.text(), "off") << "as -cpu has it";
}

TEST_F(PcHotPlug, TheKernelsVcpuIsUsedAgain) {
    for (int round = 0; round < 2; ++round) {
        Instance* processor = plug();
        ASSERT_TRUE(processor) << errors.text();
        unplug(*processor);
        EXPECT_EQ(machine.cpus().size(), 1u);
    }
    EXPECT_EQ(kernel.count(KVM_CREATE_VCPU), 2u);
}

TEST_F(PcHotPlug, WhatTheKernelRefusesLeavesNothingBehind) {
    kernel.refused[KVM_CREATE_VCPU] = EINVAL;
    EXPECT_FALSE(plug());
    EXPECT_NE(errors.text().find("KVM refuses CPU 1"), std::string::npos) << errors.text();
    EXPECT_EQ(machine.cpus().size(), 1u);
    EXPECT_EQ(machine.run_state(), backplane::kernel::RunState::Running);
}

}  // namespace
}  // namespace backplane::kvm
