// What the board's places for processors and for memory modules have in common: their bus, and the registers by which guests
// hear of what comes and goes.
#pragma once

#include <backplane/board.h>
#include <backplane/slots.h>

namespace backplane::pc {

class Slots : public SlotOwner, public AcpiSlotOwner {
  public:
    /// The chip through which guests hear of them, and what raises events.
    void set_registers(AcpiSlots& registers, AcpiEvents& events);
    /// What comes from here on comes while the machine runs.
    void finish() { finished_ = true; }

    // AcpiSlotOwner
    void let_go(std::uint32_t number) override;

  protected:
    ~Slots() = default;
    /// Guests are asked where `tells_guests`. Null, and a reason: it could not be made.
    Object* make_bus(BoardContext& context, const char* type, const char* name, bool tells_guests,
                     Errors& errors);
    BoardContext& context() const { return *context_; }
    bool finished() const { return finished_; }
    /// Who asks guests to let go of a device; null: nobody.
    AcpiSlots* asked() const { return tells_guests_ ? registers_ : nullptr; }
    void came(std::uint32_t number);
    void left(std::uint32_t number);

  private:
    BoardContext* context_ = nullptr;
    AcpiSlots* registers_ = nullptr;
    bool tells_guests_ = true, finished_ = false;
};

}  // namespace backplane::pc
