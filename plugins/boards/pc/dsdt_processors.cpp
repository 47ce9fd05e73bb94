// Processors in the DSDT: devices in the container CPUS, and the registers by which a guest hears of those that come and go,
// in the device PRES (docs/specs/acpi_cpu_hotplug of QEMU). On old versions a guest has a bitmap in their place.
#include "dsdt.h"

#include "map.h"

#include <array>
#include <string>

namespace backplane::pc {
namespace {

using namespace aml;

constexpr std::uint64_t kThere = 0x0f;
constexpr std::uint8_t kSlotPorts = 12, kBitmapPorts = 32;
constexpr unsigned kDeviceCheck = 1, kEjectRequest = 3;

std::string processor_name(std::size_t number) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    return {'C', kDigits[number >> 8 & 15], kDigits[number >> 4 & 15], kDigits[number & 15]};
}

Term registers_device(std::uint8_t ports, const Term& fields) {
    return device("PCI0.PRES",
                  {name("_HID", eisa_id("PNP0A06")), name("_UID", string("CPU Hotplug resources")),
                   mutex("CPLK"), name("_CRS", resources({io(kProcessorPorts, ports)})),
                   operation_region("PRST", Space::Io, kProcessorPorts, ports), fields});
}

/// Bits that are written are written alone: each is an order.
Term slot_fields() {
    return list(
        {field("PRST", FieldAccess::Byte, FieldUpdate::Zeros,
               {{"", 32}, {"CPEN", 1}, {"CINS", 1}, {"CRMV", 1}, {"CEJ0", 1}, {"", 4}, {"CCMD", 8}}),
         field("PRST", FieldAccess::Dword, FieldUpdate::Preserve, {{"CSEL", 32}, {"", 32}, {"CDAT", 32}}),
         method("_INI", 0, {store(zero(), path("CSEL"))})});
}

Term reg(const char* name) { return path(std::string("\\_SB.PCI0.PRES.") + name); }

/// `body` with the slot that the method's first argument names selected, and nobody between.
Term with_slot(const char* name, unsigned arguments, const Term& body, const Term& after = {}) {
    return method(name, arguments,
                  {acquire("\\_SB.PCI0.PRES.CPLK"), store(argument(0), reg("CSEL")), body,
                   release("\\_SB.PCI0.PRES.CPLK"), after},
                  Serialized::Yes);
}

/// CTFY(slot, event): Notify takes no computed names.
Term notifier(std::size_t count) {
    std::vector<Term> cases;
    for (std::size_t i = 0; i < count; ++i)
        cases.push_back(if_(equal(argument(0), integer(i)), {notify(path(processor_name(i)), argument(1))}));
    return method("CTFY", 2, {list(cases)});
}

/// Takes each slot's news until there is none: the command 0 selects the next that has some.
Term scan() {
    const auto take = [](const char* bit, unsigned event) {
        return if_(equal(reg(bit), one()), {call("CTFY", {local(1), integer(event)}), store(one(), reg(bit)),
                                            store(one(), local(0))});
    };
    return method(
        "CSCN", 0,
        {acquire("\\_SB.PCI0.PRES.CPLK"), store(zero(), reg("CSEL")), store(one(), local(0)),
         while_(local(0), {store(zero(), local(0)), store(zero(), reg("CCMD")), store(reg("CDAT"), local(1)),
                           take("CINS", kDeviceCheck), take("CRMV", kEjectRequest)}),
         release("\\_SB.PCI0.PRES.CPLK")},
        Serialized::Yes);
}

/// What the processors' own methods have in common.
Term slot_methods() {
    return list({with_slot("CSTA", 1,
                           list({store(zero(), local(0)),
                                 if_(equal(reg("CPEN"), one()), {store(integer(kThere), local(0))})}),
                           return_(local(0))),
                 with_slot("CEJ0", 1, store(one(), reg("CEJ0"))),
                 with_slot("COST", 3,
                           list({store(one(), reg("CCMD")), store(argument(1), reg("CDAT")),
                                 store(integer(2), reg("CCMD")), store(argument(2), reg("CDAT"))})),
                 scan()});
}

/// CSTA(local APIC id), and the scan: whoever was not there (CPON) and is now is new.
Term bitmap_methods(const AcpiContents& contents) {
    const std::size_t count = contents.processors.size();
    std::vector<std::uint8_t> there(count);
    std::vector<Term> scan;
    for (std::size_t i = 0; i < count; ++i) {
        there[i] = contents.processors[i].there;
        const Term known = index(path("CPON"), integer(i));
        scan.push_back(
            if_(land(call("CSTA", {integer(contents.processors[i].apic_id)}), not_(dereference(known))),
                {store(one(), known), call("CTFY", {integer(i), integer(kDeviceCheck)})}));
    }
    const Term byte = dereference(index(reg("PRS"), shift_right(argument(0), integer(3))));
    return list({name("CPON", buffer(there)),
                 method("CSTA", 1,
                        {store(and_(shift_right(byte, and_(argument(0), integer(7))), one()), local(0)),
                         if_(local(0), {store(integer(kThere), local(0))}), return_(local(0))}),
                 method("CSCN", 0, {list(scan)}, Serialized::Yes)});
}

Term processor(const AcpiContents& contents, std::size_t number) {
    AcpiProcessor running = contents.processors[number];
    running.there = true;  // whoever is asked is there
    const std::uint64_t key = contents.processor_bitmap ? running.apic_id : number;
    std::vector<Term> terms{name("_HID", string("ACPI0007")), name("_UID", integer(number)),
                            method("_STA", 0, {return_(call("CSTA", {integer(key)}))}, Serialized::Yes),
                            name("_MAT", buffer(local_apic(std::uint32_t(number), running)))};
    if (!contents.processor_bitmap) {
        if (number != 0) terms.push_back(method("_EJ0", 1, {call("CEJ0", {integer(key)})}));
        terms.push_back(
            method("_OST", 3, {call("COST", {integer(key), argument(0), argument(1)})}, Serialized::Yes));
    }
    if (!contents.nodes.empty()) terms.push_back(name("_PXM", integer(contents.node_of_cpu.at(number))));
    return device(processor_name(number), terms);
}

}  // namespace

Term processor_terms(const AcpiContents& contents) {
    const bool bitmap = contents.processor_bitmap;
    std::vector<Term> terms{name("_HID", string("ACPI0010")), name("_CID", eisa_id("PNP0A05")),
                            notifier(contents.processors.size()),
                            bitmap ? bitmap_methods(contents) : slot_methods()};
    for (std::size_t i = 0; i < contents.processors.size(); ++i) terms.push_back(processor(contents, i));
    return list({bitmap
                     ? registers_device(kBitmapPorts, field("PRST", FieldAccess::Byte, FieldUpdate::Preserve,
                                                            {{"PRS", 8 * kBitmapPorts}}))
                     : registers_device(kSlotPorts, slot_fields()),
                 device("CPUS", terms)});
}

}  // namespace backplane::pc
