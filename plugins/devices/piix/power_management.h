// The power management function of the PIIX4: ACPI registers, APM ports, SMBus host controller.
//
// Follows Intel, "82371AB PCI-TO-ISA / IDE XCELERATOR (PIIX4)", 290562-001, chapter 7. General-purpose events stand in a
// block of their own at AFE0h, as the boards' tables say. Not modelled: device monitors and their SMIs (the registers
// keep what is written), clock control, thermal events, S1 and S2.
#pragma once

#include "acpi_registers.h"
#include "pci_hot_plug.h"
#include "smbus_host.h"

#include <backplane/acpi.h>
#include <backplane/pci.h>
#include <backplane/power.h>
#include <backplane/sleep.h>

namespace backplane::piix {

class PowerManagement final : public DeviceBase,
                              public PowerButton,
                              public SleepControl,
                              public AcpiEvents,
                              public PciHotPlugNumbers,
                              private AcpiOwner,
                              private PciConfigObserver {
  public:
    explicit PowerManagement(Object& object);

    bool realize(Errors& errors) override;
    void unrealize() override;
    void reset(ResetPhase phase) override;
    bool after_load(Errors& errors) override;
    void press() override;
    bool can_sleep() const override { return !disable_s3_; }
    bool wakes_on(WakeCause cause) const override;
    void woke(WakeCause cause) override;
    void raise(unsigned event) override { acpi_.raise_gpe(event); }
    int number_of(const PciBus& bus) const override { return hot_plug_ports_.number_of(bus); }

    // Properties
    std::uint32_t smbus_base_ = 0;
    std::uint8_t disable_s3_ = 0;
    std::uint8_t disable_s4_ = 0;
    std::uint8_t s4_type_ = 0;
    bool smm_enabled_ = false;
    bool hot_plug_ = true;
    bool hot_plug_behind_ = true;  ///< of bridges

  private:
    /// Ports B2h and B3h: APMC and APMS (7.4).
    class ApmPorts final : public IoHandler {
      public:
        explicit ApmPorts(PowerManagement& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned, Access&) override { return owner_.apm_[offset.value]; }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

      private:
        PowerManagement& owner_;
    };
    /// The SMBus controller's registers, after each of which its interrupt may change.
    class SmbusPorts final : public IoHandler {
      public:
        explicit SmbusPorts(PowerManagement& owner) : owner_(owner) {}
        std::uint64_t read(Offset offset, unsigned size, Access& access) override {
            return owner_.smbus_.read(offset, size, access);
        }
        void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override {
            owner_.smbus_.write(offset, value, size, access);
            if (!access.debug()) owner_.update_interrupt();
        }

      private:
        PowerManagement& owner_;
    };
    /// A block of ports that the guest places.
    struct Block {
        MemoryRegion* region = nullptr;
        unsigned base = 0;
        bool mapped = false;
    };

    void sci_changed(bool level) override;
    void sleep_entered(unsigned type) override;
    void config_reading(unsigned, unsigned, const Access&) override {}
    void config_written(unsigned offset, unsigned size, const Access& access) override;
    bool make_blocks(MemoryRegion& ports, Errors& errors);
    void place(Block& block, unsigned base, bool enabled);
    void place_blocks();
    void update_interrupt();
    void apm_command(std::uint8_t command);

    Object& object_;
    DeviceContext& context_;
    Wire& interrupt_;
    Wire& smi_;
    MachineSleep& machine_sleep_;
    PciDevice* pci_ = nullptr;
    AcpiRegisters acpi_;
    SmbusHost smbus_;
    PciHotPlugPorts hot_plug_ports_;
    ApmPorts apm_ports_{*this};
    SmbusPorts smbus_ports_{*this};
    Block acpi_block_;
    Block smbus_block_;
    std::uint8_t apm_[2] = {};
    bool sci_ = false;
    bool started_ = false;  ///< was reset once: what bridges there are is known
};

}  // namespace backplane::piix
