#include "cfi_table.h"

#include <bit>

namespace backplane::cfi {

Query make_query(const Geometry& geometry) {
    Query table{};
    const auto put = [&table](unsigned at, std::uint64_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) table[at + i] = std::uint8_t(value >> 8 * i);
    };
    // Identification.
    put(0x10, 'Q' | 'R' << 8 | 'Y' << 16, 3);
    put(0x13, 0x0001, 2);  // Intel's standard command set
    put(0x15, 0x0031, 2);  // where its table is
    // Voltages (volts and tenths) and times (powers of two: µs, µs, ms), with their greatest multiples.
    put(0x1b, 0x45, 1);
    put(0x1c, 0x55, 1);
    put(0x1f, 7, 1);
    put(0x20, 7, 1);
    put(0x21, 10, 1);
    put(0x23, 4, 1);
    put(0x24, 4, 1);
    put(0x25, 4, 1);
    // Geometry.
    put(0x27, std::uint64_t(std::bit_width(geometry.chip_size - 1)), 1);  // the power of two that it fits in
    put(0x28, 0x0002, 2);                                                 // x8 and x16
    put(0x2a, geometry.buffer_log2, 2);
    put(0x2c, 1, 1);  // one region of equal blocks
    put(0x2d, geometry.blocks - 1, 2);
    put(0x2f, geometry.block_size / 256, 2);
    // Intel's table, version 1.0: no optional feature.
    put(0x31, 'P' | 'R' << 8 | 'I' << 16, 3);
    put(0x34, '1' | '0' << 8, 2);
    put(0x3b, 0x0001, 2);  // the block status register has a lock bit
    put(0x3d, 0x50, 1);
    return table;
}

}  // namespace backplane::cfi
