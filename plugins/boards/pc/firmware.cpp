// The firmware's ROM, and what it finds in the CMOS memory and in the firmware configuration device.
//
// CMOS bytes as firmware of PCs reads them: the IBM PC/AT Technical Reference's map, and "CMOS memory map" of Ralf
// Brown's interrupt list for those behind it (30h, 34h, 5Bh and further: sizes of RAM).
#include "acpi.h"
#include "board.h"

#include <backplane/acpi.h>
#include <backplane/ata.h>
#include <backplane/bus.h>
#include <backplane/cmos.h>
#include <backplane/floppy.h>
#include <backplane/isa.h>
#include <backplane/pci_hot_plug.h>
#include <backplane/text.h>
#include <backplane/x86.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace backplane::pc {
namespace {

constexpr const char* kFirmwareFile = "bios-256k.bin";
constexpr std::uint64_t kFirmwareUnit = 64 << 10;

// e820 types (ACPI 6.4, table 15.4).
constexpr std::uint32_t kRam = 1;
constexpr std::uint32_t kReserved = 2;

struct MapEntry {
    std::uint64_t address;
    std::uint64_t size;
    std::uint32_t type;
};

template <class T>
void put(std::vector<std::uint8_t>& bytes, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) bytes.push_back(std::uint8_t(value >> 8 * i));
}

}  // namespace

bool PcBoard::load_firmware(BoardContext& context, Errors& errors) {
    MemoryRegion& pci = query<PcHostBridge>(chip("i440fx"))->pci_memory();
    MemoryRegion* roms = context.memory().rom("pc.rom", kOptionRomsSize, errors);
    return find_flash_images(context, errors) && roms &&
           (flashes_[0] ? build_flashes(context, pci, errors) : load_rom(context, pci, errors)) &&
           pci.add(*roms, Offset(kOptionRoms), 1, errors);
}

/// The ROM ends at 4 GiB; its last 128 KiB are also seen below 1 MiB, where the processor's first jump goes.
bool PcBoard::load_rom(BoardContext& context, MemoryRegion& pci, Errors& errors) {
    const std::string file = firmware_.empty() ? kFirmwareFile : firmware_;
    BoardPropertyErrors named(errors, "firmware");
    Bytes bytes;
    if (!context.read_file(file, true, kLargestFirmware, bytes, named)) return false;
    if (bytes.size == 0 || bytes.size % kFirmwareUnit != 0) {
        named.fail("firmware '" + file + "' has " + std::to_string(bytes.size) +
                   " bytes; a PC's is a multiple of 64 KiB");
        return false;
    }
    MemoryRegion* bios = context.memory().rom("pc.bios", bytes.size, errors);
    if (!bios) return false;
    std::memcpy(bios->bytes().data, bytes.data, bytes.size);
    bios->bytes_changed(Offset(0), bytes.size);
    const std::uint64_t tail = std::min<std::uint64_t>(bytes.size, kIsaBiosSize);
    MemoryRegion& isa = context.memory().alias("isa-bios", *bios, Offset(bytes.size - tail), tail);
    return pci.add(*bios, Offset(kFourGibibytes - bios->size()), 0, errors) &&
           pci.add(isa, Offset(kMebibyte - tail), 1, errors);
}

bool PcBoard::fill_cmos(Errors& errors) {
    auto* cmos = query<Cmos>(chip("rtc"));
    if (!cmos) {
        errors.fail("the clock has no CMOS memory");
        return false;
    }
    const auto word = [cmos](unsigned index, std::uint64_t value) {
        cmos->set_byte(index, std::uint8_t(value));
        cmos->set_byte(index + 1, std::uint8_t(value >> 8));
    };
    constexpr std::uint64_t kKibibyte = 1024;
    constexpr std::uint64_t kMost = 0xffff;
    constexpr std::uint64_t k16Mebibytes = 16 * kMebibyte;
    constexpr std::uint64_t kLowKibibytes = 640;
    const auto above = [this](std::uint64_t start) { return low_ram_ > start ? low_ram_ - start : 0; };
    const std::uint64_t extended = std::min(above(kMebibyte) / kKibibyte, kMost);
    word(0x15, std::min(low_ram_ / kKibibyte, kLowKibibytes));
    word(0x17, extended);
    word(0x30, extended);
    word(0x34, std::min(above(k16Mebibytes) / kFirmwareUnit, kMost));
    const std::uint64_t high = high_ram_ / kFirmwareUnit;
    word(0x5b, high);
    cmos->set_byte(0x5d, std::uint8_t(high >> 16));
    constexpr std::uint8_t kCoprocessor = 0x02, kMouse = 0x04;
    cmos->set_byte(0x14, std::uint8_t(kCoprocessor | (i8042_ ? kMouse : 0)));
    auto& floppies = *query<FloppyDrives>(chip("fdc"));
    cmos->set_byte(0x10, std::uint8_t(floppies.floppy_geometry(0).cmos_type << 4 |
                                      floppies.floppy_geometry(1).cmos_type));
    fill_disks(*cmos);
    write_drive_order(drives_);
    return true;
}

