// What a translate function works with: the builder, the instruction's place, and RISC-V's ways of reading and writing
// registers. One function per line of riscv.inc, named as the line; they stand in files by extension.
#pragma once

#include "../decoder/instruction.h"
#include "../helpers/effects.h"
#include "../privileged/privileged.h"

#include <backplane/draft/riscv/hart.h>
#include <backplane/draft/tcg/front_end.h>

#include <cstddef>
#include <cstdint>

namespace backplane::riscv {

using tcg::Cond;
using tcg::Value;
using tcg::Width;

/// What is known at translation time about the block so far. Lives in UnitTranslation::scratch.
struct Progress {
    bool float_dirty = false;         ///< mstatus.FS says so by now
    std::uint8_t known_register = 0;  ///< the register whose value is known; 0: none
    std::uint64_t known_value = 0;
};
static_assert(sizeof(Progress) <= sizeof(tcg::UnitTranslation::scratch));

class Translator {
  public:
    Translator(tcg::Builder& builder, tcg::UnitTranslation& unit, const Instruction& instruction)
        : b(builder), unit_(unit), instruction_(instruction) {}

    tcg::Builder& b;

    const HartState& hart() const { return *static_cast<const HartState*>(unit_.state); }
    bool has(Extension extension) const { return hart().has(extension); }
    Privilege privilege() const {
        return static_cast<Privilege>(unit_.key.flags >> kFlagsPrivilegeShift & 3);
    }
    DynamicRounding dynamic_rounding() const {
        return static_cast<DynamicRounding>(unit_.key.flags >> kFlagsRoundingShift & 3);
    }
    std::uint64_t pc() const { return unit_.pc; }
    std::uint64_t next_pc() const { return unit_.pc + instruction_.length; }
    /// The four bytes at `address`, when they lie in the page of this instruction; else 0.
    std::uint32_t word_in_page(std::uint64_t address) {
        constexpr std::uint64_t kOffset = 0xfff;
        const bool here = (address & ~kOffset) == (pc() & ~kOffset) && (address & kOffset) <= kOffset - 3;
        return here ? unit_.code->fetch(address, 4) : 0;
    }
    std::uint64_t target() const {
        return unit_.pc + static_cast<std::uint64_t>(std::int64_t{instruction_.immediate});
    }
    Progress& progress() { return *reinterpret_cast<Progress*>(unit_.scratch); }

    /// x0 reads as 0.
    Value x(unsigned number) { return number == 0 ? b.constant(0) : tcg::Builder::reg(number); }
    /// Where a result for xN goes; one for x0 is dropped.
    Value x_result(unsigned number) {
        if (number == 0) return b.temp();
        if (progress().known_register == number) progress().known_register = 0;
        return tcg::Builder::reg(number);
    }
    Value f(unsigned number) { return tcg::Builder::reg(32 + number); }
    Value immediate() { return b.constant(static_cast<std::uint64_t>(std::int64_t{instruction_.immediate})); }
    /// xN becomes a value that is known now.
    void set_x(unsigned number, Value value);
    /// An instruction on the low half of xN is about to replace it: what the one right before wrote there need not be
    /// sign-extended. Nothing can come between the two: neither leaves the unit.
    void will_replace_word(unsigned number);
    bool knows(unsigned number) { return number != 0 && progress().known_register == number; }

    /// The MMU mode of data accesses.
    std::uint8_t data_mode() const {
        return unit_.key.data_mode == unit_.key.mmu_mode ? tcg::kBlockMode : unit_.key.data_mode;
    }

    /// Every path out of the instruction leaves the unit.
    void end() { ended_ = true; }
    bool ended() const { return ended_; }
    void leave(tcg::LeaveKind kind) {
        b.leave(kind);
        end();
    }

    /// The instruction raises illegal-instruction; mtval gets its bits.
    void illegal();
    void raise(Cause cause, Value value);
    /// The same on one path of several.
    void raise_here(Cause cause, Value value);

    bool float_is_on() const { return (unit_.key.flags >> kFlagsFsShift & 3) != 0; }
    /// False (and the instruction raises) when mstatus.FS is off.
    bool float_enabled();
    /// Floating-point state is about to change.
    void float_changes();

  private:
    /// The last op of the instruction before, when it wrote xN; else null.
    tcg::Op* previous_write(unsigned number);

    tcg::UnitTranslation& unit_;
    const Instruction& instruction_;
    bool ended_ = false;
};

/// Bytes from the state's start, for load_state and store_state.
#define BACKPLANE_HART_OFFSET(field) static_cast<std::uint32_t>(offsetof(HartState, field))
inline constexpr std::uint32_t kPcOffset = BACKPLANE_HART_OFFSET(pc);
inline constexpr std::uint32_t kMstatusOffset = BACKPLANE_HART_OFFSET(mstatus);
inline constexpr std::uint32_t kFflagsOffset = BACKPLANE_HART_OFFSET(fflags);
inline constexpr std::uint32_t kReservationAddressOffset = BACKPLANE_HART_OFFSET(reservation_address);
inline constexpr std::uint32_t kReservationValueOffset = BACKPLANE_HART_OFFSET(reservation_value);
#undef BACKPLANE_HART_OFFSET

namespace semantics {
#define INST(opcode, mnemonic, encoding, extension, immediate, operands) \
    void opcode(Translator&, const Instruction&);
#include "../decoder/riscv.inc"
#undef INST
}  // namespace semantics

/// Emits the instruction.
void translate_instruction(Translator& translator, const Instruction& instruction);

}  // namespace backplane::riscv
