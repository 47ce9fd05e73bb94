// Guest registers as the engine's values: the general ones by their number, the vector registers behind them, and the bases of
// FS and GS.
#pragma once

#include <backplane/draft/tcg/builder.h>
#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

inline constexpr unsigned kVectorCount = 16;
inline constexpr unsigned kRegisterCount = kGprCount + kVectorCount + 2;
constexpr tcg::Value base_value(unsigned segment) {
    return tcg::Builder::reg(kGprCount + kVectorCount + segment - kFs);
}
constexpr tcg::Value vector_value(unsigned number) { return tcg::Builder::reg(kGprCount + number); }

}  // namespace backplane::x86
