// The IDE bus: where drives are plugged, two to a channel.
#pragma once

#include "channel.h"

#include <backplane/bus.h>

namespace backplane::ide {

/// Offered by the bus object, for the controller that made it.
class IdeBus {
  public:
    static constexpr const char* kId = "backplane.ide-bus/1";
    virtual void set_channel(Channel* channel) = 0;

  protected:
    ~IdeBus() = default;
};

class IdeBusPart final : public BusBase, public IdeBus {
  public:
    explicit IdeBusPart(Object& object) : object_(object) {}
    Str kind() const override { return "IDE"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return channel_ && (!units_[0] || !units_[1]); }
    void address_of(Object& device, TextSink& out) const override;
    void set_channel(Channel* channel) override { channel_ = channel; }

  private:
    Object& object_;
    Channel* channel_ = nullptr;
    std::array<Object*, 2> units_{};
};

}  // namespace backplane::ide
