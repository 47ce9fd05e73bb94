// Vector instructions whose memory operand is not one stretch of bytes, and MXCSR.
#include "executor.h"

#include <algorithm>
#include <bit>

namespace backplane::x86 {

namespace {

constexpr std::size_t kRegistersOffset = 32;
constexpr std::size_t kStatusTop = 3, kTags = 4;  ///< bytes of the legacy region
constexpr std::uint8_t kTopMask = 0x38;

}  // namespace

/// MASKMOVQ and MASKMOVDQU.
void Executor::maskmov() {
    const bool mmx = i_.memory_size == 8;
    if (i_.is_vex() && (i_.vvvv() || i_.long_vector())) undefined_opcode();
    if (mmx) check_mmx_enabled();
    else check_vector_enabled();
    const auto place = [&](unsigned n) {
        return s_.xsave + (mmx ? kRegistersOffset + 16 * (n & 7) : kVectorOffset + 16 * n);
    };
    const std::uint8_t* const bytes = place(i_.reg());
    const std::uint8_t* const mask = place(i_.rm());
    std::uint64_t offset = s_.gpr[kRdi];
    if (i_.address_size != 8) offset &= i_.address_size == 4 ? 0xffffffff : 0xffff;
    for (unsigned n = 0; n < i_.memory_size; ++n)
        if (mask[n] & 0x80) store_linear(linear(i_.segment, offset + n, 1, true), bytes[n], 1, data_mode());
    if (!mmx) return;
    // As every MMX instruction: all registers are valid, and the first is the top (SDM 1, 9.5.1).
    s_.xsave[kStatusTop] &= std::uint8_t(~kTopMask);
    s_.xsave[kTags] = 0xff;
}

/// VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ: elements that are masked away are not touched.
void Executor::vector_maskmov() {
    check_vector_enabled();
    const bool integer = i_.opcode >= 0x8c;
    const unsigned element = integer ? (i_.rex_w() ? 8 : 4) : (i_.opcode & 1 ? 8 : 4);
    if (!integer && i_.rex_w()) undefined_opcode();
    const bool store = i_.row().access == MemoryAccess::Write;
    const unsigned size = i_.memory_size;
    std::uint8_t mask[32], data[32] = {};
    const auto read = [&](unsigned n, std::uint8_t* to) {
        std::memcpy(to, s_.xsave + kVectorOffset + 16 * n, 16);
        std::memcpy(to + 16, s_.xsave + kUpperOffset + 16 * n, 16);
    };
    read(i_.vvvv(), mask);
    if (store) read(i_.reg(), data);
    const std::uint64_t offset = effective_address();
    const auto wanted = [&](unsigned at) { return (mask[at + element - 1] & 0x80) != 0; };
    if (store)
        for (unsigned at = 0; at < size; at += element)
            if (wanted(at))
                check_writable(linear(i_.segment, offset + at, element, true), element, data_mode());
    for (unsigned at = 0; at < size; at += element) {
        if (!wanted(at)) continue;
        const std::uint64_t address = linear(i_.segment, offset + at, element, store);
        std::uint64_t value = 0;
        if (store) {
            std::memcpy(&value, data + at, element);
            store_linear(address, value, element, data_mode());
        } else {
            value = load_linear(address, element, data_mode());
            std::memcpy(data + at, &value, element);
        }
    }
    if (store) return;
    std::memcpy(s_.xsave + kVectorOffset + 16 * i_.reg(), data, 16);
    std::memcpy(s_.xsave + kUpperOffset + 16 * i_.reg(), data + 16, 16);
}

/// VPGATHERDD and its like (SDM 2C): what was gathered before a fault stays, with its mask cleared.
void Executor::gather() {
    check_vector_enabled();
    const bool wide_data = i_.rex_w(), wide_index = i_.opcode & 1;
    const unsigned element = wide_data ? 8 : 4, index_size = wide_index ? 8 : 4;
    const unsigned bytes = i_.long_vector() ? 32 : 16;
    const unsigned index = (i_.sib >> 3 & 7u) | (i_.rex & 2u) << 2;
    if ((i_.modrm & 7) != 4 || i_.reg() == i_.vvvv() || i_.reg() == index || index == i_.vvvv())
        undefined_opcode();
    const unsigned count = bytes / std::max(element, index_size);
    const auto place = [this](unsigned n, unsigned at) {
        return s_.xsave + (at < 16 ? kVectorOffset + 16 * n + at : kUpperOffset + 16 * n + at - 16);
    };
    std::uint64_t base = std::uint64_t(std::int64_t(i_.displacement));
    if (!((i_.sib & 7) == 5 && i_.mod() == 0)) base += s_.gpr[(i_.sib & 7u) | (i_.rex & 1u) << 3];
    // The mask is of its elements' signs from the beginning on.
    for (unsigned n = 0; n < count; ++n) {
        std::uint8_t* const mask = place(i_.vvvv(), n * element);
        std::memset(mask, mask[element - 1] & 0x80 ? 0xff : 0, element);
    }
    for (unsigned n = 0; n < count; ++n) {
        std::uint8_t* const mask = place(i_.vvvv(), n * element);
        if (!(mask[0] & 0x80)) continue;
        std::uint64_t offset = 0;
        std::memcpy(&offset, place(index, n * index_size), index_size);
        if (!wide_index) offset = std::uint64_t(std::int64_t(std::int32_t(offset)));
        offset = base + (offset << (i_.sib >> 6));
        if (i_.address_size == 4) offset &= 0xffffffff;
        const std::uint64_t value =
            load_linear(linear(i_.segment, offset, element, false), element, data_mode());
        std::memcpy(place(i_.reg(), n * element), &value, element);
        std::memset(mask, 0, element);
    }
    for (unsigned at = count * element; at < 32; at += 4) std::memset(place(i_.reg(), at), 0, 4);
    for (unsigned at = 0; at < 32; at += 4) std::memset(place(i_.vvvv(), at), 0, 4);
}

/// VZEROUPPER, and VZEROALL with L.
void Executor::zero_upper() {
    if (i_.vvvv()) undefined_opcode();
    check_vector_enabled();
    const unsigned count = i_.is_64bit() ? 16 : 8;
    std::memset(s_.xsave + kUpperOffset, 0, 16 * count);
    if (i_.long_vector()) std::memset(s_.xsave + kVectorOffset, 0, 16 * count);
}

/// The masks are in the state, the rest is the host's while translated code runs. Units know whether all are set.
void Executor::set_mxcsr(std::uint32_t value) {
    const bool masked = masks_all(mxcsr_of(s_));
    set_mxcsr_of(s_, value);
    vcpu_.set_fp_mode(value);
    if (masks_all(value) != masked) vcpu_.leave(tcg::LeaveKind::Continue);
}

void Executor::load_mxcsr() {
    if (i_.is_vex() && (i_.vvvv() || i_.long_vector())) undefined_opcode();
    check_vector_enabled();
    const auto value = std::uint32_t(load_memory(4));
    if (value & ~kMxcsrValid) general_protection();
    set_mxcsr(value);
}

void Executor::store_mxcsr() {
    if (i_.is_vex() && (i_.vvvv() || i_.long_vector())) undefined_opcode();
    check_vector_enabled();
    store_memory(mxcsr(), 4);
}

}  // namespace backplane::x86
