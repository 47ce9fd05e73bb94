// The page walk (SDM 3A, chapter 4): 32-bit, PAE, 4-level and 5-level paging, with accessed and dirty bits.
#pragma once

#include <backplane/draft/tcg/front_end.h>
#include <backplane/draft/x86/state.h>

namespace backplane::x86 {

/// FillAnswer::fault of an address that is not canonical: #GP, and not a page fault.
inline constexpr std::uint64_t kNotCanonical = std::uint64_t{1} << 32;

/// CR4.PKS: IA32_PKRS holds for pages of the supervisor's (SDM 3A 4.6.2).
inline constexpr std::uint64_t kPksEnable = 1u << 24;

/// As FrontEnd::fill(): answer.fault is the error code of the page fault, or kNotCanonical.
bool walk(X86State& state, tcg::Vcpu& vcpu, const tcg::FillRequest& request, tcg::FillAnswer& answer);

}  // namespace backplane::x86
