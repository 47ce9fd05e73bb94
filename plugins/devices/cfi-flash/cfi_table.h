// What a flash chip answers to a CFI query. Follows JEDEC JESD68.01 "Common Flash Interface", and Intel, "Common Flash
// Interface and Command Sets", application note 646, April 2000 (primary command set 0001h).
#pragma once

#include <array>
#include <cstdint>

namespace backplane::cfi {

struct Geometry {
    std::uint64_t chip_size = 0;   ///< bytes
    std::uint64_t block_size = 0;  ///< bytes of one chip's erase block
    std::uint64_t blocks = 0;
    unsigned buffer_log2 = 0;  ///< one chip's write buffer is 2^n bytes
};

inline constexpr unsigned kQuerySize = 0x52;
using Query = std::array<std::uint8_t, kQuerySize>;

/// By the chip's word address.
Query make_query(const Geometry& geometry);

}  // namespace backplane::cfi
