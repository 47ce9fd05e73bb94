// The execution phase: sectors between the diskette and the host, one after the other.
#include "controller.h"
#include "status.h"

#include <algorithm>
#include <initializer_list>

namespace backplane::i82077 {
namespace {

constexpr std::uint32_t kIdSize =
    4;  // cylinder, head, sector, size code: what FORMAT TRACK is given for each

}  // namespace

bool Controller::is(std::uint8_t command) const { return (bytes_[0] & kOperation) == command; }
bool Controller::scans() const { return is(kScanEqual) || is(kScanLow) || is(kScanHigh); }
bool Controller::writes() const { return is(kWriteData) || is(kWriteDeleted) || is(kFormatTrack); }
bool Controller::from_host() const { return writes() || scans(); }
bool Controller::moves_data() const {
    return from_host() || is(kReadData) || is(kReadDeleted) || is(kReadTrack) || is(kVerify);
}
bool Controller::programmed_io() const { return load_ & kNonDmaMode; }
bool Controller::implied_seek() const { return configuration_ & kImpliedSeek; }
std::uint32_t Controller::unit_size() const { return is(kFormatTrack) ? kIdSize : kSector; }

// --- beginnings ---

void Controller::begin_transfer() {
    select();
    cylinder_ = bytes_[2];
    sector_ = is(kReadTrack) ? 1 : bytes_[4];
    last_sector_ = bytes_[6];
    remaining_ = is(kVerify) && bytes_[1] & kEnableCount ? bytes_[8] : 0;
    phase_ = Phase::Execution;
    offset_ = 0;
    terminal_count_ = false;
    if (implied_seek()) move_to(cylinder_);
    if (bytes_[3] != head_) return finish(kAbnormal, {kNoData});
    // No image holds deleted data: none is met, or all of it is passed over.
    if (is(kReadDeleted) && bytes_[0] & kSkip) return finish(kAbnormal, {kEndOfCylinder});
    start_sector();
}

void Controller::begin_format() {
    select();
    cylinder_ = tracks_[unit_];
    remaining_ = bytes_[3];
    phase_ = Phase::Execution;
    offset_ = 0;
    terminal_count_ = false;
    if (const auto failure = no_medium()) return finish(kAbnormal, *failure);
    if (selected()->read_only()) return finish(kAbnormal, {kNotWritable});
    if (remaining_ == 0) return finish(0, {0});
    data_ready();
}

/// The identifier that passes next.
void Controller::read_id() {
    select();
    cylinder_ = tracks_[unit_];
    if (const auto failure = no_medium()) return finish(kAbnormal, *failure);
    sector_ = std::uint8_t(sector_ % selected()->format()->sectors + 1);
    finish(0, {0});
}

// --- sectors ---

std::optional<Controller::Failure> Controller::no_medium() {
    FloppyDrive* at = selected();
    const Format* format = at ? at->format() : nullptr;
    if (!format || std::uint8_t(format->rate) != rate_ || tracks_[unit_] >= format->tracks ||
        head_ >= format->heads)
        return Failure{kMissingMark};
    return {};
}

std::optional<Controller::Failure> Controller::no_sector() {
    if (const auto failure = no_medium()) return failure;
    if (writes() && selected()->read_only()) return Failure{kNotWritable};
    if (cylinder_ != tracks_[unit_])
        return Failure{kNoData, std::uint8_t(cylinder_ == 0xff ? kBadCylinder : kWrongCylinder)};
    if (bytes_[5] != kSizeCode || sector_ == 0 || sector_ > selected()->format()->sectors)
        return Failure{kNoData};
    return {};
}

void Controller::start_sector() {
    if (const auto failure = no_sector()) return finish(kAbnormal, *failure);
    if (writes()) data_ready();
    else submit(BlockOperation::Read, sector_);
}

/// Looks again: between the sector's start and its data, another diskette may have come, or another machine's state.
void Controller::submit(BlockOperation operation, std::uint8_t sector) {
    if (const auto failure = no_medium()) return finish(kAbnormal, *failure);
    const Format& format = *selected()->format();
    if (sector == 0 || sector > format.sectors) return finish(kAbnormal, {kNoData});
    request_.operation = operation;
    request_.offset =
        kSector * ((std::uint64_t{tracks_[unit_]} * format.heads + head_) * format.sectors + sector - 1);
    request_.size = kSector;
    request_.vector = {buffer_.data(), kSector};
    request_.vectors = Slice<const IoVector>(&request_.vector, 1);
    request_.medium = &selected()->medium();
    request_.under_way = true;
    request_.forgotten = false;
    request_.medium->submit(request_);
}

/// An image that is shorter than its format has no sectors there.
void Controller::request_done(BlockStatus status) {
    if (status == BlockStatus::OutOfRange) return finish(kAbnormal, {kNoData});
    if (status == BlockStatus::ReadOnly) return finish(kAbnormal, {kNotWritable});
    if (status != BlockStatus::Ok) return finish(kAbnormal, {kDataError, kErrorInData});
    if (writes() || is(kVerify)) return sector_done();
    satisfied_ = equal_ = true;
    data_ready();
}

// --- data ---

void Controller::data_ready() {
    ready_ = true;
    if (programmed_io()) raise();
    else if (channel_) channel_->set_request(1);
}

std::uint32_t Controller::transfer(IsaDmaChannel& channel, std::uint32_t position, std::uint32_t length) {
    if (phase_ != Phase::Execution || !ready_ || programmed_io()) {
        channel.set_request(0);
        return position;
    }
    const std::uint32_t size = std::min(length - position, unit_size() - offset_);
    std::uint32_t moved = 0;
    if (from_host()) {
        std::array<std::uint8_t, kSector> bytes;
        moved = channel.read(position, {bytes.data(), size});
        take({bytes.data(), moved});
    } else {
        moved = channel.write(position, {buffer_.data() + offset_, size});
        offset_ += moved;
    }
    data_moved(position + moved >= length);
    return position + moved;
}

/// Bytes of the host's: for the diskette, or to be compared with it. FFh stands for any byte (5.1.8).
void Controller::take(Bytes bytes) {
    constexpr std::uint8_t kAny = 0xff;
    for (const std::uint8_t byte : bytes) {
        std::uint8_t& own = buffer_[offset_++];
        if (!scans()) {
            own = byte;
            continue;
        }
        if (own == byte || own == kAny || byte == kAny) continue;
        equal_ = false;
        if (is(kScanEqual) || (is(kScanLow) && own > byte) || (is(kScanHigh) && own < byte))
            satisfied_ = false;
    }
}

void Controller::data_moved(bool terminal_count) {
    if (offset_ < unit_size() && !terminal_count) {
        if (programmed_io()) raise();
        return;
    }
    ready_ = false;
    if (channel_) channel_->set_request(0);
    terminal_count_ = terminal_count;
    const std::uint32_t filled = offset_;
    offset_ = 0;
    if (is(kFormatTrack)) return filled == kIdSize ? format_sector() : finish(0, {0});
    if (!writes()) return sector_done();
    std::fill(buffer_.begin() + filled, buffer_.end(), std::uint8_t{0});
    submit(BlockOperation::Write, sector_);
}

/// Only what the image's format has can be written.
void Controller::format_sector() {
    if (const auto failure = no_medium()) return finish(kAbnormal, *failure);
    const std::uint8_t sector = buffer_[2];
    const bool fits = buffer_[0] == tracks_[unit_] && buffer_[1] == head_ && buffer_[3] == kSizeCode &&
                      bytes_[2] == kSizeCode && sector != 0 && sector <= selected()->format()->sectors;
    if (!fits) {
        context_.log().guest_error("format", "a track was formatted with sectors that the image has not");
        return sector_done();
    }
    buffer_.fill(bytes_[5]);
    submit(BlockOperation::Write, sector);
}

// --- ends ---

void Controller::sector_done() {
    if (is(kFormatTrack)) {
        if (--remaining_ == 0 || terminal_count_) return finish(0, {0});
        return data_ready();
    }
    if (scans() && satisfied_) return finish(0, {0, std::uint8_t(equal_ ? kScanHit : 0)});
    const bool counted_out = remaining_ != 0 && --remaining_ == 0;
    const bool more = advance();
    // What is there is not deleted: READ DELETED DATA ends with the first sector.
    if (is(kReadDeleted)) return finish(0, {0, kControlMark});
    if (terminal_count_ || counted_out) return finish(0, {0});
    if (more) return start_sector();
    if (is(kVerify) || is(kReadTrack)) return finish(0, {0});
    if (scans()) return finish(0, {0, kScanMissed});
    finish(kAbnormal, {kEndOfCylinder});
}

/// To the next sector, as the table of the result phase has it (5.1.1). False: the cylinder ends here.
bool Controller::advance() {
    const std::uint8_t step = scans() && bytes_[8] == 2 ? 2 : 1;
    const bool last =
        sector_ == last_sector_ || (sector_ < last_sector_ && last_sector_ - sector_ < int{step});
    if (!last) {
        sector_ = std::uint8_t(sector_ + step);
        return true;
    }
    sector_ = 1;
    if (bytes_[0] & kMultiTrack) {
        head_ ^= 1;
        if (head_ == 1) return true;
    }
    ++cylinder_;
    return false;
}

void Controller::finish(std::uint8_t interrupt_code, Failure status) {
    const std::uint8_t size = is(kReadId) ? kSizeCode : is(kFormatTrack) ? bytes_[2] : bytes_[5];
    ready_ = false;
    offset_ = 0;
    if (channel_) channel_->set_request(0);
    reply({std::uint8_t(interrupt_code | selection()), status.st1, status.st2, cylinder_, head_, sector_,
           size});
    raise();
}

}  // namespace backplane::i82077
