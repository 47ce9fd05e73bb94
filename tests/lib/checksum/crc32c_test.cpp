#include <lib/crc32c.h>

#include <gtest/gtest.h>

#include <vector>

namespace backplane::checksum {
namespace {

std::uint32_t of(std::string_view text) {
    return crc32c({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

/// The definition, a bit at a time.
std::uint32_t slowly(Bytes bytes) {
    std::uint32_t crc = ~0u;
    for (const std::uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

std::vector<std::uint8_t> pattern(std::size_t size) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = std::uint8_t(i * 31 ^ i >> 7);
    return bytes;
}

/// RFC 3720, B.4, and the check value of every catalogue.
TEST(Crc32c, HasTheKnownValues) {
    EXPECT_EQ(of("123456789"), 0xe3069283u);
    EXPECT_EQ(of(""), 0u);
    EXPECT_EQ(crc32c(std::vector<std::uint8_t>(32, 0)), 0x8a9136aau);
    EXPECT_EQ(crc32c(std::vector<std::uint8_t>(32, 0xff)), 0x62a8ab43u);
}

TEST(Crc32c, IsTheSameHoweverTheBytesAreCut) {
    const auto bytes = pattern(20'000);
    const std::uint32_t whole = slowly(bytes);
    EXPECT_EQ(crc32c(bytes), whole);
    for (std::size_t cut : {1u, 7u, 3071u, 3072u, 3073u, 9999u}) {
        const std::uint32_t first = crc32c({bytes.data(), cut});
        EXPECT_EQ(crc32c({bytes.data() + cut, bytes.size() - cut}, first), whole) << cut;
    }
}

TEST(Crc32c, EveryLengthIsRight) {
    const auto bytes = pattern(200);
    for (std::size_t size = 0; size <= bytes.size(); ++size)
        EXPECT_EQ(crc32c({bytes.data(), size}), slowly({bytes.data(), size})) << size;
}

}  // namespace
}  // namespace backplane::checksum
