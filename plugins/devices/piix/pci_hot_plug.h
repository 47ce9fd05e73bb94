// The ports through which a guest's ACPI code hears of PCI devices that come and go: 24 bytes of 32-bit registers, for the bus
// that one of them chooses.
//
// Follows docs/specs/acpi_pci_hotplug of QEMU, whose tables are those that guests have. Not modelled: acpi-index.
#pragma once

#include "acpi_registers.h"

#include <backplane/pci_hot_plug.h>

#include <vector>

namespace backplane::piix {

class PciHotPlugPorts final : public IoHandler, public PciHotPlugNumbers {
  public:
    static constexpr std::uint64_t kSize = 0x18;
    static constexpr IoTraits kTraits{.maximum = 4};

    PciHotPlugPorts(DeviceContext& context, AcpiRegisters& acpi);
    /// Bus 0 is the root, which has slots of its own if it `comes_and_goes`.
    void set_root(PciBus& bus, bool comes_and_goes);
    /// The buses behind bridges that are there now get the numbers from 1 on, in the order of their places. Once; they stay.
    void add_buses_behind(Object& machine);

    int number_of(const PciBus& bus) const override;
    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    static constexpr unsigned kBuses = 32;
    class Slots final : public PciHotPlug {
      public:
        void device_plugged(unsigned slot) override;
        void unplug_requested(unsigned slot) override;
        std::uint32_t removable() const;
        void eject(std::uint32_t slots);

        AcpiRegisters* acpi = nullptr;
        PciBus* bus = nullptr;   ///< null: there is none of this number
        std::uint32_t up = 0;    ///< slots with new devices
        std::uint32_t down = 0;  ///< slots that are asked to be empty
    };
    struct Bridge {
        PciDevice* function;
        PciForwarder* forwarder;
    };

    static bool has_bridges(const void* ports) {
        return static_cast<const PciHotPlugPorts*>(ports)->count_ > 1;
    }
    void add_behind(PciBus& bus, const std::vector<Bridge>& bridges);

    Slots buses_[kBuses];
    unsigned count_ = 1;
    std::uint32_t selected_bus_ = 0;
};

}  // namespace backplane::piix
