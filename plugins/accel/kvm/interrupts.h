// The kernel's interrupt controllers of a virtual machine, as the devices that stand for them reach them.
//
// Follows api.rst: KVM_CREATE_IRQCHIP, KVM_GET/SET_IRQCHIP, KVM_SET_GSI_ROUTING, KVM_IRQ_LINE, KVM_SIGNAL_MSI. Each input pin
// of a chip has a GSI of its own, so that the board's wires say what is joined to what, and not the kernel's table.
#pragma once

#include "system.h"

namespace backplane::kvm {

/// A chip whose truth is the kernel's while the machine runs, and the device's while it stands. Thread: main, holding the
/// machine lock, while no vCPU runs.
class KernelChip {
  public:
    virtual void to_kernel() = 0;
    virtual void from_kernel() = 0;

  protected:
    ~KernelChip() = default;
};

/// A local APIC's registers, whose truth moves with its vCPU's state. Thread: the vCPU's.
class LapicPage {
  public:
    virtual void to_kernel(kvm_lapic_state& page) const = 0;
    virtual void from_kernel(const kvm_lapic_state& page) = 0;
    virtual std::uint64_t& base() = 0;      ///< IA32_APIC_BASE
    virtual std::uint64_t& deadline() = 0;  ///< IA32_TSC_DEADLINE

  protected:
    ~LapicPage() = default;
};

class Interrupts {
  public:
    enum class Chip : std::uint8_t { Master8259, Slave8259, IoApic };

    explicit Interrupts(Refusals& refusals) : refusals_(refusals) {}
    /// Makes them, with their routes. False and the reason.
    bool create(const Descriptor& vm, Errors& errors);
    bool created() const { return vm_ != nullptr; }

    /// Thread: any that holds the machine lock.
    void set_pin(Chip chip, unsigned pin, int level);
    void signal(std::uint64_t address, std::uint32_t data);
    bool get(kvm_irqchip& chip) const;
    bool set(const kvm_irqchip& chip) const;

    void add(KernelChip& chip) { chips_.push_back(&chip); }
    void remove(KernelChip& chip) { std::erase(chips_, &chip); }
    void all_to_kernel() {
        for (KernelChip* chip : chips_) chip->to_kernel();
    }
    void all_from_kernel() {
        for (KernelChip* chip : chips_) chip->from_kernel();
    }

  private:
    const Descriptor* vm_ = nullptr;
    Refusals& refusals_;
    std::vector<KernelChip*> chips_;
};

/// How a device of this plugin finds the virtual machine: offered by the accelerator.
class VmAccess {
  public:
    static constexpr const char* kId = "backplane.kvm-vm/draft";
    virtual class Vm* vm() = 0;

  protected:
    ~VmAccess() = default;
};

}  // namespace backplane::kvm
