// The PC board with an i440FX and a PIIX3: its switches, its memory, its chips and wires.
#pragma once

#include "acpi.h"
#include "map.h"
#include "memory_slots.h"
#include "processor_slots.h"

#include <backplane/acpi.h>
#include <backplane/board.h>
#include <backplane/boot.h>
#include <backplane/cmos.h>
#include <backplane/fw_cfg.h>
#include <backplane/pc.h>
#include <backplane/property.h>
#include <backplane/sleep.h>

#include <map>
#include <string>
#include <vector>

namespace backplane::pc {

enum class Switch : std::uint32_t { On, Off, Auto };
/// The entry point of SMBIOS tables.
enum class SmbiosEntry : std::uint32_t { Narrow, Wide, Auto };
inline constexpr unsigned kSerialPorts = 4;
inline constexpr unsigned kParallelPorts = 3;
inline constexpr const char* kSwitchChoices = "on|off|auto";

class PcBoard final : public Board,
                      public BootChoice,
                      public FirmwareRoot,
                      public AcpiTableList,
                      public SleepListener,
                      public ProcessorPlaces,
                      ProcessorSlots::Fitter,
                      FwCfgObserver {
  public:
    static const PropertyInfo kProperties[];

    explicit PcBoard(Object& machine) : machine_(&machine) {}
    bool build(BoardContext& context, Errors& errors) override;
    bool finish(BoardContext& context, Errors& errors) override;
    void reset(BoardContext& context) override;

    bool orders_drives() const override { return true; }
    bool set_boot_order(Str order, Str once, Errors& errors) override;
    void set_boot_strict(bool strict) override;
    void boot_order_changed() override;
    bool chip_path(const Object& chip, TextSink& out) const override;
    bool add_acpi_table(Bytes table, Errors& errors) override;
    void falls_asleep() override;
    std::uint32_t count() const override { return processors_.count(); }
    ProcessorPlace place(std::uint32_t number) const override { return processors_.place(number); }

    bool check_max_ram(std::uint64_t size, Errors& errors) const;
    bool check_oem_id(std::string_view text, Errors& errors) const;
    bool check_oem_table(std::string_view text, Errors& errors) const;
    bool has_pic() const { return pic_ != Switch::Off; }
    bool has_pit() const { return pit_ != Switch::Off; }
    bool has_i8042() const { return i8042_; }
    /// Its pointer needs a mouse to tell of it.
    bool has_vmport() const { return vmport_ == Switch::On || (vmport_ == Switch::Auto && i8042_); }
    bool has_vmmouse() const { return has_vmport() && i8042_; }

    std::uint64_t max_ram_below_4g_ = kLowRamLimit;
    Switch acpi_ = Switch::Auto, pit_ = Switch::Auto, pic_ = Switch::Auto, smm_ = Switch::Auto,
           vmport_ = Switch::Auto;
    bool hpet_ = true, i8042_ = true, graphics_ = true, usb_ = false, sata_ = true, hmat_ = false,
         smbus_ = true, floppy_check_ = true;
    static constexpr unsigned kFlashes = 2;
    Object* flashes_[kFlashes] = {};  ///< the block nodes in them; null: there is none
    std::string firmware_, kernel_, initrd_, arguments_, oem_id_, oem_table_;
    SmbiosEntry smbios_entry_ = SmbiosEntry::Auto;
    // What older versions had otherwise.
    bool hyper_transport_hole_ = true, geometry_file_ = true;
    std::uint32_t pci_root_uid_ = 0;

  private:
    using Settings = std::vector<std::pair<const char*, std::string>>;

    Object* make(BoardContext& context, Object* bus, const char* type, const char* name,
                 const Settings& settings, Errors& errors);
    Object& chip(const char* name) { return *chips_.at(name); }
    bool put_at_port(BoardContext& context, Object& device, const char* region, std::uint64_t port,
                     Errors& errors);

    void split_ram(std::uint64_t size);
    bool build_memory_slots(BoardContext& context, Errors& errors);
    bool map_ram(BoardContext& context, Errors& errors);
    bool build_processors(BoardContext& context, Errors& errors);
    bool build_slot_registers(BoardContext& context, Errors& errors);
    /// Of RAM, and of what memory modules may lie at.
    std::uint64_t memory_end() const;
    bool prepare_processor(Object& processor, Errors& errors) override;
    bool fit_processor(Object& processor, Errors& errors) override;
    void tell_processors(bool waking);
    bool build_management_mode(BoardContext& context, Errors& errors);
    bool build_bridges(BoardContext& context, Errors& errors);
    bool build_module_memories(BoardContext& context, Errors& errors);
    bool build_interrupts(BoardContext& context, Errors& errors);
    bool build_isa(BoardContext& context, Errors& errors);
    bool build_byte_ports(BoardContext& context, Errors& errors);
    bool build_byte_port(BoardContext& context, const char* type, const std::string& name, unsigned index,
                         Object* chardev, Errors& errors);
    bool build_floppies(BoardContext& context, Errors& errors);
    bool build_disks(BoardContext& context, Errors& errors);
    bool build_ports(BoardContext& context, Errors& errors);
    bool wire(BoardContext& context, Errors& errors);
    bool wire_timers(BoardContext& context, Errors& errors);
    bool wire_a20(Object& processor, Errors& errors);
    bool wire_management_mode(BoardContext& context, Errors& errors);
    bool wire_controller(BoardContext& context, Errors& errors);

    bool load_firmware(BoardContext& context, Errors& errors);
    bool load_rom(BoardContext& context, MemoryRegion& pci, Errors& errors);
    bool find_flash_images(BoardContext& context, Errors& errors);
    Object* make_flash(BoardContext& context, unsigned unit, std::uint64_t size, Errors& errors);
    bool build_flashes(BoardContext& context, MemoryRegion& pci, Errors& errors);
    bool load_kernel(BoardContext& context, FwCfg& fw_cfg, Errors& errors);
    bool fill_cmos(Errors& errors);
    void fill_disks(Cmos& cmos);
    bool fill_fw_cfg(BoardContext& context, Errors& errors);
    bool fill_boot_order(Errors& errors);
    void write_drive_order(std::string_view letters);
    bool fill_console(FwCfg& fw_cfg, Errors& errors);
    bool build_smbios(BoardContext& context, Errors& errors);
    bool fill_acpi(Errors& errors);
    void describe_nodes(const NumaTopology& numa);
    bool fill_nodes(BoardContext& context, FwCfg& fw_cfg, Errors& errors);
    bool fill_map(FwCfg& fw_cfg, Errors& errors);
    bool fill_memory_end(FwCfg& fw_cfg, Errors& errors);
    bool put_acpi(FwCfg& fw_cfg, Errors& errors);
    bool put_user_tables(FwCfg& fw_cfg, Errors& errors);
    AcpiSleep sleep_states();
    void fw_cfg_selected(Str file) override;
    void fw_cfg_written(Str, std::uint64_t, std::uint64_t) override {}

    Object* machine_;
    BoardContext* context_ = nullptr;
    std::uint64_t low_ram_ = 0;  ///< bytes from 0
    ProcessorSlots processors_{*this};
    MemorySlots memory_slots_;
    std::vector<std::vector<std::uint8_t>> user_tables_;  ///< -acpitable
    std::vector<AcpiNode> nodes_;                         ///< empty: memory is uniform
    std::vector<MemoryPerformance> performances_;
    std::vector<MemorySideCache> side_caches_;
    std::vector<std::uint32_t> node_of_cpu_;  ///< of each possible one
    std::uint64_t high_ram_ = 0;              ///< bytes from 4 GiB
    std::map<std::string, Object*> chips_;
    Object* pci_bus_ = nullptr;
    Object* isa_bus_ = nullptr;
    /// What nobody drives floats high.
    class OpenBus final : public IoHandler {
      public:
        std::uint64_t read(Offset, unsigned, Access&) override { return ~std::uint64_t{0}; }
        void write(Offset, std::uint64_t, unsigned, Access&) override {}
    } open_bus_;
    std::string kernel_rom_;      ///< that starts the kernel, as firmware names it; empty: none
    std::string drives_ = "cad";  ///< as letters of -boot
    std::string drives_once_;     ///< for the first start; empty: the same
    bool boot_strict_ = false;
    bool has_serial_port_ = false;
    MemoryRegion* bios_ = nullptr;
    MemoryRegion* management_memory_ = nullptr;  ///< null: there is no system management mode
};

}  // namespace backplane::pc
