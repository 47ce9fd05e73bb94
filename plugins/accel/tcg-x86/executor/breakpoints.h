// The breakpoints of DR0 to DR3 (SDM 3B 17.2). While one is enabled, units are of one instruction each.
#pragma once

#include <backplane/draft/x86/state.h>

#include <cstdint>

namespace backplane::x86 {

/// DR6 and DR7 (SDM 3B 17.2.3, 17.2.4).
namespace debug {
inline constexpr std::uint64_t kBreakpoints = 15;          ///< DR6.B0 to B3
inline constexpr std::uint64_t kGeneralDetect = 1u << 13;  ///< DR7.GD, DR6.BD
inline constexpr std::uint64_t kSingleStep = 1u << 14;
inline constexpr std::uint64_t kTaskSwitch = 1u << 15;
inline constexpr std::uint64_t kEnabled = 0xff, kEnabledLocally = 0x155;  ///< of DR7
/// IA32_DEBUGCTL (SDM 3B 17.4.1): last branches are not recorded.
inline constexpr std::uint64_t kLastBranches = 1, kBranchSteps = 2;
}  // namespace debug

inline bool breakpoints_enabled(const X86State& state) { return (state.dr7 & debug::kEnabled) != 0; }

/// DR7.R/W; Io with CR4.DE only.
enum class Break : std::uint8_t { Execute, Write, Io, Access };

/// Calls `body(number, first, size)` for each that is enabled and of that type, as its length aligns it.
template <class Body>
void for_each_breakpoint(const X86State& state, Break type, Body body) {
    constexpr unsigned kSizes[] = {1, 2, 8, 4};
    for (unsigned n = 0; n < 4; ++n) {
        if (!(state.dr7 >> (2 * n) & 3) || Break(state.dr7 >> (16 + 4 * n) & 3) != type) continue;
        const unsigned size = kSizes[state.dr7 >> (18 + 4 * n) & 3];
        body(n, state.dr[n] & ~std::uint64_t(size - 1), size);
    }
}

}  // namespace backplane::x86
