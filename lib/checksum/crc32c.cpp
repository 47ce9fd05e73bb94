#include <lib/crc32c.h>

#include <array>
#include <cstring>

namespace backplane::checksum {
namespace {

constexpr std::uint32_t kReflected = 0x82f63b78;

/// table[k][b]: what byte b does to the checksum when k more bytes follow it in the same step.
constexpr auto make_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReflected : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
    return tables;
}
constexpr auto kTables = make_tables();

std::uint32_t by_tables(Bytes bytes, std::uint32_t crc) {
    std::size_t at = 0;
    for (; bytes.size - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data + at, 8);
        word ^= crc;
        crc = 0;
        for (unsigned i = 0; i < 8; ++i) crc ^= kTables[7 - i][word >> 8 * i & 0xff];
    }
    for (; at < bytes.size; ++at) crc = crc >> 8 ^ kTables[0][(crc ^ bytes[at]) & 0xff];
    return crc;
}

#if defined(__x86_64__)
/// The checksum after `Zeros` bytes of 0 more, as a product of bit matrices: four tables of 256 rows.
template <std::size_t Zeros>
constexpr auto make_shift() {
    std::array<std::uint32_t, 32> columns{};
    for (unsigned bit = 0; bit < 32; ++bit) columns[bit] = 1u << bit;
    std::array<std::uint32_t, 32> power{};  // one byte of zeros
    for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint32_t crc = 1u << bit;
        power[bit] = crc >> 8 ^ kTables[0][crc & 0xff];
    }
    const auto apply = [](const std::array<std::uint32_t, 32>& matrix, std::uint32_t vector) {
        std::uint32_t sum = 0;
        for (unsigned bit = 0; bit < 32; ++bit)
            if (vector >> bit & 1) sum ^= matrix[bit];
        return sum;
    };
    for (std::size_t left = Zeros; left != 0; left >>= 1) {
        if (left & 1)
            for (auto& column : columns) column = apply(power, column);
        auto squared = power;
        for (auto& column : squared) column = apply(power, column);
        power = squared;
    }
    std::array<std::array<std::uint32_t, 256>, 4> shift{};
    for (unsigned byte = 0; byte < 4; ++byte)
        for (std::uint32_t value = 0; value < 256; ++value)
            shift[byte][value] = apply(columns, value << 8 * byte);
    return shift;
}
constexpr std::size_t kLane = 1024;  // bytes: a page is four rounds of three lanes less one
constexpr auto kShift = make_shift<kLane>();

std::uint32_t shift_lane(std::uint32_t crc) {
    return kShift[0][crc & 0xff] ^ kShift[1][crc >> 8 & 0xff] ^ kShift[2][crc >> 16 & 0xff] ^
           kShift[3][crc >> 24];
}

/// The instruction takes three cycles and can start one each cycle: three lanes at once.
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(Bytes bytes, std::uint32_t crc) {
    const auto word = [&](std::size_t at) {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data + at, 8);
        return value;
    };
    std::size_t at = 0;
    for (; bytes.size - at >= 3 * kLane; at += 3 * kLane) {
        std::uint64_t a = crc, b = 0, c = 0;
        for (std::size_t i = 0; i < kLane; i += 8) {
            a = __builtin_ia32_crc32di(a, word(at + i));
            b = __builtin_ia32_crc32di(b, word(at + kLane + i));
            c = __builtin_ia32_crc32di(c, word(at + 2 * kLane + i));
        }
        crc = shift_lane(shift_lane(std::uint32_t(a)) ^ std::uint32_t(b)) ^ std::uint32_t(c);
    }
    std::uint64_t wide = crc;
    for (; bytes.size - at >= 8; at += 8) wide = __builtin_ia32_crc32di(wide, word(at));
    crc = std::uint32_t(wide);
    for (; at < bytes.size; ++at) crc = __builtin_ia32_crc32qi(crc, bytes[at]);
    return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(Bytes bytes, std::uint32_t before) {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2");
    if (has_instruction) return ~by_instruction(bytes, ~before);
#endif
    return ~by_tables(bytes, ~before);
}

}  // namespace backplane::checksum
