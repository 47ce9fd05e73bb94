#include "dsdt.h"

#include <lib/aml.h>

#include <algorithm>
#include <array>
#include <string>

namespace backplane::pc {
namespace {

using namespace aml;

constexpr unsigned kPciDevices = 32;
constexpr unsigned kPins = 4;
constexpr unsigned kSouthBridge = 1;  // device number; its pin A is the SCI
constexpr std::array kLinks = {"LNKA", "LNKB", "LNKC", "LNKD"};
constexpr std::uint8_t kPresent = 0x0f;

Term device_at(std::uint32_t device, std::uint32_t function) {
    return name("_ADR", integer(device << 16 | function));
}

/// Which link a pin goes to: the links turn with the device numbers (the board's wiring, PIIX3 pin = device − 1 + pin).
Term routing_table() {
    std::vector<Term> rows;
    for (unsigned device = 0; device < kPciDevices; ++device)
        for (unsigned pin = 0; pin < kPins; ++pin) {
            const bool sci = device == kSouthBridge && pin == 0;
            const char* link = sci ? "LNKS" : kLinks[(device + pin + kPins - 1) % kPins];
            rows.push_back(package({integer(device << 16 | 0xffff), integer(pin), path(link), zero()}));
        }
    return method("_PRT", 0, {return_(package(rows))});
}

// --- PCI devices that come and go ---

/// Of docs/specs/acpi_pci_hotplug: slots with new devices, slots to be emptied, the slot that is let go of, the bus.
constexpr std::uint64_t kHotPlugPorts = 0xae00;

std::string slot_name(unsigned slot, unsigned function = 0) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    return {'S', kDigits[slot >> 1], kDigits[(slot & 1) << 3 | function], '_'};
}

/// Its ports, and what lets go of a slot: HPEJ(slot).
Term hot_plug_ports() {
    return list({operation_region("HPSL", Space::Io, kHotPlugPorts, 8),
                 field("HPSL", FieldAccess::Dword, FieldUpdate::Zeros, {{"PCIU", 32}, {"PCID", 32}}),
                 operation_region("HPLG", Space::Io, kHotPlugPorts + 8, 4),
                 field("HPLG", FieldAccess::Dword, FieldUpdate::Zeros, {{"B0EJ", 32}}),
                 operation_region("HPBS", Space::Io, kHotPlugPorts + 16, 4),
                 field("HPBS", FieldAccess::Dword, FieldUpdate::Zeros, {{"BNUM", 32}}), mutex("HPLK"),
                 method("HPEJ", 1,
                        {acquire("HPLK"), store(zero(), path("BNUM")),
                         store(shift_left(one(), argument(0)), path("B0EJ")), release("HPLK")},
                        Serialized::Yes)});
}

/// Lets go of a slot of any bus: HPEB(bus, slot).
Term hot_plug_eject_behind() {
    return method("HPEB", 2,
                  {acquire("HPLK"), store(argument(0), path("BNUM")),
                   store(shift_left(one(), argument(1)), path("B0EJ")), release("HPLK")},
                  Serialized::Yes);
}

/// The slots of a bus from `first` on, and in `tell` what tells the system of those that changed.
Term slots_of(unsigned bus, unsigned first, std::vector<Term>& tell) {
    constexpr unsigned kDeviceCheck = 1, kEjectRequest = 3;
    std::vector<Term> terms;
    tell = {acquire("HPLK"), store(integer(bus), path("BNUM")), store(path("PCIU"), local(0)),
            store(path("PCID"), local(1)), release("HPLK")};
    for (unsigned slot = first; slot < kPciDevices; ++slot) {
        const std::string device_name = slot_name(slot);
        const Term eject =
            bus == 0 ? call("HPEJ", {integer(slot)}) : call("HPEB", {integer(bus), integer(slot)});
        terms.push_back(device(
            device_name, {device_at(slot, 0), name("_SUN", integer(slot)), method("_EJ0", 1, {eject})}));
        const Term bit = integer(std::uint64_t{1} << slot);
        tell.push_back(if_(and_(local(0), bit), {notify(path(device_name), integer(kDeviceCheck))}));
        tell.push_back(if_(and_(local(1), bit), {notify(path(device_name), integer(kEjectRequest))}));
    }
    return list(terms);
}

/// The slots behind a bridge, whose own place `scope_name` is, with those behind its bridges.
Term slots_behind(const AcpiBridge& bridge, const std::string& scope_name) {
    std::vector<Term> tell;
    std::vector<Term> terms{slots_of(bridge.bus, 0, tell)};
    for (const AcpiBridge& each : bridge.behind) {
        const std::string place = slot_name(each.device, each.function);
        const std::string whole = scope_name + "." + place;
        const Term behind = slots_behind(each, whole);
        terms.push_back(each.function == 0 ? scope(place, {behind})
                                           : device(place, {device_at(each.device, each.function), behind}));
        tell.push_back(call(whole + ".PCNT"));
    }
    terms.push_back(method("PCNT", 0, {list(tell)}, Serialized::Yes));
    return list(terms);
}

/// Is the function one of the root bus's slots, which are devices by themselves?
bool is_slot(const AcpiContents& contents, unsigned device, unsigned function) {
    return contents.pci_hot_plug && function == 0 && device > kSouthBridge;
}

bool comes_and_goes(const AcpiContents& contents) {
    return contents.pci_hot_plug || !contents.bridges.empty();
}

/// The slots of the root bus and of those behind its bridges.
Term hot_plug_slots(const AcpiContents& contents) {
    if (!comes_and_goes(contents)) return {};
    std::vector<Term> terms{hot_plug_ports()};
    std::vector<Term> tell;
    if (contents.pci_hot_plug) terms.push_back(slots_of(0, kSouthBridge + 1, tell));
    if (!contents.bridges.empty()) terms.push_back(hot_plug_eject_behind());
    for (const AcpiBridge& each : contents.bridges) {
        const std::string place = slot_name(each.device, each.function);
        const std::string whole = "\\_SB.PCI0." + place;
        const Term behind = slots_behind(each, whole);
        terms.push_back(is_slot(contents, each.device, each.function)
                            ? scope(place, {behind})
                            : device(place, {device_at(each.device, each.function), behind}));
        tell.push_back(call(whole + ".PCNT"));
    }
    terms.push_back(method("PCNT", 0, {list(tell)}, Serialized::Yes));
    return list(terms);
}

/// Function 7 of PCI devices (PCI Firmware 3.0, 4.6.7): the number by which systems name one.
Term index_method(std::uint32_t index) {
    constexpr std::uint8_t kFunctions[] = {1 | 1 << 7}, kNone[] = {0};
    constexpr unsigned kName = 7;
    return method(
        "_DSM", 4,
        {if_(equal(argument(0), uuid("E5C937D0-3553-4D7A-9117-EA4D19C3434D")),
             {if_(equal(argument(2), zero()), {return_(buffer(kFunctions))}),
              if_(equal(argument(2), integer(kName)), {return_(package({integer(index), string("")}))})}),
         return_(buffer(kNone))},
        Serialized::Yes);
}

Term indices(const AcpiContents& contents) {
    std::vector<Term> terms;
    for (const AcpiIndex& each : contents.indices) {
        const std::string place = slot_name(each.device, each.function);
        const bool has_slot = is_slot(contents, each.device, each.function) ||
                              std::ranges::any_of(contents.bridges, [&](const AcpiBridge& bridge) {
                                  return bridge.device == each.device && bridge.function == each.function;
                              });
        terms.push_back(
            has_slot ? scope(place, {index_method(each.index)})
                     : device(place, {device_at(each.device, each.function), index_method(each.index)}));
    }
    return list(terms);
}

/// Where a descriptor of one interrupt has its number, in bytes.
Term line_of(const Term& resource) { return index(resource, integer(5)); }

/// An interrupt link: the register of the south bridge says which of lines 5, 10 and 11 it goes to; bit 7: none.
Term link(unsigned number) {
    const std::string reg = "PRQ" + std::to_string(number);
    return device(kLinks[number],
                  {name("_HID", eisa_id("PNP0C0F")), name("_UID", integer(number)),
                   name("_PRS", resources({interrupts(Polarity::High, Sharing::Shared, {5, 10, 11})})),
                   method("_STA", 0,
                          {if_(and_(integer(0x80), path(reg)), {return_(integer(9))}), return_(integer(11))}),
                   method("_DIS", 0, {store(or_(path(reg), integer(0x80)), path(reg))}),
                   method("_CRS", 0, {return_(call("IQCR", {path(reg)}))}),
                   method("_SRS", 1, {store(dereference(line_of(argument(0))), path(reg))})});
}

/// The link of the SCI, which stands still.
Term sci_link() {
    const Term line = resources({interrupts(Polarity::High, Sharing::Shared, {kAcpiLine})});
    return device("LNKS", {name("_HID", eisa_id("PNP0C0F")), name("_UID", integer(4)), name("_PRS", line),
                           method("_STA", 0, {return_(integer(11))}), method("_DIS", 0, {}),
                           method("_CRS", 0, {return_(path("_PRS"))}), method("_SRS", 1, {})});
}

/// The current line of a link as a resource.
Term current_line() {
    return method("IQCR", 1,
                  {store(resources({interrupts(Polarity::High, Sharing::Shared, {0})}), local(0)),
                   if_(less(argument(0), integer(0x80)), {store(argument(0), line_of(local(0)))}),
                   return_(local(0))});
}

/// A drive as BIOSes describe it (9.9.2), with the timings of the PC/AT's diskette parameters.
Term floppy_drive(unsigned unit, const FloppyGeometry& drive) {
    constexpr unsigned kStepAndUnload = 0xaf, kLoad = 0x02, kMotorOff = 0x25, kSizeCode = 2, kGap = 0x1b,
                       kDataLength = 0xff, kFormatGap = 0x6c, kFill = 0xf6, kHeadSettle = 15, kMotorStart = 8;
    std::vector<Term> values;
    for (const unsigned value :
         {unit, unsigned{drive.cmos_type}, drive.tracks - 1u, unsigned{drive.sectors}, drive.heads - 1u,
          kStepAndUnload, kLoad, kMotorOff, kSizeCode, unsigned{drive.sectors}, kGap, kDataLength, kFormatGap,
          kFill, kHeadSettle, kMotorStart})
        values.push_back(integer(value));
    return device(unit == 0 ? "FLPA" : "FLPB", {name("_ADR", integer(unit)), name("_FDI", package(values))});
}

/// Which of four drives are there, and that there is no tape (9.9.1).
Term floppy_controller(const AcpiContents& contents) {
    std::vector<std::uint8_t> present(20);
    constexpr std::uint8_t kNoTape = 2;
    present[16] = kNoTape;
    std::vector<Term> terms{
        name("_HID", eisa_id("PNP0700")),
        name("_CRS", resources({io(0x3f2, 4), io(0x3f7, 1), isa_irq(1 << 6), dma(1 << 2)}))};
    for (unsigned unit = 0; unit < kFloppyDrives; ++unit) {
        if (contents.floppies[unit].cmos_type == 0) continue;
        present[4 * unit] = 1;
        terms.push_back(floppy_drive(unit, contents.floppies[unit]));
    }
    terms.push_back(name("_FDE", buffer(present)));
    return device("FDC0", terms);
}

Term isa_devices(const AcpiContents& contents) {
    std::vector<Term> terms;
    if (contents.i8042) {
        terms.push_back(
            device("KBD", {name("_HID", eisa_id("PNP0303")), name("_STA", integer(kPresent)),
                           name("_CRS", resources({io(0x60, 1), io(0x64, 1), isa_irq(1 << 1)}))}));
        terms.push_back(device("MOU", {name("_HID", eisa_id("PNP0F13")), name("_STA", integer(kPresent)),
                                       name("_CRS", resources({isa_irq(1 << 12)}))}));
    }
    terms.push_back(floppy_controller(contents));
    if (contents.rtc)
        terms.push_back(device("RTC", {name("_HID", eisa_id("PNP0B00")),
                                       name("_CRS", resources({io(0x70, 8), isa_irq(1 << kClockLine)}))}));
    return list(terms);
}

Term south_bridge(const AcpiContents& contents) {
    return device("ISA", {device_at(kSouthBridge, 0), operation_region("P40C", Space::PciConfig, 0x60, 4),
                          isa_devices(contents), contents.isa_terms});
}

/// What the bridge passes on: all buses, the ports but those of configuration space, video memory and the holes.
Term bridge_resources(const AcpiContents& contents) {
    Term windows =
        list({bus_numbers(0, 0xff), io(0xcf8, 8), bridge_ports(0, 0xcf7), bridge_ports(0xd00, 0xffff),
              bridge_memory(0xa0000, 0xbffff, true),
              bridge_memory(std::uint32_t(contents.hole_start), std::uint32_t(contents.hole_end), false)});
    if (contents.high_hole_end != 0)
        windows = list({windows, bridge_memory64(contents.high_hole_start, contents.high_hole_end, true)});
    return name("_CRS", resources({windows}));
}

Term hpet_device() {
    return device("HPET",
                  {name("_HID", eisa_id("PNP0103")), name("_UID", zero()), name("_STA", integer(kPresent)),
                   name("_CRS", resources({fixed_memory(std::uint32_t(kHpet), 0x400, false)}))});
}

Term fw_cfg_device(const AcpiContents& contents) {
    return device(
        "FWCF",
        {name("_HID", string("QEMU0002")), name("_STA", integer(kPresent)),
         name("_CRS", resources({io(std::uint16_t(kFwCfgPort), std::uint8_t(contents.fw_cfg_ports))}))});
}

/// SLP_TYP of each state, for PM1a and PM1b.
Term sleep_state(const char* state, std::uint8_t type) {
    return name(state, package({integer(type), integer(type), zero(), zero()}));
}

}  // namespace

