// A local APIC: what interrupts its processor, and what it sends to others.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" (SDM) volume 3A, chapter 11; section numbers
// in the code are its. The register file is registers.cpp's, the timer apic_timer.*'s. Not modelled: a page that moves (the
// base keeps what is written), the performance and thermal interrupts' sources, CMCI, focus processors, suppressed EOI
// broadcasts (the version register does not offer them).
#pragma once

#include "apic_timer.h"

#include <backplane/interrupt_text.h>
#include <backplane/nmi.h>
#include <backplane/x86.h>

#include <optional>

namespace backplane::apic {

using chips::kLvtCount, chips::LvtTimer, chips::LvtLint0, chips::LvtLint1, chips::LvtError;

namespace lvt {
inline constexpr std::uint32_t kVector = 0xff;
inline constexpr std::uint32_t kLevel = 1u << 15;
inline constexpr std::uint32_t kMasked = 1u << 16;
constexpr unsigned mode(std::uint32_t entry) { return entry >> 8 & 7; }
}  // namespace lvt

/// Delivery modes (11.5.1, 11.6.1).
enum Mode : unsigned { Fixed = 0, LowestPriority = 1, Smi = 2, Nmi = 4, Init = 5, StartUp = 6, External = 7 };

class LocalApicPart final : public DeviceBase,
                            public x86::LocalApic,
                            public NmiInput,
                            public LocalApicView,
                            private ApicTimer::Owner,
                            private chips::LocalApicRegisters {
  public:
    explicit LocalApicPart(Object& object);

    // Device
    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    /// Its processor may have had another local APIC, which interrupted it by itself.
    void resume() override { update(); }

    // x86::LocalApic
    std::uint32_t id() const override { return id_; }
    int acknowledge() override;
    std::uint8_t task_priority() const override { return task_priority_ >> 4; }
    void set_task_priority(std::uint8_t cr8) override;
    std::uint64_t base() const override { return base_; }
    bool set_base(std::uint64_t value) override;
    bool read_msr(std::uint32_t index, std::uint64_t& value) override;
    bool write_msr(std::uint32_t index, std::uint64_t value) override;
    void init() override;
    std::uint32_t read_register(std::uint32_t offset, Access& access) override;
    void write_register(std::uint32_t offset, std::uint32_t value, Access& access) override;
    bool matches(std::uint32_t destination, bool logical) const override;
    unsigned arbitration_priority() const override;
    void deliver(unsigned mode, std::uint8_t vector, bool level_triggered) override;

    /// LINT1 is where it comes in.
    void inject_nmi() override {
        lint_changed(1, 1);
        lint_changed(1, 0);
    }

    // LocalApicView
    const Object* processor() const override { return processor_object_; }
    bool x2apic() const override;
    std::uint32_t look(unsigned number) const override { return get(number).value_or(0); }

    // Properties
    Object* processor_object_ = nullptr;
    x86::ApicBus* bus_ = nullptr;
    std::uint32_t id_ = 0;
    std::uint8_t version_ = 0;

  private:
    // registers.cpp: the register file by number (offset / 16, MSR - 0x800), as both ways to it share it.
    std::optional<std::uint32_t> get(unsigned number) const;
    bool set(unsigned number, std::uint32_t value);
    void set_spurious(std::uint32_t value);
    void set_lvt(unsigned index, std::uint32_t value);
    void set_error_status();
    bool set_x2apic(unsigned number, std::uint64_t value);
    void error(std::uint32_t bit);

    bool enabled() const;           ///< IA32_APIC_BASE
    bool software_enabled() const;  ///< SVR
    std::uint32_t logical_id() const;
    bool matches_logical(std::uint32_t destination) const;
    std::uint8_t processor_priority() const;
    bool deliverable(int vector) const;
    bool external_pending() const;
    void request(std::uint8_t vector, bool level_triggered);
    void raise_lvt(unsigned index);
    void lint_changed(unsigned pin, int level);
    void end_of_interrupt();
    void send_command(std::uint32_t command, std::uint32_t destination);
    void update();

    void timer_expired() override { raise_lvt(LvtTimer); }

    DeviceContext& context_;
    InputOf<&LocalApicPart::lint_changed> lint_inputs_{*this};
    x86::ProcessorControl* processor_ = nullptr;
    x86::TimeStampCounter* tsc_ = nullptr;
    ApicTimer timer_;
};

}  // namespace backplane::apic
