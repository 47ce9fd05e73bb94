#include "disk.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace backplane::ide {
namespace {

// Command codes (ACS, table 25; the older ones ATA-7, annex B).
enum Command : std::uint8_t {
    kNop = 0x00,
    kDataSetManagement = 0x06,
    kRecalibrate = 0x10,
    kReadSectors = 0x20,
    kReadSectorsNoRetry = 0x21,
    kReadSectorsExt = 0x24,
    kReadDmaExt = 0x25,
    kReadNativeMaxExt = 0x27,
    kReadMultipleExt = 0x29,
    kWriteSectors = 0x30,
    kWriteSectorsNoRetry = 0x31,
    kWriteSectorsExt = 0x34,
    kWriteDmaExt = 0x35,
    kWriteMultipleExt = 0x39,
    kReadVerify = 0x40,
    kReadVerifyNoRetry = 0x41,
    kReadVerifyExt = 0x42,
    kSeek = 0x70,
    kDiagnostic = 0x90,
    kInitializeParameters = 0x91,
    kSmart = 0xb0,
    kReadMultiple = 0xc4,
    kWriteMultiple = 0xc5,
    kSetMultiple = 0xc6,
    kReadDma = 0xc8,
    kReadDmaNoRetry = 0xc9,
    kWriteDma = 0xca,
    kWriteDmaNoRetry = 0xcb,
    kStandbyImmediate = 0xe0,
    kIdleImmediate = 0xe1,
    kStandby = 0xe2,
    kIdle = 0xe3,
    kCheckPower = 0xe5,
    kSleep = 0xe6,
    kFlush = 0xe7,
    kFlushExt = 0xea,
    kIdentify = 0xec,
    kSetFeatures = 0xef,
    kReadNativeMax = 0xf8,
};

constexpr std::uint32_t kMostMultiple = 16;       // sectors of a PIO block
constexpr std::uint32_t kDmaChunk = 128;          // sectors that are moved at a time
constexpr std::uint64_t kMostShort = 0x0fffffff;  // sectors that 28 bits reach
constexpr std::uint32_t kMostRangeSectors = 8;    // that a list of ranges has
constexpr std::size_t kRangeSize = 8;             // bytes of one
constexpr std::uint8_t kPowerActive = 0xff;

class FirstSector final : public BlockRequest {
  public:
    /// False: it is not to be had.
    bool read(BlockBackend& medium) {
        vector_ = {bytes_, sizeof bytes_};
        operation = BlockOperation::Read;
        size = sizeof bytes_;
        vectors = {&vector_, 1};
        medium.submit(*this);
        while (!ended_) medium.drain();
        return status_ == BlockStatus::Ok;
    }
    Bytes bytes() const { return Bytes(bytes_); }
    void done(BlockStatus status) override {
        status_ = status;
        ended_ = true;
    }

  private:
    std::uint8_t bytes_[kSector] = {};
    IoVector vector_{};
    BlockStatus status_ = BlockStatus::IoError;
    bool ended_ = false;
};

}  // namespace

Disk::Disk(Object& object) : DriveBase(object) {
    StateTable& state = context_.state();
    describe(state, "sector", sector_);
    describe(state, "remaining", remaining_, {.maximum = 65536});
    describe(state, "chunk", chunk_, {.maximum = kDmaChunk});
    describe(state, "block", block_, {.reset_value = 1, .maximum = kMostMultiple});
    describe(state, "multiple", multiple_, {.reset_value = kMostMultiple, .maximum = kMostMultiple});
    describe(state, "out", out_);
    describe(state, "long", long_);
    describe(state, "write_cache", cache_on_, 1);
    describe(state, "smart", smart_, 1);
    describe(state, "dma_mode", dma_mode_, 0x45);
    describe(state, "heads", current_heads_, {.reset_value = 16, .maximum = 16});
    describe(state, "sectors", current_sectors_, {.reset_value = 63, .maximum = 255});
}

bool Disk::check(Errors& errors) {
    constexpr std::size_t kSerialLength = 20, kModelLength = 40, kVersionLength = 8;
    if (!drive_) errors.fail("drive property not set; name a block node with drive=ID");
    else if (serial_.size() > kSerialLength) errors.fail("serial '" + serial_ + "' is longer than 20 bytes");
    else if (model_.size() > kModelLength) errors.fail("model '" + model_ + "' is longer than 40 bytes");
    else if (version_.size() > kVersionLength) errors.fail("ver '" + version_ + "' is longer than 8 bytes");
    else if (size() == 0) errors.fail("the drive is empty: a disk has at least one sector");
    else if (heads_ > 16) errors.fail("heads must be between 1 and 16");
    else if (discard_granularity_ != kLikeSectors && discard_granularity_ % kSector != 0)
        errors.fail("discard_granularity must be a multiple of logical_block_size");
    else if (sectors_ > 255) errors.fail("secs must be between 1 and 255");
    else return true;
    return false;
}

