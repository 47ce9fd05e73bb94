#include "geometry.h"

#include <algorithm>

namespace backplane::ide {
namespace {

constexpr std::size_t kTable = 446, kEntry = 16, kEntries = 4, kSignature = 510;
constexpr std::uint32_t kFirmwaresCylinders = 1024;  // of interrupt 13h, ten bits

std::uint32_t little(const std::uint8_t* at) {
    return at[0] | at[1] << 8u | at[2] << 16u | std::uint32_t(at[3]) << 24u;
}

}  // namespace

Geometry geometry_of_size(std::uint64_t sectors, std::uint32_t heads, std::uint32_t per_track) {
    const std::uint64_t cylinders =
        std::clamp<std::uint64_t>(sectors / (heads * per_track), 2, kMostCylinders);
    return {std::uint32_t(cylinders), heads, per_track};
}

std::optional<Geometry> geometry_of_table(Bytes first_sector, std::uint64_t sectors) {
    if (first_sector.size < kSignature + 2 || first_sector.data[kSignature] != 0x55 ||
        first_sector.data[kSignature + 1] != 0xaa)
        return std::nullopt;
    for (std::size_t i = 0; i < kEntries; ++i) {
        const std::uint8_t* entry = first_sector.data + kTable + i * kEntry;
        const std::uint32_t last_head = entry[5], last_sector = entry[6] & 63u, size = little(entry + 12);
        if (size == 0 || last_head == 0 || last_sector == 0) continue;
        const std::uint64_t cylinders = sectors / ((last_head + 1) * last_sector);
        if (cylinders == 0 || cylinders > kMostCylinders) continue;
        return Geometry{std::uint32_t(cylinders), last_head + 1, last_sector};
    }
    return std::nullopt;
}

AtaTranslation usual_translation(const Geometry& geometry) {
    const bool as_it_is = geometry.cylinders <= kFirmwaresCylinders && geometry.heads <= kMostHeads &&
                          geometry.sectors <= kMostSectors;
    return as_it_is ? AtaTranslation::None : AtaTranslation::Lba;
}

AtaTranslation translation_to_more_heads(const Geometry& geometry) {
    // Doubling heads up to 128 leaves 1,024 cylinders or fewer.
    constexpr std::uint32_t kMostOfDoubling = kFirmwaresCylinders * 128;
    return geometry.cylinders * geometry.heads <= kMostOfDoubling ? AtaTranslation::Large
                                                                  : AtaTranslation::Lba;
}

}  // namespace backplane::ide
