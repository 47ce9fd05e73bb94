// `info qtree`, `info irq`, `info mtree`.
#include "kernel/machine/device_host.h"
#include "kernel/machine/guarded_bus.h"
#include "kernel/machine/machine_parts.h"

namespace backplane::kernel {
namespace {

/// Devices and buses alternate: a device lists the buses below it, a bus the devices that are plugged into it.
class TreePrinter {
  public:
    TreePrinter(MachineParts& machine, TextBuffer& out) : machine_(machine), out_(out) {}

    void print() {
        line(0, "bus: main-system-bus");
        line(2, "type System");
        machine_.objects->walk(machine_.objects->root(), [&](Instance& instance) {
            if (instance.is_a("device") && instance.realized() && !host_of(instance).bus_object())
                device(instance, 2);
        });
    }

  private:
    /// As users of `info qtree` know values.
    static std::string shown(const PropertyInfo& info, const std::string& value) {
        switch (info.kind) {
        case PropertyKind::Bool: return value == "on" ? "true" : "false";
        case PropertyKind::String:
        case PropertyKind::Link: return "\"" + value + "\"";
        default: return value;
        }
    }
    void line(int indent, const std::string& text) {
        out_.append(std::string(std::size_t(indent), ' ') + text + "\n");
    }

    void device(Instance& instance, int indent) {
        line(indent, "dev: " + std::string(instance.type_name().view()) + ", id \"" +
                         std::string(instance.id().view()) + "\"");
        const std::string deeper(std::size_t(indent + 2), ' ');
        machine_.wiring.describe_groups(&instance, deeper, out_);
        for (const auto& property : instance.type().properties()) {
            TextBuffer value;
            ErrorText unreadable;
            if (instance.get_property(property.info->name, value, unreadable))
                line(indent + 2,
                     std::string(property.info->name) + " = " + shown(*property.info, value.text()));
        }
        if (Instance* bus_object = host_of(instance).bus_object()) {
            TextBuffer place;
            GuardedBus(bus_object).address_of(instance, place);
            if (!place.text().empty()) line(indent + 2, place.text());
        }
        for (const auto& child : instance.children())
            if (child->is_a("bus")) bus(*child, indent + 2);
    }

    void bus(Instance& instance, int indent) {
        line(indent, "bus: " + std::string(instance.name().view()));
        line(indent + 2, "type " + std::string(instance.type_name().view()));
        machine_.objects->walk(machine_.objects->root(), [&](Instance& candidate) {
            if (candidate.is_a("device") && candidate.realized() &&
                host_of(candidate).bus_object() == &instance)
                device(candidate, indent + 2);
        });
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

std::string Machine::info_irq() {
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
