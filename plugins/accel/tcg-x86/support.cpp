// Bits are spelled by their numbers in CPUID (SDM 2A, tables 3-8 to 3-17; APM 3, appendix E). What the host's own
// instructions do for the guest is there only where the host has them.
#include "support.h"

#include "executor/xsave.h"

#include <cpuid.h>

namespace backplane::x86 {

namespace {

template <class... Numbers>
constexpr std::uint32_t bits(Numbers... numbers) {
    return (0u | ... | (1u << numbers));
}

// Leaf 1: what this front end does itself, and what it asks the host for.
// FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2 SS HTT.
constexpr std::uint32_t kBasicEdx =
    bits(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26, 27, 28);
constexpr std::uint32_t kBasicEcxOwn =
    bits(3, 17, 21, 24, 26, 31);  // MONITOR PCID x2APIC TSC-DEADLINE XSAVE; a hypervisor is there
/// SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES AVX F16C RDRAND.
constexpr std::uint32_t kBasicEcxHost = bits(0, 1, 9, 12, 13, 19, 20, 22, 23, 25, 28, 29, 30);
// Leaf 7: FSGSBASE TSC_ADJUST SMEP ERMS INVPCID SMAP CLFLUSHOPT CLWB; UMIP PKU LA57 RDPID PKS.
constexpr std::uint32_t kStructuredEbxOwn = bits(0, 1, 7, 9, 10, 20, 23, 24);
/// BMI1 AVX2 BMI2 RDSEED ADX SHA.
constexpr std::uint32_t kStructuredEbxHost = bits(3, 5, 8, 18, 19, 29);
constexpr std::uint32_t kStructuredEcxOwn = bits(2, 3, 16, 22, 31);
constexpr std::uint32_t kStructuredEcxHost = bits(9, 10);  // VAES VPCLMULQDQ
constexpr std::uint32_t kStructuredEdxOwn = bits(4);       // FSRM
// Leaf 80000001: SYSCALL NX PDPE1GB RDTSCP LM; LAHF CR8 3DNOWPREFETCH TOPOEXT; what the host does: ABM SSE4A.
constexpr std::uint32_t kExtendedEdx =
    (kBasicEdx & bits(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 23, 24)) |
    bits(11, 20, 26, 27, 29);
constexpr std::uint32_t kExtendedEcxOwn = bits(0, 1, 4, 8, 22);
constexpr std::uint32_t kExtendedEcxHost = bits(5, 6);

constexpr std::uint32_t kXsaveWays = bits(0, 1, 2, 3);  // XSAVEOPT XSAVEC XGETBV(1) XSAVES
constexpr std::uint32_t kAlwaysRunningTimer = bits(2);  // leaf 6, ARAT
constexpr std::uint32_t kNoInvalidation = bits(9);      // leaf 80000008, WBNOINVD

CpuidRegisters host(std::uint32_t leaf, std::uint32_t subleaf) {
    CpuidRegisters value;
    __get_cpuid_count(leaf, subleaf, &value.eax, &value.ebx, &value.ecx, &value.edx);
    return value;
}

}  // namespace

CpuidRegisters TranslatorSupport::cpuid(std::uint32_t leaf, std::uint32_t subleaf) const {
    CpuidRegisters value = host(leaf, subleaf);
    switch (leaf) {
    case 1:
        value.edx = kBasicEdx;
        value.ecx = kBasicEcxOwn | (value.ecx & kBasicEcxHost);
        return value;
    case 7:
        if (subleaf != 0) return {};
        value.eax = 0;
        value.ebx = kStructuredEbxOwn | (value.ebx & kStructuredEbxHost);
        value.ecx = kStructuredEcxOwn | (value.ecx & kStructuredEcxHost);
        value.edx = kStructuredEdxOwn;
        return value;
    case 0xd:
        if (subleaf == 0) return {std::uint32_t(xsave::kKnown), xsave::kEnd, xsave::kEnd, 0};
        if (subleaf == 1) return {kXsaveWays, 0, 0, 0};
        for (const xsave::Component& component : xsave::kComponents)
            if (subleaf == component.number) return {component.size, component.offset, 0, 0};
        return {};
    case 6: return {kAlwaysRunningTimer, 0, 0, 0};
    case 0x80000001:
        value.edx = kExtendedEdx;
        value.ecx = kExtendedEcxOwn | (value.ecx & kExtendedEcxHost);
        return value;
    case 0x80000007: return {0, 0, 0, 1u << 8};  // the time-stamp counter does not vary
    case 0x80000008: value.ebx = kNoInvalidation; return value;
    case 0xa:
    case 0x14:
    case 0x19:
    case 0x80000000 + 0xa:
    case 0x80000000 + 0x1f:
    case 0x80000000 + 0x21:
    case 0x80000000 + 0x22: return {};
    default: return value;
    }
}

}  // namespace backplane::x86
