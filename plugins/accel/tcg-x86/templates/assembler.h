// The few host instructions around a template (SDM 2A, chapter 2).
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace backplane::x86 {

/// Registers by their numbers; memory is [base + disp32] with a base below 8 that is not RSP.
class Assembler {
  public:
    static constexpr unsigned kCapacity = 640;

    const std::uint8_t* data() const { return bytes_; }
    unsigned size() const { return size_; }

    void bytes(std::initializer_list<unsigned> all) {
        for (const unsigned byte : all) put(byte);
    }
    void put(unsigned byte) {
        if (size_ < kCapacity) bytes_[size_++] = std::uint8_t(byte);
    }
    void put32(std::uint32_t value) { put(value, 4); }
    void put(std::uint64_t value, unsigned size) {
        for (unsigned n = 0; n < size; ++n) put(unsigned(value >> (8 * n) & 0xff));
    }

    void push(unsigned reg) {
        if (reg >= 8) put(0x41);
        put(0x50 + (reg & 7));
    }
    void pop(unsigned reg) {
        if (reg >= 8) put(0x41);
        put(0x58 + (reg & 7));
    }
    void move(unsigned to, unsigned from) {
        bytes({0x48u | (from >= 8 ? 4u : 0) | (to >= 8 ? 1u : 0), 0x89, 0xc0u | (from & 7) << 3 | (to & 7)});
    }
    void load(unsigned reg, unsigned base, std::uint32_t offset) { general(0x8b, reg, base, offset); }
    void store(unsigned reg, unsigned base, std::uint32_t offset) { general(0x89, reg, base, offset); }
    void and_immediate(unsigned reg, std::uint32_t value) {
        bytes({0x48u | (reg >= 8 ? 1u : 0), 0x81, 0xe0u | (reg & 7)});
        put32(value);
    }
    /// MOVUPS, and with `upper` the other half of the register as well (VMOVUPS, VINSERTF128, VEXTRACTF128).
    void load_vector(unsigned reg, unsigned base, std::uint32_t offset) { vector(0x10, reg, base, offset); }
    void store_vector(unsigned reg, unsigned base, std::uint32_t offset) { vector(0x11, reg, base, offset); }
    void load_upper(unsigned reg, unsigned base, std::uint32_t offset) {
        bytes({0xc4, reg >= 8 ? 0x63u : 0xe3u, 0x05u | (~reg & 15) << 3, 0x18});
        address(reg, base, offset);
        put(1);
    }
    void store_upper(unsigned reg, unsigned base, std::uint32_t offset) {
        bytes({0xc4, reg >= 8 ? 0x63u : 0xe3u, 0x7d, 0x19});
        address(reg, base, offset);
        put(1);
    }
    /// An opcode of the map 0F with an extension in ModRM.reg.
    void extended(bool wide, unsigned opcode, unsigned extension, unsigned base, std::uint32_t offset) {
        if (wide) put(0x48);
        bytes({0x0f, opcode});
        address(extension, base, offset);
    }
    void address(unsigned reg, unsigned base, std::uint32_t offset) {
        put(0x80u | (reg & 7) << 3 | base);
        put32(offset);
    }

  private:
    void general(unsigned opcode, unsigned reg, unsigned base, std::uint32_t offset) {
        bytes({0x48u | (reg >= 8 ? 4u : 0), opcode});
        address(reg, base, offset);
    }
    void vector(unsigned opcode, unsigned reg, unsigned base, std::uint32_t offset) {
        if (reg >= 8) put(0x44);
        bytes({0x0f, opcode});
        address(reg, base, offset);
    }

    std::uint8_t bytes_[kCapacity] = {};
    unsigned size_ = 0;
};

}  // namespace backplane::x86
