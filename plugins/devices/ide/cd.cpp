#include "cd.h"

#include <algorithm>
#include <cstring>

namespace backplane::ide {
namespace {

constexpr std::size_t kPacketSize = 12;
constexpr std::uint32_t kBlock = 2048;     // bytes of a data block (mode 1)
constexpr std::uint32_t kRawBlock = 2352;  // with its synchronisation, header and correction
constexpr std::uint32_t kBlocksAtOnce = 32;
constexpr unsigned kFramesPerSecond = 75;
constexpr unsigned kPregap = 150;  // frames in front of block 0

// ATA commands of a packet device.
constexpr std::uint8_t kDeviceReset = 0x08, kDiagnostic = 0x90, kPacketCommand = 0xa0, kIdentifyPacket = 0xa1,
                       kIdentify = 0xec, kSetFeatures = 0xef, kIdleImmediate = 0xe1, kStandbyImmediate = 0xe0,
                       kCheckPower = 0xe5, kSleep = 0xe6;

// Interrupt reason (SFF-8020i 5.2, in the sector count register).
constexpr std::uint8_t kCommandPhase = 1, kToHost = 2;

// Sense keys and codes (SPC-3).
constexpr std::uint8_t kNoSense = 0, kNotReady = 2, kMediumError = 3, kIllegalRequest = 5, kUnitAttention = 6;
constexpr std::uint16_t kMediumNotPresent = 0x3a00, kInvalidCommand = 0x2000, kOutOfRange = 0x2100,
                        kInvalidField = 0x2400, kMediumChanged = 0x2800, kReset = 0x2900, kReadError = 0x1100,
                        kRemovalPrevented = 0x5302;

// Packet commands (MMC-3).
enum Operation : std::uint8_t {
    kTestUnitReady = 0x00,
    kRequestSense = 0x03,
    kInquiry = 0x12,
    kStartStop = 0x1b,
    kPreventRemoval = 0x1e,
    kReadCapacity = 0x25,
    kRead10 = 0x28,
    kSeek10 = 0x2b,
    kReadToc = 0x43,
    kGetConfiguration = 0x46,
    kGetEventStatus = 0x4a,
    kReadDiscInformation = 0x51,
    kModeSense10 = 0x5a,
    kRead12 = 0xa8,
    kSetSpeed = 0xbb,
    kMechanismStatus = 0xbd,
    kReadCd = 0xbe,
};

/// Those that are answered whatever the drive has to report first.
bool ignores_attention(std::uint8_t operation) {
    return operation == kRequestSense || operation == kInquiry || operation == kGetConfiguration ||
           operation == kGetEventStatus;
}
bool needs_medium(std::uint8_t operation) {
    switch (operation) {
    case kTestUnitReady:
    case kReadCapacity:
    case kRead10:
    case kRead12:
    case kReadCd:
    case kSeek10:
    case kReadToc:
    case kReadDiscInformation: return true;
    default: return false;
    }
}

void put_be(std::uint8_t* at, std::uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) at[i] = std::uint8_t(value >> 8 * (size - 1 - i));
}

/// Minute, second, frame of a block.
void put_msf(std::uint8_t* at, std::uint32_t block) {
    const std::uint32_t frame = block + kPregap;
    at[0] = std::uint8_t(frame / kFramesPerSecond / 60);
    at[1] = std::uint8_t(frame / kFramesPerSecond % 60);
    at[2] = std::uint8_t(frame % kFramesPerSecond);
}
std::uint8_t bcd(std::uint8_t value) { return std::uint8_t(value / 10 << 4 | value % 10); }

}  // namespace

struct CdDrive::Packet {
    std::array<std::uint8_t, kPacketSize> bytes;
    std::uint8_t operator[](std::size_t i) const { return bytes[i]; }
    std::uint32_t number(std::size_t at, unsigned size) const {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
        return value;
    }
};

