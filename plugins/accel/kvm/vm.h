// One virtual machine of the kernel: what is set up once for it, and what its vCPUs share.
#pragma once

#include "dirty_rings.h"
#include "guest_gate.h"
#include "interrupts.h"
#include "system.h"

#include <backplane/draft/accelerator.h>

#include <functional>

namespace backplane::kvm {

class HeldStores;
class Vcpu;

struct Options {
    std::string device = "/dev/kvm";
    Irqchip irqchip = Irqchip::Off;
    std::uint64_t shadow_memory = 0;  ///< bytes; 0: the kernel's choice
    std::uint32_t dirty_ring = 0;     ///< entries; 0: bitmaps
};

class Vm {
  public:
    explicit Vm(AcceleratorContext& context)
        : context_(context), refusals_(context.log()), interrupts_(refusals_) {}
    ~Vm();

    bool open(const Options& options, Errors& errors);
    AcceleratorContext& context() { return context_; }
    System& system() { return system_; }
    const Descriptor& fd() const { return fd_; }
    Refusals& refusals() { return refusals_; }
    GuestGate& gate() { return gate_; }
    Interrupts& interrupts() { return interrupts_; }
    DirtyRings& dirty_rings() { return dirty_rings_; }
    /// Takes what the rings of changed pages have. 0, or -errno: they are full for ever. Holding the machine lock.
    void set_ring_collector(std::function<int()> work) { collect_rings_ = std::move(work); }
    int collect_rings() const { return collect_rings_(); }
    /// What vCPUs do first when they have left the guest.
    void set_held_stores(HeldStores* held) { held_stores_ = held; }
    HeldStores& held_stores() const { return *held_stores_; }
    const Options& options() const { return options_; }
    bool local_apics_in_kernel() const { return options_.irqchip != Irqchip::Off; }

    /// KVM_CHECK_EXTENSION (api 4.4); 0 where the kernel does not know it.
    int capability(unsigned capability) const;
    /// Bytes of a vCPU's XSAVE area (KVM_GET_XSAVE2), never less than KVM_GET_XSAVE has.
    std::size_t xsave_size() const { return xsave_size_; }

    // Thread: main, or holding the machine lock.
    void add(Vcpu& vcpu) { vcpus_.push_back(&vcpu); }
    void remove(Vcpu& vcpu) { std::erase(vcpus_, &vcpu); }
    const std::vector<Vcpu*>& vcpus() const { return vcpus_; }
    /// The kernel's vCPU of that id. It has that for the machine's life (api 4.7): one that is not used any more waits for
    /// the next CPU of its id. Nothing, and -errno in `result`.
    Descriptor take_vcpu(std::uint32_t id, int& result);
    void leave_vcpu(std::uint32_t id, Descriptor vcpu) { unused_vcpus_[id] = std::move(vcpu); }
    /// The registers of processor number `cpu`'s local APIC; null takes them away.
    void set_lapic(std::uint32_t cpu, LapicPage* page) { lapics_[cpu] = page; }
    LapicPage* lapic(std::uint32_t cpu) const {
        const auto found = lapics_.find(cpu);
        return found == lapics_.end() ? nullptr : found->second;
    }
    /// Runs `change` while no vCPU is in the guest.
    void with_guests_out(const std::function<void()>& change);

    /// The guest's paravirtual clock counts the machine's time: it stands while the machine does, and goes on from there in
    /// another process (api 4.29, 4.30).
    void stop_clock();
    void start_clock();

  private:
    bool set_addresses(Errors& errors);
    void hear_of_unknown_msrs();

    AcceleratorContext& context_;
    Options options_;
    System system_;
    Descriptor fd_;
    Refusals refusals_;
    GuestGate gate_;
    Interrupts interrupts_;
    DirtyRings dirty_rings_;
    std::function<int()> collect_rings_;
    HeldStores* held_stores_ = nullptr;
    std::vector<Vcpu*> vcpus_;
    std::map<std::uint32_t, LapicPage*> lapics_;
    std::map<std::uint32_t, Descriptor> unused_vcpus_;
    std::size_t xsave_size_ = sizeof(kvm_xsave);
    std::optional<std::uint64_t> clock_;  ///< ns, while it stands
};

}  // namespace backplane::kvm
