#include "storage.h"

#include "bus.h"

#include <backplane/text.h>

#include <algorithm>
#include <utility>

namespace backplane::usb {
namespace {

constexpr std::uint8_t kPacket = 64, kIn = 1, kOut = 2;
constexpr std::uint32_t kCommandSignature = 0x43425355, kStatusSignature = 0x53425355;
constexpr std::size_t kCommandSize = 31, kStatusSize = 13, kBlockAt = 15;
constexpr std::uint8_t kGood = 0, kFailed = 1, kPhaseError = 2;
constexpr std::uint16_t kReset = 0x21ff, kGetMaxLun = 0xa1fe;  // 3.1, 3.2, with bmRequestType ahead

std::vector<std::uint8_t> interface() {
    constexpr std::uint8_t kInterfaceType = 4, kEndpointType = 5, kMassStorage = 8, kScsi = 6,
                           kBulkOnly = 0x50, kBulk = 2;
    return {9,
            kInterfaceType,
            0,
            0,
            2,
            kMassStorage,
            kScsi,
            kBulkOnly,
            0,
            7,
            kEndpointType,
            0x80 | kIn,
            kBulk,
            kPacket,
            0,
            0,
            7,
            kEndpointType,
            kOut,
            kBulk,
            kPacket,
            0,
            0};
}

std::uint32_t little(Bytes bytes, unsigned at) {
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | std::uint32_t{bytes[at + 3]} << 24;
}

}  // namespace

Storage::Storage(Object& object) : Function(object) {
    StateTable& state = context_.state();
    describe(state, "stage", stage_, {.maximum = std::uint64_t(Stage::Stuck)});
    describe(state, "tag", tag_);
    describe(state, "expected", expected_);
    describe(state, "to_host", to_host_);
    describe(state, "result", result_, {.maximum = kPhaseError});
    describe(state, "offset", offset_);
    describe(state, "left", left_);
    describe_bytes<kBuffer>(state, "buffer", buffer_);
    describe(state, "position", position_, {.maximum = kBuffer});
    describe(state, "writing", writing_);
    describe(state, "sense_key", disk_.sense().key);
    describe(state, "sense_code", disk_.sense().code);
    describe(state, "sense_qualifier", disk_.sense().qualifier);
}

bool Storage::realize(Errors& errors) {
    if (!settle_disk(context_, drive_, errors)) return false;
    if (logical_block_size_ != ScsiDisk::kBlock) {
        errors.fail("logical_block_size must be 512 for disks on USB");
        return false;
    }
    const Str id = object_.id();
    if (!drive_->claim(id.empty() ? object_.type_name() : id, nullptr, errors)) return false;
    claimed_ = true;
    disk_.set_medium(drive_);
    disk_.set_identity(serial_, removable_);
    disk_.set_limits({.exponent = blocks_exponent(),
                      .least_transfer = min_io_size_ / logical_block_size_,
                      .best_transfer = opt_io_size_ / logical_block_size_,
                      .cache = caches_writes(*drive_)});
    const std::string number = serial_.empty() ? "1-0000:00:01.2-1" : serial_;
    descriptors_ = {device_descriptor(0, kPacket, 0x46f4, 0x0001, 3),
                    configuration_descriptor(interface(), false),
                    {"QEMU", "QEMU USB HARDDRIVE", number}};
    return true;
}

void Storage::unrealize() {
    drain();
    if (std::exchange(claimed_, false)) drive_->release();
}

bool Storage::after_load(Errors& errors) {
    if (position_ <= buffer_.size() && offset_ <= drive_->size() && left_ <= drive_->size() - offset_)
        return Function::after_load(errors);
    errors.fail("position, offset, left: not within the buffer or the medium");
    return false;
}

/// The buffer is the host's until it is done.
void Storage::drain() {
    const Draining draining(*this);
    while (busy_) drive_->drain();
}

void Storage::bus_reset() {
    drain();
    Function::bus_reset();
}

void Storage::start_over() {
    drain();
    stage_ = Stage::Command;
    expected_ = position_ = 0;
    left_ = 0;
    buffer_.clear();
    writing_ = false;
}

void Storage::boot_path(TextSink& out) const {
    const auto* place = static_cast<const FirmwarePlace*>(context_.bus(FirmwarePlace::kId));
    const auto* bus = static_cast<const BusPart*>(static_cast<const UsbBus*>(context_.bus(UsbBus::kId)));
    if (!place || !bus) return;
    TextBuffer path;
    if (!place->firmware_path(path)) return;
    std::string ports = bus->path_of(object_);
    // A hub on the way is a step of its own.
    std::string text;
    for (std::size_t dot; (dot = ports.find('.')) != std::string::npos; ports.erase(0, dot + 1))
        text += "/hub@" + ports.substr(0, dot);
    out.append(path.text() + text + "/storage@" + ports + "/channel@0/disk@0,0");
}

bool Storage::answer(const Request& request, std::vector<std::uint8_t>& reply) {
    if (request.id() != kGetMaxLun) return false;
    reply.push_back(0);
    return true;
}

bool Storage::take(const Request& request, Bytes) {
    if (request.id() != kReset) return false;
    start_over();
    return true;
}

UsbReply Storage::data_out(std::uint8_t endpoint, Bytes data) {
    if (endpoint != kOut) return {UsbHandshake::Stall, 0};
    if (busy_) return {UsbHandshake::Nak, 0};
    if (stage_ == Stage::Command) return command(data);
    if (stage_ == Stage::FromHost) return take_data(data);
    return {UsbHandshake::Stall, 0};
}

UsbReply Storage::data_in(std::uint8_t endpoint, MutableBytes room) {
    if (endpoint != kIn) return {UsbHandshake::Stall, 0};
    if (busy_) return {UsbHandshake::Nak, 0};
    if (stage_ == Stage::ToHost) return give_data(room);
    if (stage_ == Stage::Status) return give_status(room);
    return {stage_ == Stage::Stuck ? UsbHandshake::Stall : UsbHandshake::Nak, 0};
}

/// 5.1 and 6.2: what is a meaningful command wrapper.
UsbReply Storage::command(Bytes wrapper) {
    if (wrapper.size != kCommandSize || little(wrapper, 0) != kCommandSignature || wrapper[14] == 0 ||
        wrapper[14] > 16) {
        stage_ = Stage::Stuck;
        return {UsbHandshake::Stall, 0};
    }
    tag_ = little(wrapper, 4);
    expected_ = little(wrapper, 8);
    to_host_ = (wrapper[12] & 0x80) != 0;
    result_ = kGood;
    std::uint8_t block[16] = {};
    std::copy_n(wrapper.data + kBlockAt, wrapper[14], block);
    execute(wrapper[13] & 0xf, Bytes(block));
    return {UsbHandshake::Ack, 0};
}

void Storage::execute(unsigned unit, Bytes block) {
    buffer_.clear();
    position_ = 0;
    left_ = 0;
    writing_ = false;
    begin(disk_.command(unit, block));
    if (stage_ == Stage::Command)
        stage_ = expected_ == 0 ? Stage::Status : to_host_ ? Stage::ToHost : Stage::FromHost;
}

/// 6.7: the host says which way data goes, and how much; a command that wants it otherwise is a phase error.
void Storage::begin(ScsiAction action) {
    using Kind = ScsiAction::Kind;
    const bool gives = action.kind == Kind::Reply || action.kind == Kind::Read,
               takes = action.kind == Kind::Write;
    if ((gives && expected_ != 0 && !to_host_) || (takes && (to_host_ || expected_ == 0)) ||
        (action.kind == Kind::Read && expected_ == 0)) {
        result_ = kPhaseError;
        return;
    }
    offset_ = action.offset;
    left_ = std::min<std::uint64_t>(action.size, expected_);
    switch (action.kind) {
    case Kind::Failed: result_ = kFailed; return;
    case Kind::Reply:
        buffer_ = std::move(action.reply);
        buffer_.resize(std::min<std::size_t>(buffer_.size(), expected_));
        return;
    case Kind::Read: return read_on();
    case Kind::Write: writing_ = true; return;
    case Kind::Flush: return submit_next(BlockOperation::Flush, 0);
    case Kind::Done: return;
    }
}

void Storage::submit_next(BlockOperation block_operation, std::size_t bytes) {
    vector_ = {buffer_.data(), bytes};
    operation = block_operation;
    offset = offset_;
    size = bytes;
    vectors = bytes ? Slice<const IoVector>(&vector_, 1) : Slice<const IoVector>();
    busy_ = true;
    drive_->submit(*this);
}

void Storage::read_on() {
    buffer_.resize(std::min<std::uint64_t>(left_, kBuffer));
    position_ = 0;
    submit_next(BlockOperation::Read, buffer_.size());
}

void Storage::write_on() { submit_next(BlockOperation::Write, buffer_.size()); }

void Storage::done(BlockStatus status) {
    if (!takes(*this, status)) return;
    busy_ = false;
    const bool moved = operation != BlockOperation::Flush;
    if (moved) {
        offset_ += size;
        left_ -= std::min<std::uint64_t>(left_, size);
    }
    if (moved && writing_) {
        buffer_.clear();
        // Without a cache it is on the medium before the command ends.
        if (status == BlockStatus::Ok && left_ == 0 && !caches_writes(*drive_))
            return submit_next(BlockOperation::Flush, 0);
    }
    if (writing_ && expected_ == 0) stage_ = Stage::Status;
    if (status == BlockStatus::Ok) return;
    disk_.medium_failed(writing_);
    result_ = kFailed;
    if (operation == BlockOperation::Read) buffer_.clear();
    left_ = 0;
}

/// 6.7.2: what a command gives less than the host expects ends with a short packet, if need be an empty one.
UsbReply Storage::give_data(MutableBytes room) {
    if (position_ == buffer_.size() && left_ != 0) {
        read_on();
        if (busy_) return {UsbHandshake::Nak, 0};
    }
    const std::size_t give = std::min<std::size_t>(room.size, buffer_.size() - position_);
    std::copy_n(buffer_.begin() + std::ptrdiff_t(position_), give, room.data);
    position_ += std::uint32_t(give);
    expected_ -= std::uint32_t(std::min<std::size_t>(give, expected_));
    const bool last = position_ == buffer_.size() && left_ == 0;
    if (expected_ == 0 || (last && give < kPacket)) stage_ = Stage::Status;
    return {UsbHandshake::Ack, std::uint32_t(give)};
}

/// What the command does not take is taken all the same, and dropped.
UsbReply Storage::take_data(Bytes data) {
    expected_ -= std::uint32_t(std::min<std::size_t>(data.size, expected_));
    if (writing_ && left_ != 0) {
        const std::size_t room = std::min<std::uint64_t>(left_, kBuffer) - buffer_.size();
        buffer_.insert(buffer_.end(), data.begin(), data.begin() + std::min<std::size_t>(data.size, room));
        if (buffer_.size() == std::min<std::uint64_t>(left_, kBuffer)) {
            write_on();
            return {UsbHandshake::Ack, 0};
        }
    }
    if (expected_ == 0) stage_ = Stage::Status;
    return {UsbHandshake::Ack, 0};
}

/// 5.2: the residue is what the host expected, and did not get or give.
UsbReply Storage::give_status(MutableBytes room) {
    std::vector<std::uint8_t> bytes;
    for (const std::uint32_t word : {kStatusSignature, tag_, expected_}) {
        put16(bytes, word & 0xffff);
        put16(bytes, word >> 16);
    }
    bytes.push_back(result_);
    const std::size_t give = std::min<std::size_t>(room.size, kStatusSize);
    std::copy_n(bytes.begin(), give, room.data);
    stage_ = Stage::Command;
    return {UsbHandshake::Ack, std::uint32_t(give)};
}

}  // namespace backplane::usb
