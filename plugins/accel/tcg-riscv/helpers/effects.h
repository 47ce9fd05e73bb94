// Carries out what a privileged operation asks of the engine.
#pragma once

#include "../privileged/privileged.h"

#include <backplane/draft/riscv/hart.h>
#include <backplane/draft/tcg/vcpu.h>

#include <cstdint>

namespace backplane::riscv {

/// `effects`: of Effect. That the unit ends when its flags change is the translator's part. An interrupt that became
/// deliverable makes the vCPU look at its requests when the unit is left.
void apply_effects(HartState& state, tcg::Vcpu& vcpu, std::uint32_t effects);

/// What dynamic rounding means for the block, in its flags: the host's rounding does for frm 0 … 3.
enum class DynamicRounding : std::uint32_t { Host = 0, Away = 1, Reserved = 2 };
inline constexpr unsigned kFlagsRoundingShift = kFlagsFreeShift;

/// BlockKey::flags of the code that the hart executes next.
std::uint32_t block_flags(const HartState& state);

/// The host's rounding mode for frm. Ties away and the reserved values are nearest even: code that they matter to does
/// not use the host's mode.
tcg::FpRounding host_rounding(std::uint32_t frm);

}  // namespace backplane::riscv
