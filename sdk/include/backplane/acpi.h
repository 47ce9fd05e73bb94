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

/// Offered by a board that has such tables, to those who bring whole ones. Thread: main, before the machine runs.
class AcpiTableList {
  public:
    static constexpr const char* kId = "backplane.acpi-table-list/1";
    /// A table with its header (ACPI 6.4, 5.2.6), which is copied; firmware is told of it as of the board's own.
    virtual bool add_acpi_table(Bytes table, Errors& errors) = 0;

  protected:
    ~AcpiTableList() = default;
};

}  // namespace backplane
