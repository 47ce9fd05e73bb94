#include "drive.h"

#include "bus.h"

#include <algorithm>
#include <cstring>

namespace backplane::ide {

DriveBase::DriveBase(Object& object) : context_(device_context(object)) {
    StateTable& state = context_.state().group({.name = "drive"});
    describe(state, "feature", task_.feature);
    describe(state, "count", task_.count);
    describe(state, "lba_low", task_.lba_low);
    describe(state, "lba_mid", task_.lba_mid);
    describe(state, "lba_high", task_.lba_high);
    describe(state, "device", task_.device);
    describe(state, "status", task_.status);
    describe(state, "error", task_.error);
    describe_bytes<1 << 20>(state, "buffer", buffer_);
    describe(state, "position", position_);
    describe(state, "end", end_);
    describe(state, "transfer", transfer_, {.maximum = 2});
    describe(state, "dma", dma_);
    describe(state, "interrupt", interrupt_);
    describe(state, "command", command_);
}

void DriveBase::boot_path(TextSink& out) const {
    const auto* place = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
    const auto* bus = static_cast<const IdeBus*>(context_.bus(IdeBus::kId));
    if (place && bus && place->firmware_path(out))
        out.append("/disk@" + std::to_string(bus->unit_of(context_.object())));
}

bool DriveBase::realize(Errors& errors) {
    if (!check(errors) || !settle_disk(context_, drive_, errors)) return false;
    if (logical_block_size_ != kSector) {
        errors.fail("logical_block_size must be 512 for IDE");
        return false;
    }
    if (drive_ && !claim(*drive_, errors)) return false;
    realized_ = true;
    return true;
}

bool DriveBase::claim(BlockBackend& medium, Errors& errors) {
    const Str id = context_.object().id();
    claimed_ = medium.claim(id.empty() ? context_.object().type_name() : id, nullptr, errors);
    return claimed_;
}

bool DriveBase::replace_medium(BlockBackend* medium, Errors& errors) {
    if (realized_) {
        BlockBackend* const before = claimed_ ? drive_ : nullptr;
        if (medium && medium != before && !claim(*medium, errors)) {
            claimed_ = before != nullptr;
            return false;
        }
        forget_request();
        if (before && before != medium) before->release();
        claimed_ = medium != nullptr;
    }
    drive_ = medium;
    set_disk_node(medium);
    return true;
}

void DriveBase::unrealize() {
    drain();
    if (claimed_) drive_->release();
    claimed_ = realized_ = false;
}

void DriveBase::reset(ResetPhase phase) {
    if (phase != ResetPhase::Enter) return;
    drain();
    reset_drive();
}

void DriveBase::drain() {
    const Draining draining(*this);
    while (request_.under_way && drive_) drive_->drain();
}

/// What the disk has of it stays; its buffer must be free before anything else uses it.
void DriveBase::forget_request() {
    request_.forgotten = true;
    drain();
}

void DriveBase::before_save() { drain(); }

bool DriveBase::after_load(Errors& errors) {
    if (end_ > buffer_.size() || position_ > end_) {
        errors.fail("the transfer is longer than its buffer");
        return false;
    }
    return true;
}

void DriveBase::clear_interrupt() {
    if (!interrupt_) return;
    interrupt_ = false;
    if (host_) host_->interrupt_changed();
}

void DriveBase::raise() {
    interrupt_ = true;
    if (host_) host_->interrupt_changed();
}

void DriveBase::reset_drive() {
    forget_request();
    transfer_ = Transfer::None;
    position_ = end_ = 0;
    if (dma_ && host_) host_->dma_ended();
    dma_ = false;
    forget_transfer();
    task_ = {};
    task_.error = 1;  // ATA-7: diagnostic code "device 0 passed"
    TaskFile::set(task_.count, 1);
    TaskFile::set(task_.lba_low, 1);
    task_.status = kReady | kSeekComplete;
    signature();
    clear_interrupt();
}

void DriveBase::execute(std::uint8_t command) {
    if (task_.status & (kBusy | kDataRequest) && command != 0x08) return;  // ATA-7: the command is ignored
    clear_interrupt();
    command_ = command;
    task_.error = 0;
    transfer_ = Transfer::None;
    if (!start_command(command)) fail(kAborted);
}

void DriveBase::data_in(std::size_t size) {
    transfer_ = Transfer::In;
    position_ = 0;
    end_ = std::uint32_t(size);
    task_.status = kReady | kSeekComplete | kDataRequest;
    raise();
}

void DriveBase::data_out(std::size_t size, bool interrupt) {
    if (buffer_.size() < size) buffer_.resize(size);
    transfer_ = Transfer::Out;
    position_ = 0;
    end_ = std::uint32_t(size);
    task_.status = kReady | kSeekComplete | kDataRequest;
    if (interrupt) raise();
}

void DriveBase::succeed(bool interrupt) {
    transfer_ = Transfer::None;
    if (dma_ && host_) host_->dma_ended();
    dma_ = false;
    task_.status = kReady | kSeekComplete;
    if (interrupt) raise();
}

void DriveBase::fail(std::uint8_t error) {
    transfer_ = Transfer::None;
    if (dma_ && host_) host_->dma_ended();
    dma_ = false;
    task_.error = error;
    task_.status = kReady | kSeekComplete | kError;
    raise();
}

void DriveBase::want_dma() {
    dma_ = true;
    task_.status = kReady | kSeekComplete | kDataRequest;
    if (host_) host_->dma_wanted();
}

void DriveBase::start_dma() {
    if (!dma_ || request_.under_way) return;
    run_dma();
}

void DriveBase::stop_dma() {
    if (!dma_) return;
    forget_request();
    dma_ = false;
    forget_transfer();
    task_.status = kReady | kSeekComplete;
}

std::uint32_t DriveBase::read_data(unsigned size, bool debug) {
    std::uint32_t value = 0;
    if (transfer_ != Transfer::In || (task_.status & kDataRequest) == 0) return 0;
    const std::size_t count = std::min<std::size_t>(size, end_ - position_);
    std::memcpy(&value, buffer_.data() + position_, count);
    if (debug) return value;
    position_ += std::uint32_t(count);
    if (position_ == end_) {
        transfer_ = Transfer::None;
        task_.status = kReady | kSeekComplete;
        block_done();
    }
    return value;
}

void DriveBase::write_data(std::uint32_t value, unsigned size) {
    if (transfer_ != Transfer::Out || (task_.status & kDataRequest) == 0) return;
    const std::size_t count = std::min<std::size_t>(size, end_ - position_);
    std::memcpy(buffer_.data() + position_, &value, count);
    position_ += std::uint32_t(count);
    if (position_ == end_) {
        transfer_ = Transfer::None;
        busy();
        block_done();
    }
}

void DriveBase::submit(BlockOperation operation, std::uint64_t offset, std::size_t size) {
    if (operation == BlockOperation::Read && buffer_.size() < size) buffer_.resize(size);
    busy();
    request_.operation = operation;
    request_.offset = offset;
    request_.size = size;
    request_.vector = {buffer_.data(), size};
    const bool moves = operation == BlockOperation::Read || operation == BlockOperation::Write;
    request_.vectors = moves ? Slice<const IoVector>(&request_.vector, 1) : Slice<const IoVector>{};
    request_.under_way = true;
    request_.forgotten = false;
    drive_->submit(request_);
}

void DriveBase::Request::done(BlockStatus status) {
    if (!drive_.takes(*this, status)) return;
    under_way = false;
    if (!forgotten) drive_.request_done(status);
}

void put_word(std::uint8_t* data, unsigned word, std::uint16_t value) {
    data[2 * word] = std::uint8_t(value);
    data[2 * word + 1] = std::uint8_t(value >> 8);
}

void put_words(std::uint8_t* data, unsigned word, std::uint64_t value, unsigned words) {
    for (unsigned i = 0; i < words; ++i) put_word(data, word + i, std::uint16_t(value >> 16 * i));
}

void put_text(std::uint8_t* words, std::size_t count, std::string_view text) {
    for (std::size_t i = 0; i < count; ++i)
        words[i ^ 1] = i < text.size() ? std::uint8_t(text[i]) : std::uint8_t(' ');
}

void put_world_wide_name(std::uint8_t* data, std::uint64_t name) {
    constexpr std::uint16_t kHolds = 1 << 14, kNamed = 1 << 8;
    const auto features = std::uint16_t(kHolds | (name ? kNamed : 0));
    put_word(data, 84, features);
    put_word(data, 87, features);
    if (name == 0) return;
    for (unsigned i = 0; i < 4; ++i) put_word(data, 108 + i, std::uint16_t(name >> (48 - 16 * i)));
}

void seal_identity(std::uint8_t* data) {
    constexpr std::uint8_t kSignature = 0xa5;
    data[510] = kSignature;
    unsigned sum = 0;
    for (unsigned i = 0; i < 511; ++i) sum += data[i];
    data[511] = std::uint8_t(0u - sum);
}

}  // namespace backplane::ide
