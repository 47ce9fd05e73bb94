// The ACPI tables of the board.
#pragma once

#include "map.h"

#include <backplane/acpi.h>
#include <backplane/floppy.h>
#include <backplane/numa_performance.h>

#include <cstdint>
#include <string>
#include <vector>

namespace backplane::acpi {
class TableFile;
}

namespace backplane::pc {

/// Structures that have a local APIC's id in a byte go up to here.
inline constexpr std::uint32_t kLargestXapicId = 254;

/// A node of a machine with non-uniform memory.
struct AcpiNode {
    struct Memory {
        std::uint64_t base = 0, size = 0;  ///< bytes
    };
    std::vector<Memory> memory;
    std::vector<std::uint8_t> distances;  ///< to each node; empty: nobody gave any
    std::uint32_t initiator = NumaPerformance::kNone;
};

/// The sleep states beside S0 and S5, and what systems write to SLP_TYP for them.
struct AcpiSleep {
    static constexpr std::uint8_t kToRam = 1, kOff = 0;
    bool to_ram = true, to_disk = true;
    std::uint8_t disk_type = 2;
};

/// What devices add to the tables.
class AcpiAdditions final : public AcpiTableWriter {
  public:
    void add_table(const AcpiTable& table) override;
    void load_file(Str file, std::uint32_t alignment) override;
    void report_address(Str to, Str file, std::uint32_t offset) override;
    /// Returns the tables' offsets.
    std::vector<std::uint32_t> write(acpi::TableFile& file) const;

  private:
    struct Table {
        std::string signature, maker;
        std::uint8_t revision;
        std::vector<std::uint8_t> body;
        std::vector<std::pair<std::uint32_t, std::string>> pointers;
    };
    struct Report {
        std::string to, file;
        std::uint32_t offset;
    };
    std::vector<Table> tables_;
    std::vector<std::pair<std::string, std::uint32_t>> files_;
    std::vector<Report> reports_;
};

struct AcpiProcessor {
    std::uint32_t apic_id = 0;
    bool there = true;
};

/// A PCI function of the root bus to which its user gave a number.
struct AcpiIndex {
    std::uint8_t device = 0, function = 0;
    std::uint32_t index = 0;
};

/// A bridge behind which devices come and go, and the bridges on its bus.
struct AcpiBridge {
    std::uint8_t device = 0, function = 0;
    unsigned bus = 0;  ///< by which guests choose it (PciHotPlugNumbers)
    std::vector<AcpiBridge> behind;
};

/// What the tables tell.
struct AcpiContents {
    std::vector<AcpiProcessor> processors;           ///< all that there may be
    bool processor_bitmap = false;                   ///< guests have that alone to hear of new ones
    std::uint32_t memory_slots = 0;                  ///< for memory modules
    std::uint64_t module_base = 0, module_room = 0;  ///< bytes: where they may lie
    bool hpet = true;
    bool i8042 = true;
    FloppyGeometry floppies[kFloppyDrives];
    bool rtc = true;
    bool fw_cfg = true;
    bool pci_hot_plug = false;
    std::vector<AcpiIndex> indices;
    std::vector<AcpiBridge> bridges;  ///< on the root bus
    AcpiSleep sleep;
    std::vector<std::uint8_t> isa_terms;  ///< of devices on the ISA bus that tell themselves
    AcpiAdditions additions;
    std::uint32_t pm_base = 0x600;                         ///< as firmware programmed it
    std::uint64_t hole_start = 0;                          ///< what goes to PCI below 4 GiB
    std::uint64_t hole_end = 0xfebfffff;                   ///< its last byte
    std::uint64_t high_hole_start = 0, high_hole_end = 0;  ///< above 4 GiB; end 0: none
    std::vector<AcpiNode> nodes;                           ///< empty: memory is uniform
    bool hmat = false;                                     ///< guests are told how fast the nodes' memory is
    std::vector<MemoryPerformance> performances;
    std::vector<MemorySideCache> side_caches;
    std::vector<std::uint32_t> node_of_cpu;  ///< of each possible one
    std::vector<std::vector<std::uint8_t>> user_tables;
    std::uint32_t pci_root_uid = 0;
    std::uint32_t fw_cfg_ports = 12;  ///< without DMA 2
    std::string oem_id = "BOCHS ", oem_table = "BXPC    ";
};

/// The files "etc/acpi/tables", "etc/acpi/rsdp", "etc/table-loader".
struct AcpiFiles {
    std::vector<std::uint8_t> tables, rsdp, loader;
};
AcpiFiles make_acpi(const AcpiContents& contents);

/// A processor's entry in the MADT, which its _MAT gives as well.
std::vector<std::uint8_t> local_apic(std::uint32_t uid, const AcpiProcessor& processor);

/// The tables of a machine with nodes.
std::uint32_t add_srat(acpi::TableFile& file, const AcpiContents& contents);
std::uint32_t add_slit(acpi::TableFile& file, const AcpiContents& contents);
std::uint32_t add_hmat(acpi::TableFile& file, const AcpiContents& contents);

}  // namespace backplane::pc
