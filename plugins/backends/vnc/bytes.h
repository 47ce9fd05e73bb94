// Numbers of the protocol, which are big-endian (RFC 6143, 7).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace backplane::vnc {

using Buffer = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr std::uint16_t get16(View bytes, std::size_t at) {
    return std::uint16_t(bytes[at] << 8 | bytes[at + 1]);
}
constexpr std::uint32_t get32(View bytes, std::size_t at) {
    return std::uint32_t{get16(bytes, at)} << 16 | get16(bytes, at + 2);
}

inline void put8(Buffer& out, unsigned value) { out.push_back(std::uint8_t(value)); }
inline void put16(Buffer& out, unsigned value) {
    put8(out, value >> 8);
    put8(out, value);
}
inline void put32(Buffer& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value);
}
/// In place of what stands there.
inline void set16(Buffer& out, std::size_t at, unsigned value) {
    out[at] = std::uint8_t(value >> 8);
    out[at + 1] = std::uint8_t(value);
}
inline void set32(Buffer& out, std::size_t at, std::uint32_t value) {
    set16(out, at, value >> 16);
    set16(out, at + 2, value);
}
inline void put_text(Buffer& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
inline void put_counted(Buffer& out, std::string_view text) {
    put32(out, std::uint32_t(text.size()));
    put_text(out, text);
}
inline void put_bytes(Buffer& out, View bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace backplane::vnc
