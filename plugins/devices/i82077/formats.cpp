#include "formats.h"

namespace backplane::i82077 {
namespace {

using enum DriveType;
using enum Rate;

/// The first of two that have the same size is the usual one.
constexpr Format kFormats[] = {
    // 3.5 inches, high density
    {Mb144, 18, 80, 2, R500},
    {Mb144, 20, 80, 2, R500},
    {Mb144, 21, 80, 2, R500},
    {Mb144, 21, 82, 2, R500},
    {Mb144, 21, 83, 2, R500},
    {Mb144, 22, 80, 2, R500},
    {Mb144, 23, 80, 2, R500},
    {Mb144, 24, 80, 2, R500},
    // 3.5 inches, extra density
    {Mb288, 36, 80, 2, R1000},
    {Mb288, 39, 80, 2, R1000},
    {Mb288, 40, 80, 2, R1000},
    {Mb288, 44, 80, 2, R1000},
    {Mb288, 48, 80, 2, R1000},
    // 3.5 inches, double density
    {Mb144, 9, 80, 2, R250},
    {Mb144, 10, 80, 2, R250},
    {Mb144, 10, 82, 2, R250},
    {Mb144, 10, 83, 2, R250},
    {Mb144, 13, 80, 2, R250},
    {Mb144, 14, 80, 2, R250},
    // 5.25 inches, high and double density in a drive that turns 360 times a minute
    {Mb120, 15, 80, 2, R500},
    {Mb120, 18, 80, 2, R500},
    {Mb120, 18, 82, 2, R500},
    {Mb120, 18, 83, 2, R500},
    {Mb120, 20, 80, 2, R500},
    {Mb120, 9, 80, 2, R300},
    {Mb120, 9, 40, 2, R300},
    {Mb120, 9, 40, 1, R300},
    {Mb120, 10, 41, 2, R300},
    {Mb120, 10, 42, 2, R300},
    {Mb120, 8, 40, 2, R300},
    {Mb120, 8, 40, 1, R300},
};

bool reads(DriveType drive, const Format& format) {
    return drive == Auto || drive == format.drive || (drive == Mb288 && format.drive == Mb144);
}

}  // namespace

const Format* format_of(std::uint64_t bytes, DriveType drive) {
    const Format* best = nullptr;
    for (const Format& format : kFormats) {
        if (!reads(drive, format)) continue;
        if (format.bytes() == bytes) return &format;
        // Nobody has cut an image of an unusual format short.
        const bool usual = format.sectors == 18 || format.sectors == 36 || format.sectors == 15;
        if (usual && format.bytes() > bytes && (!best || format.bytes() < best->bytes())) best = &format;
    }
    return best;
}

FloppyGeometry geometry_of(DriveType drive) {
    switch (drive) {
    case Mb120: return {.cmos_type = 2, .tracks = 80, .heads = 2, .sectors = 15};
    case Mb144: return {.cmos_type = 4, .tracks = 80, .heads = 2, .sectors = 18};
    case Mb288: return {.cmos_type = 5, .tracks = 80, .heads = 2, .sectors = 36};
    default: return {};
    }
}

}  // namespace backplane::i82077
