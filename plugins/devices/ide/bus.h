// The IDE bus: where drives are plugged, two to a channel.
#pragma once

#include "channel.h"

#include <backplane/boot.h>
#include <backplane/bus.h>

namespace backplane::ide {

/// Offered by the bus object, for the controller that made it.
class IdeBus {
  public:
    static constexpr const char* kId = "backplane.ide-bus/1";
    /// Once, ahead of the first drive; `number`: of the controller's channels, this one.
    virtual void set_channel(Channel* channel, unsigned number) = 0;
    /// Of a drive that is plugged in; 0 for another.
    virtual unsigned unit_of(const Object& device) const = 0;
    /// All zeros for a place without a hard disk.
    virtual AtaGeometry geometry(unsigned unit) const = 0;

  protected:
    ~IdeBus() = default;
};

class IdeBusPart final : public BusBase, public IdeBus, public FirmwarePlace {
  public:
    explicit IdeBusPart(Object& object) : object_(object) {}
    Str kind() const override { return "IDE"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return channel_ && (!units_[0] || !units_[1]); }
    void address_of(Object& device, TextSink& out) const override;
    void set_channel(Channel* channel, unsigned number) override {
        channel_ = channel;
        number_ = number;
    }
    unsigned unit_of(const Object& device) const override { return units_[1] == &device ? 1 : 0; }
    AtaGeometry geometry(unsigned unit) const override {
        return units_[unit] ? query<Drive>(*units_[unit])->geometry() : AtaGeometry{};
    }
    bool firmware_path(TextSink& out) const override;

  private:
    Object& object_;
    Channel* channel_ = nullptr;
    unsigned number_ = 0;
    std::array<Object*, 2> units_{};
};

}  // namespace backplane::ide
