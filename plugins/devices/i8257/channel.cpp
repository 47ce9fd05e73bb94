#include "channel.h"

#include <algorithm>

namespace backplane::i8257 {

void Channel::set_request(int level) { owner_->request_changed(number_, level); }

std::uint16_t Channel::address() const {
    const std::uint32_t units = done_ >> shift_;
    return std::uint16_t(mode & kDecrement ? start_address_ - units : start_address_ + units);
}
/// Of a block that is through, it has gone on from 0 to 0xffff.
std::uint16_t Channel::count() const { return std::uint16_t(start_count_ - (done_ >> shift_)); }

void Channel::begin(std::uint16_t address, std::uint16_t count) {
    start_address_ = address;
    start_count_ = count;
    done_ = 0;
}

namespace {

std::uint16_t with_byte(std::uint16_t value, std::uint8_t byte, bool high) {
    return std::uint16_t(high ? (value & 0x00ff) | byte << 8 : (value & 0xff00) | byte);
}

}  // namespace

void Channel::write_address(std::uint8_t byte, bool high) {
    base_address_ = with_byte(base_address_, byte, high);
    begin(base_address_, count());
}
void Channel::write_count(std::uint8_t byte, bool high) {
    base_count_ = with_byte(base_count_, byte, high);
    begin(address(), base_count_);
}

Channel::Progress Channel::transfer() {
    // A channel that is set going again after its terminal count goes on where it was.
    if (done_ >= length()) begin(address(), count());
    const std::uint32_t before = done_;
    transferring_ = true;
    const std::uint32_t position = device->transfer(*this, before, length());
    transferring_ = false;
    // The device may have had the guest's registers in hand.
    if (done_ == before) done_ = std::clamp(position, before, length());
    if (done_ < length()) return done_ == before ? Progress::None : Progress::Some;
    if (mode & kAutoinitialize) begin(base_address_, base_count_);
    return Progress::TerminalCount;
}

std::uint32_t Channel::clip(std::uint32_t position, std::uint64_t size) const {
    if (!transferring_ || position >= length()) return 0;
    return std::uint32_t(std::min<std::uint64_t>(size, length() - position));
}

/// Addresses stay within the page: 64 KiB, or 128 KiB for words, whose page's lowest bit does not count.
Channel::Run Channel::run_at(std::uint32_t position) const {
    const std::uint32_t unit = 1u << shift_;
    const std::uint32_t page_mask = (0x10000u << shift_) - 1;
    const std::uint64_t base =
        (std::uint64_t{high_page} << 24 | std::uint64_t{page} << 16) & ~std::uint64_t{page_mask};
    const std::uint32_t start = std::uint32_t{start_address_} << shift_;
    if (!(mode & kDecrement)) {
        const std::uint32_t at = (start + position) & page_mask;
        return {GuestAddress(base | at), page_mask + 1 - at};
    }
    const std::uint32_t within = position % unit;
    return {GuestAddress(base | (((start - (position - within)) & page_mask) + within)), unit - within};
}

std::uint32_t Channel::read(std::uint32_t position, MutableBytes to) {
    const std::uint32_t size = clip(position, to.size);
    for (std::uint32_t at = 0, count = 0; at < size; at += count) {
        const Run run = run_at(position + at);
        count = std::min(run.size, size - at);
        const MutableBytes part{to.data + at, count};
        // Verify, or the other direction: nothing drives the bus.
        if ((mode & kTransferBits) != kReadTransfer) std::fill_n(part.data, count, std::uint8_t{0});
        else owner_->memory().read(run.address, part);
    }
    return size;
}

std::uint32_t Channel::write(std::uint32_t position, Bytes from) {
    const std::uint32_t size = clip(position, from.size);
    if ((mode & kTransferBits) != kWriteTransfer) return size;
    for (std::uint32_t at = 0, count = 0; at < size; at += count) {
        const Run run = run_at(position + at);
        count = std::min(run.size, size - at);
        owner_->memory().write(run.address, {from.data + at, count});
    }
    return size;
}

void Channel::describe(StateTable& table, std::uint32_t count) {
    StateTable& each =
        table.group({.name = "channel", .first = this, .count = count, .stride = sizeof(Channel)});
    using backplane::describe;
    describe(each, "mode", mode);
    describe(each, "page", page);
    describe(each, "high_page", high_page);
    describe(each, "base_address", base_address_);
    describe(each, "base_count", base_count_);
    describe(each, "start_address", start_address_);
    describe(each, "start_count", start_count_);
    describe(each, "done", done_);
}

}  // namespace backplane::i8257
