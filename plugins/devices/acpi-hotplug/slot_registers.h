// What the registers of all kinds of slots have in common: which of them have news, and what the guest's system reports.
#pragma once

#include "slot_reports.h"

#include <backplane/acpi.h>
#include <backplane/device.h>
#include <backplane/slots.h>

#include <vector>

namespace backplane::hotplug {

class SlotRegisters : public DeviceBase, public AcpiSlots, public SlotReports, public IoHandler {
  public:
    bool realize(Errors& errors) override;

    // AcpiSlots
    void set_owner(AcpiSlotOwner& owner, AcpiEvents& events) override;
    void occupied(std::uint32_t slot) override;
    void ask_to_leave(std::uint32_t slot) override;
    void emptied(std::uint32_t slot) override;
    bool asks() const override { return true; }

    // SlotReports
    std::uint32_t count() const override { return std::uint32_t(slots_.size()); }
    Json report(std::uint32_t slot) const override;

    // Properties
    std::uint32_t slot_count_ = 0;

  protected:
    struct Slot {
        bool inserting = false, removing = false;
        std::uint32_t event = 0, status = 0;  ///< _OST
    };
    /// What of a slot's state and control bytes is the same everywhere.
    enum Bit : std::uint8_t { kEnabled = 1, kInserting = 2, kRemoving = 4, kEject = 8 };

    SlotRegisters(Object& object, unsigned event) : context_(device_context(object)), event_(event) {}
    ~SlotRegisters() = default;
    /// "CPU", "DIMM".
    virtual const char* kind() const = 0;
    virtual void describe_registers(StateTable& state) = 0;
    virtual MemoryRegion& make_ports() = 0;
    /// Null where the guest selected a slot that is not there.
    Slot* selected() { return selected_ < slots_.size() ? &slots_[selected_] : nullptr; }
    AcpiSlot slot_at(std::uint32_t number) const { return owner_ ? owner_->slot(number) : AcpiSlot{}; }
    AcpiSlot there() const { return slot_at(selected_); }
    std::uint8_t state_byte();
    void control(std::uint8_t value);
    void set_status(std::uint32_t status);

    DeviceContext& context_;
    std::uint32_t selected_ = 0;
    std::vector<Slot> slots_;

  private:
    const unsigned event_;  ///< general-purpose
    AcpiSlotOwner* owner_ = nullptr;
    AcpiEvents* events_ = nullptr;
};

}  // namespace backplane::hotplug
