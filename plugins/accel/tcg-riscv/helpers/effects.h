// Carries out what a privileged operation asks of the engine.
#pragma once

#include <backplane/draft/riscv/hart.h>
#include <backplane/draft/tcg/vcpu.h>

#include <cstdint>

namespace backplane::riscv {

/// `effects`: of Effect. That the unit ends when its flags change is the translator's part.
void apply_effects(HartState& state, tcg::Vcpu& vcpu, std::uint32_t effects);

/// The host's rounding mode for frm. Ties away and the reserved values are nearest even: code that they matter to does
/// not use the host's mode.
tcg::FpRounding host_rounding(std::uint32_t frm);

}  // namespace backplane::riscv
