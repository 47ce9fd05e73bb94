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

/// Four bytes of a table's body that firmware makes an address. Fixed.
struct AcpiTablePointer {
    std::uint32_t offset = 0;  ///< in the body
    Str file;                  ///< of the configuration device: where that begins in memory
};

/// A table of a device's own. Sized.
struct AcpiTable {
    std::uint32_t struct_size = sizeof(AcpiTable);
    Str signature;  ///< four letters
    std::uint8_t revision = 1;
    Str maker;   ///< its OEM table ID, at most eight letters; empty: as the board's tables have it
    Bytes body;  ///< what follows the header of 36 bytes
    Slice<const AcpiTablePointer> pointers{};
};

/// Takes what a device adds to a machine's tables; everything is copied. Owner: the board.
class AcpiTableWriter {
  public:
    virtual void add_table(const AcpiTable& table) = 0;
    /// Firmware puts a file of the configuration device into memory, at a multiple of `alignment`.
    virtual void load_file(Str file, std::uint32_t alignment) = 0;
    /// Firmware writes the address of byte `offset` of a file that was loaded to the first eight bytes of the file
    /// `to`, which guests can write to.
    virtual void report_address(Str to, Str file, std::uint32_t offset) = 0;

  protected:
    ~AcpiTableWriter() = default;
};

/// Offered by a device on whatever bus, or none. A board with ACPI tables asks whenever it writes them. Thread: main, or
/// holding the machine lock.
class AcpiTables {
  public:
    static constexpr const char* kId = "backplane.acpi-tables/1";
    virtual void add_acpi_tables(AcpiTableWriter& writer) = 0;

  protected:
    ~AcpiTables() = default;
};

/// Offered by the chip that has a machine's general-purpose events (ACPI 6.4, 4.8.4.1). Thread: holding the machine lock.
class AcpiEvents {
  public:
    static constexpr const char* kId = "backplane.acpi-events/1";
    /// Event `number`, as in the methods _GPE._Exx, happened. One that the chip has not is left out.
    virtual void raise(unsigned number) = 0;

  protected:
    ~AcpiEvents() = default;
};

}  // namespace backplane