/// Of the first channel's disks the kind and the geometry, of all what firmware makes of it.
void PcBoard::fill_disks(Cmos& cmos) {
    const auto& disks = *query<AtaDisks>(chip("piix3-ide"));
    constexpr unsigned kFirstChannel = 2, kEveryDisk = 4;
    constexpr std::uint8_t kOwnKind = 47;  // of those that have their geometry beside it
    std::uint8_t kinds = 0, translations = 0;
    for (unsigned index = 0; index < kEveryDisk; ++index) {
        const AtaGeometry disk = disks.disk_geometry(index);
        if (disk.cylinders == 0) continue;
        translations = std::uint8_t(translations | unsigned(disk.translation) << 2 * index);
        if (index >= kFirstChannel) continue;
        kinds = std::uint8_t(kinds | (index == 0 ? 0xf0 : 0x0f));
        cmos.set_byte(0x19 + index, kOwnKind);
        const auto low = std::uint8_t(disk.cylinders), high = std::uint8_t(disk.cylinders >> 8);
        const std::uint8_t control = std::uint8_t(0xc0 | (disk.heads > 8 ? 0x08 : 0));
        // Cylinders, heads, no write precompensation, control, the landing zone, sectors.
        const std::uint8_t parameters[] = {low, high, std::uint8_t(disk.heads),  0xff, 0xff, control,
                                           low, high, std::uint8_t(disk.sectors)};
        for (unsigned i = 0; i < sizeof parameters; ++i)
            cmos.set_byte(0x1b + unsigned(sizeof parameters) * index + i, parameters[i]);
    }
    cmos.set_byte(0x12, kinds);
    cmos.set_byte(0x39, translations);
}

bool PcBoard::fill_fw_cfg(BoardContext& context, Errors& errors) {
    FwCfg& fw_cfg = *query<FwCfg>(chip("fw_cfg"));
    constexpr std::uint16_t kIrq0Override = std::uint16_t(FwCfgKey::ArchitectureLocal) + 2;
    const std::uint64_t ram = context.ram().size();
    // As many APIC ids as there may be.
    const auto most = std::uint16_t(processors_.apic_id(processors_.count() - 1) + 1);
    constexpr std::uint8_t kWaitForEver[] = {0xff, 0xff, 0xff, 0xff};
    constexpr std::uint8_t kOn[] = {1};
    return set_fw_cfg_number(fw_cfg, FwCfgKey::RamSize, ram, errors) &&
           set_fw_cfg_number(fw_cfg, FwCfgKey::MaximumCpus, most, errors) &&
           fw_cfg.set_item(kIrq0Override, Bytes(kOn), errors) &&
           (!geometry_file_ || fw_cfg.set_file("bios-geometry", {}, errors)) &&
           load_kernel(context, fw_cfg, errors) && fill_boot_order(errors) &&
           fill_memory_end(fw_cfg, errors) &&
           fw_cfg.set_file("etc/boot-fail-wait", Bytes(kWaitForEver), errors) && fill_map(fw_cfg, errors) &&
           fill_console(fw_cfg, errors) && fill_nodes(context, fw_cfg, errors) && fill_acpi(errors);
}

/// The memory map. On AMD's processors addresses below 1 TiB are HyperTransport's (BKDG of family 15h, 2.4.4).
bool PcBoard::fill_map(FwCfg& fw_cfg, Errors& errors) {
    TextBuffer vendor;
    if (!processors_.processor(0)->get_property("vendor", vendor, errors)) return false;
    std::vector<MapEntry> entries;
    if (hyper_transport_hole_ && vendor.text() == "AuthenticAMD")
        entries.push_back({kHyperTransport, kHyperTransportSize, kReserved});
    entries.push_back({0, low_ram_, kRam});
    if (high_ram_ != 0) entries.push_back({kFourGibibytes, high_ram_, kRam});
    std::vector<std::uint8_t> map;
    for (const MapEntry& entry : entries) {
        put(map, entry.address);
        put(map, entry.size);
        put(map, entry.type);
    }
    return fw_cfg.set_file("etc/e820", Bytes(map), errors);
}

