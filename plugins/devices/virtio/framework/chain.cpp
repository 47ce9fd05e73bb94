#include "chain.h"

#include "queue.h"

#include <algorithm>

namespace backplane::virtio {

namespace {
/// Copies that one device may hold at once, in bytes.
constexpr std::size_t kMostCopied = 64u << 20;
}  // namespace

void Part::add(const Segment& segment) {
    size_ += segment.size;
    if (segment.size) segments_.push_back(segment);
}

template <class Visit>
std::uint64_t Part::walk(std::uint64_t offset, std::uint64_t size, Visit&& visit) const {
    std::uint64_t done = 0;
    for (const Segment& segment : segments_) {
        if (done == size) break;
        if (offset >= segment.size) {
            offset -= segment.size;
            continue;
        }
        const std::uint64_t piece = std::min(segment.size - offset, size - done);
        if (!visit(segment.address + offset, piece, done)) break;
        done += piece;
        offset = 0;
    }
    return done;
}

Slice<const IoVector> Part::map(QueueHost& host, std::uint64_t offset, std::uint64_t size) {
    if (size == 0 || offset > size_ || size > size_ - offset) return {};
    const std::uint64_t mapped =
        walk(offset, size, [&](GuestAddress address, std::uint64_t piece, std::uint64_t done) {
            return map_segment(host, {address, piece}, offset + done);
        });
    if (mapped == size) return vectors_;
    host.need_reset("a descriptor points to where no memory is");
    return {};
}

bool Part::map_segment(QueueHost& host, const Segment& segment, std::uint64_t part_offset) {
    std::uint64_t done = 0;
    while (done < segment.size) {
        const DmaWindow window = host.dma().map(segment.address + done, segment.size - done, writable_);
        if (!window.data || window.size == 0)
            return copy_segment(host, {segment.address + done, segment.size - done}, part_offset + done);
        windows_.push_back(window);
        vectors_.push_back({window.data, window.size});
        done += window.size;
    }
    return true;
}

bool Part::copy_segment(QueueHost& host, const Segment& segment, std::uint64_t part_offset) {
    if (segment.size > kMostCopied - host.copied()) return false;
    Copy copy{segment.address, part_offset, std::vector<std::uint8_t>(segment.size)};
    if (!writable_ && !host.dma().read(segment.address, copy.bytes)) return false;
    host.copied() += segment.size;
    vectors_.push_back({copy.bytes.data(), copy.bytes.size()});
    copies_.push_back(std::move(copy));
    return true;
}

void Part::unmap(QueueHost& host, std::uint64_t written) {
    // What was mapped may have been written even where the device reports fewer bytes (an aborted transfer).
    for (const DmaWindow& window : windows_) host.dma().unmap(window, writable_ ? window.size : 0);
    bool stored = true;
    for (const Copy& copy : copies_) {
        host.copied() -= copy.bytes.size();
        if (!writable_ || written <= copy.part_offset) continue;
        const auto size = std::size_t(std::min<std::uint64_t>(copy.bytes.size(), written - copy.part_offset));
        stored &= host.dma().write(copy.address, {copy.bytes.data(), size});
    }
    windows_.clear();
    copies_.clear();
    vectors_.clear();
    if (!stored) host.need_reset("a writable descriptor points to where no memory is");
}

void Part::clear() {
    segments_.clear();
    size_ = 0;
}

std::size_t Chain::read(std::uint64_t offset, MutableBytes to) {
    Guard guard(queue_.host());
    bool there = true;
    const auto done =
        readable_.walk(offset, to.size, [&](GuestAddress address, std::uint64_t piece, std::uint64_t at) {
            there &= queue_.host().dma().read(address, {to.data + at, std::size_t(piece)});
            return true;
        });
    if (!there) queue_.host().need_reset("a descriptor points to where no memory is");
    return std::size_t(done);
}

std::size_t Chain::write(std::uint64_t offset, Bytes from) {
    Guard guard(queue_.host());
    bool there = true;
    const auto done =
        writable_.walk(offset, from.size, [&](GuestAddress address, std::uint64_t piece, std::uint64_t at) {
            there &= queue_.host().dma().write(address, {from.data + at, std::size_t(piece)});
            return true;
        });
    if (!there) queue_.host().need_reset("a writable descriptor points to where no memory is");
    return std::size_t(done);
}

Slice<const IoVector> Chain::map_readable(std::uint64_t offset, std::uint64_t size) {
    Guard guard(queue_.host());
    return readable_.map(queue_.host(), offset, size);
}

Slice<const IoVector> Chain::map_writable(std::uint64_t offset, std::uint64_t size) {
    Guard guard(queue_.host());
    return writable_.map(queue_.host(), offset, size);
}

void Chain::complete(std::uint64_t written) {
    Guard guard(queue_.host());
    readable_.unmap(queue_.host(), 0);
    writable_.unmap(queue_.host(), written);
    queue_.return_chain(*this, std::uint32_t(std::min<std::uint64_t>(written, writable_.size())));
    withdraw();
}

void Chain::give_back() {
    queue_.untake(*this);
    withdraw();
}

void Chain::withdraw() {
    Guard guard(queue_.host());
    readable_.unmap(queue_.host(), 0);
    writable_.unmap(queue_.host(), 0);
    readable_.clear();
    writable_.clear();
    if (out_) queue_.recycle(*this);
    out_ = false;
}

}  // namespace backplane::virtio
