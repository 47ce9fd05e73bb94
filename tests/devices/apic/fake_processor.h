// A processor that writes down what chips ask of it. A type of a plugin of the tests: "fake-x86-processor".
#pragma once

#include <backplane/x86.h>

#include <vector>

namespace backplane::testing {

class FakeProcessor final : public x86::ProcessorControl, public x86::TimeStampCounter {
  public:
    explicit FakeProcessor(Object&) {}

    std::uint32_t index() const override { return index_; }
    std::uint32_t apic_id() const override { return apic_id_; }
    bool bootstrap() const override { return index_ == 0; }
    void set_interrupt(int level) override { interrupt = level; }
    void raise_nmi() override { ++nmis; }
    void raise_smi() override { ++smis; }
    void raise_init() override { ++inits; }
    void start_up(std::uint8_t vector) override { start_ups.push_back(vector); }
    void set_a20(int) override {}
    void set_local_apic(x86::LocalApic* apic) override { local_apic = apic; }
    void set_interrupt_controller(x86::InterruptAcknowledge*) override {}
    /// Its counter runs at 2 GHz.
    std::uint64_t time_of(std::uint64_t value) const override { return value / 2; }

    int interrupt = 0;
    unsigned nmis = 0, smis = 0, inits = 0;
    std::vector<std::uint8_t> start_ups;
    x86::LocalApic* local_apic = nullptr;
    std::uint32_t index_ = 0;
    std::uint32_t apic_id_ = 0;
};

}  // namespace backplane::testing
