// The ports through which a guest's ACPI code hears of PCI devices that come and go: 24 bytes of 32-bit registers.
//
// Follows docs/specs/acpi_pci_hotplug of QEMU, whose tables are those that guests have. Not modelled: buses behind
// bridges, and acpi-index.
#pragma once

#include "acpi_registers.h"

#include <backplane/pci.h>

namespace backplane::piix {

class PciHotPlugPorts final : public IoHandler, public PciHotPlug {
  public:
    static constexpr std::uint64_t kSize = 0x18;
    static constexpr IoTraits kTraits{.maximum = 4};

    PciHotPlugPorts(DeviceContext& context, AcpiRegisters& acpi);
    void set_bus(PciBus* bus) { bus_ = bus; }

    void device_plugged(unsigned slot) override;
    void unplug_requested(unsigned slot) override;

    std::uint64_t read(Offset offset, unsigned size, Access& access) override;
    void write(Offset offset, std::uint64_t value, unsigned size, Access& access) override;

  private:
    std::uint32_t removable() const;
    void eject(std::uint32_t slots);

    AcpiRegisters& acpi_;
    PciBus* bus_ = nullptr;
    std::uint32_t up_ = 0;    ///< slots with new devices
    std::uint32_t down_ = 0;  ///< slots that are asked to be empty
    std::uint32_t selected_bus_ = 0;
};

}  // namespace backplane::piix