CdDrive::CdDrive(Object& object) : DriveBase(object) {
    StateTable& state = context_.state();
    describe(state, "block", block_);
    describe(state, "remaining", remaining_);
    describe(state, "ready", ready_, {.maximum = 1 << 20});
    describe(state, "sent", sent_, {.maximum = 1 << 20});
    describe(state, "limit", limit_, {.maximum = 1 << 16});
    describe(state, "raw", raw_);
    describe(state, "awaiting_packet", awaiting_packet_);
    describe(state, "use_dma", use_dma_);
    describe(state, "locked", locked_);
    describe(state, "tray_open", tray_open_, 0, false);
    describe(state, "attention", attention_, 1);
    describe(state, "event", event_);
    describe(state, "sense_key", sense_key_, {.maximum = 15});
    describe(state, "sense_code", sense_code_);
    state.set_version(1, 0);
    describe(state, "new_medium", new_medium_, {.since = 1});
    describe(state, "removed", removed_, {.since = 1});
    describe(state, "eject_wished", eject_wished_, {.since = 1});
}

bool CdDrive::check(Errors& errors) {
    if (serial_.size() <= 20 && model_.size() <= 40 && version_.size() <= 8) return true;
    errors.fail("serial, model and ver have at most 20, 40 and 8 bytes");
    return false;
}

/// ATA/ATAPI-7, 9.12: what tells a packet device from a disk; it is not ready for commands of a disk's.
void CdDrive::signature() {
    task_.status = 0;
    TaskFile::set(task_.lba_mid, 0x14);
    TaskFile::set(task_.lba_high, 0xeb);
}

void CdDrive::forget_transfer() {
    remaining_ = ready_ = sent_ = 0;
    awaiting_packet_ = false;
}

std::uint32_t CdDrive::blocks() const {
    return std::uint32_t(std::min<std::uint64_t>(drive_->size() / kBlock, 0xffffffff));
}

// --- the ATA side ---

bool CdDrive::start_command(std::uint8_t command) {
    switch (command) {
    case kDeviceReset:
        reset_drive();
        task_.status = 0;  // until the next packet (SFF-8020i 5.4.2)
        return true;
    case kDiagnostic:
        reset_drive();
        raise();
        return true;
    case kPacketCommand: {
        use_dma_ = (TaskFile::now(task_.feature) & 1) != 0;
        limit_ = std::uint32_t(TaskFile::now(task_.lba_mid) | TaskFile::now(task_.lba_high) << 8);
        if (limit_ == 0 || limit_ == 0xffff) limit_ = 0xfffe;
        if (limit_ > 1) limit_ &= ~1u;
        awaiting_packet_ = true;
        TaskFile::set(task_.count, kCommandPhase);
        data_out(kPacketSize, false);
        return true;
    }
    case kIdentifyPacket: identify(); return true;
    case kIdentify:
        signature();
        return false;  // aborted, with the signature: that is how a host sees what it is
    case kSetFeatures:
    case kIdleImmediate:
    case kStandbyImmediate:
    case kSleep: succeed(); return true;
    case kCheckPower:
        TaskFile::set(task_.count, 0xff);
        succeed();
        return true;
    default: return false;
    }
}

void CdDrive::block_done() {
    if (awaiting_packet_) {
        awaiting_packet_ = false;
        return packet();
    }
    if (command_ != kPacketCommand) return;
    sent_ += end_;
    if (sent_ < ready_) send_part();
    else if (remaining_ > 0) next_part();
    else finish();
}

void CdDrive::packet() {
    Packet packet;
    std::memcpy(packet.bytes.data(), buffer_.data(), kPacketSize);
    ready_ = sent_ = remaining_ = 0;
    if (attention_ && !ignores_attention(packet[0])) {
        attention_ = false;
        return check_condition(kUnitAttention, kReset);
    }
    if (new_medium_ && medium() && !ignores_attention(packet[0])) {
        new_medium_ = false;
        return check_condition(kUnitAttention, kMediumChanged);
    }
    if (needs_medium(packet[0]) && !medium()) return check_condition(kNotReady, kMediumNotPresent);
    dispatch(packet);
}

