// What the board is made of, in the order in which it comes to be: processors, bridges, interrupt controllers, the
// chips on the ISA bus; then the wires. Where it all lies is in map.h; what firmware is told, in firmware.cpp.
#include "board.h"

#include <backplane/bus.h>
#include <backplane/cmos.h>
#include <backplane/device.h>
#include <backplane/x86.h>

#include <algorithm>
#include <cstdio>

namespace backplane::pc {

Object* PcBoard::make(BoardContext& context, Object* bus, const char* type, const char* name,
                      const Settings& settings, Errors& errors) {
    Object* object = bus ? context.create_on(*bus, type, name, errors) : context.create(type, name, errors);
    if (!object) return nullptr;
    chips_[name] = object;
    for (const auto& [property, value] : settings)
        if (!object->set_property(property, value, errors)) return nullptr;
    return context.realize(*object, errors) ? object : nullptr;
}

namespace {

constexpr int kOwnPage =
    0x1000;  ///< of a local APIC: whatever is mapped there, a processor sees its own registers

MemoryRegion* region_of(Object& device, const char* region, Errors& errors) {
    MemoryRegion* exported = device_context(device).exported_region(region);
    if (!exported)
        errors.fail("'" + std::string(device.type_name().view()) + "' has no region '" + region + "'");
    return exported;
}

}  // namespace

bool PcBoard::put_at_port(BoardContext& context, Object& device, const char* region, std::uint64_t port,
                          Errors& errors) {
    MemoryRegion* exported = region_of(device, region, errors);
    return exported && context.io_ports().add(*exported, Offset(port), 0, errors);
}

bool PcBoard::build(BoardContext& context, Errors& errors) {
    context_ = &context;
    split_ram(context.ram().size());
    return build_memory_slots(context, errors) && build_management_mode(context, errors) &&
           build_processors(context, errors) && build_bridges(context, errors) &&
           build_interrupts(context, errors) && build_isa(context, errors) &&
           build_byte_ports(context, errors) && build_floppies(context, errors) &&
           build_disks(context, errors) && build_ports(context, errors) && wire(context, errors) &&
           load_firmware(context, errors);
}

// --- memory ---

bool PcBoard::check_max_ram(std::uint64_t size, Errors& errors) const {
    if (size <= kFourGibibytes) return true;
    errors.fail("expects size less than or equal to 4G");
    return false;
}

/// A machine whose RAM does not fit below the limit leaves more room there than it must.
void PcBoard::split_ram(std::uint64_t size) {
    low_ram_ = size < max_ram_below_4g_ ? size : std::min(max_ram_below_4g_, kLowRamOfLarge);
    high_ram_ = size - low_ram_;
}

/// Memory modules lie behind the RAM, from the next gibibyte on.
bool PcBoard::build_memory_slots(BoardContext& context, Errors& errors) {
    const std::uint64_t behind = kFourGibibytes + round_up(high_ram_, kGibibyte);
    return memory_slots_.build(context, behind, acpi_ != Switch::Off, errors);
}

std::uint64_t PcBoard::memory_end() const {
    return memory_slots_.size() != 0 ? memory_slots_.base() + memory_slots_.size()
                                     : kFourGibibytes + high_ram_;
}

bool PcBoard::map_ram(BoardContext& context, Errors& errors) {
    MemoryRegion& low = context.memory().alias("ram-below-4g", context.ram(), Offset(0), low_ram_);
    if (!context.system_memory().add(low, Offset(0), 0, errors)) return false;
    if (high_ram_ == 0) return true;
    MemoryRegion& high = context.memory().alias("ram-above-4g", context.ram(), Offset(low_ram_), high_ram_);
    return context.system_memory().add(high, Offset(kFourGibibytes), 0, errors);
}

// --- processors ---

bool PcBoard::build_processors(BoardContext& context, Errors& errors) {
    Object* messages = make(context, nullptr, "apic-bus", "apic-bus", {}, errors);
    MemoryRegion* window = messages ? region_of(*messages, "apic-msi", errors) : nullptr;
    return window && context.system_memory().add(*window, Offset(kMessages), kOwnPage, errors) &&
           processors_.build(context, acpi_ != Switch::Off, errors);
}

bool PcBoard::build_slot_registers(BoardContext& context, Errors& errors) {
    Object* processors = make(context, nullptr, "acpi-cpu-hotplug", "cpu-hotplug",
                              {{"slots", std::to_string(processors_.count())}}, errors);
    if (!processors || !put_at_port(context, *processors, "ports", kProcessorPorts, errors)) return false;
    auto& events = *query<AcpiEvents>(chip("PIIX4_PM"));
    processors_.set_registers(*query<AcpiSlots>(*processors), events);
    if (memory_slots_.count() == 0) return true;
    Object* memory = make(context, nullptr, "acpi-memory-hotplug", "memory-hotplug",
                          {{"slots", std::to_string(memory_slots_.count())}}, errors);
    if (!memory || !put_at_port(context, *memory, "ports", kMemoryPorts, errors)) return false;
    memory_slots_.set_registers(*query<AcpiSlots>(*memory), events);
    return true;
}

bool PcBoard::prepare_processor(Object& processor, Errors& errors) {
    return !management_memory_ || context_->set_cpu_memory(processor, 1, *management_memory_, errors);
}

/// The chips that open the gate of A20 come after the processors that the machine starts with.
bool PcBoard::fit_processor(Object& processor, Errors& errors) {
    Object* apic = context_->create_on(processor, "apic", "lapic", errors);
    return apic && apic->set_link("cpu", &processor, errors) &&
           apic->set_link("bus", &chip("apic-bus"), errors) && context_->realize(*apic, errors) &&
           wire_a20(processor, errors);
}

/// Firmware waits for as many of them after a reset. Waking, it cannot count anew, for its memory is read-only then: it is
/// told what the CMOS memory has kept since its start, on a saved machine as well.
void PcBoard::tell_processors(bool waking) {
    Cmos& cmos = *query<Cmos>(chip("rtc"));
    if (!waking) cmos.set_byte(kProcessorsInCmos, std::uint8_t(processors_.present() - 1));
    IgnoredErrors none;
    set_fw_cfg_number(*query<FwCfg>(chip("fw_cfg")), FwCfgKey::CpuCount,
                      std::uint16_t(cmos.byte(kProcessorsInCmos) + 1), none);
}

/// What processors see in system management mode: memory as ever, until the bridge lays its own over it.
bool PcBoard::build_management_mode(BoardContext& context, Errors& errors) {
    if (smm_ == Switch::Off) return true;
    auto* mode = static_cast<x86::SystemManagement*>(context.host_interface(x86::SystemManagement::kId));
    ErrorText reason;
    if (!mode) reason.fail("this accelerator has no system management mode");
    if (!mode || !mode->available(reason)) {
        if (smm_ == Switch::Auto) return true;
        errors.fail("smm=on: " + reason.text() + "; use smm=auto or smm=off");
        return false;
    }
    management_memory_ = &context.memory().container("smm-memory", 0);
    MemoryRegion& memory = context.memory().alias("smm-system", context.system_memory(), Offset(0), 0);
    return management_memory_->add(memory, Offset(0), 0, errors);
}

// --- bridges ---

bool PcBoard::build_bridges(BoardContext& context, Errors& errors) {
    Object* host = make(context, nullptr, "i440FX-pcihost", "i440fx",
                        {{"below-4g-mem-size", std::to_string(low_ram_)},
                         {"above-4g-mem-size", std::to_string(memory_end() - kFourGibibytes)}},
                        errors);
    if (!host || !map_ram(context, errors)) return false;
    auto* bridge = query<PcHostBridge>(*host);
    if (!bridge || !bridge->connect(context.system_memory(), context.io_ports(), context.ram(), errors))
        return false;
    pci_bus_ = host->child("pci.0");
    Object* south = make(context, pci_bus_, "PIIX3", "PIIX3", {{"addr", "01.0"}}, errors);
    if (!south) return false;
    isa_bus_ = south->child("isa.0");
    if (usb_ && !make(context, pci_bus_, "piix3-usb-uhci", "usb", {{"addr", "01.2"}}, errors)) return false;
    if (management_memory_ && !management_memory_->add(bridge->smram(), Offset(0), 1, errors)) return false;
    Settings power{{"addr", "01.3"}, {"smb_io_base", "45312"}};
    if (management_memory_) power.emplace_back("smm-enabled", "on");
    // Without tables no guest hears of what comes and goes.
    if (acpi_ == Switch::Off)
        for (const char* switched : {"acpi-root-pci-hotplug", "acpi-pci-hotplug-with-bridge-support"})
            power.emplace_back(switched, "off");
    return make(context, pci_bus_, "PIIX4_PM", "PIIX4_PM", power, errors) &&
           build_module_memories(context, errors) && build_slot_registers(context, errors);
}

/// The serial memories that modules of RAM have, of eight sockets; they are blank.
bool PcBoard::build_module_memories(BoardContext& context, Errors& errors) {
    constexpr unsigned kFirstAddress = 0x50, kSockets = 8;
    if (!smbus_) return true;
    Object* bus = chip("PIIX4_PM").child("i2c");
    for (unsigned socket = 0; socket < kSockets; ++socket) {
        const std::string name = "spd" + std::to_string(socket);
        const Settings place{{"address", std::to_string(kFirstAddress + socket)}};
        if (!make(context, bus, "smbus-eeprom", name.c_str(), place, errors)) return false;
    }
    return true;
}

// --- interrupts ---

bool PcBoard::build_interrupts(BoardContext& context, Errors& errors) {
    Object* io_apic = context.create("ioapic", "ioapic", errors);
    if (!io_apic || !io_apic->set_link("bus", &chip("apic-bus"), errors) ||
        !context.realize(*io_apic, errors) || !context.map(*io_apic, "ioapic", GuestAddress(kIoApic), errors))
        return false;
    chips_["ioapic"] = io_apic;
    if (!hpet_) return true;
    Object* hpet = make(context, nullptr, "hpet", "hpet", {}, errors);
    return hpet && context.map(*hpet, "hpet", GuestAddress(kHpet), errors);
}

// --- disks ---

/// The drives of -hda to -hdd, -cdrom and -drive if=ide: two to a channel.
bool PcBoard::build_disks(BoardContext& context, Errors& errors) {
    Object* ide = make(context, pci_bus_, "piix3-ide", "piix3-ide", {{"addr", "01.1"}}, errors);
    if (!ide) return false;
    constexpr std::uint64_t kCommandPorts[] = {0x1f0, 0x170}, kControlPorts[] = {0x3f6, 0x376};
    for (unsigned channel = 0; channel < 2; ++channel) {
        const std::string number = std::to_string(channel);
        if (!put_at_port(context, *ide, ("ide" + number + "-command").c_str(), kCommandPorts[channel],
                         errors) ||
            !put_at_port(context, *ide, ("ide" + number + "-control").c_str(), kControlPorts[channel],
                         errors))
            return false;
    }
    for (unsigned index = 0; index < kDisks; ++index) {
        const BoardDrive drive = context.drive("ide", index);
        if (!drive.node) continue;
        Object* bus = ide->child(index < 2 ? "ide.0" : "ide.1");
        Object* disk = context.create_on(*bus, drive.removable ? "ide-cd" : "ide-hd",
                                         "ide" + std::to_string(index), errors);
        // Serial numbers are counted over all places.
        char serial[16];
        std::snprintf(serial, sizeof serial, "QM%05u", index + 1);
        if (!disk || !disk->set_property("unit", std::to_string(index % 2), errors) ||
            !disk->set_property("serial", serial, errors) || !disk->set_link("drive", drive.node, errors) ||
            !context.realize(*disk, errors))
            return false;
    }
    return true;
}

// --- ports ---

bool PcBoard::build_ports(BoardContext& context, Errors& errors) {
    constexpr std::uint64_t kPorts = 0x10000;
    MemoryRegion& unclaimed = context.memory().io("io-unclaimed", kPorts, open_bus_,
                                                  {.maximum = 4, .implemented_max = 4, .unaligned = true});
    Object* fw_cfg = make(context, nullptr, "fw_cfg_io", "fw_cfg", {}, errors);
    return fw_cfg && context.io_ports().add(unclaimed, Offset(0), -1, errors) &&
           put_at_port(context, *fw_cfg, "ports", kFwCfgPort, errors) &&
           put_at_port(context, *fw_cfg, "dma", kFwCfgDmaPort, errors);
}

// --- wires ---

bool PcBoard::wire(BoardContext& context, Errors& errors) {
    Object& south = chip("PIIX3");
    Object& io_apic = chip("ioapic");
    constexpr unsigned kPciLines = 4;
    for (unsigned line = 0; line < kPciLines; ++line)
        if (!context.connect(chip("i440fx"), "intx", line, south, "pirq", line, errors)) return false;
    for (unsigned channel = 0; channel < 2; ++channel)
        if (!context.connect(chip("piix3-ide"), "irq", channel, south, "isa-irq", kDiskLine + channel,
                             errors))
            return false;
    if (!context.connect(chip("PIIX4_PM"), "", 0, south, "isa-irq", kAcpiLine, errors)) return false;
    for (std::uint32_t number = 0; number < processors_.count(); ++number)
        if (Object* processor = processors_.processor(number); processor && !wire_a20(*processor, errors))
            return false;
    if (!wire_timers(context, errors) || !wire_management_mode(context, errors)) return false;
    for (unsigned line = 0; line < kLines; ++line) {
        if (line == kCascadeLine) continue;
        if (!context.connect(south, "irq", line, io_apic, "", line == kTimerLine ? kTimerPin : line, errors))
            return false;
        if (!has_pic()) continue;
        Object& pic = chip(line < 8 ? "i8259" : "i8259-slave");
        if (!context.connect(south, "irq", line, pic, "", line % 8, errors)) return false;
    }
    if (!has_pic()) return true;
    return context.connect(chip("i8259-slave"), "", 0, chip("i8259"), "", kCascadeLine, errors) &&
           wire_controller(context, errors);
}

/// In its legacy mode the HPET has the lines of the 8254 and of the clock.
bool PcBoard::wire_timers(BoardContext& context, Errors& errors) {
    Object& south = chip("PIIX3");
    if (has_pit() && !context.connect(chip("pit"), "", 0, south, "isa-irq", kTimerLine, errors)) return false;
    if (!hpet_) return true;
    Object& hpet = chip("hpet");
    return (!has_pit() || context.connect(hpet, "", 0, chip("pit"), "", 0, errors)) &&
           context.connect(hpet, "", 0, chip("rtc"), "", 0, errors) &&
           context.connect(hpet, "sysbus-irq", kTimerLine, south, "isa-irq", kTimerLine, errors) &&
           context.connect(hpet, "sysbus-irq", kTimerPin, chip("ioapic"), "", kTimerPin, errors) &&
           context.connect(hpet, "sysbus-irq", kClockLine, south, "isa-irq", kClockLine, errors);
}

/// Either of the two opens the gate of address bit 20.
bool PcBoard::wire_a20(Object& processor, Errors& errors) {
    for (const char* source : {"i8042", "port92"})
        if (chips_.contains(source) &&
            !context_->connect(chip(source), "a20", 0, processor, "a20", 0, errors))
            return false;
    return true;
}

/// Firmware for this bridge sets up the first processor alone.
bool PcBoard::wire_management_mode(BoardContext& context, Errors& errors) {
    return !management_memory_ ||
           context.connect(chip("PIIX4_PM"), "smi-irq", 0, *processors_.processor(0), "smi", 0, errors);
}

/// The 8259s interrupt the first processor.
bool PcBoard::wire_controller(BoardContext& context, Errors& errors) {
    auto* controller = query<x86::InterruptAcknowledge>(chip("i8259"));
    Object& first = *processors_.processor(0);
    auto* processor = query<x86::ProcessorControl>(first);
    if (controller && processor) processor->set_interrupt_controller(controller);
    return context.connect(chip("i8259"), "", 0, *first.child("lapic"), "lint", 0, errors);
}

bool PcBoard::finish(BoardContext& context, Errors& errors) {
    processors_.finish();
    memory_slots_.finish();
    return fill_cmos(errors) && fill_fw_cfg(context, errors) && build_smbios(context, errors);
}

namespace {

bool check_length(std::string_view text, std::size_t most, Errors& errors) {
    if (text.size() <= most) return true;
    errors.fail("has at most " + std::to_string(most) + " bytes");
    return false;
}

}  // namespace

bool PcBoard::check_oem_id(std::string_view text, Errors& errors) const {
    return check_length(text, 6, errors);
}
bool PcBoard::check_oem_table(std::string_view text, Errors& errors) const {
    return check_length(text, 8, errors);
}

}  // namespace backplane::pc
