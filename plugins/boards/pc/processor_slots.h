// The places for processors on the board: which there are, what is in them, and how one comes and goes.
#pragma once

#include "slots.h"

#include <optional>
#include <vector>

namespace backplane::pc {

class ProcessorSlots final : public Slots {
  public:
    /// Makes of a processor one of the board's.
    class Fitter {
      public:
        /// Before it is realized: what it sees.
        virtual bool prepare_processor(Object& processor, Errors& errors) = 0;
        /// Realized: its local APIC, its wires.
        virtual bool fit_processor(Object& processor, Errors& errors) = 0;

      protected:
        ~Fitter() = default;
    };

    explicit ProcessorSlots(Fitter& fitter) : fitter_(fitter) {}
    /// Makes the bus of slots and those processors that the machine starts with. Guests are asked where `tells_guests`.
    bool build(BoardContext& context, bool tells_guests, Errors& errors);

    std::uint32_t count() const { return std::uint32_t(processors_.size()); }
    std::uint32_t present() const;
    /// Null: the slot is free.
    Object* processor(std::uint32_t number) const { return processors_.at(number); }
    /// An APIC's id has a field of bits for each level of the topology.
    std::uint32_t apic_id(std::uint32_t number) const;
    ProcessorPlace place(std::uint32_t number) const;

    // SlotOwner
    bool take(Object& device, Errors& errors) override;
    bool placed(Object& device, Errors& errors) override;
    void gone(Object& device) override;
    bool ask_to_leave(Object& device, Errors& errors) override;

    // AcpiSlotOwner
    AcpiSlot slot(std::uint32_t number) const override;
    void let_go(std::uint32_t number) override;

  private:
    std::optional<std::uint32_t> find(const Object& device) const;
    struct Levels {
        std::uint32_t socket, die, module, core, thread;
    };
    Levels levels(std::uint32_t number) const;
    std::optional<std::uint32_t> wanted_slot(Object& device, Errors& errors) const;
    std::optional<std::uint32_t> slot_of_apic(std::uint32_t id, Errors& errors) const;
    std::optional<std::uint32_t> slot_of_levels(Object& device, Errors& errors) const;
    bool set_place(Object& device, std::uint32_t number, Errors& errors);

    Fitter& fitter_;
    ProcessorPlug* plug_ = nullptr;
    Topology topology_;
    std::vector<Object*> processors_;
    std::optional<std::uint32_t> initial_;  ///< the board's own that is being realized
};

}  // namespace backplane::pc
