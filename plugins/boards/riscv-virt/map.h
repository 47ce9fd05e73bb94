// Where things are on the RISC-V "virt" board, and which PLIC source each of them drives.
#pragma once

#include <cstdint>

namespace backplane::riscv_virt {

struct Range {
    std::uint64_t base;
    std::uint64_t size;  ///< bytes
};

inline constexpr Range kMrom{0x1000, 0xf000};
inline constexpr Range kTest{0x10'0000, 0x1000};
inline constexpr Range kRtc{0x10'1000, 0x1000};
inline constexpr Range kClint{0x200'0000, 0x1'0000};
inline constexpr Range kMswi{0x200'0000, 0x4000};
inline constexpr Range kMtimer{0x200'4000, 0x8000};
inline constexpr Range kSswi{0x2f0'0000, 0x4000};
inline constexpr Range kPciIo{0x300'0000, 0x1'0000};
inline constexpr Range kPlatformBus{0x400'0000, 0x200'0000};
inline constexpr Range kPlic{0xc00'0000, 0x60'0000};
inline constexpr Range kUart{0x1000'0000, 0x100};
inline constexpr Range kVirtio{0x1000'1000, 0x1000};  ///< the first of kVirtioCount
inline constexpr Range kFwCfg{0x1010'0000, 0x18};
inline constexpr Range kFlash0{0x2000'0000, 0x200'0000};
inline constexpr Range kFlash1{0x2200'0000, 0x200'0000};
inline constexpr Range kPciEcam{0x3000'0000, 0x1000'0000};
inline constexpr Range kPciMmio32{0x4000'0000, 0x4000'0000};
inline constexpr std::uint64_t kPciMmio64Size = 16ull << 30;  ///< at the next multiple of its size above RAM
inline constexpr std::uint64_t kDram = 0x8000'0000;

inline constexpr unsigned kVirtioCount = 8;
inline constexpr unsigned kVirtioSource = 1;  ///< and the seven that follow
inline constexpr unsigned kUartSource = 10;
inline constexpr unsigned kRtcSource = 11;
inline constexpr unsigned kPciSource = 32;  ///< INTA#–INTD#: 32–35
inline constexpr unsigned kPlatformBusSource = 64;
inline constexpr unsigned kPlatformBusLines = 32;
inline constexpr unsigned kPlicSources = 96;

inline constexpr std::uint32_t kMaximumHarts = 512;
inline constexpr std::uint32_t kTimebase = 10'000'000;  ///< Hz
inline constexpr std::uint32_t kUartClock = 3'686'400;  ///< Hz

/// Bits of mip, which are the numbers of a hart's inputs "irq" (Privileged ISA 3.1.9).
inline constexpr unsigned kSupervisorSoftware = 1;
inline constexpr unsigned kMachineSoftware = 3;
inline constexpr unsigned kMachineTimer = 7;
inline constexpr unsigned kSupervisorExternal = 9;
inline constexpr unsigned kMachineExternal = 11;

inline constexpr std::uint64_t pci_mmio64_base(std::uint64_t ram_size) {
    return (kDram + ram_size + kPciMmio64Size - 1) / kPciMmio64Size * kPciMmio64Size;
}

}  // namespace backplane::riscv_virt