std::vector<std::uint8_t> make_dsdt(const AcpiContents& contents) {
    return list({
        scope("\\_SB",
              {device("PCI0", {name("_HID", eisa_id("PNP0A03")), name("_UID", integer(contents.pci_root_uid)),
                               routing_table(), bridge_resources(contents), south_bridge(contents),
                               hot_plug_slots(contents), indices(contents)}),
               field("PCI0.ISA.P40C", FieldAccess::Byte, FieldUpdate::Preserve,
                     {{"PRQ0", 8}, {"PRQ1", 8}, {"PRQ2", 8}, {"PRQ3", 8}}),
               current_line(), link(0), link(1), link(2), link(3), sci_link(),
               contents.hpet ? hpet_device() : Term{}, contents.fw_cfg ? fw_cfg_device(contents) : Term{},
               processor_terms(contents), contents.memory_slots != 0 ? memory_terms(contents) : Term{}}),
        contents.sleep.to_ram ? sleep_state("\\_S3", AcpiSleep::kToRam) : Term{},
        contents.sleep.to_disk ? sleep_state("\\_S4", contents.sleep.disk_type) : Term{},
        sleep_state("\\_S5", AcpiSleep::kOff),
        scope("\\_GPE", {name("_HID", string("ACPI0006")),
                         comes_and_goes(contents) ? method("_E01", 0, {call("\\_SB.PCI0.PCNT")}) : Term{},
                         method("_E02", 0, {call("\\_SB.CPUS.CSCN")}),
                         contents.memory_slots != 0 ? method("_E03", 0, {call("\\_SB.MHPC.MSCN")}) : Term{}}),
    });
}

}  // namespace backplane::pc
