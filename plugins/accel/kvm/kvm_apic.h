// "kvm-apic-bus" and "kvm-apic": the kernel's local APICs in place of "apic-bus" and "apic".
//
// The kernel gives each processor its own registers at 0xfee00000; what devices write there is a message, which it delivers.
#pragma once

#include "chips.h"

#include <backplane/x86.h>

namespace backplane::kvm {

class KvmApicBus final : public DeviceBase, public IoHandler, public x86::ApicBus {
  public:
    explicit KvmApicBus(Object& object) : context_(device_context(object)) {}
    bool realize(Errors& errors) override;

    std::uint64_t read(Offset, unsigned, Access&) override { return 0; }
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

    // ApicBus. Ends of interrupts stay in the kernel: no listener is called.
    void set_local_apic(std::uint32_t, x86::LocalApic*) override {}
    void send(const x86::InterruptMessage& message) override;
    void send_to_all(const x86::InterruptMessage& message, const x86::LocalApic* but) override;
    void end_of_interrupt(std::uint8_t) override {}
    void add_listener(x86::EndOfInterrupt&) override {}
    void remove_listener(x86::EndOfInterrupt&) override {}

  private:
    DeviceContext& context_;
    Vm* vm_ = nullptr;
};

class KvmApic final : public DeviceBase, public LapicPage {
  public:
    static const PropertyInfo kProperties[3];

    explicit KvmApic(Object& object);
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;

    // LapicPage
    void to_kernel(kvm_lapic_state& page) const override;
    void from_kernel(const kvm_lapic_state& page) override;
    std::uint64_t& base() override { return base_; }
    std::uint64_t& deadline() override { return deadline_; }

    Object* processor_object_ = nullptr;
    x86::ApicBus* bus_ = nullptr;
    std::uint8_t version_ = 0x14;

  private:
    static constexpr unsigned kVectors = 6, kWords = 8;

    void lint_changed(unsigned pin, int level);
    std::uint64_t divisor() const;

    DeviceContext& context_;
    InputOf<&KvmApic::lint_changed> lint_inputs_{*this};
    x86::ProcessorControl* processor_ = nullptr;
    Vm* vm_ = nullptr;

    std::uint64_t base_ = 0;
    std::uint8_t task_priority_ = 0;
    std::uint32_t logical_destination_ = 0, destination_format_ = 0, spurious_ = 0;
    std::uint32_t error_status_ = 0, new_errors_ = 0, command_low_ = 0, command_high_ = 0;
    std::uint32_t lvt_[kVectors] = {};  ///< timer, thermal, performance, LINT0, LINT1, error
    std::uint32_t requested_[kWords] = {}, in_service_[kWords] = {}, level_triggered_[kWords] = {};
    std::uint8_t lint_levels_[2] = {};
    bool external_message_ = false;
    std::uint32_t initial_count_ = 0, divide_ = 0;
    std::uint64_t started_ = 0;  ///< ns: when the count was the initial one
    std::uint64_t deadline_ = 0;
};

}  // namespace backplane::kvm
