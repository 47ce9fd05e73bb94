#include "bus_master.h"

#include <algorithm>

namespace backplane::ide {
namespace {

// Registers, in bytes.
constexpr std::uint64_t kCommand = 0, kStatus = 2, kTable = 4;
// A table lies within 64 KiB and an entry has 8 bytes; one that has as many without a last one runs round.
constexpr std::uint32_t kMostEntries = 8192;

}  // namespace

void BusMaster::describe(StateTable& table) {
    backplane::describe(table, "command", command_);
    backplane::describe(table, "status", status_);
    backplane::describe(table, "table", table_);
    backplane::describe(table, "entry", entry_);
    backplane::describe(table, "address", address_);
    backplane::describe(table, "left", left_, {.maximum = 0x10000});
    backplane::describe(table, "last", last_);
}

void BusMaster::reset() {
    command_ = status_ = 0;
    table_ = 0;
}

std::uint32_t BusMaster::read(std::uint64_t offset, unsigned size) const {
    const std::uint64_t all =
        std::uint64_t{command_} | std::uint64_t{status_} << 16 | std::uint64_t{table_} << 32;
    const std::uint64_t value = all >> 8 * offset;
    return std::uint32_t(size >= 4 ? value : value & ((1u << 8 * size) - 1));
}

BusMaster::Effect BusMaster::write(std::uint64_t offset, std::uint32_t value, unsigned size) {
    Effect effect = Effect::None;
    for (unsigned i = 0; i < size; ++i) {
        const auto byte = std::uint8_t(value >> 8 * i);
        const std::uint64_t at = offset + i;
        if (at == kCommand) {
            const bool was = running();
            command_ = byte & (kStart | kToMemory);
            if (!was && running()) {
                status_ = std::uint8_t(status_ | kActive);
                entry_ = table_;
                left_ = 0;
                last_ = false;
                entries_ = 0;
                effect = Effect::Started;
            } else if (was && !running()) {
                status_ = std::uint8_t(status_ & ~kActive);
                effect = Effect::Stopped;
            }
        } else if (at == kStatus) {
            const std::uint8_t cleared = byte & (kError | kInterrupt);
            status_ = std::uint8_t((status_ & ~kCapable & ~cleared) | (byte & kCapable));
        } else if (at >= kTable && at < kTable + 4) {
            const unsigned shift = unsigned(8 * (at - kTable));
            table_ = (table_ & ~(0xffu << shift)) | std::uint32_t(byte) << shift;
            table_ &= ~3u;
        }
    }
    return effect;
}

/// Takes the next descriptor: address, count (0: 64 KiB), end of table. False: there is none.
bool BusMaster::next_region() {
    if (last_ || ++entries_ > kMostEntries) return false;
    std::uint8_t descriptor[8];
    if (!context_.dma().read(GuestAddress(entry_), {descriptor})) {
        status_ = std::uint8_t((status_ | kError) & ~kActive);
        return false;
    }
    const auto word = [&](unsigned at) {
        return std::uint32_t(descriptor[at] | descriptor[at + 1] << 8 | descriptor[at + 2] << 16 |
                             std::uint32_t(descriptor[at + 3]) << 24);
    };
    address_ = word(0) & ~1u;
    left_ = word(4) & 0xfffe;
    if (left_ == 0) left_ = 0x10000;
    last_ = (word(4) >> 31) != 0;
    entry_ += 8;
    return true;
}

template <class Move>
std::size_t BusMaster::move(std::size_t size, const Move& move_part) {
    std::size_t done = 0;
    while (done < size) {
        if (left_ == 0 && !next_region()) break;
        const std::size_t part = std::min<std::size_t>(left_, size - done);
        if (!move_part(GuestAddress(address_), done, part)) status_ = std::uint8_t(status_ | kError);
        address_ += std::uint32_t(part);
        left_ -= std::uint32_t(part);
        done += part;
        entries_ = 0;
    }
    return done;
}

std::size_t BusMaster::to_memory(Bytes bytes) {
    return move(bytes.size, [&](GuestAddress address, std::size_t at, std::size_t size) {
        return context_.dma().write(address, Bytes(bytes.data + at, size));
    });
}

std::size_t BusMaster::from_memory(MutableBytes bytes) {
    return move(bytes.size, [&](GuestAddress address, std::size_t at, std::size_t size) {
        return context_.dma().read(address, MutableBytes(bytes.data + at, size));
    });
}

}  // namespace backplane::ide
