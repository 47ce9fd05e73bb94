// Guest registers as the engine's values: the general ones by their number, the vector registers behind them.
#pragma once

#include <backplane/draft/tcg/builder.h>
#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

inline constexpr unsigned kVectorCount = 16;
constexpr tcg::Value vector_value(unsigned number) { return tcg::Builder::reg(kGprCount + number); }

}  // namespace backplane::x86
