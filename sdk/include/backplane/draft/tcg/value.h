// Draft: needs the exact host build. The values of the translator's intermediate representation.
#pragma once

#include <backplane/draft/mark.h>

#include <cstdint>

namespace backplane::tcg {

/// A value: a guest register, a temp or a constant of the block. Made by the builder.
struct Value {
    std::uint16_t id = kNone;

    static constexpr std::uint16_t kNone = 0xffff, kTemp = 0x4000, kConstant = 0x8000, kIndexMask = 0x3fff;
    constexpr bool none() const { return id == kNone; }
    constexpr bool is_register() const { return id < kTemp; }
    constexpr bool is_temp() const { return (id & 0xc000) == kTemp; }
    constexpr bool is_constant() const { return id != kNone && (id & 0xc000) == kConstant; }
    constexpr unsigned index() const { return id & kIndexMask; }
    constexpr bool operator==(const Value&) const = default;
};

/// A computed address: base + (index << shift) + displacement, of which `bits` are kept, + segment, of which
/// `linear_bits` are kept. What is none counts as 0; base and index may have anything above `bits`.
struct Address {
    Value base{}, index{}, segment{};
    std::int32_t displacement = 0;
    std::uint8_t shift = 0;         ///< 0 to 3
    std::uint8_t bits = 64;         ///< 16, 32, 64
    std::uint8_t linear_bits = 64;  ///< 32, 64
};

/// The MMU mode of an access that is not the block's own.
inline constexpr std::uint8_t kBlockMode = 0xff;

}  // namespace backplane::tcg