/// The command is done, with its status.
void CdDrive::finish() {
    sense_key_ = kNoSense;
    sense_code_ = 0;
    TaskFile::set(task_.count, kCommandPhase | kToHost);
    succeed();
}

void CdDrive::check_condition(std::uint8_t key, std::uint16_t code) {
    sense_key_ = key;
    sense_code_ = code;
    remaining_ = ready_ = sent_ = 0;
    TaskFile::set(task_.count, kCommandPhase | kToHost);
    fail(std::uint8_t(key << 4 | (key == kIllegalRequest ? kAborted : 0)));
}

/// The answer is buffer_[0, size), of which the host wants `allocated` bytes at most.
void CdDrive::reply(std::size_t size, std::size_t allocated) {
    ready_ = std::uint32_t(std::min(size, allocated));
    sent_ = 0;
    if (ready_ == 0) return finish();
    if (use_dma_) want_dma();
    else send_part();
}

/// One PIO block of the answer, as large as the host allows.
void CdDrive::send_part() {
    const std::uint32_t size = std::min(limit_, ready_ - sent_);
    if (sent_ > 0) std::memmove(buffer_.data(), buffer_.data() + sent_, ready_ - sent_);
    ready_ -= sent_;
    sent_ = 0;
    TaskFile::set(task_.lba_mid, std::uint8_t(size));
    TaskFile::set(task_.lba_high, std::uint8_t(size >> 8));
    TaskFile::set(task_.count, kToHost);
    data_in(size);
}

void CdDrive::read_blocks(std::uint32_t block, std::uint32_t count, bool raw) {
    if (count == 0) return finish();
    if (block >= blocks() || count > blocks() - block) return check_condition(kIllegalRequest, kOutOfRange);
    block_ = block;
    remaining_ = count;
    raw_ = raw;
    if (use_dma_) want_dma();
    else next_part();
}

void CdDrive::next_part() {
    if (!medium()) return check_condition(kNotReady, kMediumNotPresent);
    const std::uint32_t count = raw_ ? 1 : std::min(kBlocksAtOnce, remaining_);
    submit(BlockOperation::Read, std::uint64_t{block_} * kBlock, std::size_t{count} * kBlock);
}

void CdDrive::request_done(BlockStatus status) {
    if (status != BlockStatus::Ok) return check_condition(kMediumError, kReadError);
    const std::uint32_t count = raw_ ? 1 : std::min(kBlocksAtOnce, remaining_);
    ready_ = count * kBlock;
    if (raw_) {
        // Mode 1 (ECMA-130, 14): synchronisation, address, mode, data; the correction codes are left 0.
        buffer_.resize(std::max<std::size_t>(buffer_.size(), kRawBlock));
        std::memmove(buffer_.data() + 16, buffer_.data(), kBlock);
        std::memset(buffer_.data(), 0xff, 12);
        buffer_[0] = buffer_[11] = 0;
        put_msf(buffer_.data() + 12, block_);
        for (unsigned i = 12; i < 15; ++i) buffer_[i] = bcd(buffer_[i]);
        buffer_[15] = 1;
        std::memset(buffer_.data() + 16 + kBlock, 0, kRawBlock - 16 - kBlock);
        ready_ = kRawBlock;
    }
    sent_ = 0;
    block_ += count;
    remaining_ -= count;
    if (use_dma_) run_dma();
    else send_part();
}

void CdDrive::run_dma() {
    if (ready_ > 0) {
        const std::uint32_t size = ready_;
        ready_ = 0;
        if (host_->dma_to_memory({buffer_.data(), size}) < size)
            return check_condition(kMediumError, kReadError);
    }
    if (remaining_ > 0) next_part();
    else finish();
}

