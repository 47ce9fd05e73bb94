// The Standard Hot-Plug Controller of a bridge: registers for the 31 slots behind it.
//
// Follows "PCI Standard Hot-Plug Controller and Subsystem Specification" 1.0: 4.2 (capability), 4.6 to 4.9 (registers and
// commands). Where a chip of the board's tells guests of devices that come and go (ACPI), this one follows with what its
// slots hold, and tells nobody. Not modelled: speeds beside 33 MHz, SERR, power faults, MRL sensors that say otherwise than
// whether somebody is there.
#pragma once

#include <backplane/device.h>
#include <backplane/pci.h>

namespace backplane {

class Shpc final : public IoHandler, public PciHotPlug {
  public:
    static constexpr std::uint64_t kSize = 0x100;  ///< of its BAR
    static constexpr IoTraits kTraits{.maximum = 4};

    /// The pin, or the message, of the bridge.
    class Owner {
      public:
        virtual void hot_plug_interrupt(bool level, bool again) = 0;

      protected:
        ~Owner() = default;
    };

    Shpc(StateTable& state, Owner& owner);
    /// At its BAR, and through the capability at `capability` of `pci`.
    bool join(PciDevice& pci, PciBus& behind, Errors& errors);
    void reset();
    void after_load();

    void config_reading(unsigned offset, unsigned size);
    void config_written(unsigned offset, unsigned size);

    // PciHotPlug
    void device_plugged(unsigned slot) override;
    void unplug_requested(unsigned slot) override;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    static constexpr unsigned kSlots = 31;
    static constexpr unsigned kRegisters = 9 + kSlots;  ///< of 32 bits

    std::uint32_t load(unsigned index) const;
    std::uint32_t load_slot(unsigned slot) const;
    void store(unsigned index, std::uint32_t value, std::uint32_t lanes);
    void store_slot(std::uint32_t& slot, std::uint32_t value, std::uint32_t lanes);
    void command(std::uint32_t code);
    std::uint32_t set_slot(unsigned slot, unsigned what);
    void let_go(unsigned slot);
    bool occupied(unsigned slot) const;
    std::uint32_t pending() const;
    void update_interrupt();

    Owner& owner_;
    PciDevice* pci_ = nullptr;
    PciBus* behind_ = nullptr;
    unsigned capability_ = 0;
    std::uint8_t select_ = 0;           ///< DWORD Select of the capability
    std::uint32_t command_status_ = 0;  ///< command, and its outcome above it
    std::uint32_t control_ = 0;         ///< SERR and interrupt enable
    std::uint32_t slots_[kSlots] = {};
    std::uint32_t told_ = 0;  ///< the interrupt locator when the bridge was last told
};

}  // namespace backplane
