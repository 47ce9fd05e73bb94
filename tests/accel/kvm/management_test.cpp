// System management mode: offered where the kernel has it, with memory of its own.
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using testing::KvmBoard;
using testing::OverFakeKernel;

class Management : public OverFakeKernel {
  protected:
    void SetUp() override {
        OverFakeKernel::SetUp();
        KvmBoard::management = true;
    }
    void TearDown() override {
        KvmBoard::management = false;
        OverFakeKernel::TearDown();
    }
    static constexpr std::uint32_t kSecondSpace = 1u << 16;
};

TEST_F(Management, HasMemoryOfItsOwn) {
    kernel.capabilities[KVM_CAP_MULTI_ADDRESS_SPACE] = 2;
    kernel.capabilities[KVM_CAP_X86_SMM] = 1;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    std::vector<std::uint64_t> addresses;
    for (const auto& slot : kernel.slots)
        if (slot.slot & kSecondSpace) addresses.push_back(slot.guest_phys_addr);
    EXPECT_EQ(addresses, (std::vector<std::uint64_t>{0x2000}));
}

TEST_F(Management, IsEnteredByAnInterrupt) {
    kernel.capabilities[KVM_CAP_MULTI_ADDRESS_SPACE] = 2;
    kernel.capabilities[KVM_CAP_X86_SMM] = 1;
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_TRUE(accelerator<x86::SystemManagement>().available(errors)) << errors.text();
    state().smbase = 0x30000;
    drive_named(machine.cpus()[0]->object(), "smi", 0, 1);
    run_until_it_writes();
    EXPECT_FALSE(failed) << said();
    EXPECT_EQ(kernel.count(KVM_SMI), 1u);
    EXPECT_EQ(kernel.msrs[x86::msr::kSmbase], 0x30000u);
}

TEST_F(Management, IsAReasonWhereAProcessorWasSavedInItAndThereIsNone) {
    ASSERT_TRUE(build()) << errors.text();
    EXPECT_FALSE(accelerator<x86::SystemManagement>().available(errors));
    EXPECT_NE(errors.text().find("this host's KVM has no system management mode"), std::string::npos);
    state().smm = true;
    run_until_it_writes();
    EXPECT_TRUE(failed);
    EXPECT_NE(said().find("it is in system management mode"), std::string::npos) << said();
}

TEST_F(Management, IsNamedWhereThereIsNone) {
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    for (const auto& slot : kernel.slots) EXPECT_EQ(slot.slot & kSecondSpace, 0u);
    EXPECT_NE(said().find("the kernel refuses system management mode"), std::string::npos) << said();
}

}  // namespace
}  // namespace backplane::kvm