// --- packet commands ---

void CdDrive::dispatch(const Packet& packet) {
    switch (packet[0]) {
    case kTestUnitReady:
    case kSeek10:
    case kSetSpeed: return finish();
    case kRequestSense: return request_sense(packet);
    case kInquiry: return inquiry(packet);
    case kStartStop: return start_stop(packet);
    case kPreventRemoval: locked_ = (packet[4] & 1) != 0; return finish();
    case kReadCapacity:
        buffer_.assign(8, 0);
        put_be(buffer_.data(), blocks() - 1, 4);
        put_be(buffer_.data() + 4, kBlock, 4);
        return reply(8, 8);
    case kRead10: return read_blocks(packet.number(2, 4), packet.number(7, 2), false);
    case kRead12: return read_blocks(packet.number(2, 4), packet.number(6, 4), false);
    case kReadCd: {
        const std::uint8_t parts = packet[9] & 0xf8;
        if (parts == 0) return finish();
        if (parts != 0x10 && parts != 0xf8) return check_condition(kIllegalRequest, kInvalidField);
        return read_blocks(packet.number(2, 4), packet.number(6, 3), parts == 0xf8);
    }
    case kReadToc: return read_toc(packet);
    case kGetConfiguration: return get_configuration(packet);
    case kGetEventStatus: return get_event_status(packet);
    case kReadDiscInformation: return read_disc_information(packet);
    case kModeSense10: return mode_sense(packet);
    case kMechanismStatus:
        buffer_.assign(8, 0);
        buffer_[5] = 1;  // one slot
        return reply(8, packet.number(8, 2));
    default: return check_condition(kIllegalRequest, kInvalidCommand);
    }
}

void CdDrive::request_sense(const Packet& packet) {
    buffer_.assign(18, 0);
    buffer_[0] = 0x70;
    buffer_[2] = sense_key_;
    buffer_[7] = 10;
    put_be(buffer_.data() + 12, sense_code_, 2);
    if (sense_key_ == kUnitAttention) attention_ = false;
    reply(18, packet[4]);
}

void CdDrive::inquiry(const Packet& packet) {
    constexpr std::size_t kSize = 36;
    if (packet[1] & 1) return check_condition(kIllegalRequest, kInvalidField);
    buffer_.assign(kSize, ' ');
    buffer_[0] = 5;     // a CD drive
    buffer_[1] = 0x80;  // its medium is removable
    buffer_[2] = 0;
    buffer_[3] = 0x21;
    buffer_[4] = kSize - 5;
    buffer_[5] = buffer_[6] = buffer_[7] = 0;
    std::memcpy(&buffer_[8], "QEMU", 4);
    std::memcpy(&buffer_[16], "QEMU DVD-ROM", 12);
    std::memcpy(&buffer_[32], version_.data(), std::min<std::size_t>(4, version_.size()));
    reply(kSize, packet[4]);
}

void CdDrive::mode_sense(const Packet& packet) {
    constexpr std::uint8_t kErrorRecovery = 0x01, kCapabilities = 0x2a, kAll = 0x3f;
    const std::uint8_t page = packet[2] & 0x3f;
    const std::uint8_t control = packet[2] >> 6;
    if (control == 3) return check_condition(kIllegalRequest, 0x3900);  // saved values
    if (page != kErrorRecovery && page != kCapabilities && page != kAll)
        return check_condition(kIllegalRequest, kInvalidField);
    buffer_.assign(8, 0);
    buffer_[2] = medium() ? 0x01 : 0x70;  // a 120 mm data CD; no disc
    if (page != kCapabilities) buffer_.insert(buffer_.end(), {kErrorRecovery, 6, 0, 5, 0, 0, 0, 0});
    if (page != kErrorRecovery) {
        const std::size_t at = buffer_.size();
        buffer_.resize(at + 22, 0);
        buffer_[at] = kCapabilities;
        buffer_[at + 1] = 20;
        buffer_[at + 2] = 0x3b;                                    // reads CD-R, CD-RW, DVD
        buffer_[at + 4] = 0x70;                                    // mode 2 forms, multi-session
        buffer_[at + 6] = std::uint8_t(0x29 | (locked_ ? 2 : 0));  // tray, eject, lock
        put_be(&buffer_[at + 8], 706, 2);                          // kB/s: 4 x
        put_be(&buffer_[at + 10], 2, 2);
        put_be(&buffer_[at + 12], 512, 2);  // kB of buffer
        put_be(&buffer_[at + 14], 706, 2);
    }
    put_be(buffer_.data(), buffer_.size() - 2, 2);
    reply(buffer_.size(), packet.number(7, 2));
}