/// Where modules may come nothing else may go.
bool PcBoard::fill_memory_end(FwCfg& fw_cfg, Errors& errors) {
    if (memory_slots_.size() == 0) return true;
    std::vector<std::uint8_t> end;
    put(end, round_up(memory_end(), kGibibyte));
    return fw_cfg.set_file("etc/reserved-memory-end", Bytes(end), errors);
}

/// Without a screen, firmware's console is the first serial port.
bool PcBoard::fill_console(FwCfg& fw_cfg, Errors& errors) {
    if (graphics_) return true;
    constexpr std::uint8_t kFirstPort[] = {0xf8, 0x03};
    return set_fw_cfg_number(fw_cfg, FwCfgKey::NoGraphic, std::uint16_t{1}, errors) &&
           (!has_serial_port_ || fw_cfg.set_file("etc/sercon-port", Bytes(kFirstPort), errors));
}

// --- ACPI ---

namespace {

constexpr const char* kAcpiTables = "etc/acpi/tables";
constexpr const char* kAcpiRoot = "etc/acpi/rsdp";
constexpr const char* kAcpiLoader = "etc/table-loader";

/// What devices on the ISA bus say of themselves, wherever in the tree they are.
void add_isa_terms(Object& below, std::vector<std::uint8_t>& terms) {
    if (auto* device = query<AcpiDevice>(below); device && device_context(below).bus(IsaBus::kId)) {
        const Bytes own = device->acpi_terms();
        terms.insert(terms.end(), own.begin(), own.end());
    }
    for (std::size_t i = 0; i < below.child_count(); ++i) add_isa_terms(*below.child_at(i), terms);
}

/// Users may have given a number to functions of the root bus.
void add_indices(Object& below, const PciBus& root, std::vector<AcpiIndex>& indices) {
    auto* function = query<PciDevice>(below);
    IgnoredErrors none;
    TextBuffer text;
    if (function && device_context(below).bus(PciBus::kId) == &root &&
        below.get_property("acpi-index", text, none))
        if (const auto index = std::uint32_t(std::strtoul(text.text().c_str(), nullptr, 0)))
            indices.push_back({function->address().device, function->address().function, index});
    for (std::size_t i = 0; i < below.child_count(); ++i) add_indices(*below.child_at(i), root, indices);
}

/// Those on `bus` whose own buses `numbers` has, by their places.
std::vector<AcpiBridge> bridges_on(PciBus& bus, Object& machine, const PciHotPlugNumbers& numbers) {
    std::vector<AcpiBridge> found;
    for_each_below(machine, [&](Object& each) {
        auto* forwarder = query<PciForwarder>(each);
        auto* function = forwarder ? query<PciDevice>(each) : nullptr;
        const int number = function ? numbers.number_of(forwarder->secondary()) : -1;
        if (number < 0 || device_context(each).bus(PciBus::kId) != &bus) return;
        const PciAddress place = function->address();
        found.push_back({place.device, place.function, unsigned(number),
                         bridges_on(forwarder->secondary(), machine, numbers)});
    });
    std::ranges::sort(found, {}, &AcpiBridge::bus);
    return found;
}

void add_tables(Object& below, AcpiTableWriter& writer) {
    if (auto* device = query<AcpiTables>(below)) device->add_acpi_tables(writer);
    for (std::size_t i = 0; i < below.child_count(); ++i) add_tables(*below.child_at(i), writer);
}

}  // namespace

bool PcBoard::fill_acpi(Errors& errors) {
    if (acpi_ == Switch::Off) return true;
    FwCfg& fw_cfg = *query<FwCfg>(chip("fw_cfg"));
    // S0 to S5: the type, and bit 7 where systems may ask for it.
    constexpr std::uint8_t kThere = 0x80;
    const AcpiSleep sleep = sleep_states();
    const std::uint8_t states[] = {kThere,
                                   0,
                                   0,
                                   std::uint8_t(AcpiSleep::kToRam | (sleep.to_ram ? kThere : 0)),
                                   std::uint8_t(sleep.disk_type | (sleep.to_disk ? kThere : 0)),
                                   std::uint8_t(AcpiSleep::kOff | kThere)};
    if (!put_acpi(fw_cfg, errors) || !fw_cfg.set_file("etc/system-states", Bytes(states), errors))
        return false;
    for (const char* file : {kAcpiTables, kAcpiRoot, kAcpiLoader}) fw_cfg.set_observer(file, this);
    return true;
}

/// Firmware that is given no tables of the board's has these alone: their number, and each with its length ahead of it.
bool PcBoard::put_user_tables(FwCfg& fw_cfg, Errors& errors) {
    std::vector<std::uint8_t> item;
    put(item, std::uint16_t(user_tables_.size()));
    for (const std::vector<std::uint8_t>& table : user_tables_) {
        put(item, std::uint16_t(table.size()));
        item.insert(item.end(), table.begin(), table.end());
    }
    return fw_cfg.set_item(std::uint16_t(FwCfgKey::ArchitectureLocal), Bytes(item), errors);
}

