// `info qtree`, `info wires`, `info mtree`.
#include "kernel/machine/device_host.h"
#include "kernel/machine/guarded_bus.h"
#include "kernel/machine/machine_parts.h"
#include "kernel/memory/region.h"

#include <backplane/text.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace backplane::kernel {
namespace {

/// Devices and buses alternate: a device lists the buses below it, a bus the devices that are plugged into it.
class TreePrinter {
  public:
    TreePrinter(MachineParts& machine, TextBuffer& out) : machine_(machine), out_(out) {}

    void print() {
        line(0, "bus: main-system-bus");
        line(2, "type System");
        // Processors have no bus, and a thousand properties.
        for (Instance* instance : newest_first([](Instance& each) {
                 return each.is_a("device") && !each.is_a("cpu") && each.realized() &&
                        !host_of(each).bus_object();
             }))
            device(*instance, 2);
    }

  private:
    /// "2 GiB": three digits at most.
    static std::string size_text(double bytes) {
        constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        unsigned unit = 0;
        for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
        char text[32];
        std::snprintf(text, sizeof text, "%.3g %s", bytes, kUnits[unit]);
        return text;
    }
    /// As users of `info qtree` know values.
    static std::string shown(const PropertyInfo& info, const std::string& value) {
        switch (info.kind) {
        case PropertyKind::Bool: return value == "on" ? "true" : "false";
        case PropertyKind::UInt: return value + " (0x" + hex(std::strtoull(value.c_str(), nullptr, 0)) + ")";
        case PropertyKind::Int:
            return value + " (0x" + hex(std::uint64_t(std::strtoll(value.c_str(), nullptr, 0))) + ")";
        case PropertyKind::Size:
            return value + " (" + size_text(double(std::strtoull(value.c_str(), nullptr, 0))) + ")";
        default: return "\"" + value + "\"";
        }
    }
    /// As they are declared, a type's own before those of its parent.
    static std::vector<Type::PropertyEntry> properties_of(const Instance& instance) {
        const auto generations = [&](const Type* owner) {
            unsigned count = 0;
            for (const Type* type = &instance.type(); type && type != owner; type = type->parent()) ++count;
            return count;
        };
        std::vector<Type::PropertyEntry> all = instance.type().properties();
        std::ranges::sort(all, {}, [&](const Type::PropertyEntry& entry) {
            return std::pair(generations(entry.owner), std::uintptr_t(entry.info));
        });
        return all;
    }
    /// The last one that was made comes first.
    template <class Wanted>
    std::vector<Instance*> newest_first(Wanted wanted) {
        std::vector<Instance*> found;
        machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
            if (wanted(instance)) found.push_back(&instance);
        });
        std::ranges::reverse(found);
        return found;
    }
    void line(int indent, const std::string& text) {
        out_.append(std::string(std::size_t(indent), ' ') + text + "\n");
    }

    void device(Instance& instance, int indent) {
        line(indent, "dev: " + std::string(instance.type_name().view()) + ", id \"" +
                         std::string(instance.id().view()) + "\"");
        const std::string deeper(std::size_t(indent + 2), ' ');
        machine_.wiring.describe_groups(&instance, deeper, out_);
        for (const auto& property : properties_of(instance)) {
            TextBuffer value;
            ErrorText unreadable;
            if (instance.get_property(property.info->name, value, unreadable))
                line(indent + 2,
                     std::string(property.info->name) + " = " + shown(*property.info, value.text()));
        }
        if (Instance* bus_object = host_of(instance).bus_object()) {
            TextBuffer place;
            GuardedBus(bus_object).address_of(instance, place);
            for (std::string_view rest = place.text(); !rest.empty();) {
                const std::string_view first = rest.substr(0, rest.find('\n'));
                line(indent + 2, std::string(first));
                rest.remove_prefix(std::min(first.size() + 1, rest.size()));
            }
        }
        places_in_memory(instance, indent + 2);
        const auto& children = instance.children();
        for (auto child = children.rbegin(); child != children.rend(); ++child)
            if ((*child)->is_a("bus")) bus(**child, indent + 2);
    }

    void bus(Instance& instance, int indent) {
        line(indent, "bus: " + std::string(instance.name().view()));
        line(indent + 2, "type " + std::string(instance.type_name().view()));
        for (Instance* plugged : newest_first([&](Instance& candidate) {
                 return candidate.is_a("device") && candidate.realized() &&
                        host_of(candidate).bus_object() == &instance;
             }))
            device(*plugged, indent + 2);
    }

    /// Where a board put what the device shows.
    void places_in_memory(Instance& instance, int indent) {
        DeviceHost& host = host_of(instance);
        for (std::size_t index = 0; MemoryRegion* shown = host.exported_region_at(index); ++index) {
            const auto* region = static_cast<const Region*>(shown);
            std::uint64_t address = 0;
            for (; region->parent(); region = region->parent()) address += region->offset();
            if (region != &machine_.memory.system_root() || shown == region) continue;
            char text[64];
            std::snprintf(text, sizeof text, "mmio %016" PRIx64 "/%016" PRIx64, address, shown->size());
            line(indent, text);
        }
    }

    MachineParts& machine_;
    TextBuffer& out_;
};

}  // namespace

std::string Machine::info_qtree() {
    TextBuffer out;
    TreePrinter(*parts_, out).print();
    return out.text();
}

std::string Machine::info_wires() {
    TextBuffer out;
    parts_->objects->walk(parts_->objects->root(), [&](Instance& instance) {
        TextBuffer pins;
        parts_->wiring.describe(&instance, pins);
        if (!pins.text().empty()) out.append(instance.path_text() + "\n" + pins.text());
    });
    return out.text();
}

std::string Machine::info_mtree(bool flat) {
    MapTextOptions options;
    options.flat = flat;
    return parts_->memory.map().text(options);
}

}  // namespace backplane::kernel
