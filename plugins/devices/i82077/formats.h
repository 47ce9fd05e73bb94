// The formats of diskettes that have sectors of 512 bytes, and which one an image has.
#pragma once

#include <backplane/floppy.h>

#include <cstdint>

namespace backplane::i82077 {

inline constexpr std::uint32_t kSector = 512;

/// In the order of the property's choices.
enum class DriveType : std::uint32_t { Mb144, Mb288, Mb120, None, Auto };
inline constexpr const char* kDriveTypes = "144|288|120|none|auto";

/// Bits 1-0 of DSR and CCR (82077AA, 2.1.4), in kbit/s.
enum class Rate : std::uint8_t { R500, R300, R250, R1000 };

struct Format {
    DriveType drive;  ///< the least one that reads it
    std::uint8_t sectors, tracks, heads;
    Rate rate;
    constexpr std::uint64_t bytes() const { return std::uint64_t{kSector} * sectors * tracks * heads; }
};

/// What an image of `bytes` is in a drive of a type: the format of exactly that size, else the least that has room for
/// it. Null: there is none.
const Format* format_of(std::uint64_t bytes, DriveType drive);
/// What a drive is for.
FloppyGeometry geometry_of(DriveType drive);

}  // namespace backplane::i82077
