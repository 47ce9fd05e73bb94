#include "transmitter.h"

#include <algorithm>
#include <cstring>

namespace backplane::e1000 {
namespace {

// The third word of a descriptor (3.3.3, 3.3.6, 3.3.7)
constexpr std::uint32_t kEnd = 1u << 24, kInsertChecksum = 1u << 26, kSegment = 1u << 26, kReport = 1u << 27,
                        kReportSent = 1u << 28, kExtended = 1u << 29, kVlan = 1u << 30;
constexpr std::uint32_t kType = 15u << 20, kDataType = 1u << 20;
constexpr std::uint32_t kTcp = 1u << 24, kIpv4 = 1u << 25;  // of a context
// The fourth word
constexpr std::uint32_t kDone = 1;
constexpr std::uint32_t kIpOption = 1u << 8, kTransportOption = 1u << 9;

}  // namespace

void Transmitter::describe(StateTable& table) {
    using backplane::describe;
    for (auto& [place, name] :
         {std::pair{&context_.ip, "ip"}, {&context_.transport, "transport"}, {&legacy_, "legacy"}}) {
        StateTable& group = table.group({.name = name});
        describe(group, "start", place->start);
        describe(group, "offset", place->offset);
        describe(group, "end", place->end);
    }
    describe(table, "header_size", context_.header_size);
    describe(table, "segment_size", context_.segment_size);
    describe(table, "ipv4", context_.ipv4);
    describe(table, "tcp", context_.tcp);
    describe(table, "segment", request_.segment);
    describe(table, "ip_checksum", request_.ip_checksum);
    describe(table, "transport_checksum", request_.transport_checksum);
    describe_bytes<kLongest>(table, "frame", frame_);
    describe(table, "begun", begun_);
    describe(table, "legacy_checksum", legacy_checksum_);
    describe(table, "tagged", tagged_);
    describe(table, "too_long", too_long_);
}

void Transmitter::reset() {
    context_ = {};
    request_ = {};
    legacy_ = {};
    frame_.clear();
    begun_ = legacy_checksum_ = tagged_ = too_long_ = false;
}

void Transmitter::run() {
    if (!(registers_[Reg::TCTL] & kTransmitEnable)) return;
    Ring ring = ring_of(registers_, Reg::TDBAL, Reg::TDBAH, Reg::TDLEN, Reg::TDH, Reg::TDT);
    std::uint32_t causes = 0;
    const std::uint32_t waiting = ring.owned();
    for (std::uint32_t i = 0; i < waiting; ++i) {
        Descriptor descriptor{};
        std::uint8_t bytes[kDescriptorSize];
        host_.memory().read(GuestAddress(ring.descriptor()), bytes);
        std::memcpy(&descriptor, bytes, sizeof bytes);
        serve(descriptor);
        if (descriptor.command & (kReport | kReportSent)) {
            const std::uint32_t status = descriptor.status | kDone;
            constexpr std::uint64_t kStatusAt = 12;
            dma_store(host_.memory(), GuestAddress(ring.descriptor() + kStatusAt), status);
            causes |= kDescriptorWritten;
        }
        ring.step();
        registers_[Reg::TDH] = ring.head;
    }
    if (waiting != 0) host_.raise(causes | kQueueEmpty);
}

void Transmitter::serve(const Descriptor& descriptor) {
    const bool extended = descriptor.command & kExtended;
    if (extended && (descriptor.command & kType) != kDataType) return set_context(descriptor);
    if (!begun_) {
        begun_ = true;
        request_ = {};
        legacy_checksum_ = false;
        tagged_ = descriptor.command & kVlan;
        if (extended)
            request_ = {.segment = (descriptor.command & kSegment) != 0,
                        .ip_checksum = (descriptor.status & kIpOption) != 0,
                        .transport_checksum = (descriptor.status & kTransportOption) != 0};
    }
    constexpr std::uint32_t kLegacySize = 0xffff, kExtendedSize = 0xfffff;
    gather(descriptor.address, descriptor.command & (extended ? kExtendedSize : kLegacySize));
    if (!extended && descriptor.command & kInsertChecksum) {
        legacy_checksum_ = true;
        legacy_ = {.start = std::uint8_t(descriptor.status >> 8),
                   .offset = std::uint8_t(descriptor.command >> 16),
                   .end = 0};
    }
    if (descriptor.command & kEnd) send(descriptor.status >> 16);
}

/// 3.3.6: what the frames behind it are to have done.
void Transmitter::set_context(const Descriptor& descriptor) {
    const auto place = [](std::uint32_t word) {
        return ChecksumPlace{
            .start = std::uint8_t(word), .offset = std::uint8_t(word >> 8), .end = std::uint16_t(word >> 16)};
    };
    context_ = {.ip = place(std::uint32_t(descriptor.address)),
                .transport = place(std::uint32_t(descriptor.address >> 32)),
                .header_size = std::uint8_t(descriptor.status >> 8),
                .segment_size = std::uint16_t(descriptor.status >> 16),
                .ipv4 = (descriptor.command & kIpv4) != 0,
                .tcp = (descriptor.command & kTcp) != 0};
}

void Transmitter::gather(std::uint64_t address, std::uint32_t size) {
    const std::size_t room = kLongest - frame_.size();
    if (size > room) too_long_ = true;
    const std::size_t taken = std::min<std::size_t>(size, room);
    const std::size_t before = frame_.size();
    frame_.resize(before + taken);
    if (taken) host_.memory().read(GuestAddress(address), {frame_.data() + before, taken});
}

void Transmitter::send(std::uint32_t special) {
    tag_ = tagged_ && registers_[Reg::CTRL] & kVlanMode ? registers_[Reg::VET] << 16 | special : 0;
    if (!too_long_) {
        if (legacy_checksum_) insert_checksum(frame_, legacy_);
        const std::uint32_t count = offload(frame_, context_, request_, host_);
        if (request_.segment && count > 1) registers_.count(kSegmented);
    }
    frame_.clear();
    begun_ = too_long_ = false;
}

}  // namespace backplane::e1000
