// From a decoded instruction to the engine's operations: what is frequent and simple becomes those, the rest a call of the
// executor.
#pragma once

#include "../decoder/instruction.h"
#include "../templates/cache.h"

#include <backplane/draft/tcg/front_end.h>

#include <optional>

namespace backplane::x86 {

/// What a unit's key says (BlockKey::flags).
namespace key_flag {
inline constexpr std::uint64_t kCodeSizeMask = 15;  ///< CodeSize
inline constexpr std::uint64_t kShadow = 16;        ///< one instruction, behind which interrupts are taken
inline constexpr std::uint64_t kWatched = 32;       ///< one instruction between two looks for #DB
inline constexpr std::uint64_t kFlat = 64;  ///< 32-bit code; CS, DS, ES and SS begin at 0 and end at 4 GiB
inline constexpr std::uint64_t kSse = 128;  ///< its instructions are enabled
inline constexpr std::uint64_t kAvx = 256;
inline constexpr std::uint64_t kUnmasked = 512;  ///< an exception of MXCSR's may be raised
inline constexpr std::uint64_t kKernel = 1024;   ///< the current privilege level is 0
inline constexpr std::uint64_t kAligned =
    2048;                                    ///< a misaligned access is a fault: the executor does them all
inline constexpr std::uint64_t kX87 = 4096;  ///< its instructions are enabled, and raise nothing
}  // namespace key_flag

class Translator {
  public:
    /// `original`: with its immediate, where `instruction` has a template's code.
    Translator(tcg::Builder& builder, tcg::UnitTranslation& unit, const Instruction& instruction,
               const Instruction& original)
        : b_(builder),
          unit_(unit),
          i_(instruction),
          original_(original),
          flat_(i_.is_64bit() || (unit.key.flags & key_flag::kFlat)) {}

    tcg::Translated run();

  private:
    /// Of UnitTranslation::scratch.
    enum : unsigned { kBehindSti, kVectors, kBranches };

    // ---- translator.cpp
    void call();
    void call(tcg::Helper4 function);
    tcg::Translated go_on();
    tcg::Translated leave(tcg::LeaveKind kind);
    tcg::Translated behind_call();
    tcg::Translated instruction();

    // ---- data.cpp: false, the executor is to do it
    bool data();
    bool move();
    bool lea();
    bool extend();
    bool push();
    bool pop();
    bool registers_only();
    bool native();
    bool bit_in_memory();
    void bmi2(std::uint8_t opcode, tcg::Value result, tcg::Value rm, tcg::Value vvvv);
    bool x87();
    std::optional<tcg::Native> as_native() const;
    bool zero_upper();
    void leave_frame();
    void fence();
    std::optional<tcg::Address> memory(bool linear);
    void move_stack_pointer(std::int32_t by);
    void push_value(tcg::Value value);
    /// The linear address of the memory operand, or of what LEA computes; false: segments matter.
    bool address(tcg::Value& result, bool linear);
    void set_register(unsigned number, tcg::Value value, unsigned size);
    tcg::Value get_register(unsigned number, unsigned size);
    bool high_byte(unsigned number) const { return number >= 4 && number < 8 && i_.rex == 0; }
    std::uint8_t access() const;
    tcg::Value stack_pointer();
    void set_stack_pointer(tcg::Value value);

    // ---- divide.cpp
    bool divide();

    // ---- system.cpp
    std::optional<tcg::Translated> system();
    void behind_sti();
    bool ends_shadow() const;
    tcg::Translated sti();
    tcg::Translated push_flags();
    tcg::Translated pop_flags();
    tcg::Translated to_next_unit();
    tcg::Translated change_access(bool allow);
    tcg::Translated swap_gs();
    bool has_smap() const;
    void change_flag_bits(unsigned byte, std::uint8_t clear, std::uint8_t set);

    // ---- control.cpp: nothing or false, the executor is to do it
    std::optional<tcg::Translated> control();
    void go_to(std::uint64_t pc);
    tcg::Translated conditional();
    bool goes_on_behind_branch() const;
    bool call_near();
    std::optional<tcg::Value> indirect_target();
    bool return_near();
    std::uint64_t next_pc() const;
    std::uint64_t target() const;

    tcg::Builder& b_;
    tcg::UnitTranslation& unit_;
    const Instruction& i_;
    const Instruction& original_;
    const bool flat_;
};

/// Guest registers as Values: the general ones by their number.
tcg::Translated translate_instruction(tcg::Builder& builder, tcg::UnitTranslation& unit,
                                      Instruction instruction, TemplateCache& templates);

}  // namespace backplane::x86
