// What joins local APICs, I/O APICs and devices with messages: the window at FEE00000h.
//
// Follows SDM 3A 11.11 (messages) and 11.6 (interprocessor interrupts). Among the lowest priorities the first processor is
// taken; there is no arbitration that could be seen.
#pragma once

#include <backplane/device.h>
#include <backplane/x86.h>

#include <vector>

namespace backplane::apic {

class ApicBusPart final : public DeviceBase, public x86::ApicBus, public IoHandler {
  public:
    explicit ApicBusPart(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

    void set_local_apic(std::uint32_t cpu, x86::LocalApic* apic) override;
    void send(const x86::InterruptMessage& message) override;
    void send_to_all(const x86::InterruptMessage& message, const x86::LocalApic* but) override;
    void end_of_interrupt(std::uint8_t vector) override;
    void pin_sends(unsigned, const x86::InterruptMessage*) override {}  // listeners hear of every end
    void add_listener(x86::EndOfInterrupt& listener) override { listeners_.push_back(&listener); }
    void remove_listener(x86::EndOfInterrupt& listener) override { std::erase(listeners_, &listener); }

  private:
    x86::LocalApic* local_apic(std::uint32_t cpu) const {
        return cpu < apics_.size() ? apics_[cpu] : nullptr;
    }

    DeviceContext& context_;
    std::vector<x86::LocalApic*> apics_;
    std::vector<x86::EndOfInterrupt*> listeners_;
};

}  // namespace backplane::apic
