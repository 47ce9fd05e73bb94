// How a device says in a machine's ACPI tables what its guest cannot find by itself.
#pragma once

#include <backplane/abi.h>

namespace backplane {

/// Offered by a device. A board with such tables asks each one on a bus that it describes, whenever it writes them.
/// Thread: main, or holding the machine lock.
class AcpiDevice {
  public:
    static constexpr const char* kId = "backplane.acpi-device/1";
    /// Terms of ACPI Machine Language that stand in the scope of the device's bus. Valid until the next call.
    virtual Bytes acpi_terms() = 0;

  protected:
    ~AcpiDevice() = default;
};

}  // namespace backplane
