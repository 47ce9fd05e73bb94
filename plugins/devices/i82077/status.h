// Bits of the chip's commands and of what it answers.
#pragma once

#include <cstdint>

namespace backplane::i82077 {

// Bits 4-0 of a command's first byte say which it is (5.1); above them:
inline constexpr std::uint8_t kOperation = 0x1f, kSkip = 0x20, kMultiTrack = 0x80;
inline constexpr std::uint8_t kReadTrack = 0x02, kWriteData = 0x05, kReadData = 0x06, kWriteDeleted = 0x09,
                              kReadId = 0x0a, kReadDeleted = 0x0c, kFormatTrack = 0x0d, kScanEqual = 0x11,
                              kVerify = 0x16, kScanLow = 0x19, kScanHigh = 0x1d;

// Status register 0 (6.1)
inline constexpr std::uint8_t kAbnormal = 0x40, kInvalidCommand = 0x80, kReadyChanged = 0xc0, kSeekEnd = 0x20,
                              kEquipmentCheck = 0x10;
// Status register 1 (6.2)
inline constexpr std::uint8_t kEndOfCylinder = 0x80, kDataError = 0x20, kNoData = 0x04, kNotWritable = 0x02,
                              kMissingMark = 0x01;
// Status register 2 (6.3)
inline constexpr std::uint8_t kControlMark = 0x40, kErrorInData = 0x20, kWrongCylinder = 0x10,
                              kScanHit = 0x08, kScanMissed = 0x04, kBadCylinder = 0x02;
// Status register 3 (6.4)
inline constexpr std::uint8_t kWriteProtected = 0x40, kTrack0 = 0x10, kAlwaysOnes = 0x28;

// The second byte of CONFIGURE (5.2.7)
inline constexpr std::uint8_t kImpliedSeek = 0x40, kFifoOff = 0x20, kPollingOff = 0x10;
/// The data sheet has seeks of their own; software that gives commands without them found implied ones everywhere.
inline constexpr std::uint8_t kInitialConfiguration = kImpliedSeek | kFifoOff;

// PERPENDICULAR MODE (5.2.6)
inline constexpr std::uint8_t kPerpendicularDrives = 0x3c, kPerpendicularWrite = 0x80,
                              kPerpendicularNow = 0x03;

inline constexpr std::uint8_t kNonDmaMode = 0x01;   // of the second byte of SPECIFY
inline constexpr std::uint8_t kEnableCount = 0x80;  // of the second byte of VERIFY
inline constexpr std::uint8_t kSizeCode = 2;        // 128 << 2 bytes

}  // namespace backplane::i82077
