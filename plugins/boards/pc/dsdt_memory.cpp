// Memory modules in the DSDT: devices in the container MHPC, and the registers by which a guest hears of those that come and
// go, in the device MHPD (docs/specs/acpi_mem_hotplug of QEMU).
#include "dsdt.h"

#include "map.h"

#include <string>

namespace backplane::pc {
namespace {

using namespace aml;

constexpr std::uint8_t kPorts = 0x18;
constexpr std::uint64_t kThere = 0x0f;
constexpr unsigned kDeviceCheck = 1, kEjectRequest = 3;

std::string module_name(std::size_t number) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    return {'M', 'P', kDigits[number >> 4 & 15], kDigits[number & 15]};
}

/// What is read at an address and what is written there are different registers.
Term registers_device() {
    return device("PCI0.MHPD",
                  {name("_HID", eisa_id("PNP0A06")), name("_UID", string("Memory hotplug resources")),
                   mutex("MLCK"), name("_CRS", resources({io(kMemoryPorts, kPorts)})),
                   operation_region("HPMR", Space::Io, kMemoryPorts, kPorts),
                   field("HPMR", FieldAccess::Dword, FieldUpdate::Preserve,
                         {{"MRBL", 32}, {"MRBH", 32}, {"MRLL", 32}, {"MRLH", 32}, {"MPX", 32}}),
                   field("HPMR", FieldAccess::Byte, FieldUpdate::Zeros,
                         {{"", 160}, {"MES", 1}, {"MINS", 1}, {"MRMV", 1}, {"MEJ", 1}}),
                   field("HPMR", FieldAccess::Dword, FieldUpdate::Preserve,
                         {{"MSEL", 32}, {"MOEV", 32}, {"MOSC", 32}})});
}

Term reg(const char* name) { return path(std::string("\\_SB.PCI0.MHPD.") + name); }
Term lock() { return acquire("\\_SB.PCI0.MHPD.MLCK"); }
Term unlock() { return release("\\_SB.PCI0.MHPD.MLCK"); }

/// `body` with the slot that the method's first argument names selected, and nobody between.
Term with_slot(const char* name, unsigned arguments, const Term& body, const Term& after = {}) {
    return method(name, arguments, {lock(), store(argument(0), reg("MSEL")), body, unlock(), after},
                  Serialized::Yes);
}

/// MTFY(slot, event): Notify takes no computed names.
Term notifier(std::uint32_t count) {
    std::vector<Term> cases;
    for (std::uint32_t i = 0; i < count; ++i)
        cases.push_back(if_(equal(argument(0), integer(i)), {notify(path(module_name(i)), argument(1))}));
    return method("MTFY", 2, {list(cases)});
}

Term scan(std::uint32_t count) {
    const auto take = [](const char* bit, unsigned event) {
        return if_(equal(reg(bit), one()),
                   {call("MTFY", {local(0), integer(event)}), store(one(), reg(bit))});
    };
    return method(
        "MSCN", 0,
        {store(zero(), local(0)), lock(),
         while_(less(local(0), integer(count)), {store(local(0), reg("MSEL")), take("MINS", kDeviceCheck),
                                                 take("MRMV", kEjectRequest), increment(local(0))}),
         unlock()},
        Serialized::Yes);
}

/// MCRS(slot): a range of 64-bit memory, filled in. Fields of its descriptor (6.4.3.5.1) are at these bytes.
Term resource_method() {
    constexpr unsigned kMinimum = 14, kMaximum = 22, kLength = 38;
    const auto half = [](const char* name, unsigned at) {
        return create_dword_field(local(0), integer(at), name);
    };
    return with_slot(
        "MCRS", 1,
        list({store(resources({bridge_memory64(0, 0, true)}), local(0)), half("MNL", kMinimum),
              half("MNH", kMinimum + 4), half("MXL", kMaximum), half("MXH", kMaximum + 4),
              half("LNL", kLength), half("LNH", kLength + 4), store(reg("MRBL"), path("MNL")),
              store(reg("MRBH"), path("MNH")), store(reg("MRLL"), path("LNL")),
              store(reg("MRLH"), path("LNH")),
              // The last byte, with the carry from the lower half.
              store(add(path("MNL"), path("LNL")), path("MXL")),
              store(add(path("MNH"), path("LNH")), path("MXH")),
              if_(less(path("MXL"), path("MNL")), {store(add(path("MXH"), one()), path("MXH"))}),
              if_(equal(path("MXL"), zero()), {store(subtract(path("MXH"), one()), path("MXH"))}),
              store(subtract(path("MXL"), one()), path("MXL"))}),
        return_(local(0)));
}

Term slot_methods(std::uint32_t count) {
    return list(
        {with_slot("MRST", 1,
                   list({store(zero(), local(0)),
                         if_(equal(reg("MES"), one()), {store(integer(kThere), local(0))})}),
                   return_(local(0))),
         resource_method(), with_slot("MPXM", 1, store(reg("MPX"), local(0)), return_(local(0))),
         with_slot("MOST", 3, list({store(argument(1), reg("MOEV")), store(argument(2), reg("MOSC"))})),
         with_slot("MEJ0", 1, store(one(), reg("MEJ"))), scan(count)});
}

Term module(std::uint32_t number) {
    const Term slot = integer(number);
    return device(module_name(number),
                  {name("_HID", eisa_id("PNP0C80")), name("_UID", slot),
                   method("_CRS", 0, {return_(call("MCRS", {slot}))}, Serialized::Yes),
                   method("_STA", 0, {return_(call("MRST", {slot}))}, Serialized::Yes),
                   method("_PXM", 0, {return_(call("MPXM", {slot}))}, Serialized::Yes),
                   method("_OST", 3, {call("MOST", {slot, argument(0), argument(1)})}, Serialized::Yes),
                   method("_EJ0", 1, {call("MEJ0", {slot})}, Serialized::Yes)});
}

}  // namespace

Term memory_terms(const AcpiContents& contents) {
    std::vector<Term> terms{name("_HID", eisa_id("PNP0A06")), name("_UID", string("DIMM devices")),
                            notifier(contents.memory_slots), slot_methods(contents.memory_slots)};
    for (std::uint32_t i = 0; i < contents.memory_slots; ++i) terms.push_back(module(i));
    return list({registers_device(), device("MHPC", terms)});
}

}  // namespace backplane::pc
