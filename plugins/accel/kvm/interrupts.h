// The kernel's interrupt controllers of a virtual machine, as the devices that stand for them reach them.
//
// Follows api.rst: KVM_CREATE_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP, KVM_GET/SET_IRQCHIP, KVM_IRQ_LINE, KVM_SIGNAL_MSI, KVM_IRQFD.
// Each input pin of a chip has a GSI of its own, so that the board's wires say what is joined to what, and not the
// kernel's table. Split, the pins of the machine's I/O APIC have the first GSIs, so that the kernel leaves the guest for
// the end of their interrupts.
#pragma once

#include "gsi_routes.h"

#include <backplane/x86.h>

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
    /// Was LINT1 raised since it was asked last? Thread: any.
    virtual bool take_lint1() = 0;

  protected:
    ~LapicPage() = default;
};

/// Who does the interrupt controllers: the machine's devices, the kernel, or the kernel the local APICs alone.
enum class Irqchip : std::uint8_t { Off, On, Split };

class Interrupts final : public MessageSink {
  public:
    enum class Chip : std::uint8_t { Master8259, Slave8259, IoApic };
    /// Of the I/O APIC that stays the machine's when they are split.
    static constexpr unsigned kSplitPins = 24;

    explicit Interrupts(Refusals& refusals) : refusals_(refusals), routes_(refusals) {}
    /// Makes them, with their routes. False and the reason.
    bool create(const Descriptor& vm, Irqchip kind, Errors& errors);
    bool created() const { return vm_ != nullptr; }

    // MessageSink
    bool takes(GuestAddress address) const override {
        return vm_ && address.value - x86::kMessageBase < x86::kMessageSize;
    }
    void send(const InterruptWrite& message) override;
    MessageRoute* route(int event) override;

    /// Thread: any that holds the machine lock.
    void set_pin(Chip chip, unsigned pin, int level);
    /// Split: what a pin of the machine's I/O APIC sends; null: nothing.
    void pin_sends(unsigned pin, const x86::InterruptMessage* message);
    GsiRoutes& routes() { return routes_; }
    /// The kernel's own timer drives its line. What a wire has there is not that line's level: were it taken for that, the
    /// first tick would be no edge, and the kernel holds the others back until the guest is done with the first.
    void set_timer_in_kernel() { timer_in_kernel_ = true; }
    bool timer_in_kernel() const { return timer_in_kernel_; }
    const Descriptor& vm() const { return *vm_; }
    Refusals& refusals() { return refusals_; }

    /// Split: who hears of the ends of level-triggered interrupts.
    void add(x86::EndOfInterrupt& listener) { listeners_.push_back(&listener); }
    void remove(x86::EndOfInterrupt& listener) { std::erase(listeners_, &listener); }
    void end_of_interrupt(std::uint8_t vector) {
        for (x86::EndOfInterrupt* listener : listeners_) listener->end_of_interrupt(vector);
    }

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
    bool create_all(const Descriptor& vm, Errors& errors);
    bool create_split(const Descriptor& vm, Errors& errors);

    const Descriptor* vm_ = nullptr;
    Refusals& refusals_;
    GsiRoutes routes_;
    bool timer_in_kernel_ = false;
    std::vector<KernelChip*> chips_;
    std::vector<x86::EndOfInterrupt*> listeners_;
};

/// The address and data that a message is (SDM 3A 11.11).
InterruptWrite packed(const x86::InterruptMessage& message);

/// How a device of this plugin finds the virtual machine: offered by the accelerator.
class VmAccess {
  public:
    static constexpr const char* kId = "backplane.kvm-vm/draft";
    virtual class Vm* vm() = 0;

  protected:
    ~VmAccess() = default;
};

}  // namespace backplane::kvm
