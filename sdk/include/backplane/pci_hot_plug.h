// PCI buses whose devices come and go through a chip of the board's, as its tables tell guests of them.
#pragma once

#include <backplane/pci.h>

namespace backplane {

/// Offered by the chip that is PciHotPlug of such buses. Thread: main, or holding the machine lock.
class PciHotPlugNumbers {
  public:
    static constexpr const char* kId = "backplane.pci-hot-plug-numbers/1";
    /// By which number guests choose the bus in the chip's registers; -1: it is none of its buses.
    virtual int number_of(const PciBus& bus) const = 0;

  protected:
    ~PciHotPlugNumbers() = default;
};

}  // namespace backplane
