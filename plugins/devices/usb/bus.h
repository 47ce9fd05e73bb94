// The bus "usb-bus": which device is at which port.
#pragma once

#include <backplane/boot.h>
#include <backplane/bus.h>
#include <backplane/usb.h>

#include <map>
#include <string>
#include <vector>

namespace backplane::usb {

class BusPart final : public BusBase, public UsbBus, public FirmwarePlace {
  public:
    explicit BusPart(Object& object) : object_(object) {}

    // Bus
    Str kind() const override { return "usb"; }
    bool set_place(Object& device, Str name, Str value, Errors& errors) override;
    bool attach(Object& device, Errors& errors) override;
    bool place(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return free_port() != nullptr; }
    bool hot_pluggable() const override { return true; }
    bool request_unplug(Object& device, Errors& errors) override;
    void address_of(Object& device, TextSink& out) const override;

    // UsbBus
    void add_ports(UsbPorts& ports, const Object* hub, unsigned count) override;
    void remove_ports(UsbPorts& ports) override;
    void wake(const Object& device) override;

    // FirmwarePlace
    bool firmware_path(TextSink& out) const override;

    /// "2.4": where a device is; empty: nowhere.
    std::string path_of(const Object& device) const;
    /// A line for each device: `info usb`.
    void describe(unsigned bus, TextSink& out) const;

  private:
    struct Port {
        std::string path;
        UsbPorts* owner;
        unsigned number;
        Object* device = nullptr;
    };
    std::string wanted_port(Object& device);
    Port* find(std::string_view path);
    Port* port_of(const Object& device);
    const Port* free_port() const;

    Object& object_;
    std::vector<Port> ports_;
    std::map<const Object*, std::string> wanted_;
};

}  // namespace backplane::usb