bool PcBoard::add_acpi_table(Bytes table, Errors& errors) {
    constexpr std::size_t kMost = 0xffff;
    if (table.size > kMost || user_tables_.size() == kMost) {
        errors.fail("firmware takes tables of at most 65,535 bytes, and as many of them");
        return false;
    }
    user_tables_.emplace_back(table.begin(), table.end());
    FwCfg& fw_cfg = *query<FwCfg>(chip("fw_cfg"));
    return put_user_tables(fw_cfg, errors) && (acpi_ == Switch::Off || put_acpi(fw_cfg, errors));
}

AcpiSleep PcBoard::sleep_states() {
    const auto number = [&](const char* property) {
        TextBuffer text;
        IgnoredErrors none;
        chip("PIIX4_PM").get_property(property, text, none);
        return std::uint8_t(std::atoi(text.text().c_str()));
    };
    return {.to_ram = !number("disable_s3"), .to_disk = !number("disable_s4"), .disk_type = number("s4_val")};
}

/// Firmware looks there after a reset: FEh is waking, where it goes on at the waking vector of the FACS (5.2.10).
void PcBoard::falls_asleep() {
    constexpr unsigned kShutdownStatus = 0x0f;
    constexpr std::uint8_t kResume = 0xfe;
    query<Cmos>(chip("rtc"))->set_byte(kShutdownStatus, kResume);
}

/// What firmware has programmed meanwhile stands in them.
void PcBoard::fw_cfg_selected(Str) {
    IgnoredErrors none;
    put_acpi(*query<FwCfg>(chip("fw_cfg")), none);
}

bool PcBoard::put_acpi(FwCfg& fw_cfg, Errors& errors) {
    constexpr unsigned kPmBase = 0x40;
    constexpr std::uint32_t kBaseMask = 0xffc0;
    AcpiContents contents;
    for (std::uint32_t number = 0; number < processors_.count(); ++number)
        contents.processors.push_back(
            {.apic_id = processors_.apic_id(number), .there = processors_.processor(number) != nullptr});
    contents.memory_slots = memory_slots_.count();
    contents.module_base = memory_slots_.base();
    contents.module_room = memory_slots_.size();
    contents.processor_bitmap = !query<AcpiSlots>(chip("cpu-hotplug"))->asks();
    contents.hpet = hpet_;
    contents.i8042 = i8042_;
    for (unsigned unit = 0; unit < kFloppyDrives; ++unit)
        contents.floppies[unit] = query<FloppyDrives>(chip("fdc"))->floppy_geometry(unit);
    contents.nodes = nodes_;
    contents.node_of_cpu = node_of_cpu_;
    contents.hmat = hmat_;
    contents.performances = performances_;
    contents.side_caches = side_caches_;
    contents.pci_root_uid = pci_root_uid_;
    contents.user_tables = user_tables_;
    TextBuffer dma;
    if (chip("fw_cfg").get_property("dma_enabled", dma, errors) && dma.text() == "off")
        contents.fw_cfg_ports = 2;
    contents.sleep = sleep_states();
    contents.pci_hot_plug = query<Bus>(*pci_bus_)->hot_pluggable();
    contents.bridges =
        bridges_on(*query<PciBus>(*pci_bus_), *machine_, *query<PciHotPlugNumbers>(chip("PIIX4_PM")));
    add_indices(*machine_, *query<PciBus>(*pci_bus_), contents.indices);
    add_isa_terms(*machine_, contents.isa_terms);
    add_tables(*machine_, contents.additions);
    contents.oem_id = oem_id_;
    contents.oem_table = oem_table_;
    if (const std::uint32_t base = query<PciDevice>(chip("PIIX4_PM"))->config(kPmBase, 4) & kBaseMask)
        contents.pm_base = base;
    auto& bridge = *query<PcHostBridge>(chip("i440fx"));
    const PcHostBridge::Hole low = bridge.hole_below_4g(), high = bridge.hole_above_4g();
    contents.hole_start = low.start;
    contents.hole_end = low.start + low.size - 1;
    if (high.size != 0) {
        contents.high_hole_start = high.start;
        contents.high_hole_end = high.start + high.size - 1;
    }
    const AcpiFiles files = make_acpi(contents);
    return fw_cfg.set_file(kAcpiTables, Bytes(files.tables), errors) &&
           fw_cfg.set_file(kAcpiRoot, Bytes(files.rsdp), errors) &&
           fw_cfg.set_file(kAcpiLoader, Bytes(files.loader), errors);
}

}  // namespace backplane::pc
