// What this x86-64 host can do beyond the baseline.
#pragma once

namespace backplane::tcg::x64 {

struct HostFeatures {
    bool bmi1 = false;
    bool bmi2 = false;
    bool lahf = false;
    bool lzcnt = false;
    bool popcnt = false;
    bool sse41 = false;
    bool ssse3 = false;
    bool fma = false;
    bool clmul = false;
    bool xsave = false;
};

HostFeatures detect_host();

}  // namespace backplane::tcg::x64
