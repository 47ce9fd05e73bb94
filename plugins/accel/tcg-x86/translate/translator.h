// From a decoded instruction to the engine's operations.
#pragma once

#include "../decoder/instruction.h"
#include "../templates/cache.h"

#include <backplane/draft/tcg/front_end.h>

namespace backplane::x86 {

/// What a unit's key says (BlockKey::flags).
namespace key_flag {
inline constexpr std::uint64_t kCodeSizeMask = 15;  ///< CodeSize
inline constexpr std::uint64_t kShadow = 16;        ///< one instruction, behind which interrupts are taken
inline constexpr std::uint64_t kTrap = 32;          ///< one instruction, and then #DB
}  // namespace key_flag

/// Guest registers as Values: the general ones by their number.
tcg::Translated translate_instruction(tcg::Builder& builder, const tcg::UnitTranslation& unit,
                                      Instruction instruction, TemplateCache& templates);

}  // namespace backplane::x86
