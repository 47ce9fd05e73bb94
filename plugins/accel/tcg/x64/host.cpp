// CPUID, as the Intel SDM (volume 2A, CPUID) numbers its bits; AVX state also needs the operating system (XGETBV).
#include "host.h"

#include <cpuid.h>
#include <immintrin.h>

namespace backplane::tcg::x64 {

HostFeatures detect_host() {
    HostFeatures f;
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return f;
    bool avx_state = false;
    if (ecx & bit_OSXSAVE) {
        unsigned low = 0, high = 0;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        avx_state = (low & 6) == 6;
    }
    f.xsave = ecx & bit_OSXSAVE;
    f.ssse3 = ecx & bit_SSSE3;
    f.sse41 = ecx & bit_SSE4_1;
    f.popcnt = ecx & bit_POPCNT;
    f.clmul = ecx & bit_PCLMUL;
    f.fma = avx_state && (ecx & bit_FMA);
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        f.bmi1 = ebx & bit_BMI;
        f.bmi2 = ebx & bit_BMI2;
    }
    if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) {
        f.lzcnt = ecx & bit_LZCNT;
        f.lahf = ecx & bit_LAHF_LM;
    }
    return f;
}

}  // namespace backplane::tcg::x64
