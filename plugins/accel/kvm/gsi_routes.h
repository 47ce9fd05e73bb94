// The kernel's table of interrupts (GSIs): which pins and messages each of them stands for.
//
// Follows api.rst: KVM_SET_GSI_ROUTING, which takes the whole table each time.
#pragma once

#include "system.h"

#include <backplane/messages.h>

namespace backplane::kvm {

/// Thread: holding the machine lock.
class GsiRoutes {
  public:
    using Targets = std::vector<kvm_irq_routing_entry>;

    explicit GsiRoutes(Refusals& refusals) : refusals_(refusals) {}
    /// `most`: entries that the kernel's table has.
    void open(const Descriptor& vm, std::size_t most) {
        vm_ = &vm;
        most_ = most;
    }
    static constexpr std::uint32_t kFirstFree = 128;  ///< what is below has a fixed meaning
    /// A GSI that nobody has, with `targets`; nothing when the table is full or the kernel refuses it.
    std::optional<std::uint32_t> add(const Targets& targets);
    /// Sets what `gsi` stands for; none: nothing any more. False and as it was: the kernel refuses it.
    bool set(std::uint32_t gsi, const Targets& targets);
    /// The same for many, at once.
    bool set_all(const std::map<std::uint32_t, Targets>& changes);

    static kvm_irq_routing_entry pin(std::uint32_t chip, std::uint32_t pin);
    static kvm_irq_routing_entry message(const InterruptWrite& message);

  private:
    /// 0, or the kernel's reason.
    int tell() const;

    Refusals& refusals_;
    const Descriptor* vm_ = nullptr;
    std::size_t most_ = 0;
    std::map<std::uint32_t, Targets> table_;
};

}  // namespace backplane::kvm
