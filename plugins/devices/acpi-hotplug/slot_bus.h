// A bus of slots: what plugging means is said by the board that has them.
#pragma once

#include <backplane/bus.h>
#include <backplane/slots.h>

namespace backplane::hotplug {

class SlotBusPart final : public BusBase, public SlotBus {
  public:
    SlotBusPart(Object& object, const char* kind) : object_(object), kind_(kind) {}

    Str kind() const override { return kind_; }
    bool attach(Object& device, Errors& errors) override;
    bool place(Object& device, Errors& errors) override { return owner_->placed(device, errors); }
    void detach(Object& device) override;
    bool has_room() const override { return owner_ != nullptr; }  // the refusal says more
    bool hot_pluggable() const override { return owner_ != nullptr; }
    bool request_unplug(Object& device, Errors& errors) override {
        return owner_->ask_to_leave(device, errors);
    }
    void set_owner(SlotOwner& owner) override { owner_ = &owner; }

  private:
    Object& object_;
    const char* kind_;
    SlotOwner* owner_ = nullptr;
};

}  // namespace backplane::hotplug