bool Disk::realize(Errors& errors) {
    if (!DriveBase::realize(errors)) return false;
    settle_geometry();
    return true;
}

void Disk::reset(ResetPhase phase) {
    DriveBase::reset(phase);
    if (phase == ResetPhase::Enter) cache_on_ = caches_writes(*drive_);
}

void Disk::settle_geometry() {
    const bool asked = cylinders_ != 0 || heads_ != 0 || sectors_ != 0;
    Geometry found =
        geometry_of_size(size(), heads_ ? heads_ : kMostHeads, sectors_ ? sectors_ : kMostSectors);
    if (cylinders_ != 0) found.cylinders = cylinders_;
    usual_translation_ = usual_translation(found);
    FirstSector first;
    if (!asked && first.read(*drive_)) {
        const std::optional<Geometry> written = geometry_of_table(first.bytes(), size());
        if (written && written->heads > kMostHeads) {
            usual_translation_ = translation_to_more_heads(found);
        } else if (written) {
            found = *written;
            usual_translation_ = AtaTranslation::None;
        }
    }
    cylinders_ = found.cylinders;
    heads_ = found.heads;
    sectors_ = found.sectors;
}

AtaGeometry Disk::geometry() const {
    AtaGeometry result;
    result.cylinders = cylinders_;
    result.heads = heads_;
    result.sectors = sectors_;
    result.translation =
        translation_ == Translation::Auto ? usual_translation_ : AtaTranslation(std::uint8_t(translation_));
    return result;
}

void Disk::signature() {
    multiple_ = kMostMultiple;
    current_heads_ = heads_;
    current_sectors_ = sectors_;
}

// --- commands ---

bool Disk::start_command(std::uint8_t command) {
    std::uint64_t sector = 0;
    switch (command) {
    case kReadSectors:
    case kReadSectorsNoRetry: return start_transfer(Address::Short, Transfer::In, false, 1);
    case kReadSectorsExt: return start_transfer(Address::Long, Transfer::In, false, 1);
    case kReadMultiple: return start_transfer(Address::Short, Transfer::In, false, multiple_);
    case kReadMultipleExt: return start_transfer(Address::Long, Transfer::In, false, multiple_);
    case kWriteSectors:
    case kWriteSectorsNoRetry: return start_transfer(Address::Short, Transfer::Out, false, 1);
    case kWriteSectorsExt: return start_transfer(Address::Long, Transfer::Out, false, 1);
    case kWriteMultiple: return start_transfer(Address::Short, Transfer::Out, false, multiple_);
    case kWriteMultipleExt: return start_transfer(Address::Long, Transfer::Out, false, multiple_);
    case kReadDma:
    case kReadDmaNoRetry: return start_transfer(Address::Short, Transfer::In, true, 1);
    case kReadDmaExt: return start_transfer(Address::Long, Transfer::In, true, 1);
    case kWriteDma:
    case kWriteDmaNoRetry: return start_transfer(Address::Short, Transfer::Out, true, 1);
    case kWriteDmaExt: return start_transfer(Address::Long, Transfer::Out, true, 1);
    case kReadVerify:
    case kReadVerifyNoRetry:
    case kReadVerifyExt:
    case kSeek:
        if (!find_sector(command == kReadVerifyExt ? Address::Long : Address::Short, sector)) return false;
        if (sector >= size()) fail(kIdNotFound);
        else succeed();
        return true;
    case kSetMultiple: {
        const unsigned count = TaskFile::now(task_.count);
        if (count > kMostMultiple || (count & (count - 1)) != 0) return false;
        multiple_ = count;
        succeed();
        return true;
    }
    case kInitializeParameters: {
        const unsigned sectors = TaskFile::now(task_.count);
        if (sectors == 0) return false;
        current_heads_ = (task_.device & 15u) + 1;
        current_sectors_ = sectors;
        succeed();
        return true;
    }
    case kDataSetManagement: return start_trim();
    case kIdentify: identify(); return true;
    case kSetFeatures: return set_features();
    case kSmart: return smart();
    case kFlush:
    case kFlushExt: submit(BlockOperation::Flush, 0, 0); return true;
    case kReadNativeMax: {
        const std::uint64_t last = std::min(size(), kMostShort) - 1;
        TaskFile::set(task_.lba_low, std::uint8_t(last));
        TaskFile::set(task_.lba_mid, std::uint8_t(last >> 8));
        TaskFile::set(task_.lba_high, std::uint8_t(last >> 16));
        task_.device = std::uint8_t((task_.device & 0xf0) | (last >> 24 & 15));
        succeed();
        return true;
    }
    case kReadNativeMaxExt: {
        const std::uint64_t last = size() - 1;
        task_.lba_low = std::uint16_t((last & 0xff) | (last >> 24 & 0xff) << 8);
        task_.lba_mid = std::uint16_t((last >> 8 & 0xff) | (last >> 32 & 0xff) << 8);
        task_.lba_high = std::uint16_t((last >> 16 & 0xff) | (last >> 40 & 0xff) << 8);
        succeed();
        return true;
    }
    case kCheckPower:
        TaskFile::set(task_.count, kPowerActive);
        succeed();
        return true;
    case kStandbyImmediate:
    case kIdleImmediate:
    case kStandby:
    case kIdle:
    case kSleep: succeed(); return true;
    case kDiagnostic:
        reset_drive();
        raise();
        return true;
    default:
        if ((command & 0xf0) != kRecalibrate) return false;
        succeed();
        return true;
    }
}

