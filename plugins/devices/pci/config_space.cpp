#include "config_space.h"

#include <string>

namespace backplane::pci {
namespace {

constexpr unsigned kHeaderSize = 64;

}  // namespace

ConfigSpace::ConfigSpace() {
    take(0, kHeaderSize);
    set_writable(kCommand, 2,
                 kCommandIo | kCommandMemory | kCommandBusMaster | kCommandSerrEnable |
                     kCommandInterruptDisable);
    set_writable(kCacheLineSize, 1, 0xff);
    set_writable(kInterruptLine, 1, 0xff);
}

void ConfigSpace::describe_state(StateTable& state) {
    state.add({.name = "config",
               .kind = StateKind::Bytes,
               .data = bytes_.data(),
               .count = std::uint32_t(bytes_.size()),
               .reset = false});
}

std::vector<std::uint8_t> ConfigSpace::function() const {
    std::vector<std::uint8_t> bytes;
    const auto take = [&](unsigned first, unsigned count) {
        for (unsigned i = first; i < first + count; ++i)
            bytes.push_back(bytes_[i] & std::uint8_t(~(writable_[i] | clearable_[i])));
    };
    take(kVendorId, 4);
    take(kRevisionId, 4);
    take(kHeaderType, 1);
    take(kBar0, 24);
    take(kSubsystemVendorId, 4);
    take(kCapabilities, 1);
    take(kInterruptPin, 1);
    for (const unsigned head : heads_) take(head, head < kConfigSize ? 2 : 4);
    return bytes;
}

void ConfigSpace::remember_function() { function_ = function(); }
bool ConfigSpace::same_function() const { return function_.empty() || function_ == function(); }

void ConfigSpace::put(Bytes4K& bytes, unsigned offset, unsigned size, std::uint32_t value) {
    for (unsigned i = 0; i < size; ++i) bytes[offset + i] = std::uint8_t(value >> 8 * i);
}

std::uint32_t ConfigSpace::get(unsigned offset, unsigned size) const {
    if (!inside(offset, size)) return size == 4 ? ~0u : (1u << 8 * size) - 1;
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= std::uint32_t{bytes_[offset + i]} << 8 * i;
    return value;
}

void ConfigSpace::set(unsigned offset, unsigned size, std::uint32_t value) {
    if (inside(offset, size)) put(bytes_, offset, size, value);
}

void ConfigSpace::set_writable(unsigned offset, unsigned size, std::uint32_t mask) {
    if (inside(offset, size)) put(writable_, offset, size, mask);
}

void ConfigSpace::set_clearable(unsigned offset, unsigned size, std::uint32_t mask) {
    if (inside(offset, size)) put(clearable_, offset, size, mask);
}

void ConfigSpace::guest_write(unsigned offset, unsigned size, std::uint32_t value) {
    if (!inside(offset, size)) return;
    for (unsigned i = 0; i < size; ++i) {
        const unsigned at = offset + i;
        const std::uint8_t byte = std::uint8_t(value >> 8 * i);
        bytes_[at] = std::uint8_t((bytes_[at] & ~writable_[at]) | (byte & writable_[at]));
        bytes_[at] &= std::uint8_t(~(byte & clearable_[at]));
    }
}

void ConfigSpace::reset() {
    for (unsigned i = 0; i < size_; ++i) bytes_[i] &= std::uint8_t(~(writable_[i] | clearable_[i]));
}

bool ConfigSpace::free_at(unsigned offset, unsigned size) const {
    if (!inside(offset, size)) return false;
    for (unsigned i = 0; i < size; ++i)
        if (used_[offset + i]) return false;
    return true;
}

void ConfigSpace::take(unsigned offset, unsigned size) {
    for (unsigned i = 0; i < size; ++i) used_[offset + i] = 1;
}

unsigned ConfigSpace::add_capability(std::uint8_t id, unsigned size, unsigned at, Errors& errors) {
    const unsigned rounded = (size + 3) & ~3u;
    unsigned offset = at;
    if (at == 0)
        for (offset = kHeaderSize; offset + rounded <= kConfigSize && !free_at(offset, rounded);) offset += 4;
    if (size < 2 || offset < kHeaderSize || offset % 4 != 0 || offset + rounded > kConfigSize ||
        !free_at(offset, rounded)) {
        errors.fail("no room in configuration space for capability " + std::to_string(id) + " of " +
                    std::to_string(size) + " bytes" + (at ? " at " + std::to_string(at) : ""));
        return 0;
    }
    take(offset, rounded);
    set(offset, 1, id);
    set(offset + 1, 1, get(kCapabilities, 1));
    set(kCapabilities, 1, offset);
    set(kStatus, 2, get(kStatus, 2) | kStatusCapabilities);
    heads_.push_back(offset);
    return offset;
}

unsigned ConfigSpace::add_extended_capability(std::uint16_t id, std::uint8_t version, unsigned size,
                                              Errors& errors) {
    const unsigned rounded = (size + 3) & ~3u;
    extend();
    unsigned offset = kConfigSize;  // the list begins here (PCIe 7.9.1)
    while (offset + rounded <= size_ && !free_at(offset, rounded)) offset += 4;
    if (size < 4 || offset + rounded > size_ || (last_extended_ == 0 && offset != kConfigSize)) {
        errors.fail("no room in configuration space for extended capability " + std::to_string(id) + " of " +
                    std::to_string(size) + " bytes");
        return 0;
    }
    take(offset, rounded);
    set(offset, 4, id | std::uint32_t{version & 15u} << 16);
    if (last_extended_) set(last_extended_ + 2, 2, (get(last_extended_ + 2, 2) & 15) | offset << 4);
    last_extended_ = offset;
    heads_.push_back(offset);
    return offset;
}

}  // namespace backplane::pci
