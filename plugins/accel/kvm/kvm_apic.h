// "kvm-apic-bus" and "kvm-apic": the kernel's local APICs in place of "apic-bus" and "apic".
//
// The kernel gives each processor its own registers at 0xfee00000; what devices write there is a message, which it delivers.
#pragma once

#include "chips.h"

#include <backplane/interrupt_text.h>
#include <backplane/nmi.h>
#include <backplane/x86.h>
#include <atomic>
#include <lib/interrupt_chips.h>

namespace backplane::kvm {

class KvmApicBus final : public DeviceBase, public IoHandler, public x86::ApicBus {
  public:
    explicit KvmApicBus(Object& object) : context_(device_context(object)) {}
    bool realize(Errors& errors) override;

    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

    // ApicBus. Ends of interrupts come from the kernel, where the I/O APIC is not the kernel's as well.
    void set_local_apic(std::uint32_t, x86::LocalApic*) override {}
    void send(const x86::InterruptMessage& message) override;
    void send_to_all(const x86::InterruptMessage& message, const x86::LocalApic* but) override;
    void end_of_interrupt(std::uint8_t) override {}
    void pin_sends(unsigned pin, const x86::InterruptMessage* message) override {
        vm_->interrupts().pin_sends(pin, message);
    }
    void add_listener(x86::EndOfInterrupt& listener) override { vm_->interrupts().add(listener); }
    void remove_listener(x86::EndOfInterrupt& listener) override { vm_->interrupts().remove(listener); }

  private:
    DeviceContext& context_;
    Vm* vm_ = nullptr;
};

class KvmApic final : public DeviceBase,
                      public LapicPage,
                      public NmiInput,
                      public LocalApicView,
                      private chips::LocalApicRegisters,
                      private chips::ApicTimerRegisters {
  public:
    static const PropertyInfo kProperties[3];

    explicit KvmApic(Object& object);
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    void resume() override { tell_processor(); }

    // LapicPage
    void to_kernel(kvm_lapic_state& page) const override;
    void from_kernel(const kvm_lapic_state& page) override;
    std::uint64_t& base() override { return base_; }
    std::uint64_t& deadline() override { return deadline_; }
    bool take_lint1() override { return lint1_raised_.exchange(false); }

    void inject_nmi() override {
        lint_changed(1, 1);
        lint_changed(1, 0);
    }

    // LocalApicView
    const Object* processor() const override { return processor_object_; }
    bool x2apic() const override;
    std::uint32_t look(unsigned number) const override;

    Object* processor_object_ = nullptr;
    x86::ApicBus* bus_ = nullptr;
    std::uint8_t version_ = 0x14;

  private:
    void lint_changed(unsigned pin, int level);
    void tell_processor();
    std::uint32_t current_count() const;

    DeviceContext& context_;
    InputOf<&KvmApic::lint_changed> lint_inputs_{*this};
    x86::ProcessorControl* processor_ = nullptr;
    Vm* vm_ = nullptr;
    std::atomic<bool> lint1_raised_ = false;
};

}  // namespace backplane::kvm