/// False: the address is no address of this disk's geometry.
bool Disk::find_sector(Address address, std::uint64_t& sector) const {
    const auto byte = [](std::uint16_t reg) { return std::uint64_t{TaskFile::now(reg)}; };
    const auto old = [](std::uint16_t reg) { return std::uint64_t{TaskFile::before(reg)}; };
    if (address == Address::Long) {
        sector = byte(task_.lba_low) | byte(task_.lba_mid) << 8 | byte(task_.lba_high) << 16 |
                 old(task_.lba_low) << 24 | old(task_.lba_mid) << 32 | old(task_.lba_high) << 40;
        return true;
    }
    if (task_.device & kLbaBit) {
        sector = byte(task_.lba_low) | byte(task_.lba_mid) << 8 | byte(task_.lba_high) << 16 |
                 std::uint64_t(task_.device & 15u) << 24;
        return true;
    }
    // Sectors of a track are numbered from 1.
    const std::uint64_t cylinder = byte(task_.lba_mid) | byte(task_.lba_high) << 8;
    if (TaskFile::now(task_.lba_low) == 0) return false;
    sector = (cylinder * current_heads_ + (task_.device & 15u)) * current_sectors_ + byte(task_.lba_low) - 1;
    return true;
}

std::uint32_t Disk::sector_count(Address address) const {
    if (address == Address::Long) return task_.count == 0 ? 65536u : task_.count;
    const std::uint32_t count = TaskFile::now(task_.count);
    return count == 0 ? 256u : count;
}

bool Disk::start_transfer(Address address, Transfer direction, bool dma, unsigned block) {
    if (block == 0 || !find_sector(address, sector_)) return false;
    remaining_ = sector_count(address);
    long_ = address == Address::Long;
    block_ = block;
    out_ = direction == Transfer::Out;
    if (sector_ >= size() || remaining_ > size() - sector_) {
        fail(kIdNotFound);
        return true;
    }
    if (out_ && drive_->read_only()) return false;
    if (dma) want_dma();
    else if (out_) data_out(std::min(block_, remaining_) * kSector, false);
    else next_block();
    return true;
}

/// Reads the next block of a PIO transfer from the disk.
void Disk::next_block() {
    chunk_ = std::min(block_, remaining_);
    submit(BlockOperation::Read, sector_ * kSector, chunk_ * kSector);
}

/// The host has read a block, or filled one.
void Disk::block_done() {
    if (out_) {
        chunk_ = std::min(block_, remaining_);
        submit(BlockOperation::Write, sector_ * kSector, chunk_ * kSector);
    } else if (remaining_ > 0) {
        next_block();
    }
}

// --- TRIM (ACS-2, 7.10) ---

bool Disk::start_trim() {
    constexpr std::uint8_t kTrim = 1;
    if (discard_granularity_ == 0) return false;
    remaining_ = sector_count(Address::Long);
    if (!(TaskFile::now(task_.feature) & kTrim) || drive_->read_only() || remaining_ > kMostRangeSectors)
        return false;
    out_ = long_ = true;
    ranges_ = range_ = 0;
    want_dma();
    return true;
}

/// One range after the other. A disk that is done with one at once says so from within: its turn comes here.
void Disk::trim() {
    trim_goes_on_ = true;
    if (std::exchange(trimming_, true)) return;
    while (std::exchange(trim_goes_on_, false) && next_range()) {}
    trimming_ = false;
}