/// One data track (MMC-3, 6.29): formats 0 (tracks), 1 (sessions), 2 (raw).
void CdDrive::read_toc(const Packet& packet) {
    const bool msf = (packet[1] & 2) != 0;
    const unsigned format = packet[2] & 15 ? packet[2] & 15u : packet[9] >> 6;
    const std::uint8_t first = packet[6];
    const auto place = [&](std::uint32_t block) {
        std::uint8_t bytes[4] = {};
        if (msf) put_msf(bytes + 1, block);
        else put_be(bytes, block, 4);
        buffer_.insert(buffer_.end(), bytes, bytes + 4);
    };
    constexpr std::uint8_t kDataTrack = 0x14, kLeadOut = 0xaa;
    switch (format) {
    case 0:
        if (first > 1 && first != kLeadOut) return check_condition(kIllegalRequest, kInvalidField);
        buffer_.assign({0, 0, 1, 1});
        if (first <= 1) {
            buffer_.insert(buffer_.end(), {0, kDataTrack, 1, 0});
            place(0);
        }
        buffer_.insert(buffer_.end(), {0, kDataTrack, kLeadOut, 0});
        place(blocks());
        break;
    case 1:
        buffer_.assign({0, 0, 1, 1, 0, kDataTrack, 1, 0});
        place(0);
        break;
    case 2:
        buffer_.assign({0, 0, 1, 1});
        for (const std::uint8_t point : {0xa0, 0xa1, 0xa2, 0x01}) {
            buffer_.insert(buffer_.end(), {1, kDataTrack, 0, point, 0, 0, 0, 0});
            std::uint8_t where[3] = {1, 0, 0};
            if (point == 0xa2) put_msf(where, blocks());
            if (point == 0x01) put_msf(where, 0);
            buffer_.insert(buffer_.end(), where, where + 3);
        }
        break;
    default: return check_condition(kIllegalRequest, kInvalidField);
    }
    put_be(buffer_.data(), buffer_.size() - 2, 2);
    reply(buffer_.size(), packet.number(7, 2));
}

void CdDrive::get_configuration(const Packet& packet) {
    constexpr std::uint16_t kCdRom = 8;
    buffer_.assign(8, 0);
    put_be(&buffer_[6], medium() ? kCdRom : 0, 2);
    // Features: profile list, core (ATAPI), removable medium (MMC-3, 5).
    buffer_.insert(buffer_.end(), {0, 0, 3, 4, 0, 8, std::uint8_t(medium() ? 1 : 0), 0});
    buffer_.insert(buffer_.end(), {0, 1, 3, 8, 0, 0, 0, 2, 0, 0, 0, 0});
    buffer_.insert(buffer_.end(), {0, 3, 3, 4, 0x29, 0, 0, 0});
    put_be(buffer_.data(), buffer_.size() - 4, 4);
    reply(buffer_.size(), packet.number(7, 2));
}

