// Little-endian numbers in files and in what is made of them, and where a kernel's parts may lie.
#pragma once

#include "map.h"
#include "refuse.h"

#include <backplane/abi.h>

#include <string>
#include <vector>

namespace backplane::pc {

inline constexpr std::uint64_t kPage = 4096;
/// The option ROM works below.
inline constexpr std::uint32_t kLoaderEnd = 0x8000;
/// What tells kernels of other kinds than Linux of their surroundings lies here, or behind a kernel that is here itself.
inline constexpr std::uint32_t kLowestPart = 0x10000;
inline constexpr std::uint32_t kLowestPartsEnd = 0x80000;
/// At the end of RAM firmware keeps its tables.
inline constexpr std::uint64_t kFirmwareTables = 0x28000;

template <class T>
T number_at(Bytes bytes, std::size_t at) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = T(value | T(T(bytes.data[at + i]) << 8 * i));
    return value;
}
template <class T>
void put_at(std::vector<std::uint8_t>& bytes, std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) bytes[at + i] = std::uint8_t(value >> 8 * i);
}

/// As high as it may lie: below the tables, and not past `limit`. 0: it does not fit above `floor`.
inline std::uint64_t highest_place(std::uint64_t size, std::uint64_t ram, std::uint64_t limit,
                                   std::uint64_t floor) {
    const std::uint64_t below = ram > kFirmwareTables ? ram - kFirmwareTables - 1 : 0;
    const std::uint64_t end = below < limit ? below : limit;
    if (size >= end) return 0;
    const std::uint64_t start = (end - size) / kPage * kPage;
    return start >= floor ? start : 0;
}

/// A reason for which an initial RAM disk does not go in.
inline bool refuse_initrd(Errors& errors, std::uint64_t size, std::uint64_t ram) {
    return refuse(errors, "cannot have an initrd of " + std::to_string(size) + " bytes: there is no room " +
                              "for it between the kernel and what it reaches of the " +
                              std::to_string(ram / kMebibyte) + " MiB below 4 GiB");
}

}  // namespace backplane::pc
