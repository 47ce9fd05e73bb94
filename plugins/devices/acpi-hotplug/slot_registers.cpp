#include "slot_registers.h"

#include <string>

namespace backplane::hotplug {
bool SlotRegisters::realize(Errors&) {
    slots_.resize(slot_count_);
    describe(context_.state(), "selected", selected_);
    describe_registers(context_.state());
    if (!slots_.empty()) {
        StateTable& state = context_.state().group({.name = "slot",
                                                    .first = slots_.data(),
                                                    .count = slot_count_,
                                                    .stride = std::uint32_t(sizeof(Slot))});
        describe(state, "inserting", slots_[0].inserting);
        describe(state, "removing", slots_[0].removing);
        describe(state, "event", slots_[0].event);
        describe(state, "status", slots_[0].status);
    }
    context_.export_region("ports", make_ports());
    return true;
}

void SlotRegisters::set_owner(AcpiSlotOwner& owner, AcpiEvents& events) {
    owner_ = &owner;
    events_ = &events;
}

void SlotRegisters::occupied(std::uint32_t slot) {
    slots_.at(slot).inserting = true;
    events_->raise(event_);
}

void SlotRegisters::ask_to_leave(std::uint32_t slot) {
    slots_.at(slot).removing = true;
    events_->raise(event_);
}

void SlotRegisters::emptied(std::uint32_t slot) {
    slots_.at(slot).inserting = slots_.at(slot).removing = false;
}

Json SlotRegisters::report(std::uint32_t number) const {
    const Slot& slot = slots_.at(number);
    Json said{{"slot", std::to_string(number)},
              {"slot-type", kind()},
              {"source", slot.event},
              {"status", slot.status}};
    const Object* device = slot_at(number).device;
    if (device && !device->id().empty()) said["device"] = std::string(device->id().view());
    return said;
}

std::uint8_t SlotRegisters::state_byte() {
    const Slot* slot = selected();
    if (!slot || !there().device) return 0;
    return std::uint8_t(kEnabled | (slot->inserting ? kInserting : 0) | (slot->removing ? kRemoving : 0));
}

/// Of an acknowledgement and an ejection at once, the first is done.
void SlotRegisters::control(std::uint8_t value) {
    Slot* slot = selected();
    if (!slot) return;
    if (value & kInserting) slot->inserting = false;
    else if (value & kRemoving) slot->removing = false;
    else if ((value & kEject) && there().device) owner_->let_go(selected_);
}

void SlotRegisters::set_status(std::uint32_t status) {
    selected()->status = status;
    context_.emit_event("ACPI_DEVICE_OST", json_text({{"info", report(selected_)}}));
}

}  // namespace backplane::hotplug
