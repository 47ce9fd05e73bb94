// Draft: needs the exact host build. Model-specific registers of x86 processors by their numbers.
//
// Follows the "Intel 64 and IA-32 Architectures Software Developer's Manual" volume 4, table 2-2 (architectural MSRs),
// the "AMD64 Architecture Programmer's Manual" volume 2, appendix A, and for the paravirtual ones the kernel's
// Documentation/virt/kvm/x86/msr.rst.
#pragma once

#include <backplane/draft/mark.h>

#include <cstdint>

namespace backplane::x86::msr {

inline constexpr std::uint32_t kTsc = 0x10;
inline constexpr std::uint32_t kApicBase = 0x1b;
inline constexpr std::uint32_t kFeatureControl = 0x3a;
inline constexpr std::uint32_t kTscAdjust = 0x3b;
inline constexpr std::uint32_t kSpecCtrl = 0x48;
inline constexpr std::uint32_t kSmbase = 0x9e;
inline constexpr std::uint32_t kUmwaitControl = 0xe1;
inline constexpr std::uint32_t kMtrrCap = 0xfe;
inline constexpr std::uint32_t kCoreCapabilities = 0xcf;
inline constexpr std::uint32_t kArchCapabilities = 0x10a;
inline constexpr std::uint32_t kTsxCtrl = 0x122;
inline constexpr std::uint32_t kMiscFeatureEnables = 0x140;
inline constexpr std::uint32_t kSysenterCs = 0x174;
inline constexpr std::uint32_t kSysenterEsp = 0x175;
inline constexpr std::uint32_t kSysenterEip = 0x176;
inline constexpr std::uint32_t kMcgCap = 0x179;
inline constexpr std::uint32_t kMcgStatus = 0x17a;
inline constexpr std::uint32_t kMcgCtl = 0x17b;
inline constexpr std::uint32_t kMiscEnable = 0x1a0;
inline constexpr std::uint32_t kXfd = 0x1c4;
inline constexpr std::uint32_t kXfdError = 0x1c5;
inline constexpr std::uint32_t kDebugCtl = 0x1d9;
inline constexpr std::uint32_t kMtrrPhysBase0 = 0x200;  ///< base and mask in turn
inline constexpr std::uint32_t kMtrrFix64k = 0x250;
inline constexpr std::uint32_t kMtrrFix16k = 0x258;  ///< and 0x259
inline constexpr std::uint32_t kMtrrFix4k = 0x268;   ///< to 0x26f
inline constexpr std::uint32_t kPat = 0x277;
inline constexpr std::uint32_t kMtrrDefType = 0x2ff;
inline constexpr std::uint32_t kPerfCapabilities = 0x345;
inline constexpr std::uint32_t kMc0Ctl = 0x400;  ///< CTL, STATUS, ADDR, MISC of each bank
inline constexpr std::uint32_t kPkrs = 0x6e1;
inline constexpr std::uint32_t kTscDeadline = 0x6e0;
inline constexpr std::uint32_t kX2apicFirst = 0x800;
inline constexpr std::uint32_t kX2apicLast = 0x8ff;
inline constexpr std::uint32_t kBndcfgs = 0xd90;
inline constexpr std::uint32_t kXss = 0xda0;
inline constexpr std::uint32_t kEfer = 0xc0000080;
inline constexpr std::uint32_t kStar = 0xc0000081;
inline constexpr std::uint32_t kLstar = 0xc0000082;
inline constexpr std::uint32_t kCstar = 0xc0000083;
inline constexpr std::uint32_t kSfmask = 0xc0000084;
inline constexpr std::uint32_t kFsBase = 0xc0000100;
inline constexpr std::uint32_t kGsBase = 0xc0000101;
inline constexpr std::uint32_t kKernelGsBase = 0xc0000102;
inline constexpr std::uint32_t kTscAux = 0xc0000103;
inline constexpr std::uint32_t kAmdSyscfg = 0xc0010010;
inline constexpr std::uint32_t kAmdHwcr = 0xc0010015;
inline constexpr std::uint32_t kAmdVmHsave = 0xc0010117;
inline constexpr std::uint32_t kAmdVirtSpecCtrl = 0xc001011f;

// Paravirtual.
inline constexpr std::uint32_t kHypervVpIndex = 0x40000002;
inline constexpr std::uint32_t kHypervSynicFirst =
    0x40000080;  ///< to the last one: the synthetic interrupt controller's
inline constexpr std::uint32_t kHypervSynicLast = 0x400000b7;
inline constexpr std::uint32_t kKvmWallClock = 0x4b564d00;
inline constexpr std::uint32_t kKvmSystemTime = 0x4b564d01;
inline constexpr std::uint32_t kKvmAsyncPf = 0x4b564d02;
inline constexpr std::uint32_t kKvmStealTime = 0x4b564d03;
inline constexpr std::uint32_t kKvmPvEoi = 0x4b564d04;
inline constexpr std::uint32_t kKvmPollControl = 0x4b564d05;
inline constexpr std::uint32_t kKvmAsyncPfInt = 0x4b564d06;

}  // namespace backplane::x86::msr
