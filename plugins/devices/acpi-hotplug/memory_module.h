// The memory module "pc-dimm": memory of a backend, in a slot of its board.
#pragma once

#include <backplane/device.h>
#include <backplane/slots.h>

namespace backplane::hotplug {

class Dimm final : public DeviceBase, public MemoryModule {
  public:
    explicit Dimm(Object& object) : context_(device_context(object)) {}

    bool realize(Errors& errors) override;

    // MemoryModule
    MemoryPlace place() const override { return {address_, slot_, node_, hot_plugged_}; }
    void set_place(const MemoryPlace& place) override;
    Object* backend() const override { return backend_; }
    Str kind() const override { return "dimm"; }

    // Properties
    Object* backend_ = nullptr;
    std::uint64_t address_ = 0;
    std::int32_t slot_ = -1;
    std::uint32_t node_ = 0;

  private:
    DeviceContext& context_;
    bool hot_plugged_ = false;
};

}  // namespace backplane::hotplug
