#include "block.h"

#include <backplane/plugin.h>

#include <algorithm>

namespace backplane::virtio {

namespace {

// Feature bits (§5.2.3).
constexpr std::uint64_t kSegMax = 1u << 2, kGeometry = 1u << 4, kReadOnly = 1u << 5, kBlkSize = 1u << 6,
                        kFlush = 1u << 9, kTopology = 1u << 10, kConfigWce = 1u << 11, kMq = 1u << 12,
                        kDiscard = 1u << 13, kWriteZeroes = 1u << 14;
// Request types and statuses (§5.2.6).
constexpr std::uint32_t kIn = 0, kOut = 1, kFlushRequest = 4, kGetId = 8, kDiscardRequest = 11,
                        kZeroRequest = 13;
constexpr std::uint8_t kOk = 0, kIoError = 1, kUnsupported = 2;

constexpr std::uint64_t kSector = 512;  // the unit of sector numbers, whatever blk_size is
constexpr std::size_t kIdSize = 20;

// Configuration space (§5.2.4), in bytes from its start.
enum : std::size_t {
    kCapacityAt = 0,
    kSegMaxAt = 12,
    kGeometryAt = 16,
    kBlkSizeAt = 20,
    kTopologyAt = 24,
    kWritebackAt = 32,
    kNumQueuesAt = 34,
    kDiscardAt = 36,
    kZeroesAt = 48,
    kConfigSize = 60,
};

std::uint8_t status_of(BlockStatus status) {
    switch (status) {
    case BlockStatus::Ok: return kOk;
    case BlockStatus::Unsupported: return kUnsupported;
    default: return kIoError;
    }
}

}  // namespace

struct Block::Request::Header {
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t sector;
};

Block::Block(Object& object) : context_(device_context(object)), virtio_(*query<VirtioDevice>(object)) {
    virtio_.set_function(*this, virtio_id::kBlock);
}

bool Block::check(Errors& errors) const {
    constexpr std::uint32_t kMostBlocks = 0xffff;
    if (min_io_size_ / logical_block_size_ > kMostBlocks)
        errors.fail("min_io_size must not exceed 65535 logical blocks");
    else if (discard_granularity_ != kLikeSectors && discard_granularity_ % logical_block_size_ != 0)
        errors.fail("discard_granularity must be a multiple of logical_block_size");
    else if (queue_size_ < 4 || queue_size_ > 1024 || !std::has_single_bit(queue_size_))
        errors.fail("invalid queue-size property (" + std::to_string(queue_size_) +
                    "), must be a power of 2 (min 4, max 1024)");
    else if (serial_.size() > kIdSize) errors.fail("serial '" + serial_ + "' is longer than 20 bytes");
    else return true;
    return false;
}

bool Block::realize(Errors& errors) {
    if (!drive_) {
        errors.fail("drive property not set; name a block node with drive=ID");
        return false;
    }
    if (!settle_disk(context_, drive_, errors) || !check(errors)) return false;
    const Str id = context_.object().id();
    if (!drive_->claim(id.empty() ? context_.object().type_name() : id, this, errors)) return false;
    claimed_ = true;
    std::uint64_t features = kSegMax | kGeometry | kBlkSize | kFlush | kTopology;
    if (drive_->read_only()) features |= kReadOnly;
    if (config_wce_) features |= kConfigWce;
    if (num_queues_ > 1) features |= kMq;
    if (discard_) features |= kDiscard;
    if (write_zeroes_) features |= kWriteZeroes;
    virtio_.offer_features(features);
    const std::vector<std::uint16_t> sizes(num_queues_, queue_size_);
    if (!virtio_.create_queues(sizes, errors)) {
        unrealize();
        return false;
    }
    config_ = virtio_.create_config(kConfigSize);
    fill_config();
    return true;
}

void Block::unrealize() {
    if (!claimed_) return;
    drain();
    drive_->release();
    claimed_ = false;
}

void Block::fill_config() {
    const std::uint64_t capacity = drive_->size() / kSector;
    const std::uint32_t logical = logical_block_size_;
    const std::uint32_t heads = heads_ ? heads_ : 16;
    const std::uint32_t sectors = sectors_ ? sectors_ : 63;
    const std::uint64_t cylinders =
        cylinders_ ? cylinders_ : std::clamp<std::uint64_t>(capacity / (heads * sectors), 2, 16383);
    store(config_, kCapacityAt, capacity);
    // Two descriptors of a full queue hold the header and the status.
    constexpr std::uint16_t kUsualQueue = 128;
    store(config_, kSegMaxAt, std::uint32_t((adjust_segments_ ? queue_size_ : kUsualQueue) - 2));
    store(config_, kGeometryAt, std::uint16_t(cylinders));
    store(config_, kGeometryAt + 2, std::uint8_t(heads));
    store(config_, kGeometryAt + 3, std::uint8_t(sectors));
    store(config_, kBlkSizeAt, logical);
    store(config_, kTopologyAt, std::uint8_t(blocks_exponent()));
    store(config_, kTopologyAt + 2, std::uint16_t(min_io_size_ / logical));
    store(config_, kTopologyAt + 4, opt_io_size_ / logical);
    store(config_, kWritebackAt, std::uint8_t(caches_writes(*drive_)));
    store(config_, kNumQueuesAt, num_queues_);
    store(config_, kDiscardAt, max_discard_sectors_);
    store(config_, kDiscardAt + 4, std::uint32_t{1});  // segments of one request
    const std::uint32_t together = discard_granularity_ == kLikeSectors ? logical : discard_granularity_;
    store(config_, kDiscardAt + 8, std::uint32_t(together / kSector));
    store(config_, kZeroesAt, max_write_zeroes_sectors_);
    store(config_, kZeroesAt + 4, std::uint32_t{1});
    store(config_, kZeroesAt + 8, std::uint8_t{1});  // write_zeroes_may_unmap
}

void Block::config_written(MutableBytes config, std::uint64_t, std::uint64_t) {
    // §5.2.5.1: only writeback may be written, and only with CONFIG_WCE.
    const std::uint8_t wanted = config[kWritebackAt];
    fill_config();
    if (virtio_.has(kConfigWce)) store(config, kWritebackAt, std::uint8_t(wanted != 0));
}

bool Block::write_through() const { return !virtio_.has(kFlush) || config_[kWritebackAt] == 0; }

void Block::block_resized() {
    const std::uint8_t writeback = config_[kWritebackAt];
    fill_config();
    store(config_, kWritebackAt, writeback);
    virtio_.config_changed();
}

void Block::drain() {
    const Draining draining(*this);
    // What is done may have to be flushed.
    while (claimed_ && requests_.size() != free_.size()) drive_->drain();
}

/// A machine goes on with what its disk has, also where the host went down in between.
void Block::before_save() {
    drain();
    if (!claimed_ || drive_->read_only()) return;
    class Flush final : public BlockRequest {
      public:
        void done(BlockStatus) override { finished = true; }
        bool finished = false;
    } flush;
    flush.operation = BlockOperation::Flush;
    drive_->submit(flush);
    while (!flush.finished) drive_->drain();
}

/// Only `writeback` is the driver's; the rest follows from the disk that is here.
bool Block::after_load(Errors&) {
    const bool writeback = config_[kWritebackAt] != 0;
    fill_config();
    store(config_, kWritebackAt, std::uint8_t(writeback));
    return true;
}

void Block::device_reset() {
    drain();
    if (claimed_) fill_config();
}

bool Block::in_range(std::uint64_t sector, std::uint64_t bytes) const {
    const std::uint64_t size = drive_->size() / kSector;
    return sector <= size && bytes <= (size - sector) * kSector &&
           sector * kSector % logical_block_size_ == 0 && bytes % logical_block_size_ == 0;
}

void Block::queue_notified(VirtioQueue& queue) {
    ++notified_;
    while (VirtioChain* chain = queue.take()) {
        if (free_.empty()) {
            requests_.push_back(std::make_unique<Request>(*this));
            free_.reserve(requests_.size());
            free_.push_back(requests_.back().get());
        }
        Request* request = free_.back();
        free_.pop_back();
        request->start(*chain, queue);
    }
    --notified_;
    queue.interrupt();
}

void Block::Request::start(VirtioChain& chain, VirtioQueue& queue) {
    chain_ = &chain;
    queue_ = &queue;
    if (chain.readable_size() < sizeof(Header) || chain.writable_size() < 1) {
        device_.virtio_.need_reset("a block request without a whole header or without room for its status");
        return finish(kIoError);
    }
    const auto header = read_value<Header>(chain, 0);
    switch (header.type) {
    case kIn: return transfer(BlockOperation::Read, header.sector);
    case kOut: return transfer(BlockOperation::Write, header.sector);
    case kFlushRequest:
        operation = BlockOperation::Flush;
        offset = size = 0;
        vectors = {};
        return device_.drive_->submit(*this);
    case kGetId: return identify();
    case kDiscardRequest:
        return device_.virtio_.has(kDiscard) ? zero(BlockOperation::Discard) : finish(kUnsupported);
    case kZeroRequest:
        return device_.virtio_.has(kWriteZeroes) ? zero(BlockOperation::WriteZeroes) : finish(kUnsupported);
    default: return finish(kUnsupported);
    }
}

void Block::Request::transfer(BlockOperation op, std::uint64_t sector) {
    const bool read = op == BlockOperation::Read;
    operation = op;
    size = read ? chain_->writable_size() - 1 : chain_->readable_size() - sizeof(Header);
    if (!device_.in_range(sector, size) || (!read && device_.drive_->read_only())) return finish(kIoError);
    if (size == 0) return finish(kOk);
    offset = sector * kSector;
    vectors = read ? chain_->map_writable(0, size) : chain_->map_readable(sizeof(Header), size);
    if (vectors.empty()) return finish(kIoError);
    device_.drive_->submit(*this);
}

/// Discard and write zeroes (§5.2.6): the data is a list of ranges, here of exactly one.
void Block::Request::zero(BlockOperation op) {
    struct Range {
        std::uint64_t sector;
        std::uint32_t count;
        std::uint32_t flags;
    };
    const bool discard = op == BlockOperation::Discard;
    if (chain_->readable_size() != sizeof(Header) + sizeof(Range)) return finish(kIoError);
    const auto range = read_value<Range>(*chain_, sizeof(Header));
    const std::uint32_t most = discard ? device_.max_discard_sectors_ : device_.max_write_zeroes_sectors_;
    if (range.flags & (discard ? ~0u : ~1u)) return finish(kUnsupported);
    const std::uint64_t bytes = range.count * kSector;
    if (range.count > most || !device_.in_range(range.sector, bytes) || device_.drive_->read_only())
        return finish(kIoError);
    operation = op;
    offset = range.sector * kSector;
    size = bytes;
    vectors = {};
    device_.drive_->submit(*this);
}

void Block::Request::identify() {
    std::uint8_t id[kIdSize] = {};
    std::copy_n(device_.serial_.data(), std::min(device_.serial_.size(), kIdSize), id);
    const std::uint64_t room = chain_->writable_size() - 1;
    chain_->write(0, {id, std::size_t(std::min<std::uint64_t>(room, kIdSize))});
    finish(kOk);
}

void Block::Request::done(BlockStatus status) {
    if (!device_.takes(*this, status)) return;
    const bool changed = operation == BlockOperation::Write || operation == BlockOperation::WriteZeroes;
    if (changed && status == BlockStatus::Ok && device_.write_through()) {
        operation = BlockOperation::Flush;
        return device_.drive_->submit(*this);
    }
    finish(status_of(status));
}

void Block::Request::finish(std::uint8_t status) {
    const std::uint64_t room = chain_->writable_size();
    if (room != 0) write_value(*chain_, room - 1, status);
    chain_->complete(room);
    VirtioQueue& queue = *queue_;
    Block& device = device_;
    device.free_.push_back(this);
    if (device.notified_ == 0) queue.interrupt();
}

namespace {

using enum VirtioPciInterface;
constexpr VirtioPciClass kPci{.backend = "virtio-blk-device", .class_code = 0x010000};
constexpr VirtioPciClass kTransitional{
    .backend = "virtio-blk-device", .class_code = 0x010000, .interface = Transitional};
constexpr VirtioPciClass kModern{
    .backend = "virtio-blk-device", .class_code = 0x010000, .interface = ModernOnly};

constexpr HistoryRow kHistory[] = {{"4.2", "queue-size", "128"},
                                   {"4.2", "seg-max-adjust", "off"},
                                   {"3.1", "discard", "off"},
                                   {"3.1", "write-zeroes", "off"}};
constexpr HistoryRow kPciHistory[] = {{"2.6", "disable-modern", "on"}};

constexpr auto kProperties = with_disk_settings<Block>(Block::kOwnProperties);

constexpr InterfaceInfo kBootable[] = {offers<Block, Device>(), offers<Block, Bootable>()};
constexpr TypeInfo with_interfaces(TypeInfo info) {
    info.interfaces = kBootable;
    return info;
}

constexpr TypeInfo kTypes[] = {
    with_interfaces(virtio_device_type<Block>({.name = "virtio-blk-device",
                                               .summary = "Virtio block device",
                                               .category = "Storage",
                                               .properties = kProperties,
                                               .history = kHistory})),
    virtio_pci_type(kPci, {.name = "virtio-blk-pci",
                           .summary = "Virtio block device on PCI",
                           .aliases = "virtio-blk",
                           .category = "Storage",
                           .history = kPciHistory}),
    virtio_pci_type(kTransitional, {.name = "virtio-blk-pci-transitional",
                                    .summary = "Virtio block device on PCI, for legacy drivers too",
                                    .category = "Storage"}),
    virtio_pci_type(kModern, {.name = "virtio-blk-pci-non-transitional",
                              .summary = "Virtio block device on PCI, for modern drivers",
                              .category = "Storage"}),
};
BACKPLANE_PLUGIN("virtio-blk", "1.0", "Backplane", kTypes)

}  // namespace

}  // namespace backplane::virtio
