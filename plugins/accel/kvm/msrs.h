// Which MSRs of X86State the kernel takes, and their way there and back.
#pragma once

#include "system.h"

#include <backplane/draft/x86/processor.h>

namespace backplane::kvm {

/// One for each vCPU. Thread: the vCPU's.
class MsrSync {
  public:
    /// Asks the kernel about each one, once. `hyperv`: what the processor shows of that.
    void probe(const Descriptor& vcpu, const x86::Hyperv& hyperv, Refusals& refusals);
    void get(const Descriptor& vcpu, x86::X86State& state, Refusals& refusals);
    /// `with_time`: also what counts by itself (after a reset or a load).
    void set(const Descriptor& vcpu, x86::X86State& state, bool with_time, Refusals& refusals);

  private:
    struct Place {
        std::uint32_t index = 0;
        std::size_t offset = 0;  ///< of a uint64_t in X86State
        bool counts = false;
    };
    void add(const x86::MsrField& field);
    std::vector<Place> places_;
};

/// One MSR. False: the kernel refuses it.
bool get_msr(const Descriptor& vcpu, std::uint32_t index, std::uint64_t& value);
bool set_msr(const Descriptor& vcpu, std::uint32_t index, std::uint64_t value);

}  // namespace backplane::kvm
