// The cable between a floppy controller and its drives.
#pragma once

#include "controller.h"

#include <backplane/boot.h>
#include <backplane/bus.h>

namespace backplane::i82077 {

/// Offered by the bus object, for the controller that made it.
class FloppyBus {
  public:
    static constexpr const char* kId = "backplane.floppy-bus/1";
    virtual void set_controller(Controller* controller) = 0;
    /// Of a drive that is plugged in; 0 for another.
    virtual unsigned unit_of(const Object& device) const = 0;
    /// The drive's place in the boot order, as its controller has it.
    virtual std::int32_t boot_index(unsigned unit) const = 0;

  protected:
    ~FloppyBus() = default;
};

class FloppyBusPart final : public BusBase, public FloppyBus, public FirmwarePlace {
  public:
    explicit FloppyBusPart(Object& object) : object_(object) {}
    Str kind() const override { return "floppy-bus"; }
    bool attach(Object& device, Errors& errors) override;
    void detach(Object& device) override;
    bool has_room() const override { return controller_ && (!units_[0] || !units_[1]); }
    void address_of(Object& device, TextSink& out) const override;
    void set_controller(Controller* controller) override { controller_ = controller; }
    unsigned unit_of(const Object& device) const override { return units_[1] == &device ? 1 : 0; }
    std::int32_t boot_index(unsigned unit) const override {
        return controller_ ? controller_->boot_index(unit) : -1;
    }
    bool firmware_path(TextSink& out) const override;

  private:
    Object& object_;
    Controller* controller_ = nullptr;
    std::array<Object*, kDrives> units_{};
};

}  // namespace backplane::i82077
