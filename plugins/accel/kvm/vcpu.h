// One vCPU: its way into the guest and out of it.
//
// vcpu.cpp has what its thread does, exits.cpp what the guest left for, injection.cpp how interrupts get in while the
// machine's chips are devices, guest_debug.cpp what debuggers do.
#pragma once

#include "guest_debug.h"
#include "registers.h"
#include "vm.h"

#include <backplane/draft/debug.h>
#include <lib/vcpu_thread.h>

namespace backplane::kvm {

class Vcpu final : public VcpuThread {
  public:
    /// Made and stopped. Null and a reason.
    static std::unique_ptr<Vcpu> create(Vm& vm, Cpu& cpu, x86::Processor& processor, Errors& errors);
    ~Vcpu();

    // ---- the accelerator's side. Thread: main
    /// Both take effect with the next start. Without a listener nothing stops.
    void set_debug(std::shared_ptr<const DebugPoints> points, DebugListener* listener);
    void set_resume(DebugResume how);

    // ---- for GuestGate
    bool in_guest() const { return in_guest_.load(std::memory_order_seq_cst); }
    void push_out() override;

    const Descriptor& fd() const { return fd_; }

    // ---- for x86::PortRegisters. Thread: its own, in the middle of an access to a port
    std::uint64_t* open_registers() { return registers_->open_general(); }
    void close_registers() {
        if (const std::string why = registers_->close_general(); !why.empty()) fail(why);
    }
    const x86::Processor& processor() const { return processor_; }
    std::uint64_t tsc_frequency() const;

  private:
    Vcpu(Vm& vm, Cpu& cpu, x86::Processor& processor);
    bool open(Errors& errors);
    bool set_cpuid(Errors& errors);
    bool set_tsc_frequency(Errors& errors);
    void set_feature_msrs();
    bool set_hyperv(Errors& errors);

    // ---- vcpu.cpp
    void thread_begins() override;
    void run_ends() override { pull(); }
    void run_guest() override;
    bool waits() const override;
    bool wakes() const override;
    void state_was_changed() override;
    void work_begins() override { pull(); }
    void work_ends() override { changed_ = true; }
    void work_inside(void (*work)(void* data), void* data) override;
    int enter();
    void pull();
    void push();
    void finish_exit();
    void fail(const std::string& message);

    // ---- guest_debug.cpp
    void tell_debug();
    void debug_exit();
    void stop_for_debugger(const DebugStop& stop);

    // ---- injection.cpp
    void take_requests() override;
    void inject();
    bool nmi_is_let_through();
    void write_task_priority();
    void read_task_priority();
    void tell_local_apic();
    void local_apic_accessed();

    // ---- exits.cpp
    void handle_exit();
    void port_io();
    void memory_io();
    void halt();
    void end_of_interrupt();
    void hyperv_exit();
    void system_event();
    void unknown_msr(const char* what);
    void ring_full();
    void internal_error();

    Vm& vm_;
    x86::Processor& processor_;
    x86::X86State& state_;
    Descriptor fd_;
    std::uint32_t id_ = 0;    ///< the kernel's
    kvm_run* run_ = nullptr;  ///< mapped
    std::unique_ptr<RegisterSync> registers_;

    // ---- the vCPU's thread only
    bool complete_ = true;     ///< X86State has all that the kernel has
    bool changed_ = true;      ///< X86State has what the kernel does not have
    bool restarted_ = true;    ///< after a reset or a load
    bool unfinished_ = false;  ///< the kernel finishes the last exit's instruction when it is entered again
    bool debugged_ = false;    ///< the kernel has debug registers of ours
    bool debug_refused_ = false;
    int handed_ = -1;  ///< with local APICs in the kernel: a vector that it has and did not take yet
    std::uint8_t task_priority_ = 0;  ///< CR8 as the local APIC has it
    std::uint64_t apic_base_ = 0;     ///< the same of IA32_APIC_BASE

    std::atomic<bool> in_guest_{false};

    // Set while it stands, and by its thread.
    std::shared_ptr<const DebugPoints> debug_points_;
    DebugListener* debug_listener_ = nullptr;
    DebugResume resume_ = DebugResume::Run;
    bool debug_changed_ = false;
};

}  // namespace backplane::kvm
