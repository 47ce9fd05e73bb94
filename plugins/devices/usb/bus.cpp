#include "bus.h"
#include "function.h"

#include <backplane/backend.h>
#include <backplane/text.h>

#include <algorithm>
#include <utility>

namespace backplane::usb {

bool BusPart::set_place(Object& device, Str name, Str value, Errors&) {
    if (name != Str("port")) return false;
    wanted_[&device] = std::string(value.view());
    return true;
}

BusPart::Port* BusPart::find(std::string_view path) {
    const auto found = std::ranges::find(ports_, path, &Port::path);
    return found == ports_.end() ? nullptr : &*found;
}

BusPart::Port* BusPart::port_of(const Object& device) {
    const auto found = std::ranges::find(ports_, &device, &Port::device);
    return found == ports_.end() ? nullptr : &*found;
}

const BusPart::Port* BusPart::free_port() const {
    const auto found = std::ranges::find(ports_, nullptr, &Port::device);
    return found == ports_.end() ? nullptr : &*found;
}

std::string BusPart::path_of(const Object& device) const {
    const Port* port = const_cast<BusPart*>(this)->port_of(device);
    return port ? port->path : std::string();
}

/// What was asked of the bus, or of the device where that has a property for it.
std::string BusPart::wanted_port(Object& device) {
    if (const auto found = wanted_.find(&device); found != wanted_.end()) return found->second;
    TextBuffer text;
    IgnoredErrors none;
    return device.get_property("port", text, none) ? text.text() : std::string();
}

bool BusPart::attach(Object& device, Errors& errors) {
    const std::string name(device.type_name().view()), wanted = wanted_port(device);
    if (!query<UsbFunction>(device)) {
        errors.fail("'" + name + "' is no USB device");
        return false;
    }
    Port* port = wanted.empty() ? const_cast<Port*>(free_port()) : find(wanted);
    if (port && !port->device) {
        port->device = &device;
        return true;
    }
    if (port) {
        errors.fail("port " + wanted + " is not free for '" + name + "': '" +
                    std::string(port->device->type_name().view()) + "' has it");
    } else {
        std::string free;
        for (const Port& each : ports_)
            if (!each.device) free += (free.empty() ? "; free: " : ", ") + each.path;
        errors.fail(wanted.empty() ? "no USB port is free for '" + name + "'; add a usb-hub"
                                   : "there is no USB port " + wanted + " for '" + name + "'" + free);
    }
    return false;
}

bool BusPart::place(Object& device, Errors&) {
    const Port& port = *port_of(device);
    port.owner->plugged(port.number, *query<UsbFunction>(device));
    return true;
}

void BusPart::detach(Object& device) {
    wanted_.erase(&device);
    Port* port = port_of(device);
    if (!port) return;
    port->device = nullptr;
    port->owner->unplugged(port->number);
}

/// As one pulls a plug: nobody is asked.
bool BusPart::request_unplug(Object& device, Errors& errors) {
    const std::string path = path_of(device) + ".";
    for (const Port& port : ports_)
        if (port.device && port.path.starts_with(path)) {
            errors.fail("'" + std::string(port.device->type_name().view()) + "' is at port " + port.path +
                        " of that hub; remove it first");
            return false;
        }
    static_cast<UnpluggedDevices*>(backend_context(object_).host_interface(UnpluggedDevices::kId))
        ->unplugged(device);
    return true;
}

void BusPart::address_of(Object& device, TextSink& out) const { out.append("port = " + path_of(device)); }

void BusPart::add_ports(UsbPorts& ports, const Object* hub, unsigned count) {
    const std::string above = hub ? path_of(*hub) + "." : std::string();
    for (unsigned number = 0; number < count; ++number)
        ports_.push_back({above + std::to_string(number + 1), &ports, number});
}

void BusPart::remove_ports(UsbPorts& ports) {
    std::erase_if(ports_, [&](const Port& port) { return port.owner == &ports; });
}

void BusPart::wake(const Object& device) {
    if (const Port* port = port_of(device)) port->owner->woken(port->number);
}

bool BusPart::firmware_path(TextSink& out) const {
    const Object* controller = object_.parent();
    auto* place = controller ? query<FirmwarePlace>(*const_cast<Object*>(controller)) : nullptr;
    return place && place->firmware_path(out);
}

void BusPart::describe(unsigned bus, TextSink& out) const {
    for (const Port& port : ports_) {
        auto* plugged = port.device ? query<UsbFunction>(*port.device) : nullptr;
        if (!plugged) continue;
        const auto* own = dynamic_cast<const Function*>(plugged);  // another plugin's says less of itself
        const std::string id(port.device->id().view());
        out.append("  Device " + std::to_string(bus) + "." + std::to_string(own ? own->address() : 0) +
                   ", Port " + port.path + ", Speed " + (plugged->speed() == UsbSpeed::Low ? "1.5" : "12") +
                   " Mb/s, Product " + (own ? own->product() : std::string(port.device->type_name().view())) +
                   (id.empty() ? "" : ", ID: " + id) + "\n");
    }
}

}  // namespace backplane::usb