/// False: that was all, or the command failed.
bool Disk::next_range() {
    if (ranges_ == 0) {
        const std::size_t bytes = remaining_ * kSector;
        if (buffer_.size() < bytes) buffer_.resize(bytes);
        if (host_->dma_from_memory({buffer_.data(), bytes}) < bytes) return fail(kAborted), false;
        ranges_ = bytes / kRangeSize;
    }
    while (range_ < ranges_) {
        std::uint64_t entry = 0;
        for (std::size_t i = 0; i < kRangeSize; ++i)
            entry |= std::uint64_t{buffer_[range_ * kRangeSize + i]} << 8 * i;
        ++range_;
        const std::uint64_t first = entry & 0xffff'ffff'ffff, count = entry >> 48;
        if (count == 0) continue;
        if (first > size() || count > size() - first) return fail(kIdNotFound), false;
        submit(BlockOperation::Discard, first * kSector, count * kSector);
        return true;
    }
    remaining_ = 0;
    succeed();
    return false;
}

void Disk::run_dma() {
    if (command_ == kDataSetManagement) return trim();
    if (remaining_ == 0) return finish_transfer();
    chunk_ = std::min(kDmaChunk, remaining_);
    const std::size_t size = chunk_ * kSector;
    if (!out_) return submit(BlockOperation::Read, sector_ * kSector, size);
    if (buffer_.size() < size) buffer_.resize(size);
    // What the table has no room for is not written: the drive waits for it, as it would on the cable.
    if (host_->dma_from_memory({buffer_.data(), size}) < size) return fail(kAborted);
    submit(BlockOperation::Write, sector_ * kSector, size);
}

void Disk::request_done(BlockStatus status) {
    if (command_ == kDataSetManagement)  // what the host cannot give back, it keeps
        return status == BlockStatus::Ok || status == BlockStatus::Unsupported ? trim() : fail(kAborted);
    if (status != BlockStatus::Ok) return fail(out_ ? kAborted : kUncorrectable);
    if (command_ == kFlush || command_ == kFlushExt || std::exchange(flushing_, false)) return succeed();
    sector_ += chunk_;
    remaining_ -= std::min(remaining_, chunk_);
    if (dma_) {
        if (!out_ && host_->dma_to_memory({buffer_.data(), chunk_ * kSector}) < chunk_ * kSector)
            return fail(kAborted);
        return run_dma();
    }
    if (!out_) return data_in(chunk_ * kSector);
    if (remaining_ > 0) data_out(std::min(block_, remaining_) * kSector, true);
    else finish_transfer();
}

/// Without a cache, what was written is on the medium before the command ends.
void Disk::finish_transfer() {
    if (!out_ || cache_on_) return succeed();
    flushing_ = true;
    submit(BlockOperation::Flush, 0, 0);
}

bool Disk::set_features() {
    switch (TaskFile::now(task_.feature)) {
    case 0x02: cache_on_ = true; break;
    case 0x82: cache_on_ = false; break;
    case 0x03: {
        // Transfer mode (ACS, table 127): PIO, multiword DMA 0–2, ultra DMA 0–5.
        const unsigned mode = TaskFile::now(task_.count);
        const bool dma = (mode & 0xf8) == 0x20 && (mode & 7) <= 2;
        const bool ultra = (mode & 0xf8) == 0x40 && (mode & 7) <= 5;
        if (dma || ultra) dma_mode_ = std::uint8_t(mode);
        else if ((mode & 0xf8) != 0x08 && mode > 1) return false;
        break;
    }
    case 0xcc:  // power-on defaults
    case 0x66:
    case 0xaa:  // read look-ahead
    case 0x55:
    case 0x05:  // power management
    case 0x85:
    case 0x42:  // acoustic management
    case 0xc2: break;
    default: return false;
    }
    succeed();
    return true;
}

