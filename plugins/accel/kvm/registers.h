// A vCPU's registers on their way between the kernel and X86State.
#pragma once

#include "msrs.h"
#include "vm.h"

#include <backplane/draft/x86/processor.h>

namespace backplane::kvm {

/// How much is set. After a reset or a load, what counts by itself (time) is set as well.
enum class SyncLevel : std::uint8_t { Registers, Everything };

/// What HLT waits for (SDM 2A).
inline std::uint32_t wakes_from_halt(bool takes_interrupts) {
    namespace request_bit = x86::request;
    return request_bit::kNmi | request_bit::kSmi | request_bit::kInit |
           (takes_interrupts ? request_bit::kInterrupt : 0);
}

/// One for each vCPU. Thread: the vCPU's.
class RegisterSync {
  public:
    RegisterSync(Vm& vm, const Descriptor& vcpu, std::uint32_t index, x86::Processor& processor,
                 x86::X86State& state)
        : vm_(vm),
          index_(index),
          vcpu_(vcpu),
          processor_(processor),
          state_(state),
          sregs2_(vm.capability(KVM_CAP_SREGS2) > 0),
          smm_(vm.capability(KVM_CAP_X86_SMM) > 0) {}

    void probe() { msrs_.probe(vcpu_, processor_.hyperv(), vm_.refusals()); }
    /// From the kernel, all of it. The text says what the kernel refused that it must not; empty: nothing.
    std::string get();
    /// To the kernel.
    std::string set(SyncLevel level);

    std::string set_general();

    /// The general registers alone, where the kernel is in the middle of an instruction; null where it refuses. X86State does
    /// not have them afterwards.
    std::uint64_t* open_general();
    std::string close_general();

  private:
    std::string get_special();
    std::string get_floating_point();
    void get_events();
    std::string set_special();
    std::string set_floating_point();
    std::string set_events();
    std::string set_activity();
    void get_local_apic(std::uint64_t base);
    void set_local_apic();

    Vm& vm_;
    const std::uint32_t index_;
    const Descriptor& vcpu_;
    x86::Processor& processor_;
    x86::X86State& state_;
    const bool sregs2_, smm_;
    MsrSync msrs_;
    kvm_regs open_{};
};

}  // namespace backplane::kvm
