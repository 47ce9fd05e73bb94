// The PC's switch for system management mode, over a kernel that has it and one that has not.
#include "kernel/machine/machine_parts.h"
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using testing::OverFakeKernel;

class ManagementOfPc : public OverFakeKernel {
  protected:
    void SetUp() override {
        catalog.types().register_type(testing::kKvmType, errors);
        firmware = ::testing::TempDir() + "kvm-bios-" + std::to_string(::getpid());
        std::ofstream(firmware) << std::string(64 << 10, '\0');
    }
    void TearDown() override { std::remove(firmware.c_str()); }
    bool build_pc(const char* smm) {
        machine.set_ram_size(4 << 20);
        machine.set_cpu("qemu64-v1-x86_64-cpu", {});
        return machine.set_type("pc-i440fx-11.1-machine", errors) &&
               machine.machine_object().set_property("firmware", firmware, errors) &&
               machine.machine_object().set_property("smm", smm, errors) && build();
    }
    /// As firmware raises one that has set the PIIX4's APMC_EN.
    bool smi_at_the_command_port() {
        AddressSpace& ports = machine.parts().processors.io_ports();
        constexpr std::uint64_t kDevActB = 0x80000b58;
        Access access;
        ports.store(GuestAddress(0xcf8), kDevActB, 4, access);
        ports.store(GuestAddress(0xcff), 0x02, 1, access);
        ports.store(GuestAddress(0xb2), 0x01, 1, access);
        return (state().requests.load() & x86::request::kSmi) != 0;
    }
    std::string firmware;
};

TEST_F(ManagementOfPc, IsThereWhereTheKernelHasIt) {
    kernel.capabilities[KVM_CAP_MULTI_ADDRESS_SPACE] = 2;
    kernel.capabilities[KVM_CAP_X86_SMM] = 1;
    ASSERT_TRUE(build_pc("auto")) << errors.text();
    EXPECT_EQ(machine.cpus()[0]->address_space_count(), 2u);
    EXPECT_TRUE(smi_at_the_command_port());
}

TEST_F(ManagementOfPc, IsNotThereWhereTheKernelHasNone) {
    ASSERT_TRUE(build_pc("auto")) << errors.text();
    EXPECT_EQ(machine.cpus()[0]->address_space_count(), 1u);
    EXPECT_FALSE(smi_at_the_command_port());
}

TEST_F(ManagementOfPc, IsAReasonWhereItIsAskedForAndThereIsNone) {
    EXPECT_FALSE(build_pc("on"));
    EXPECT_NE(errors.text().find("smm=on: this host's KVM has no system management mode"), std::string::npos)
        << errors.text();
}

}  // namespace
}  // namespace backplane::kvm
