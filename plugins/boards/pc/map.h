// Where things lie on a PC with an i440FX and a PIIX3 (82441FX and 82371SB data sheets; ports as every PC has them).
#pragma once

#include <cstdint>

namespace backplane::pc {

inline constexpr std::uint64_t kMebibyte = 1 << 20;
inline constexpr std::uint64_t kGibibyte = 1 << 30;
inline constexpr std::uint64_t kFourGibibytes = 4 * kGibibyte;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
    return (value + unit - 1) / unit * unit;
}

// RAM ends here at the latest, below 4 GiB; a machine that has more ends at 3 GiB and goes on behind 4 GiB.
inline constexpr std::uint64_t kLowRamLimit = 0xe0000000;
inline constexpr std::uint64_t kLowRamOfLarge = 0xc0000000;

inline constexpr std::uint64_t kOptionRoms = 0xc0000;
inline constexpr std::uint64_t kOptionRomsSize = 0x20000;
inline constexpr std::uint64_t kIsaBiosSize = 0x20000;  ///< the firmware's last part, once more below 1 MiB
inline constexpr std::uint64_t kLargestFirmware = 8 * kMebibyte;

inline constexpr std::uint64_t kIoApic = 0xfec00000;
inline constexpr std::uint64_t kHpet = 0xfed00000;
inline constexpr std::uint64_t kMessages = 0xfee00000;
/// Processors above the interrupt controllers' window look at messages there; other RAM of theirs has this much room.
inline constexpr std::uint64_t kHyperTransport = 0xfd00000000;
inline constexpr std::uint64_t kHyperTransportSize = 0x300000000;

inline constexpr std::uint64_t kProcessorPorts = 0xaf00;
inline constexpr std::uint64_t kMemoryPorts = 0xa00;
inline constexpr unsigned kProcessorsInCmos = 0x5f;  ///< those beside the first
inline constexpr std::uint64_t kFwCfgPort = 0x510;
inline constexpr std::uint64_t kFwCfgDmaPort = 0x514;

// ISA interrupt lines.
inline constexpr unsigned kLines = 16;
inline constexpr unsigned kTimerLine = 0;
inline constexpr unsigned kCascadeLine = 2;
inline constexpr unsigned kClockLine = 8;
inline constexpr unsigned kAcpiLine = 9;
inline constexpr unsigned kDiskLine = 14;
inline constexpr unsigned kDisks = 4;  ///< two to each of two channels
inline constexpr unsigned kFloppyDrives = 2;
inline constexpr unsigned kIoApicPins = 24;
inline constexpr unsigned kTimerPin = 2;  ///< of the I/O APIC

}  // namespace backplane::pc
