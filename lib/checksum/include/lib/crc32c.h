// CRC-32C (Castagnoli), as iSCSI has it (RFC 3720, B.4): reflected, polynomial 1edc6f41h. It finds every change of up to
// 32 bits in a row.
#pragma once

#include <backplane/abi.h>

namespace backplane::checksum {

/// Of `bytes`, going on from the checksum of what stands before them.
std::uint32_t crc32c(Bytes bytes, std::uint32_t before = 0);

}  // namespace backplane::checksum
