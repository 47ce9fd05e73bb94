// The result has the members of QEMU's public QMP reference, "PciInfo"; the text is made from it.
//
// Names of classes follow "PCI Code and ID Assignment Specification" 1.11, chapter 1.
#include "listing.h"

#include "device.h"

#include <backplane/text.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <lib/json.h>

namespace backplane::pci {
namespace {

struct ClassName {
    unsigned code;  ///< base class << 8 | sub-class
    const char* name;
};
constexpr ClassName kClassNames[] = {
    {0x0001, "VGA controller"},
    {0x0100, "SCSI controller"},
    {0x0101, "IDE controller"},
    {0x0102, "Floppy controller"},
    {0x0104, "RAID controller"},
    {0x0106, "SATA controller"},
    {0x0108, "NVMe controller"},
    {0x0200, "Ethernet controller"},
    {0x0280, "Network controller"},
    {0x0300, "VGA controller"},
    {0x0301, "XGA controller"},
    {0x0302, "3D controller"},
    {0x0380, "Display controller"},
    {0x0400, "Video controller"},
    {0x0401, "Audio controller"},
    {0x0403, "Audio controller"},
    {0x0500, "RAM controller"},
    {0x0501, "Flash controller"},
    {0x0600, "Host bridge"},
    {0x0601, "ISA bridge"},
    {0x0604, "PCI bridge"},
    {0x0680, "Bridge"},
    {0x0700, "Serial port"},
    {0x0701, "Parallel port"},
    {0x0c00, "FireWire controller"},
    {0x0c03, "USB controller"},
    {0x0c05, "SMBus"},
};

Json class_of(const PciDevice& function) {
    const unsigned code = function.config(kClassCode + 1, 2);
    Json info{{"class", code}};
    if (const std::string_view name = class_name(code); !name.empty()) info["desc"] = name;
    return info;
}

Json regions_of(const DevicePart& function) {
    Json list = Json::array();
    for (unsigned index = 0; index < DevicePart::kBars; ++index) {
        const auto bar = function.bar(index);
        if (!bar) continue;
        const bool io = bar->kind == PciBarKind::Io;
        Json row{{"bar", index}, {"type", io ? "io" : "memory"}, {"size", bar->size}};
        row["address"] = bar->address ? std::int64_t(*bar->address) : -1;
        if (!io) {
            row["prefetch"] = bar->prefetch == PciPrefetch::Yes;
            row["mem_type_64"] = bar->kind == PciBarKind::Memory64;
        }
        list.push_back(std::move(row));
    }
    return list;
}

/// PCI-to-PCI Bridge Architecture 1.2, 3.2.5.6 to 3.2.5.12.
Json range(std::uint64_t base, std::uint64_t limit) { return {{"base", base}, {"limit", limit}}; }

Json bridge_json(const DevicePart& bridge) {
    const auto byte = [&](unsigned at) { return bridge.config(at, 1); };
    const auto io = [&](unsigned low, unsigned high) {
        return std::uint64_t{byte(low) & 0xf0} << 8 | std::uint64_t{bridge.config(high, 2)} << 16;
    };
    const auto memory = [&](unsigned low) { return std::uint64_t{bridge.config(low, 2) & 0xfff0} << 16; };
    const auto upper = [&](unsigned at) { return std::uint64_t{bridge.config(at, 4)} << 32; };
    return {{"number", byte(kPrimaryBus)},
            {"secondary", byte(kSecondaryBus)},
            {"subordinate", byte(kSubordinateBus)},
            {"io_range", range(io(kIoWindow, kIoWindowUpper), io(kIoWindow + 1, kIoWindowUpper + 2) | 0xfff)},
            {"memory_range", range(memory(kMemoryWindow), memory(kMemoryWindow + 2) | 0xfffff)},
            {"prefetchable_range",
             range(memory(kPrefetchableWindow) | upper(kPrefetchableBaseUpper),
                   memory(kPrefetchableWindow + 2) | upper(kPrefetchableLimitUpper) | 0xfffff)}};
}

Json function_json(Object& object, const DevicePart& function) {
    const PciAddress place = function.address();
    Json row{{"bus", place.bus},
             {"slot", place.device},
             {"function", place.function},
             {"class_info", class_of(function)},
             {"id", {{"vendor", function.config(kVendorId, 2)}, {"device", function.config(kDeviceId, 2)}}}};
    if (!function.is_bridge()) {
        row["id"]["subsystem-vendor"] = function.config(kSubsystemVendorId, 2);
        row["id"]["subsystem"] = function.config(kSubsystemId, 2);
    }
    const unsigned pin = function.config(kInterruptPin, 1);
    row["irq_pin"] = pin;
    if (pin) row["irq"] = function.config(kInterruptLine, 1);
    row["qdev_id"] = std::string(object.id().view());
    row["regions"] = regions_of(function);
    return row;
}

struct Function {
    Object* object;
    const DevicePart* part;
};
/// By their place.
using Functions = std::map<unsigned, Function>;

Json devices_on(PciBus& bus, const std::map<PciBus*, Functions>& all) {
    Json list = Json::array();
    const auto found = all.find(&bus);
    if (found == all.end()) return list;
    for (const auto& [place, function] : found->second) {
        Json row = function_json(*function.object, *function.part);
        if (auto* forwarder = query<PciForwarder>(*function.object))
            row["pci_bridge"] = {{"bus", bridge_json(*function.part)},
                                 {"devices", devices_on(forwarder->secondary(), all)}};
        list.push_back(std::move(row));
    }
    return list;
}

/// Buses that are behind no bridge by their numbers, functions by their places.
Json buses_below(Object& root) {
    std::map<unsigned, PciBus*> buses;
    std::map<PciBus*, Functions> functions;
    for_each_below(root, [&](Object& object) {
        if (auto* bus = query<PciBus>(object); bus && !query<PciForwarder>(*object.parent()))
            buses[bus->number()] = bus;
        auto* function = static_cast<DevicePart*>(object.part("pci-device"));
        if (function && function->plugged_in())
            functions[&function->bus()][function->address().requester()] = {&object, function};
    });
    Json list = Json::array();
    for (const auto& [number, bus] : buses)
        list.push_back({{"bus", number}, {"devices", devices_on(*bus, functions)}});
    return list;
}

template <class... Values>
void print(std::string& out, const char* format, Values... values) {
    char line[160];
    std::snprintf(line, sizeof line, format, values...);
    out += line;
}

void print_region(const Json& region, std::string& out) {
    const bool io = region["type"] == "io";
    const std::string kind = io ? "I/O"
                                : std::string(region["mem_type_64"].get<bool>() ? "64" : "32") + " bit " +
                                      (region["prefetch"].get<bool>() ? "prefetchable memory" : "memory");
    print(out, "      BAR%u: %s ", region["bar"].get<unsigned>(), kind.c_str());
    const auto address = region["address"].get<std::int64_t>();
    if (address == -1) out += "(not mapped)\n";
    else if (const auto last = std::uint64_t(address) + (region["size"].get<std::uint64_t>() - 1); io)
        print(out, "at 0x%04llx [0x%04llx]\n", static_cast<unsigned long long>(address),
              static_cast<unsigned long long>(last));
    else
        print(out, "at 0x%08llx [0x%08llx]\n", static_cast<unsigned long long>(address),
              static_cast<unsigned long long>(last));
}

void print_bridge(const Json& bus, std::string& out) {
    const auto number = [&](const char* name) { return bus[name].get<unsigned>(); };
    print(out, "      BUS %u.\n", number("number"));
    print(out, "      secondary bus %u.\n", number("secondary"));
    print(out, "      subordinate bus %u.\n", number("subordinate"));
    const auto window = [&](const char* what, const char* name, std::size_t digits) {
        const auto edge = [&](const char* which) { return hex(bus[name][which].get<std::uint64_t>()); };
        const auto padded = [&](std::string text) {
            return "0x" + std::string(digits - std::min(digits, text.size()), '0') + text;
        };
        out += std::string("      ") + what + " range [" + padded(edge("base")) + ", " +
               padded(edge("limit")) + "]\n";
    };
    window("IO", "io_range", 4);
    window("memory", "memory_range", 8);
    window("prefetchable memory", "prefetchable_range", 8);
}

void print_function(const Json& row, std::string& out) {
    const auto number = [](const Json& value) { return value.get<unsigned>(); };
    print(out, "  Bus %2u, device %3u, function %u:\n", number(row["bus"]), number(row["slot"]),
          number(row["function"]));
    const Json& info = row["class_info"];
    if (info.contains("desc")) out += "    " + info["desc"].get<std::string>();
    else print(out, "    Class %04u", number(info["class"]));
    const Json& id = row["id"];
    print(out, ": PCI device %04x:%04x\n", number(id["vendor"]), number(id["device"]));
    if (id.contains("subsystem"))
        print(out, "      PCI subsystem %04x:%04x\n", number(id["subsystem-vendor"]),
              number(id["subsystem"]));
    if (row.contains("irq"))
        print(out, "      IRQ %u, pin %c\n", number(row["irq"]), char('A' + number(row["irq_pin"]) - 1));
    const bool bridge = row.contains("pci_bridge");
    if (bridge) print_bridge(row["pci_bridge"]["bus"], out);
    for (const Json& region : row["regions"]) print_region(region, out);
    out += "      id \"" + row["qdev_id"].get<std::string>() + "\"\n";
    if (bridge)
        for (const Json& each : row["pci_bridge"]["devices"]) print_function(each, out);
}

}  // namespace

void PciListing::execute(Str command, Str, CommandReply& reply) {
    const Json buses = buses_below(root_of(object_));
    if (command == Str("query-pci")) return reply.succeed(json_text(buses));
    std::string text;
    for (const Json& bus : buses)
        for (const Json& row : bus["devices"]) print_function(row, text);
    reply.succeed_text(text);
}

std::string_view class_name(unsigned code) {
    const auto found = std::ranges::find(kClassNames, code, &ClassName::code);
    return found == std::end(kClassNames) ? std::string_view{} : found->name;
}

}  // namespace backplane::pci