void CdDrive::get_event_status(const Packet& packet) {
    constexpr std::uint8_t kMedia = 4;
    constexpr std::uint8_t kEjectRequest = 1, kNewMedium = 2, kMediaRemoval = 3;       // MMC-3, table 89
    if ((packet[1] & 1) == 0) return check_condition(kIllegalRequest, kInvalidField);  // only polling
    buffer_.assign(8, 0);
    buffer_[3] = 1 << kMedia;
    if ((packet[4] & 1 << kMedia) == 0) {
        buffer_.resize(4);
        put_be(buffer_.data(), 2, 2);
        buffer_[2] = 0x80;  // no such class
        return reply(4, packet.number(7, 2));
    }
    put_be(buffer_.data(), 6, 2);
    buffer_[2] = kMedia;
    // One at a time, in the order in which they come: a wish, what it led to, what was put in then.
    bool* const reported = eject_wished_ ? &eject_wished_ : removed_ ? &removed_ : &event_;
    buffer_[4] = eject_wished_ ? kEjectRequest : removed_ ? kMediaRemoval : event_ ? kNewMedium : 0;
    buffer_[5] = std::uint8_t((medium() ? 2 : 0) | (tray_open_ ? 1 : 0));
    *reported = false;
    reply(8, packet.number(7, 2));
}

void CdDrive::read_disc_information(const Packet& packet) {
    buffer_.assign(34, 0);
    put_be(buffer_.data(), 32, 2);
    buffer_[2] = 0x0e;  // complete
    buffer_[3] = buffer_[4] = buffer_[5] = buffer_[6] = 1;
    buffer_[7] = 0x20;
    reply(34, packet.number(7, 2));
}

void CdDrive::start_stop(const Packet& packet) {
    const bool start = (packet[4] & 1) != 0;
    const bool eject = (packet[4] & 2) != 0;
    if (eject && !start && locked_) return check_condition(kNotReady, kRemovalPrevented);
    if (eject) move_tray(!start);
    finish();
}

void CdDrive::move_tray(bool open) {
    if (open == tray_open_) return;
    tray_open_ = open;
    const bool loaded = drive_ && drive_->size() > 0;
    if (open) {
        eject_wished_ = false;
        removed_ = loaded;
        event_ = false;
    } else if (loaded) {
        event_ = new_medium_ = true;
    }
    auto* watch = static_cast<MediumWatch*>(context_.host_interface(MediumWatch::kId));
    if (watch) watch->tray_moved(context_.object(), open);
}

/// What is taken out in the middle of a command is no longer there for it.
bool CdDrive::change_medium(BlockBackend* medium, Errors& errors) {
    const bool reading = under_way() || remaining_ > 0;
    if (!replace_medium(medium, errors)) return false;
    if (reading) check_condition(kNotReady, kMediumNotPresent);
    return true;
}

/// IDENTIFY PACKET DEVICE data (ACS, table 45).
void CdDrive::identify() {
    buffer_.assign(kSector, 0);
    std::uint8_t* data = buffer_.data();
    put_word(data, 0, 0x85c0);  // a CD drive, removable, packets of 12 bytes, DRQ within 50 us
    put_text(data + 2 * 10, 20, serial_);
    put_word(data, 20, 3);
    put_word(data, 21, 512);
    put_word(data, 22, 4);
    put_text(data + 2 * 23, 8, version_);
    put_text(data + 2 * 27, 40, model_.empty() ? "QEMU DVD-ROM" : model_);
    put_word(data, 48, 1);
    put_word(data, 49, 0x0b00);  // IORDY, LBA, DMA
    put_word(data, 53, 7);
    put_word(data, 62, 7);
    put_word(data, 63, 7);
    put_word(data, 64, 3);
    for (unsigned word = 65; word <= 68; ++word) put_word(data, word, 120);
    put_word(data, 71, 30);
    put_word(data, 72, 30);
    put_word(data, 80, 0x001e);
    put_word(data, 88, 0x203f);  // UDMA 5 is chosen
    if (wwn_ != 0) put_world_wide_name(data, wwn_);
    seal_identity(data);
    data_in(kSector);
}

}  // namespace backplane::ide
