// The geometry of a disk whose user names none: of its partition table, if it has one, else of its size.
//
// A partition table (the last sectors of its entries, "Master boot record" as in EDD-3, T13/1572D, annex B) shows with which
// geometry it was written: partitions end on the last head and sector of a cylinder.
#pragma once

#include <backplane/abi.h>
#include <backplane/ata.h>

#include <optional>

namespace backplane::ide {

inline constexpr std::uint32_t kMostHeads = 16, kMostSectors = 63, kMostCylinders = 16383;

struct Geometry {
    std::uint32_t cylinders = 0, heads = kMostHeads, sectors = kMostSectors;
};

/// Of a disk of `sectors` sectors.
Geometry geometry_of_size(std::uint64_t sectors, std::uint32_t heads, std::uint32_t per_track);
/// That firmware used which wrote the table in `first_sector`; none if there is no table.
std::optional<Geometry> geometry_of_table(Bytes first_sector, std::uint64_t sectors);
/// What firmware does with a disk of which nothing more is known.
AtaTranslation usual_translation(const Geometry& geometry);
/// What firmware did that counted more heads than a disk can have.
AtaTranslation translation_to_more_heads(const Geometry& geometry);

}  // namespace backplane::ide
