// Interrupts of the machine's 8259s on their way into the guest, with local APICs in the kernel.
#include "over_fake_kernel.h"

namespace backplane::kvm {
namespace {

using testing::OverFakeKernel;

class HandedVector : public OverFakeKernel {
  protected:
    /// The guest takes interrupts, and one comes; `turns_back` is what KVM_RUN does when the kernel has its vector.
    void run_until_it_was_handed(const std::function<void(kvm_run& run)>& turns_back) {
        ASSERT_TRUE(build({{"kernel-irqchip", "split"}})) << errors.text();
        kernel.guest = [&](kvm_run& run) {
            if (++written == 1) {
                run.exit_reason = KVM_EXIT_IO;
                run.io = {KVM_EXIT_IO_OUT, 1, kExitPort, 1, 4096};
                run.ready_for_interrupt_injection = run.if_flag = 1;
                return 0;
            }
            if (written > 2) return wait_for_a_kick(run);
            EXPECT_EQ(kernel.count(KVM_INTERRUPT), 1u);
            machine.request_end("guest-shutdown");
            turns_back(run);
            return -EINTR;
        };
        board().on_output = [this](std::uint64_t, std::uint64_t) { board().processors[0]->set_interrupt(1); };
        run();
        EXPECT_EQ(board().acknowledged, 1u);
    }
};

TEST_F(HandedVector, IsOfTheStateUntilTheKernelTookIt) {
    run_until_it_was_handed([](kvm_run&) {});  // a signal came first
    EXPECT_TRUE(state().interrupt_injected);
    EXPECT_EQ(state().interrupt_vector, board().vector);
}

TEST_F(HandedVector, IsTheGuestsWhenItRan) {
    run_until_it_was_handed([](kvm_run& run) { run.exit_reason = KVM_EXIT_INTR; });
    EXPECT_FALSE(state().interrupt_injected);
}

}  // namespace
}  // namespace backplane::kvm
