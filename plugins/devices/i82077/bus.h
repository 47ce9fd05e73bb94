// The cable between a floppy controller and its drives.
#pragma once

#include "controller.h"

#include <backplane/bus.h>

namespace backplane::i82077 {

/// Offered by the bus object, for the controller that made it.
class FloppyBus {
  public:
    static constexpr const char* kId = "backplane.floppy-bus/1";
    virtual void set_controller(Controller* controller) = 0;

  protected:
    ~FloppyBus() = default;
};

class FloppyBusPart final : public BusBase, public FloppyBus {
  public:
    explicit FloppyBusPart(Object& object) : object_(object) {}
    Str kind() const override { return "floppy-bus"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return controller_ && (!units_[0] || !units_[1]); }
    void address_of(Object& device, TextSink& out) const override;
    void set_controller(Controller* controller) override { controller_ = controller; }

  private:
    Object& object_;
    Controller* controller_ = nullptr;
    std::array<Object*, kDrives> units_{};
};

}  // namespace backplane::i82077
