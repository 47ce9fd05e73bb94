// A virtio bus: the place for the one device behind a transport. Types "virtio-mmio-bus" and "virtio-pci-bus", of
// kind "virtio"; the transport makes it, and joins it with set_transport() before anything is plugged in.
#pragma once

#include <backplane/boot.h>
#include <backplane/bus.h>
#include <backplane/virtio.h>

namespace backplane::virtio {

class VirtioBus final : public BusBase, public VirtioTransportBus, public FirmwarePlace {
  public:
    explicit VirtioBus(Object& object) : object_(object) {}

    Str kind() const override { return "virtio"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return !device_; }
    bool hot_pluggable() const override { return false; }
    bool request_unplug(Object& device, Errors& errors) override;
    void address_of(Object&, TextSink&) const override {}

    /// As its transport's: it has one device alone.
    bool firmware_path(TextSink& out) const override {
        return object_.parent() && firmware_path_of(*object_.parent(), out);
    }

    void set_transport(VirtioTransport& transport) override { transport_ = &transport; }
    VirtioBackend* backend() override { return backend_; }

  private:
    Object& object_;
    VirtioTransport* transport_ = nullptr;
    Object* device_ = nullptr;
    VirtioBackend* backend_ = nullptr;
};

}  // namespace backplane::virtio