bool Disk::smart() {
    constexpr std::uint8_t kReadData = 0xd0, kReadThresholds = 0xd1, kAutosave = 0xd2, kOffline = 0xd4,
                           kReadLog = 0xd5, kEnable = 0xd8, kDisable = 0xd9, kStatus = 0xda;
    if (TaskFile::now(task_.lba_mid) != 0x4f || TaskFile::now(task_.lba_high) != 0xc2) return false;
    const std::uint8_t what = TaskFile::now(task_.feature);
    if (!smart_ && what != kEnable) return false;
    switch (what) {
    case kEnable: smart_ = true; break;
    case kDisable: smart_ = false; break;
    case kStatus:  // the key stays: no threshold is passed
    case kAutosave:
    case kOffline: break;
    case kReadData:
    case kReadThresholds:
    case kReadLog:
        buffer_.assign(kSector, 0);
        put_word(buffer_.data(), 0, what == kReadLog ? 1 : 0x10);  // the structure's revision
        buffer_[362] = 0x02;                                       // off-line collection completed
        buffer_[368] = 0x03;                                       // attributes are saved
        buffer_[511] = 0;
        for (unsigned i = 0, sum = 0; i < 511; ++i) buffer_[511] = std::uint8_t(0u - (sum += buffer_[i]));
        remaining_ = 0;
        out_ = false;
        data_in(kSector);
        return true;
    default: return false;
    }
    succeed();
    return true;
}

/// IDENTIFY DEVICE data (ACS, table 29).
void Disk::identify() {
    buffer_.assign(kSector, 0);
    std::uint8_t* data = buffer_.data();
    const std::uint64_t sectors = size();
    const std::uint32_t chs = cylinders_ * heads_ * sectors_;
    put_word(data, 0, 0x0040);  // a disk that is not removable
    put_word(data, 1, std::uint16_t(cylinders_));
    put_word(data, 3, std::uint16_t(heads_));
    put_word(data, 4, std::uint16_t(512 * sectors_));
    put_word(data, 5, 512);
    put_word(data, 6, std::uint16_t(sectors_));
    put_text(data + 2 * 10, 20, serial_);
    put_word(data, 20, 3);    // buffer type, retired
    put_word(data, 21, 512);  // buffer size in sectors, retired
    put_word(data, 22, 4);
    put_text(data + 2 * 23, 8, version_);
    put_text(data + 2 * 27, 40, model_.empty() ? "QEMU HARDDISK" : model_);
    put_word(data, 47, std::uint16_t(0x8000 | kMostMultiple));
    put_word(data, 48, 1);
    put_word(data, 49, 0x0b00);  // IORDY, LBA, DMA
    put_word(data, 51, 0x0200);
    put_word(data, 52, 0x0200);
    put_word(data, 53, 0x0007);  // words 54–58, 64–70 and 88 hold
    put_word(data, 54, std::uint16_t(cylinders_));
    put_word(data, 55, std::uint16_t(current_heads_));
    put_word(data, 56, std::uint16_t(current_sectors_));
    put_words(data, 57, chs, 2);
    put_word(data, 59, multiple_ ? std::uint16_t(0x0100 | multiple_) : 0);
    put_words(data, 60, std::min(sectors, kMostShort), 2);
    const bool ultra = (dma_mode_ & 0x40) != 0;
    const unsigned chosen = 1u << (dma_mode_ & 7);
    put_word(data, 62, 7);
    put_word(data, 63, std::uint16_t(7 | (ultra ? 0 : chosen << 8)));
    put_word(data, 64, 3);                                                   // PIO 3 and 4
    for (unsigned word = 65; word <= 68; ++word) put_word(data, word, 120);  // ns of a cycle
    put_word(data, 80, 0x00f0);                                              // ATA/ATAPI-4 to -7
    put_word(data, 81, 0x0016);
    constexpr std::uint16_t kNop14 = 1 << 14;  // "these words hold"
    constexpr std::uint16_t kSmartSet = 1, kCache = 1 << 5;
    put_word(data, 82, kNop14 | kCache | kSmartSet);
    constexpr std::uint16_t kFlushes = 3 << 12, k48Bits = 1 << 10;
    put_word(data, 83, kNop14 | kFlushes | k48Bits);
    put_world_wide_name(data, wwn_);
    put_word(data, 85, std::uint16_t(kNop14 | (cache_on_ ? kCache : 0) | (smart_ ? kSmartSet : 0)));
    put_word(data, 86, kFlushes | k48Bits);
    put_word(data, 88, std::uint16_t(0x3f | (ultra ? chosen << 8 : 0)));
    put_word(data, 93, 0x600b);  // an 80-conductor cable, device 0
    put_words(data, 100, sectors, 4);
    if (discard_granularity_ != 0) {
        put_word(data, 105, kMostRangeSectors);
        put_word(data, 169, 1);  // TRIM
    }
    put_word(data, 106,
             std::uint16_t(0x6000 | blocks_exponent()));  // the word holds; sectors of a physical one
    put_word(data, 217, rotation_rate_);
    seal_identity(data);
    remaining_ = 0;
    out_ = false;
    data_in(kSector);
}

}  // namespace backplane::ide
