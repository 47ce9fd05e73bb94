// Where the components of the XSAVE area are (SDM 1, 13.4 and 13.5).
#pragma once

#include <backplane/draft/x86/state.h>

#include <cstring>

namespace backplane::x86 {

namespace xsave {
inline constexpr std::uint64_t kX87 = 1, kSse = 2, kAvx = 4, kPkru = 1u << 9;
/// Of XCR0; IA32_XSS has nothing.
inline constexpr std::uint64_t kKnown = kX87 | kSse | kAvx | kPkru;

struct Component {
    unsigned number;
    std::uint32_t offset, size;  ///< in the standard form
};
/// Beyond the legacy region, where processors with AVX-512 have them.
inline constexpr Component kComponents[] = {{2, 576, 256}, {9, 2688, 8}};
inline constexpr std::uint32_t kEnd = 2696;
}  // namespace xsave

inline std::uint32_t pkru_of(const X86State& state) {
    std::uint32_t value;
    std::memcpy(&value, state.xsave + xsave::kComponents[1].offset, sizeof value);
    return value;
}

}  // namespace backplane::x86
