// The accelerator "kvm": the host's own processor executes the guest, under the kernel's virtual machine monitor. This file is
// its face to the machine. Not modelled: nested virtualisation's state, Xen's interface, confidential guests.
#pragma once

#include "doorbell_map.h"
#include "held_stores.h"
#include "memory_slots.h"
#include "vcpu.h"

#include <backplane/type.h>
#include <backplane/x86_port_registers.h>

namespace backplane::kvm {

class Kvm final : public Accelerator,
                  public AcceleratorDebug,
                  public ChipReplacements,
                  public MessageSink,
                  public Doorbells,
                  public x86::SystemManagement,
                  public x86::PortRegisters,
                  public VmAccess {
  public:
    explicit Kvm(Object&) {}

    // Accelerator
    bool open(AcceleratorContext& context, Errors& errors) override;
    bool attach(Cpu& cpu, Errors& errors) override;
    void detach(Cpu& cpu) override;
    void start() override;
    void stop() override;
    void request_stop() override { vcpus_.request_stop(); }
    void states_changed() override;

    // AcceleratorDebug
    void set_debug_listener(DebugListener* listener) override;
    bool set_debug_points(Slice<const DebugPoint> points) override;
    void set_debug_resume(Cpu& cpu, DebugResume how) override;

    // ChipReplacements
    Str replacement(Str type) const override;

    // MessageSink
    bool takes(GuestAddress address) const override { return vm_->interrupts().takes(address); }
    void send(const InterruptWrite& message) override { vm_->interrupts().send(message); }
    MessageRoute* route(int event) override { return vm_->interrupts().route(event); }

    // Doorbells
    bool add(const Doorbell& doorbell) override { return doorbells_->add(doorbell); }
    void remove(int event) override { doorbells_->remove(event); }

    // x86::SystemManagement
    bool available(Errors& errors) override;

    // x86::PortRegisters
    std::uint64_t* open(std::uint32_t cpu) override;
    void close(std::uint32_t cpu) override { find(cpu)->close_registers(); }
    std::uint32_t leaf1_ecx(std::uint32_t cpu) const override {
        return find(cpu)->processor().cpuid(1, 0).ecx;
    }
    std::uint64_t tsc_frequency(std::uint32_t cpu) const override { return find(cpu)->tsc_frequency(); }

    // VmAccess
    Vm* vm() override { return vm_.get(); }

    bool check_dirty_ring(std::uint64_t size, Errors& errors);

    std::string device_ = "/dev/kvm";
    Irqchip irqchip_ = Irqchip::Off;
    std::uint64_t shadow_memory_ = 0;
    std::uint32_t dirty_ring_size_ = 0;
    static const PropertyInfo kProperties[4];

  private:
    Vcpu* find(std::uint32_t cpu) const;
    bool has_management_mode() const;
    void show_management_memory(Cpu& cpu);
    int collect_rings();
    void tell_debug();

    AcceleratorContext* context_ = nullptr;
    std::unique_ptr<Vm> vm_;
    std::unique_ptr<HeldStores> held_stores_;
    Vcpus<Vcpu> vcpus_;
    std::unique_ptr<MemorySlots> slots_, management_slots_;
    Cpu* management_cpu_ = nullptr;  ///< whose space that is
    std::unique_ptr<DoorbellMap> doorbells_;
    std::shared_ptr<const DebugPoints> debug_points_;
    DebugListener* debug_listener_ = nullptr;
};

}  // namespace backplane::kvm
