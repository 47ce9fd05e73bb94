// Stores that the kernel keeps for a while: where, and that they come before what the guest is left for.
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using testing::kWaiting;
using testing::OverFakeKernel;
using testing::Record;

class HeldStoresTest : public OverFakeKernel {
  protected:
    void SetUp() override {
        OverFakeKernel::SetUp();
        kernel.capabilities[KVM_CAP_COALESCED_MMIO] = 2;
        kernel.capabilities[KVM_CAP_COALESCED_PIO] = 1;
    }
    static kvm_coalesced_mmio store(std::uint64_t port, std::uint8_t value) {
        kvm_coalesced_mmio entry{};
        entry.phys_addr = port;
        entry.len = 1;
        entry.pio = 1;
        entry.data[0] = value;
        return entry;
    }
};

TEST_F(HeldStoresTest, AreThoseOfRegionsThatSaySo) {
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    ASSERT_EQ(kernel.held.size(), 1u);
    EXPECT_EQ(kernel.held[0].addr, kWaiting);
    EXPECT_EQ(kernel.held[0].size, 2u);
    EXPECT_EQ(kernel.held[0].pio, 1u);
}

TEST_F(HeldStoresTest, ComeInOrderBeforeTheExit) {
    ASSERT_TRUE(build()) << errors.text();
    kernel.keep(store(kWaiting, 1));
    kernel.keep(store(kWaiting + 1, 2));
    run_until_it_writes();
    EXPECT_EQ(board().outputs,
              (std::vector<Record>{{kWaiting, 1, 1}, {kWaiting + 1, 2, 1}, {kExitPort, 0, 1}}));
}

TEST_F(HeldStoresTest, FollowTheMap) {
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    board().waiting().set_offset(Offset(kWaiting + 4));
    ASSERT_EQ(kernel.held.size(), 1u);
    EXPECT_EQ(kernel.held[0].addr, kWaiting + 4);
    board().waiting().set_enabled(false);
    EXPECT_TRUE(kernel.held.empty());
}

TEST_F(HeldStoresTest, AreNotKeptByAKernelThatCannot) {
    kernel.capabilities[KVM_CAP_COALESCED_PIO] = 0;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    EXPECT_TRUE(kernel.held.empty());
}

TEST_F(HeldStoresTest, LeaveTheGuestWhereTheKernelRefuses) {
    kernel.refused[KVM_REGISTER_COALESCED_MMIO] = ENOSPC;
    ASSERT_TRUE(build()) << errors.text();
    run_until_it_writes();
    EXPECT_FALSE(failed);
    EXPECT_NE(said().find("the kernel refuses to keep stores for a while: No space left"), std::string::npos)
        << said();
}

}  // namespace
}  // namespace backplane::kvm
