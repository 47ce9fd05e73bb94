// The answer to a challenge of "VNC Authentication" (RFC 6143, 7.2.2): DES (FIPS 46-3) with the password as its key.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace backplane::vnc {

using Challenge = std::array<std::uint8_t, 16>;

/// One block.
std::uint64_t des_encrypt(std::uint64_t block, std::uint64_t key);
/// Of the password only the first eight bytes count.
Challenge expected_answer(const Challenge& challenge, std::span<const std::uint8_t> password);
/// Takes the same time wherever they differ.
bool same(const Challenge& a, const Challenge& b);

}  // namespace backplane::vnc
