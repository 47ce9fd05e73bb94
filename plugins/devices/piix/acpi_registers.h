// The ACPI register blocks: PM1 event and control, PM timer, GPE0. No bus, no addresses.
//
// Follows "Advanced Configuration and Power Interface Specification" 6.5, 4.8.3 (PM1, PM_TMR) and 4.8.4.1 (GPE). Not
// modelled: PM2, P_BLK, BM_RLD, and SMI in place of SCI.
#pragma once

#include <backplane/device.h>

namespace backplane::piix {

/// Who hears what comes of the registers.
class AcpiOwner {
  public:
    virtual void sci_changed(bool level) = 0;
    /// SLP_EN was written; `type` is SLP_TYPx, 0–7.
    virtual void sleep_entered(unsigned type) = 0;

  protected:
    ~AcpiOwner() = default;
};

/// Thread: holding the machine lock.
class AcpiRegisters {
  public:
    // PM1_STS and PM1_EN (4.8.3.1)
    static constexpr std::uint16_t kPowerButton = 1 << 8;
    static constexpr std::uint16_t kClock = 1 << 10;
    static constexpr std::uint16_t kWake = 1 << 15;

    AcpiRegisters(DeviceContext& context, AcpiOwner& owner);

    void reset() { schedule(); }
    void after_load() { schedule(); }
    /// A fixed event happened: PM1_STS bits.
    void raise(std::uint16_t events);
    /// General-purpose event `number`, 0–15, happened.
    void raise_gpe(unsigned number);
    void set_sci_enabled(bool enabled);
    bool enabled(std::uint16_t event) const { return (enable_ & event) != 0; }

    IoHandler& event_block() { return event_; }
    IoHandler& control_block() { return control_; }
    IoHandler& timer_block() { return timer_; }
    IoHandler& gpe_block() { return gpe_; }

    static constexpr IoTraits kByteTraits{.maximum = 4, .implemented_max = 1, .unaligned = true};
    static constexpr IoTraits kTimerTraits{.maximum = 4, .implemented_min = 4, .implemented_max = 4};

  private:
    template <std::uint8_t (AcpiRegisters::*Read)(unsigned),
              void (AcpiRegisters::*Write)(unsigned, std::uint8_t)>
    class Block final : public IoHandler {
      public:
        explicit Block(AcpiRegisters& registers) : registers_(registers) {}
        std::uint64_t read(Offset offset, unsigned, Access&) override {
            return (registers_.*Read)(unsigned(offset.value));
        }
        void write(Offset offset, std::uint64_t value, unsigned, Access& access) override {
            if (!access.debug()) (registers_.*Write)(unsigned(offset.value), std::uint8_t(value));
        }

      private:
        AcpiRegisters& registers_;
    };
    class TimerBlock final : public IoHandler {
      public:
        explicit TimerBlock(AcpiRegisters& registers) : registers_(registers) {}
        std::uint64_t read(Offset, unsigned, Access&) override;
        void write(Offset, std::uint64_t, unsigned, Access&) override {}

      private:
        AcpiRegisters& registers_;
    };
    std::uint8_t read_event(unsigned offset);
    void write_event(unsigned offset, std::uint8_t value);
    std::uint8_t read_control(unsigned offset);
    void write_control(unsigned offset, std::uint8_t value);
    std::uint8_t read_gpe(unsigned offset);
    void write_gpe(unsigned offset, std::uint8_t value);

    std::uint64_t ticks() const;
    std::uint16_t status() const;
    void timer_carried() { update(); }
    void schedule();
    void update();

    DeviceContext& context_;
    AcpiOwner& owner_;
    Block<&AcpiRegisters::read_event, &AcpiRegisters::write_event> event_{*this};
    Block<&AcpiRegisters::read_control, &AcpiRegisters::write_control> control_{*this};
    Block<&AcpiRegisters::read_gpe, &AcpiRegisters::write_gpe> gpe_{*this};
    TimerBlock timer_{*this};
    OwnedTimer<&AcpiRegisters::timer_carried> carry_timer_{*this};

    std::uint16_t status_ = 0;  ///< PM1_STS without TMR_STS
    std::uint16_t enable_ = 0;
    std::uint16_t control_value_ = 0;
    std::uint16_t gpe_status_ = 0;
    std::uint16_t gpe_enable_ = 0;
    std::uint64_t carry_tick_ = 0;  ///< TMR_STS is set from this tick on
};

}  // namespace backplane::piix
